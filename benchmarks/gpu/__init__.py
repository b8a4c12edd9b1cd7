"""Checks, timings and evidence on a machine with a GPU and without a network: see gpu.md."""
