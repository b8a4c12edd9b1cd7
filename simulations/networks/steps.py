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

    optimiser = _optimiser(parameters, recipe, path)
    bias = parameters[HEAD[1]]
    n_samples, device = data.rows.shape[1], data.rows.device
    each = torch.arange(len(networks), device=device)[:, None]
    autocast = (
        torch.autocast(device.type, dtype=torch.bfloat16)
        if recipe.precision == "bf16"
        else nullcontext()
    )

    def epoch(order: torch.Tensor, moves: torch.Tensor | None, lr: float) -> torch.Tensor:
        for group in optimiser.param_groups:
            group["lr"] = lr
        networks.template.train()
        order = order.to(device)
        moves = None if moves is None else moves.to(device)
        total = torch.zeros_like(path.loss)
        for first in range(0, n_samples, recipe.batch_size):
            batch = slice(first, first + recipe.batch_size)
            chosen = data.rows[each, order[:, batch]]
            x = image_batch(data.images, chosen, None if moves is None else moves[:, batch])
            with autocast:
                z = forward(x)
            value = loss(z.to(bias.dtype), data.labels[chosen])
            optimiser.zero_grad()
            value.sum().backward()
            assert bias.grad is not None
            path.gradient_sum += bias.grad
            optimiser.step()
            total += value.detach()
        networks.template.eval()
        return total / math.ceil(n_samples / recipe.batch_size)

    return epoch


def _optimiser(
    parameters: Mapping[str, torch.Tensor], recipe: Recipe, path: Trajectory
) -> torch.optim.Optimizer:
    """SGD of the networks' parameters, with the momenta of the path."""
    bias_decay = recipe.weight_decay if recipe.decay_bias else 0.0
    spared = bias_decay != recipe.weight_decay
    of_bias = [HEAD[1]] if spared else []
    groups = [
        {"params": [p for n, p in parameters.items() if n not in of_bias],
         "weight_decay": recipe.weight_decay},
        *({"params": [parameters[n]], "weight_decay": bias_decay} for n in of_bias),
    ]  # fmt: skip
    optimiser = torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, fused=True)
    for name, parameter in parameters.items():
        momentum = path.momenta[name]
        alone = momentum.ndim > parameter.ndim
        optimiser.state[parameter]["momentum_buffer"] = momentum[0] if alone else momentum
    return optimiser
