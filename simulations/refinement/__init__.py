"""Output layers of trained networks brought to their minimum: bias, or all of it."""
