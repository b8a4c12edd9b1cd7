"""Eq. (9) for K classes put to fitted classifiers."""
