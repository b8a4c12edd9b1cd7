r"""What networks are trained to minimise: Eq. (1) with class weights, or one of `LOSSES`.

Of a loss per sample, a minibatch of size B has

.. math:: \frac{1}{B} \sum_{i \in batch} \frac{N \lambda_{y_i}}{\sum w}\, \ell_i ,

normalised by constants, never by the weights that are in the minibatch, so that the whole sample
is trained with the λ that were asked for (E8). LGL-INR is Eq. (11) of each minibatch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from learnprop.equations.losses.loss import ChosenLoss
from learnprop.equations.losses.softmax import weighted_softmax_loss
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.steps import MinibatchLoss
from learnprop.simulations.networks.training import Criterion, Member, Pool
from learnprop.simulations.records.measure import measure
from learnprop.simulations.refinement.sigmoid_bias import refine_sigmoid_bias
from learnprop.simulations.refinement.softmax_bias import refine_bias
from learnprop.simulations.refinement.stages import (
    LayerObjective,
    OutputLayer,
    Samples,
    Stage,
    all_stages,
    as_trained,
    logits_of,
    status_of,
)


def class_weighted(pool: Pool, members: Sequence[Member], recipe: Recipe) -> Criterion:
    """Softmax loss of Eq. (1) with the class weights of each member.

    Parameters
    ----------
    pool : Pool
    members : sequence of Member
        With training samples of one size.
    recipe : Recipe

    Returns
    -------
    Criterion
        Gradients are over the total mass.
    """
    objectives = [_objective(pool, m, recipe) for m in members]
    share = torch.stack([o.class_share for o in objectives])
    n_samples = len(members[0].rows)
    return Criterion(
        loss=weighted_cross_entropy(
            (share * n_samples).to(pool.images.mean.dtype), recipe.batch_size
        ),
        unit=_per_epoch(n_samples, recipe) * torch.ones_like(share[:, :1]),
        as_trained=lambda i, samples, layer: as_trained(samples, layer, objectives[i]),
        all_stages=lambda i, samples, layer: all_stages(samples, layer, objectives[i]),
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
    return lambda z, y: (
        weighted_softmax_loss(z, y, class_weight, reduction="sum", validate=False) / batch_size
    )


def criterion_of(
    loss: ChosenLoss, n_samples: int, recipe: Recipe, factor: torch.Tensor
) -> Criterion:
    """One of `learnprop.equations.losses.LOSSES`, times a factor for each network.

    Parameters
    ----------
    loss : ChosenLoss
    n_samples : int
        Of training.
    recipe : Recipe
    factor : tensor, shape (n_networks,)

    Returns
    -------
    Criterion
        Gradients are without the factor; of a loss per sample, over the number of samples. The
        output bias is refined where the loss states a balance.
    """
    values = loss.minibatch_loss(recipe.batch_size)
    unit = _per_epoch(n_samples, recipe) if loss.kind.per_sample else 1.0

    def all_stages(_: int, samples: Samples, layer: OutputLayer) -> list[Stage]:
        raw = stage_of_loss(loss, samples, layer)
        return [raw, _refined(loss, samples, layer)] if loss.kind.balance else [raw]

    return Criterion(
        loss=lambda z, y: factor.to(z.dtype) * values(z, y),
        unit=unit / factor[:, None].double(),
        as_trained=lambda _, samples, layer: stage_of_loss(loss, samples, layer),
        all_stages=all_stages,
        splits=("test",),
    )


def stage_of_loss(
    loss: ChosenLoss, samples: Samples, layer: OutputLayer, name: str = "raw"
) -> Stage:
    """Measure a network as it is.

    Parameters
    ----------
    loss : ChosenLoss
    samples : mapping of split to Evaluated
        Loss and gradient are on "train", NaN without it.
    layer : OutputLayer
    name : str
        Of the stage.

    Returns
    -------
    Stage
    """
    logits = {split: logits_of(sample, layer) for split, sample in samples.items()}
    activation = loss.kind.activation
    measured = {
        split: measure(samples[split].labels.cpu().numpy(), z.cpu().numpy(), activation)
        for split, z in logits.items()
    }
    value, gradient = float("nan"), np.full(len(layer.bias), np.nan)
    if "train" in measured:
        z, labels = logits["train"], samples["train"].labels
        value = float(loss.minibatch_loss(len(z))(z, labels))
        if loss.kind.balance:
            train = measured["train"]
            count = train.class_count.astype(float)
            gradient = -loss.residual(train.mean_proba, train.miss_proba, count)
        else:
            gradient = _bias_gradient(loss, z, labels)
    return Stage(
        name=name,
        status=status_of(gradient),
        loss=value,
        bias=layer.bias.cpu().numpy(),
        bias_gradient=gradient,
        measured=measured,
    )


def _bias_gradient(loss: ChosenLoss, z: torch.Tensor, labels: torch.Tensor) -> FloatArray:
    """Gradient in the output bias of a loss that states no balance."""
    moved = torch.zeros_like(z[0], requires_grad=True)
    with torch.enable_grad():
        # Of tensors made in inference mode autograd takes clones only.
        value = loss.minibatch_loss(len(z))(z.clone() + moved, labels.clone())
    return torch.autograd.grad(value, moved)[0].cpu().numpy()


def _refined(loss: ChosenLoss, samples: Samples, layer: OutputLayer) -> Stage:
    """Refine the output bias on the whole training sample: Eq. (8) or E10 becomes exact."""
    labels = samples["train"].labels
    z = logits_of(samples["train"], OutputLayer(layer.weight, torch.zeros_like(layer.bias)))
    if loss.kind.activation == "softmax":
        share = torch.full_like(layer.bias, 1 / len(z))
        (bias,), (n_iter,) = refine_bias(z[None], labels, share[None], layer.bias[None])
    else:
        count = np.bincount(labels.cpu().numpy(), minlength=len(layer.bias)).astype(float)
        equation = loss.bias_equation(count)
        (bias,), (n_iter,) = refine_sigmoid_bias(z[None], labels, *equation, layer.bias[None])
    stage = stage_of_loss(loss, samples, OutputLayer(layer.weight, bias), "bias")
    return replace(stage, n_iter=int(n_iter))


def _objective(pool: Pool, member: Member, recipe: Recipe) -> LayerObjective:
    """What a training minimises, over the total mass of its sample."""
    labels = pool.labels[torch.as_tensor(member.rows, device=pool.labels.device)]
    weight = torch.as_tensor(member.class_weight, dtype=torch.float64, device=labels.device)
    # Each step adds the decay once: over an epoch it counts as often as there are steps.
    decay = recipe.weight_decay * _per_epoch(len(labels), recipe)
    return LayerObjective(
        class_share=weight / weight[labels].sum(),
        penalty=decay,
        bias_penalty=decay if recipe.decay_bias else 0.0,
    )


def _per_epoch(n_samples: int, recipe: Recipe) -> float:
    """Sizes that the minibatches of an epoch should have, over what they have: the last is less."""
    return math.ceil(n_samples / recipe.batch_size) * recipe.batch_size / n_samples
