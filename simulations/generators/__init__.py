"""Where samples come from: distributions, and files of a user."""
