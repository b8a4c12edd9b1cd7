"""The logistic loss of one logit: Eq. (1) for two classes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from learnprop.equations.losses.arguments import check_one_minibatch, check_samples, check_tensors
from learnprop.equations.losses.class_weighted import ClassWeighted, Reduction, reduced, weighted


def weighted_logistic_loss(
    logits: Tensor,
    targets: Tensor,
    class_weight: Tensor | None = None,
    *,
    reduction: Reduction = "mean",
    validate: bool = True,
) -> Tensor:
    """Class-weighted logistic loss: Eq. (1) for two classes and one logit, of class 1.

    Parameters
    ----------
    logits : tensor, shape (..., n_samples)
    targets : tensor of int, shape (..., n_samples), 0 and 1
    class_weight : tensor, shape (2,) or (..., 2), optional
        λ; by default both are one.
    reduction : {"mean", "sum"}
        As in `weighted_softmax_loss`.
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
    >>> weighted_logistic_loss(torch.tensor([-100.0, 0.0]), torch.tensor([1, 0]))
    tensor(50.3466)
    """
    check_tensors(logits, targets)
    if logits.ndim < 1 or targets.shape != logits.shape:
        raise ValueError(
            "logits must be (n_samples,) and targets as many, got "
            f"{tuple(logits.shape)} and {tuple(targets.shape)}"
        )
    z, y = check_samples(logits, targets, 2, validate)
    nll = -logsigmoid(torch.where(y == 1, z, -z))
    return reduced(weighted(nll, y, class_weight, 2, validate), reduction)


class WeightedLogisticLoss(ClassWeighted):
    """Class-weighted logistic loss, K = 2 (see `weighted_logistic_loss`).

    Its gradient in the one logit is that of the softmax loss in each of two, opposite ones.

    Parameters
    ----------
    class_weight : array_like, shape (2,), optional
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
    >>> WeightedLogisticLoss([1.0, 3.0])(torch.zeros(2), torch.tensor([0, 1])) / math.log(2)
    tensor(2.)
    """

    def _takes(self, n_classes: int) -> bool:
        return n_classes == 2

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of logits (n_samples,) at targets (n_samples,)."""
        check_one_minibatch(logits, targets)
        return weighted_logistic_loss(
            logits, targets, self.class_weight, reduction=self.reduction, validate=self.validate
        )
