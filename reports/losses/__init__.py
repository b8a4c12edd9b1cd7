"""Reports of the comparison of losses."""
