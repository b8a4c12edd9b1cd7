"""Report of the gap on fresh data."""
