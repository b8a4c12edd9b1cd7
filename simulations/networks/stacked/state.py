"""What a step of stacked networks reads and moves, in memory that stays where it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import Replicas
from learnprop.simulations.networks.steps import TrainingData, Trajectory


@dataclass(frozen=True)
class Stack:
    """Networks in training, and their epoch.

    Attributes
    ----------
    parameters, momenta, buffers : dict of str to tensor
        By their names in the network, as `packed`.
    gradient_sum : tensor of float64, shape (n_networks, n_classes)
        Of `Trajectory`.
    loss_sum : tensor of float64, shape (n_networks,)
        Over the steps of this epoch.
    rate : tensor, shape ()
        Learning rate.
    numbers : tensor of int, shape (n_networks, n_samples)
        Of the images, in the order of this epoch.
    moves : tensor of int, shape (n_networks, n_samples, 3), or None
        Of the images, with augmentation.
    first : tensor of int, shape (1,)
        Samples of this epoch that are behind.
    """

    parameters: dict[str, torch.Tensor]
    momenta: dict[str, torch.Tensor]
    buffers: dict[str, torch.Tensor]
    gradient_sum: torch.Tensor
    loss_sum: torch.Tensor
    rate: torch.Tensor
    numbers: torch.Tensor
    moves: torch.Tensor | None
    first: torch.Tensor


def make_stack(networks: Replicas, data: TrainingData, recipe: Recipe, path: Trajectory) -> Stack:
    """Make room for a training, with what it is now.

    Parameters
    ----------
    networks : Replicas
    data : TrainingData
    recipe : Recipe
    path : Trajectory

    Returns
    -------
    Stack
        Its order is that of the samples.
    """

    def room(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {
            name: torch.empty_like(packed(t.detach()), memory_format=torch.contiguous_format)
            for name, t in tensors.items()
        }

    stack = Stack(
        parameters=room(networks.parameters),
        momenta=room(networks.parameters),
        buffers=room(networks.buffers),
        gradient_sum=torch.empty_like(path.gradient_sum),
        loss_sum=torch.zeros_like(path.loss),
        rate=networks.head_bias.new_zeros(()),
        numbers=data.rows.clone(memory_format=torch.contiguous_format),
        moves=data.rows.new_zeros((*data.rows.shape, 3)) if recipe.augment else None,
        first=data.rows.new_zeros(1),
    )
    load(stack, networks, path)
    return stack


@torch.no_grad()
def load(stack: Stack, networks: Replicas, path: Trajectory) -> None:
    """Put the stack where the networks are, before an epoch's first sample."""
    for ours, theirs in _pairs(stack, networks, path):
        ours.copy_(theirs)
    stack.loss_sum.zero_()
    stack.first.zero_()


@torch.no_grad()
def store(stack: Stack, networks: Replicas, path: Trajectory) -> None:
    """Put the networks where the stack is."""
    for ours, theirs in _pairs(stack, networks, path):
        theirs.copy_(ours)


def packed(tensor: torch.Tensor) -> torch.Tensor:
    """View of a parameter, or of anything like it, in the layout of the products.

    Parameters
    ----------
    tensor : tensor
        As the network alone has it, one more axis before the others.

    Returns
    -------
    tensor
        Kernels channels last, matrices transposed, others as they are.

    Examples
    --------
    >>> packed(torch.zeros(7, 50, 20, 5, 4)).shape, packed(torch.zeros(7, 10, 800)).shape
    (torch.Size([7, 50, 5, 4, 20]), torch.Size([7, 800, 10]))
    """
    if tensor.ndim == 5:
        return tensor.movedim(2, -1)
    return tensor.mT if tensor.ndim == 3 else tensor


def _pairs(
    stack: Stack, networks: Replicas, path: Trajectory
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Tensors of the stack, each with the one that it stands for, laid out alike."""
    for ours, theirs in (
        (stack.parameters, networks.parameters),
        (stack.momenta, path.momenta),
        (stack.buffers, networks.buffers),
    ):
        for name, tensor in ours.items():
            yield tensor, packed(theirs[name])
    yield stack.gradient_sum, path.gradient_sum
