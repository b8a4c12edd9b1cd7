"""Class weights for a target."""
