"""Cells, blocks, workers, seeds and replay: how any study is computed."""
