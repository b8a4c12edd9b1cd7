"""scikit-learn's way to draw: `BalanceDisplay`."""
