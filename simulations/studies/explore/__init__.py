"""A grid of imbalance ratios and λ."""
