"""Table 1: Eq. (10) for the paper's two simulations."""
