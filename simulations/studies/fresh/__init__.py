"""The gap on fresh data: predicted, observed and repaired, by features per training sample."""
