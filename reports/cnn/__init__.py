"""Reports of trained networks."""
