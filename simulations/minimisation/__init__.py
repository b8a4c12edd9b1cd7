"""Convex losses: Newton's method, and whether there is a minimum at all."""
