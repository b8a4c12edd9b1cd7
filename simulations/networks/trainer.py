"""Training of networks by stochastic gradient descent: one loop, for one network or for many.

What a step minimises is a function of the minibatch's logits and labels
(`learnprop.simulations.networks.criteria`). Along the way it adds up the gradient in the output
bias, which E9 knows from the two ends of the path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from learnprop.simulations.networks.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from learnprop.simulations.networks.image_batches import ResidentImages, draw_epoch, image_batch
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import HEAD, Replicas, logits

MinibatchLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""``(logits (n_networks, n, n_classes), labels (n_networks, n)) -> (n_networks,)``, what a step
minimises."""

Visit = Callable[[int], dict[Any, Any]]
"""``(epoch) -> measurements``, tensors in nested dicts, kept with the path."""


@dataclass
class Trajectory:
    """How far a training is, and what was met on the way. Grows with it.

    Attributes
    ----------
    epoch, n_steps : int
        Finished.
    visits : dict of int to dict
        What `Visit` returned, by epoch.
    first_bias, gradient_sum : tensor of float64, shape (n_networks, n_classes)
        Output bias at the start; sum over steps of the minibatch gradient in it.
    loss : tensor of float64, shape (n_networks,)
        Mean minibatch loss of the last epoch, as trained.
    diverged : tensor of int, shape (n_networks,)
        Epoch in which the loss stopped being finite; 0 where it never did.
    """

    first_bias: torch.Tensor
    gradient_sum: torch.Tensor
    loss: torch.Tensor
    diverged: torch.Tensor
    epoch: int = 0
    n_steps: int = 0
    visits: dict[int, dict[Any, Any]] = field(default_factory=dict)


def train(
    networks: Replicas,
    images: ResidentImages,
    labels: torch.Tensor,
    rows: torch.Tensor,
    loss: MinibatchLoss,
    recipe: Recipe,
    rngs: Sequence[np.random.Generator],
    *,
    visit: Visit | None = None,
    visit_at: Sequence[int] = (),
    checkpoint: Checkpoint | None = None,
) -> tuple[Trajectory, torch.optim.Optimizer]:
    """Train networks in place, each on its own sample.

    Parameters
    ----------
    networks : Replicas
    images : ResidentImages
        That the samples are drawn from, on the device of the networks.
    labels : tensor of int, shape (n_images,)
    rows : tensor of int, shape (n_networks, n_samples)
        Numbers of the images of each network's sample.
    loss : callable
        What a step minimises, of each network.
    recipe : Recipe
    rngs : sequence of numpy.random.Generator
        One per network, for the order of its samples and for augmentation.
    visit : callable ``(epoch) -> nested dict of tensors``, optional
        Measures the networks; called after each epoch of `visit_at`, counted from 1.
    visit_at : sequence of int
    checkpoint : Checkpoint, optional
        Where an unfinished training is kept; one that is there is resumed.

    Returns
    -------
    path : Trajectory
    optimiser : torch.optim.Optimizer
        With its momenta.
    """
    n_samples, device = rows.shape[1], rows.device
    optimiser = _optimiser(networks, recipe)
    path = _start(networks)
    if checkpoint is not None:
        load_checkpoint(checkpoint, networks.state, optimiser, path)
    each = torch.arange(len(networks), device=device)[:, None]
    autocast = (
        torch.autocast(device.type, dtype=torch.bfloat16)
        if recipe.precision == "bf16"
        else nullcontext()
    )
    bias = networks.head_bias
    for epoch in range(recipe.epochs):
        order, moves = draw_epoch(rngs, n_samples, augment=recipe.augment)
        if epoch < path.epoch:  # resumed: what was drawn then is passed over
            continue
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate(epoch)
        order, moves = order.to(device), None if moves is None else moves.to(device)
        networks.template.train()
        total = torch.zeros_like(path.loss)
        for first in range(0, n_samples, recipe.batch_size):
            batch = slice(first, first + recipe.batch_size)
            chosen = rows[each, order[:, batch]]
            x = image_batch(images, chosen, None if moves is None else moves[:, batch])
            with autocast:
                z = logits(networks, x)
            value = loss(z.to(bias.dtype), labels[chosen])
            optimiser.zero_grad()
            value.sum().backward()
            assert bias.grad is not None
            path.gradient_sum += bias.grad
            optimiser.step()
            total += value.detach()
            path.n_steps += 1
        path.epoch = epoch + 1
        path.loss = total / math.ceil(n_samples / recipe.batch_size)
        path.diverged[(path.diverged == 0) & ~torch.isfinite(path.loss)] = path.epoch
        if visit is not None and path.epoch in visit_at:
            networks.template.eval()
            path.visits[path.epoch] = visit(path.epoch)
        if bool((path.diverged > 0).all()):
            break
        if checkpoint is not None:
            save_checkpoint(
                checkpoint, networks.state, optimiser, path, path.epoch == recipe.epochs
            )
    networks.template.eval()
    return path, optimiser


def _optimiser(networks: Replicas, recipe: Recipe) -> torch.optim.Optimizer:
    decayed = [p for name, p in networks.parameters.items() if name != HEAD[1]]
    return torch.optim.SGD(
        [
            {"params": decayed, "weight_decay": recipe.weight_decay},
            {
                "params": [networks.head_bias],
                "weight_decay": recipe.weight_decay if recipe.decay_bias else 0.0,
            },
        ],
        lr=recipe.lr,
        momentum=recipe.momentum,
        fused=True,
    )


def _start(networks: Replicas) -> Trajectory:
    bias = networks.head_bias.detach().double().clone()
    zero = torch.zeros(len(networks), dtype=torch.float64, device=bias.device)
    return Trajectory(bias, torch.zeros_like(bias), zero, zero.long())


def path_gradients(
    networks: Replicas, path: Trajectory, optimiser: torch.optim.Optimizer, recipe: Recipe
) -> tuple[torch.Tensor, torch.Tensor]:
    r"""Mean minibatch gradient in the output bias along the path, and what E9 says that it is.

    .. math:: \frac{1}{T} \sum_t g_t
              = \frac{1}{T} \Big( (1 - \mu) \frac{b_0 - b_T}{\eta} + \mu v_T \Big)

    for a constant rate η and momentum μ, v_T the last momentum: exact up to rounding, converged or
    not.

    Parameters
    ----------
    networks : Replicas
        After `train`.
    path : Trajectory
    optimiser : torch.optim.Optimizer
    recipe : Recipe

    Returns
    -------
    mean, identity : tensor of float64, shape (n_networks, n_classes)
        NaN identity where the rate is not constant or the bias is decayed.
    """
    mean = path.gradient_sum / path.n_steps
    decays = recipe.decay_bias and recipe.weight_decay > 0
    if recipe.schedule != "constant" or decays:
        return mean, torch.full_like(mean, float("nan"))
    bias = networks.head_bias
    moved = (path.first_bias - bias.detach().double()) / recipe.lr
    last: Any = optimiser.state[bias].get("momentum_buffer")
    momentum = torch.zeros_like(moved) if last is None else last.double()
    mu = recipe.momentum
    return mean, ((1 - mu) * moved + mu * momentum) / path.n_steps
