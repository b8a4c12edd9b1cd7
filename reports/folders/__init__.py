"""What is done with a folder that `--out` wrote."""
