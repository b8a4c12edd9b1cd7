"""Stages that are computed here, a process each: ``python -m benchmarks.gpu.stages NAME``."""
