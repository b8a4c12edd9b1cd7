"""What predictions on a sample say of one classifier on all fresh data."""
