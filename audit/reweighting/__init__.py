"""From the class masses that a classifier acts upon to others."""
