"""Callbacks of training loops, a file for each library, which it imports."""
