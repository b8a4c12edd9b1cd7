// Replaced by the display.
