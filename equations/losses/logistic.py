"""The logistic loss of one logit: Eq. (1) for two classes."""

from __future__ import annotations

from typing import ClassVar

import torch
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import logsigmoid

from learnprop.equations.losses.class_weighted import ClassWeighted
from learnprop.equations.losses.inputs.samples import (
    IGNORED,
    Reduction,
    reduced,
    samples_of_one_logit,
)
from learnprop.equations.losses.inputs.weights import ClassWeight, of_labels, weight_for


def weighted_logistic_loss(
    logits: Tensor,
    targets: Tensor,
    class_weight: ClassWeight | None = None,
    *,
    class_count: ArrayLike | None = None,
    ignore_index: int = IGNORED,
    reduction: Reduction = "mean",
    validate: bool = True,
) -> Tensor:
    """Class-weighted logistic loss: Eq. (1) for two classes and one logit, of class 1.

    Parameters
    ----------
    logits : tensor, shape (n_samples,) or (n_samples, 1), or any
        Every element is a sample.
    targets : tensor, of as many elements
        0 and 1 as integers or floats, or probabilities of class 1; as in
        `torch.nn.BCEWithLogitsLoss`, and of shape (n_samples,) for logits (n_samples, 1) as well.
    class_weight : array_like, shape (2,), or dict {class: weight}, or "balanced", optional
        λ; by default both are one. A target t between 0 and 1 is t of a sample of class 1.
    class_count : array_like, shape (2,), optional
    ignore_index : int
    reduction : {"mean", "sum", "none"}
        As in `weighted_softmax_loss`; "none" has the shape of the targets.
    validate : bool
        As in `weighted_softmax_loss`.

    Returns
    -------
    tensor, shape () or that of the targets
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
    samples = samples_of_one_logit(logits, targets, ignore_index, validate)
    z, y, one = samples.logits, samples.labels, samples.proba
    weight = weight_for(z, class_weight, class_count, 2, validate)
    if one is None:
        each = -logsigmoid(torch.where(y == 1, z, -z))
        each = each if weight is None else each * of_labels(weight, y)
    else:
        zero = 1 - one
        if weight is not None:
            zero, one = weight[0] * zero, weight[1] * one
        each = -(one * logsigmoid(z) + zero * logsigmoid(-z))
    return reduced(each, samples, reduction)


class WeightedLogisticLoss(ClassWeighted):
    """Class-weighted logistic loss, K = 2, in place of `torch.nn.BCEWithLogitsLoss`.

    What it takes is what `weighted_logistic_loss` takes. Its gradient in the one logit is that of
    the softmax loss in each of two, opposite ones.

    Parameters
    ----------
    class_weight : array_like, shape (2,), or dict {class: weight}, or "balanced", optional
    class_count : array_like, shape (2,), optional
    ignore_index : int
    reduction : {"mean", "sum", "none"}
    validate : bool
        As in `weighted_logistic_loss`.

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

    of_classes: ClassVar[int | None] = 2

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of logits (n_samples,) or (n_samples, 1) at targets (n_samples,)."""
        return weighted_logistic_loss(
            logits,
            targets,
            self.class_weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            validate=self.validate,
        )
