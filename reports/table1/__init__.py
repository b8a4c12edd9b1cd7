"""Reports of Table 1."""
