"""Epochs of gradient descent, the obvious way: forward, autograd, `torch.optim.SGD`.

One network is an ordinary module; of several, forward passes are batched by vmap. On a GPU, where
either is slow, `learnprop.simulations.networks.stacked` takes its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch

from learnprop.simulations.networks.image_batches import ResidentImages, image_batch
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import HEAD, Replicas, logits, ordinary

MinibatchLoss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""``(logits (n_networks, n, n_classes), labels (n_networks, n)) -> (n_networks,)``, what a step
minimises."""

Epoch = Callable[[torch.Tensor, torch.Tensor | None, float], torch.Tensor]
"""``(order, moves, learning rate) -> mean minibatch loss of each network, as trained``, float64.

Order and moves are those of `learnprop.simulations.networks.image_batches.draw_epoch`, on the
processor or the device. Moves the networks, `Trajectory.momenta` and `Trajectory.gradient_sum` in
place, which are up to date when it returns.
"""


@dataclass
class Trajectory:
    """How far a training is, and what was met on the way. Grows with it.

    Attributes
    ----------
    first_bias, gradient_sum : tensor of float64, shape (n_networks, n_classes)
        Output bias at the start; sum over steps of the minibatch gradient in it.
    loss : tensor of float64, shape (n_networks,)
        Mean minibatch loss of the last epoch, as trained.
    diverged : tensor of int, shape (n_networks,)
        Epoch in which the loss stopped being finite; 0 where it never did.
    momenta : dict of str to tensor
        Of every parameter, by its name, in its shape.
    epoch, n_steps : int
        Finished.
    visits : dict of int to dict
        What a visit of the networks measured, by epoch.
    """

    first_bias: torch.Tensor
    gradient_sum: torch.Tensor
    loss: torch.Tensor
    diverged: torch.Tensor
    momenta: dict[str, torch.Tensor]
    epoch: int = 0
    n_steps: int = 0
    visits: dict[int, dict[Any, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingData:
    """Samples that networks are trained on.

    Attributes
    ----------
    images : ResidentImages
    labels : tensor of int, shape (n_images,)
    rows : tensor of int, shape (n_networks, n_samples)
        Numbers of the images of each network's sample.
    """

    images: ResidentImages
    labels: torch.Tensor
    rows: torch.Tensor


def eager_epoch(
    networks: Replicas, data: TrainingData, loss: MinibatchLoss, recipe: Recipe, path: Trajectory
) -> Epoch:
    """Make an epoch that goes minibatch by minibatch, an operator at a time.

    Parameters
    ----------
    networks : Replicas
    data : TrainingData
        On the device of the networks.
    loss : callable
        What a step minimises, of each network.
    recipe : Recipe
    path : Trajectory

    Returns
    -------
    callable
        See `Epoch`.
    """
    parameters: Mapping[str, torch.Tensor]
    if len(networks) == 1:
        network = ordinary(networks)
        parameters = dict(network.named_parameters())

        def forward(x: torch.Tensor) -> torch.Tensor:
            z: torch.Tensor = network(x.squeeze(0))
            return z.unsqueeze(0)
    else:
        parameters = networks.parameters

        def forward(x: torch.Tensor) -> torch.Tensor:
            return logits(networks, x)

    momenta = {
        name: path.momenta[name].view_as(parameter) for name, parameter in parameters.items()
    }
    dtype = networks.head_bias.dtype
    n_samples, device = data.rows.shape[1], data.rows.device
    autocast = (
        torch.autocast(device.type, dtype=torch.bfloat16)
        if recipe.precision == "bf16"
        else nullcontext()
    )

    def epoch(order: torch.Tensor, moves: torch.Tensor | None, lr: float) -> torch.Tensor:
        networks.template.train()
        numbers = data.rows.gather(1, order.to(device).long())
        moves = None if moves is None else moves.to(device)
        total = torch.zeros_like(path.loss)
        for first in range(0, n_samples, recipe.batch_size):
            batch = slice(first, first + recipe.batch_size)
            chosen = numbers[:, batch]
            x = image_batch(data.images, chosen, None if moves is None else moves[:, batch])
            with autocast:
                z = forward(x)
            value = loss(z.to(dtype), data.labels[chosen])
            found = torch.autograd.grad(value.sum(), list(parameters.values()))
            gradients = dict(zip(parameters, found, strict=True))
            path.gradient_sum += gradients[HEAD[1]]
            descend(parameters, momenta, gradients, lr, recipe)
            total += value.detach()
        networks.template.eval()
        return total / math.ceil(n_samples / recipe.batch_size)

    return epoch


@torch.no_grad()
def descend(
    parameters: Mapping[str, torch.Tensor],
    momenta: Mapping[str, torch.Tensor],
    gradients: Mapping[str, torch.Tensor],
    rate: float | torch.Tensor,
    recipe: Recipe,
) -> None:
    """Move momenta and parameters in place as `torch.optim.SGD` does.

    Which takes 0.2 ms of Python a step, of 8 that a step of CNN2C takes.

    Parameters
    ----------
    parameters, momenta, gradients : mapping of str to tensor
        By the names of the parameters.
    rate : float, or tensor of shape ()
        Learning rate.
    recipe : Recipe
    """
    if recipe.weight_decay:
        decayed = [name for name in parameters if recipe.decay_bias or name != HEAD[1]]
        sums = torch._foreach_add(
            [gradients[name] for name in decayed],
            [parameters[name] for name in decayed],
            alpha=recipe.weight_decay,
        )
        gradients = {**gradients, **dict(zip(decayed, sums, strict=True))}
    moved = [gradients[name] for name in parameters]
    if recipe.momentum:
        kept = [momenta[name] for name in parameters]
        torch._foreach_mul_(kept, recipe.momentum)
        torch._foreach_add_(kept, moved)
        moved = kept
    torch._foreach_sub_(list(parameters.values()), torch._foreach_mul(moved, rate))
