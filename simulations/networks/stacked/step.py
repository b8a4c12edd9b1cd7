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
from learnprop.simulations.networks.steps import MinibatchLoss, TrainingData


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
    _descend(stack, dict(zip(parameters, gradients, strict=True)), recipe)
    stack.first.add_(size)


def _descend(stack: Stack, gradients: dict[str, torch.Tensor], recipe: Recipe) -> None:
    """Move momenta and parameters as `torch.optim.SGD` does."""
    stack.gradient_sum.add_(gradients[HEAD[1]])
    if recipe.weight_decay:
        decayed = [n for n in gradients if recipe.decay_bias or n != HEAD[1]]
        sums = torch._foreach_add(
            [gradients[n] for n in decayed],
            [stack.parameters[n] for n in decayed],
            alpha=recipe.weight_decay,
        )
        gradients = gradients | dict(zip(decayed, sums, strict=True))
    names = list(gradients)
    momenta = [stack.momenta[n] for n in names]
    torch._foreach_mul_(momenta, recipe.momentum)
    torch._foreach_add_(momenta, [gradients[n] for n in names])
    moves = torch._foreach_mul(momenta, stack.rate)
    torch._foreach_sub_([stack.parameters[n] for n in names], moves)
