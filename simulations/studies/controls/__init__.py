"""Negative and positive controls of Eq. (9)."""
