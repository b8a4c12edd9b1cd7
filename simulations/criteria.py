r"""What networks are trained to minimise: Eq. (1) with class weights, and the losses of Table 3.

Of a loss per sample, a minibatch of size B has

.. math:: \frac{1}{B} \sum_{i \in batch} \frac{N \lambda_{y_i}}{\sum w}\, \ell_i ,

normalised by constants, never by the weights that are in the minibatch, so that the whole sample
is trained with the λ that were asked for (E8). LGL-INR is Eq. (11) of each minibatch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from equations.balance import residual
from equations.in_negative import in_negative_residual
from equations.losses import lgl_inr_loss, one_vs_all_logistic_loss, weighted_softmax_loss
from equations.mean_proba import Activation, FloatArray
from simulations.fitters.output_bias import refine_bias
from simulations.fitters.sigmoid_bias import (
    equal_log_weights,
    hardness_log_weights,
    refine_sigmoid_bias,
)
from simulations.measure import measure
from simulations.network_training import Criterion, Member, Pool
from simulations.recipe import Recipe
from simulations.stages import (
    Objective,
    OutputLayer,
    Samples,
    Stage,
    all_stages,
    as_trained,
    logits_of,
    status_of,
)
from simulations.trainer import Loss

LOSSES = ("lgl", "sml", "lgl-inr")
"""As the paper calls them: one-vs-all logistic, softmax, in-negative-class reweighted logistic."""


@dataclass(frozen=True)
class PaperLoss:
    """One of the paper's losses.

    Attributes
    ----------
    name : {"lgl", "sml", "lgl-inr"}
    beta : float
        Of LGL-INR.
    """

    name: str
    beta: float = 1.0

    @property
    def activation(self) -> Activation:
        """Of the outputs."""
        return "softmax" if self.name == "sml" else "sigmoid"

    def values(self, batch_size: int) -> Loss:
        """Loss of minibatches: of one per sample the sum over the size that they should have."""
        if self.name == "lgl-inr":
            return lambda z, y: lgl_inr_loss(z, y, self.beta, validate=False)
        per_sample = weighted_softmax_loss if self.name == "sml" else one_vs_all_logistic_loss
        return lambda z, y: per_sample(z, y, reduction="sum", validate=False) / batch_size

    def residual(self, mean_proba: FloatArray, miss: FloatArray, count: FloatArray) -> FloatArray:
        """Residual of Eq. (9), under LGL-INR of E10: minus the loss's gradient in the output bias.

        Parameters
        ----------
        mean_proba : ndarray, shape (..., n_classes, n_classes)
        miss : ndarray, shape (..., n_classes)
        count : ndarray, shape (n_classes,)
            Class sizes of training.

        Returns
        -------
        ndarray, shape (..., n_classes)
            Of Eq. (9) over the number of samples.
        """
        if self.name == "lgl-inr":
            return in_negative_residual(mean_proba, miss, self.beta)
        return residual(mean_proba, count / count.sum(), miss)


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


def weighted_cross_entropy(class_weight: torch.Tensor, batch_size: int) -> Loss:
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


def paper_loss(loss: PaperLoss, n_samples: int, recipe: Recipe, factor: torch.Tensor) -> Criterion:
    """One of the paper's losses, times a factor for each network.

    Parameters
    ----------
    loss : PaperLoss
    n_samples : int
        Of training.
    recipe : Recipe
    factor : tensor, shape (n_networks,)

    Returns
    -------
    Criterion
        Gradients are without the factor; of a loss per sample, over the number of samples.
    """
    values = loss.values(recipe.batch_size)
    unit = 1.0 if loss.name == "lgl-inr" else _per_epoch(n_samples, recipe)
    return Criterion(
        loss=lambda z, y: factor.to(z.dtype) * values(z, y),
        unit=unit / factor[:, None].double(),
        as_trained=lambda _, samples, layer: stage_of_loss(loss, samples, layer),
        all_stages=lambda _, samples, layer: [
            stage_of_loss(loss, samples, layer),
            _refined(loss, samples, layer),
        ],
        splits=("test",),
    )


def stage_of_loss(
    loss: PaperLoss, samples: Samples, layer: OutputLayer, name: str = "raw"
) -> Stage:
    """Measure a network as it is.

    Parameters
    ----------
    loss : PaperLoss
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
    measured = {
        split: measure(samples[split].labels.cpu().numpy(), z.cpu().numpy(), loss.activation)
        for split, z in logits.items()
    }
    value, gradient = float("nan"), np.full(len(layer.bias), np.nan)
    if "train" in measured:
        z = logits["train"]
        value = float(loss.values(len(z))(z, samples["train"].labels))
        train = measured["train"]
        gradient = -loss.residual(
            train.mean_proba, train.miss_proba, train.class_count.astype(float)
        )
    return Stage(
        name=name,
        status=status_of(gradient),
        loss=value,
        bias=layer.bias.cpu().numpy(),
        bias_gradient=gradient,
        measured=measured,
    )


def _refined(loss: PaperLoss, samples: Samples, layer: OutputLayer) -> Stage:
    """Refine the output bias on the whole training sample: Eq. (8) or E10 becomes exact."""
    labels = samples["train"].labels
    z = logits_of(samples["train"], OutputLayer(layer.weight, torch.zeros_like(layer.bias)))
    if loss.name == "sml":
        share = torch.full_like(layer.bias, 1 / len(z))
        bias, n_iter = refine_bias(z, labels, share, layer.bias)
    elif loss.name == "lgl":
        log_count = np.log(np.bincount(labels.cpu().numpy(), minlength=len(layer.bias)))
        weights = equal_log_weights(log_count)
        bias, n_iter = refine_sigmoid_bias(z, labels, log_count, weights, layer.bias)
    else:
        none, weights = np.zeros(len(layer.bias)), hardness_log_weights(loss.beta)
        bias, n_iter = refine_sigmoid_bias(z, labels, none, weights, layer.bias)
    stage = stage_of_loss(loss, samples, OutputLayer(layer.weight, bias), "bias")
    return replace(stage, n_iter=n_iter)


def _objective(pool: Pool, member: Member, recipe: Recipe) -> Objective:
    """What a training minimises, over the total mass of its sample."""
    labels = pool.labels[torch.as_tensor(member.rows, device=pool.labels.device)]
    weight = torch.as_tensor(member.class_weight, dtype=torch.float64, device=labels.device)
    # Each step adds the decay once: over an epoch it counts as often as there are steps.
    decay = recipe.weight_decay * _per_epoch(len(labels), recipe)
    return Objective(
        class_share=weight / weight[labels].sum(),
        penalty=decay,
        bias_penalty=decay if recipe.decay_bias else 0.0,
    )


def _per_epoch(n_samples: int, recipe: Recipe) -> float:
    """Sizes that the minibatches of an epoch should have, over what they have: the last is less."""
    return math.ceil(n_samples / recipe.batch_size) * recipe.batch_size / n_samples
