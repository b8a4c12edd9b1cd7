"""One step of stochastic gradient descent of stacked networks: what a CUDA graph captures.

Shapes are static, nothing is read by the host, and every tensor that lives on after the step is one
of the stack, which is moved in place.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from learnprop.simulations.networks.image_batches import image_batch
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import HEAD
from learnprop.simulations.networks.stacked.layers import Operation
from learnprop.simulations.networks.stacked.state import Stack
from learnprop.simulations.networks.steps import MinibatchLoss, TrainingData, descend


def step(
    stack: Stack,
    operations: Sequence[Operation],
    data: TrainingData,
    loss: MinibatchLoss,
    recipe: Recipe,
    size: int,
) -> None:
    """Train on the next samples of the epoch.

    Parameters
    ----------
    stack : Stack
    operations : sequence of callable
        From images to logits.
    data : TrainingData
    loss : callable
    recipe : Recipe
    size : int
        Of the minibatch.
    """
    at = stack.first + torch.arange(size, device=stack.first.device)
    chosen = stack.numbers.index_select(1, at)
    moves = None if stack.moves is None else stack.moves.index_select(1, at)
    x = image_batch(data.images, chosen, moves).movedim(-3, -1)
    parameters = {name: p.detach().requires_grad_() for name, p in stack.parameters.items()}
    state = parameters | stack.buffers
    for operation in operations:
        x = operation(state, x)
    value = loss(x, data.labels[chosen])
    gradients = torch.autograd.grad(value.sum(), list(parameters.values()))
    stack.loss_sum.add_(value.detach())
    by_name = dict(zip(parameters, gradients, strict=True))
    stack.gradient_sum.add_(by_name[HEAD[1]])
    descend(stack.parameters, stack.momenta, by_name, stack.rate, recipe)
    stack.first.add_(size)
