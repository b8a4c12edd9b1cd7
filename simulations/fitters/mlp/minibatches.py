"""Minibatch training of many small networks at once, as an ordinary user would, and stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch

from learnprop.simulations.engine.within import tell

MinibatchLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""``(theta, rows) -> loss``: parameters (n_runs * n_settings, n_params), the samples of the
minibatch of each replication (n_runs, size), and the sum of all networks' losses."""


def train_adam(
    loss: MinibatchLoss,
    start: torch.Tensor,
    *,
    n_samples: int,
    epochs: int,
    rngs: Sequence[np.random.Generator],
    batch_size: int = 64,
    learning_rate: float = 1e-3,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Train all layers by minibatch Adam.

    Every λ setting of a replication sees the same minibatches.

    Parameters
    ----------
    loss : callable ``(theta, rows) -> tensor``
        Divided by a constant, never by the weights that are in the minibatch.
    start : tensor, shape (n_runs * n_settings, n_params)
    n_samples : int
    epochs : int
    rngs : sequence of numpy.random.Generator
        One per replication, for the order of its samples.
    batch_size : int
    learning_rate : float

    Returns
    -------
    theta : tensor, shape (n_runs * n_settings, n_params)
    n_iter : tensor of int, shape (n_runs * n_settings,)
        Epochs.

    References
    ----------
    Kingma and Ba (2015), ICLR; torch.optim.Adam.
    """
    theta = start.clone().requires_grad_()
    optimiser = torch.optim.Adam([theta], lr=learning_rate)
    for epoch in range(epochs):
        tell(f"epoch {epoch} of {epochs} done")
        order = np.stack([rng.permutation(n_samples) for rng in rngs])
        for rows in torch.as_tensor(order, device=theta.device).split(batch_size, dim=1):
            value = loss(theta, rows)
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
    return theta.detach(), torch.full((len(theta),), epochs, device=theta.device)
