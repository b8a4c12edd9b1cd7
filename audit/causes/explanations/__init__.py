"""Explanations of a residual: class masses, and what else is minimised, as equations in P."""
