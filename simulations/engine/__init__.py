"""Cells, blocks, workers, seeds and replay: how any study is computed."""

BACKENDS = ("loky", "threading", "sequential", "dask")
"""Of joblib: processes, threads, none, a cluster."""
