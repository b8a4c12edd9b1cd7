"""Boosted trees: what their weights do, and their start."""
