"""Eq. (9) of networks trained on images."""
