"""Predictions as a user has them, made moments within each true class."""
