"""Stored quantities: rows of a block, and the SQLite file that keeps them."""
