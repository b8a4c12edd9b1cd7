"""The one-vs-all logistic loss, LGL for K classes; its balance is Eq. (9) of each sigmoid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import logsigmoid, threshold

from learnprop.equations.losses.class_weighted import Smoothing
from learnprop.equations.losses.inputs.arguments import at_least_single, check_share
from learnprop.equations.losses.inputs.samples import (
    IGNORED,
    Reduction,
    is_own,
    reduced,
    samples_of,
)
from learnprop.equations.losses.inputs.smoothing import masses
from learnprop.equations.losses.inputs.weights import ClassWeight, of_labels, weight_for
from learnprop.equations.losses.softmax import residual, sides
from learnprop.equations.mean_proba import FloatArray

__all__ = [
    "LogWeights",
    "OneVsAllLogisticLoss",
    "bias_equation",
    "equal_log_weights",
    "minibatch_loss",
    "one_vs_all_logistic_loss",
    "residual",
    "sides",
]

LogWeights = Callable[[Tensor, Tensor], Tensor]
"""``(log_mean_proba, k) -> log_weight``: logs of the weights of all classes j in the equations
of some classes k, from their log p̄, both of shape (n_classes, len(k)); -inf where j = k, of which
p̄ is not known: it may be NaN."""


def one_vs_all_logistic_loss(
    logits: Tensor,
    targets: Tensor,
    class_weight: ClassWeight | None = None,
    *,
    class_count: ArrayLike | None = None,
    ignore_index: int = IGNORED,
    label_smoothing: float = 0.0,
    reduction: Reduction = "mean",
    validate: bool = True,
) -> Tensor:
    """Logistic loss of K binary classifiers, each class against all others, summed over them.

    A sample keeps its own class's weight in all of them, as in
    `learnprop.simulations.fitters.one_vs_all.fit_one_vs_all`.

    Parameters
    ----------
    logits : tensor, shape (n_samples, n_classes) or (n_samples, n_classes, d1, ...)
    targets : tensor of int, shape (n_samples,) or (n_samples, d1, ...); or of the logits' shape
        Labels, or probabilities of the classes, of sum one.
    class_weight : array_like, shape (n_classes,), or dict {class: weight}, or "balanced", optional
    class_count : array_like, shape (n_classes,), optional
    ignore_index : int
    label_smoothing : float
        As in `weighted_softmax_loss`.
    reduction : {"mean", "sum", "none"}
        As in `weighted_softmax_loss`; over classes it is a sum in any case.
    validate : bool
        As in `weighted_softmax_loss`.

    Returns
    -------
    tensor, shape () or that of the labels
        In nats.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math
    >>> z, y = torch.zeros(3, 4), torch.tensor([0, 1, 3])
    >>> one_vs_all_logistic_loss(z, y) / math.log(2)
    tensor(4.)
    """
    samples = samples_of(logits, targets, ignore_index, validate)
    check_share("label_smoothing", label_smoothing)
    z, y = samples.logits, samples.labels
    weight = weight_for(z, class_weight, class_count, z.shape[1], validate)
    if samples.proba is None and not label_smoothing:
        each = _of_samples(z, y)
        each = each if weight is None else each * of_labels(weight, y)
    else:
        mass = masses(samples, weight, label_smoothing)
        others = mass.sum(dim=-1, keepdim=True) - mass
        each = -(mass * logsigmoid(z) + others * logsigmoid(-z)).sum(dim=-1)
    return reduced(each, samples, reduction)


def minibatch_loss(logits: Tensor, targets: Tensor, batch_size: int) -> Tensor:
    """Sum of a minibatch over the size that it should have (see `equations.losses.loss`)."""
    return _of_samples(at_least_single(logits), targets.long()).sum(dim=-1) / batch_size


def _of_samples(logits: Tensor, labels: Tensor) -> Tensor:
    """Losses (..., n_samples) of logits (..., n_samples, n_classes), over all outputs."""
    return -log_proba(logits, is_own(labels, logits)).sum(dim=-1)


def bias_equation(class_count: FloatArray) -> tuple[FloatArray, LogWeights]:
    """Eq. (9) of each sigmoid, for its bias (see `learnprop.equations.losses.loss`)."""
    log_count = np.log(class_count)
    return log_count, equal_log_weights(log_count)


def equal_log_weights(log_mass: FloatArray) -> LogWeights:
    """Weights of one-vs-all: a class's mass, the same in every equation.

    Parameters
    ----------
    log_mass : ndarray, shape (n_classes,)

    Returns
    -------
    callable
        See `LogWeights`.
    """

    def weights(log_p: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
        mass = torch.as_tensor(log_mass, dtype=log_p.dtype, device=log_p.device)
        return without_own(mass[:, None].expand_as(log_p), k)

    return weights


def without_own(values: torch.Tensor, k: torch.Tensor) -> torch.Tensor:
    """Values (n_classes, len(k)), and -inf for each class k in its own column."""
    own = torch.arange(len(values), device=values.device)[:, None] == k
    return values.masked_fill(own, -torch.inf)


class OneVsAllLogisticLoss(Smoothing):
    """Logistic loss of K binary classifiers (see `one_vs_all_logistic_loss`).

    Its gradient at initialisation is K / (2 √(K-1)) times the softmax loss's, 1.7 at K = 10, in
    the logits; the part of it in the bias is the larger and soon gone.

    Parameters
    ----------
    class_weight : array_like, shape (n_classes,), or dict {class: weight}, or "balanced", optional
    class_count : array_like, shape (n_classes,), optional
    ignore_index : int
    label_smoothing : float
    reduction : {"mean", "sum", "none"}
    validate : bool
        As in `one_vs_all_logistic_loss`.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math
    >>> OneVsAllLogisticLoss()(torch.zeros(2, 5), torch.tensor([0, 4])) / math.log(2)
    tensor(5.)
    """

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of logits (n_samples, n_classes, ...) at targets (n_samples, ...)."""
        return one_vs_all_logistic_loss(
            logits,
            targets,
            self.class_weight,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            reduction=self.reduction,
            validate=self.validate,
        )


def log_proba(logits: Tensor, own: Tensor) -> Tensor:
    """Log of the probability that each output gives to what is true of a sample."""
    sign = threshold(own, 0.5, -1.0)  # in a third of the time of 2 * own - 1, at 64 samples
    return logsigmoid(sign * logits)
