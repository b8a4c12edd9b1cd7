"""Gradient norms at the start of a training, by which losses are brought to one step size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np
import torch

from learnprop.equations.losses.gradient_factor import squared_norms
from learnprop.simulations.networks.image_batches import draw_epoch, image_batch
from learnprop.simulations.networks.members import Member, Pool, starting_networks
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import logits
from learnprop.simulations.networks.steps import MinibatchLoss

MATCHED_OVER = 20
"""Minibatches whose gradients are compared."""


def gradient_norms_at_start(
    model: str,
    pool: Pool,
    members: Sequence[Member],
    recipe: Recipe,
    losses: Sequence[MinibatchLoss],
) -> torch.Tensor:
    """Root mean square of the minibatch gradient's norm in all parameters, before the first step.

    Parameters
    ----------
    model : str
    pool : Pool
    members : sequence of Member
    recipe : Recipe
        The minibatches are the first that it trains with.
    losses : sequence of callable

    Returns
    -------
    tensor of float64, shape (n_losses, n_networks)
    """
    networks = starting_networks(model, pool, members, recipe)
    networks.template.train()
    rows = torch.as_tensor(np.stack([m.rows["train"] for m in members]), device=pool.labels.device)
    each = torch.arange(len(members), device=rows.device)[:, None]
    order, moves = draw_epoch(
        [np.random.default_rng(m.order) for m in members], rows.shape[1], augment=recipe.augment
    )
    order = order.to(rows.device)  # at once: a device waits for every copy
    moves = None if moves is None else moves.to(rows.device)
    squares = torch.zeros(len(losses), len(members), dtype=torch.float64, device=rows.device)
    firsts = list(islice(range(0, rows.shape[1], recipe.batch_size), MATCHED_OVER))
    parameters = list(networks.parameters.values())
    for first in firsts:
        batch = slice(first, first + recipe.batch_size)
        chosen = rows[each, order[:, batch]]
        moved = None if moves is None else moves[:, batch]
        z = logits(networks, image_batch(pool.images, chosen, moved))
        for i, loss in enumerate(losses):
            gradients = torch.autograd.grad(
                loss(z, pool.labels[chosen]).sum(), parameters, retain_graph=True
            )
            squares[i] += squared_norms(gradients)
    return (squares / len(firsts)).sqrt()
