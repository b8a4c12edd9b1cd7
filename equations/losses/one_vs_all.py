"""The one-vs-all logistic loss, LGL for K classes; its balance is Eq. (9) of each sigmoid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from learnprop.equations.losses.arguments import check_logits, check_one_minibatch
from learnprop.equations.losses.class_weighted import ClassWeighted, Reduction, reduced, weighted
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
    class_weight: Tensor | None = None,
    *,
    reduction: Reduction = "mean",
    validate: bool = True,
) -> Tensor:
    """Logistic loss of K binary classifiers, each class against all others, summed over them.

    A sample keeps its own class's weight in all of them, as in
    `learnprop.simulations.fitters.one_vs_all.fit_one_vs_all`.

    Parameters
    ----------
    logits : tensor, shape (..., n_samples, n_classes)
    targets : tensor of int, shape (..., n_samples)
    class_weight : tensor, shape (n_classes,) or (..., n_classes), optional
        λ; by default all are one.
    reduction : {"mean", "sum"}
        As in `weighted_softmax_loss`; over classes it is a sum in either case.
    validate : bool
        As in `weighted_softmax_loss`.

    Returns
    -------
    tensor, shape (...)
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
    z, y = check_logits(logits, targets, validate)
    nll = -log_proba(z, is_own(y, z)).sum(dim=-1)
    return reduced(weighted(nll, y, class_weight, z.shape[-1], validate), reduction)


def minibatch_loss(logits: Tensor, targets: Tensor, batch_size: int) -> Tensor:
    """Sum of a minibatch over the size that it should have (see `equations.losses.loss`)."""
    return one_vs_all_logistic_loss(logits, targets, reduction="sum", validate=False) / batch_size


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


class OneVsAllLogisticLoss(ClassWeighted):
    """Logistic loss of K binary classifiers (see `one_vs_all_logistic_loss`).

    Its gradient at initialisation is K / (2 √(K-1)) times the softmax loss's, 1.7 at K = 10, in
    the logits; the part of it in the bias is the larger and soon gone.

    Parameters
    ----------
    class_weight : array_like, shape (n_classes,), optional
    reduction : {"mean", "sum"}
    validate : bool
        As in `weighted_softmax_loss`.

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
        """Loss of logits (n_samples, n_classes) at targets (n_samples,)."""
        check_one_minibatch(logits, targets, None)
        return one_vs_all_logistic_loss(
            logits, targets, self.class_weight, reduction=self.reduction, validate=self.validate
        )


def is_own(labels: Tensor, logits: Tensor) -> Tensor:
    """1 at the output of a sample's class, else 0; shape (..., n_samples, n_classes)."""
    classes = torch.arange(logits.shape[-1], device=logits.device)
    return (labels[..., None] == classes).to(logits.dtype)


def log_proba(logits: Tensor, own: Tensor) -> Tensor:
    """Log of the probability that each output gives to what is true of a sample."""
    return logsigmoid((2 * own - 1) * logits)
