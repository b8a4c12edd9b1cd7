"""Leaving one sample out at a time: what a fit would have predicted of it as of a fresh one."""
