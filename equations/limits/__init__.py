"""Limits of large samples by quadrature, and predictions for finite ones."""
