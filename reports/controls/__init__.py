"""Reports of the controls."""
