"""Predictions in a user's file, read piece by piece, or refused."""
