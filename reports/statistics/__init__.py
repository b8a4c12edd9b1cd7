"""From stored measurements to estimates, intervals and verdicts."""
