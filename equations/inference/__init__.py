"""What samples say: errors, intervals and tests, over runs and of one model."""
