"""PyTorch: an output bias refined, a monitor of the balance, callbacks of training loops."""
