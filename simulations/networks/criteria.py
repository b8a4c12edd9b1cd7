r"""What networks are trained to minimise: Eq. (1) with class weights, or one of `LOSSES`.

Of a loss per sample, a minibatch of size B has

.. math:: \frac{1}{B} \sum_{i \in batch} \frac{N \lambda_{y_i}}{\sum w}\, \ell_i ,

normalised by constants, never by the weights that are in the minibatch, so that the whole sample
is trained with the λ that were asked for (E8). LGL-INR is Eq. (11) of each minibatch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from learnprop.equations.losses.loss import ChosenLoss
from learnprop.equations.losses.softmax import minibatch_loss
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.steps import MinibatchLoss
from learnprop.simulations.refinement.objectives import LayerObjective, OfLoss, WeightedSoftmax


@dataclass(frozen=True)
class Criterion:
    """What networks are trained to minimise, and what is measured of them.

    Attributes
    ----------
    loss : callable
        Of a minibatch, of each network (`learnprop.simulations.networks.steps.MinibatchLoss`).
    unit : tensor of float64, shape (n_networks, 1)
        By which a minibatch's gradient is multiplied where it is recorded.
    objective : LayerObjective
        The same as a function of the output layers.
    stages : tuple of str
        After the last epoch.
    on_the_way : tuple of str
        Splits that are measured after earlier epochs.
    """

    loss: MinibatchLoss
    unit: torch.Tensor
    objective: LayerObjective
    stages: tuple[str, ...]
    on_the_way: tuple[str, ...]


def joined(criteria: Sequence[tuple[Criterion, int]]) -> MinibatchLoss:
    """Minibatch loss of networks of several criteria in one stack: each of so many networks."""
    if len(criteria) == 1:
        return criteria[0][0].loss
    ends = np.cumsum([n for _, n in criteria]).tolist()
    parts = [slice(end - n, end) for end, (_, n) in zip(ends, criteria, strict=True)]
    return lambda z, y: torch.cat(
        [c.loss(z[part], y[part]) for part, (c, _) in zip(parts, criteria, strict=True)]
    )


def class_weighted(
    class_weight: torch.Tensor,
    train_size: Sequence[int],
    recipe: Recipe,
    stages: Sequence[str],
    *,
    dtype: torch.dtype = torch.float32,
) -> Criterion:
    """Softmax loss of Eq. (1) with the class weights of each network.

    Parameters
    ----------
    class_weight : tensor of float64, shape (n_networks, n_classes)
        λ.
    train_size : sequence of int, shape (n_classes,)
    recipe : Recipe
    stages : sequence of str
    dtype : torch.dtype
        Of training.

    Returns
    -------
    Criterion
        Gradients are over the total mass.
    """
    n_samples = sum(train_size)
    mass = class_weight * class_weight.new_tensor(train_size)
    total = mass.sum(dim=1, keepdim=True)
    # Each step adds the decay once: over an epoch it counts as often as there are steps.
    decay = recipe.weight_decay * _per_epoch(n_samples, recipe)
    return Criterion(
        loss=weighted_cross_entropy(
            (class_weight / total * n_samples).to(dtype), recipe.batch_size
        ),
        unit=_per_epoch(n_samples, recipe) * torch.ones_like(total),
        objective=WeightedSoftmax(
            mass / total, penalty=decay, bias_penalty=decay if recipe.decay_bias else 0.0
        ),
        stages=tuple(stages),
        on_the_way=("train", "test"),
    )


def weighted_cross_entropy(class_weight: torch.Tensor, batch_size: int) -> MinibatchLoss:
    """Class-weighted softmax loss of Eq. (1) of minibatches, over the size that they should have.

    Parameters
    ----------
    class_weight : tensor, shape (n_networks, n_classes)
        λ of each network's classes, of mean one over its sample.
    batch_size : int

    Returns
    -------
    callable

    Examples
    --------
    >>> loss = weighted_cross_entropy(torch.tensor([[1.0, 3.0]]), 2)
    >>> loss(torch.zeros(1, 2, 2), torch.tensor([[0, 1]])) / math.log(2)
    tensor([2.])
    """
    return lambda z, y: minibatch_loss(z, y, batch_size, class_weight)


def of_loss(
    loss: ChosenLoss,
    n_samples: int,
    recipe: Recipe,
    factor: torch.Tensor,
    stages: Sequence[str],
) -> Criterion:
    """One of `learnprop.equations.losses.LOSSES`, times a factor for each network.

    Parameters
    ----------
    loss : ChosenLoss
    n_samples : int
        Of training.
    recipe : Recipe
    factor : tensor, shape (n_networks,)
    stages : sequence of str

    Returns
    -------
    Criterion
        Gradients are without the factor; of a loss per sample, over the number of samples.
    """
    values = loss.minibatch_loss(recipe.batch_size)
    unit = _per_epoch(n_samples, recipe) if loss.kind.per_sample else 1.0
    return Criterion(
        loss=lambda z, y: factor.to(z.dtype) * values(z, y),
        unit=unit / factor[:, None].double(),
        objective=OfLoss(loss),
        stages=tuple(stages),
        on_the_way=("test",),
    )


def _per_epoch(n_samples: int, recipe: Recipe) -> float:
    """Sizes that the minibatches of an epoch should have, over what they have: the last is less."""
    return math.ceil(n_samples / recipe.batch_size) * recipe.batch_size / n_samples
