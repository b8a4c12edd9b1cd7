"""Reports of a grid of imbalance ratios and λ."""
