"""The softmax loss, SML: Eq. (1) for K classes; Eq. (9) is its balance."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor
from torch.nn.functional import cross_entropy

from learnprop.equations import balance
from learnprop.equations.losses.class_weighted import Smoothing
from learnprop.equations.losses.inputs.arguments import at_least_single, check_share
from learnprop.equations.losses.inputs.samples import IGNORED, Reduction, reduced, samples_of
from learnprop.equations.losses.inputs.smoothing import masses
from learnprop.equations.losses.inputs.weights import ClassWeight, of_labels, weight_for
from learnprop.equations.mean_proba import FloatArray


def weighted_softmax_loss(
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
    """Class-weighted softmax loss of Eq. (1).

    Parameters
    ----------
    logits : tensor, shape (n_samples, n_classes) or (n_samples, n_classes, d1, ...)
        Every position is a sample.
    targets : tensor of int, shape (n_samples,) or (n_samples, d1, ...); or of the logits' shape
        Labels, or probabilities of the classes.
    class_weight : array_like, shape (n_classes,), or dict {class: weight}, or "balanced", optional
        λ, not negative; by default all are one. A class that a dict leaves out weighs 1,
        "balanced" is N / (K N_k), as in scikit-learn; samples of a class of weight 0 count in the
        mean only.
    class_count : array_like, shape (n_classes,), optional
        Class sizes of the training sample, for "balanced".
    ignore_index : int
        Samples with this label count nowhere.
    label_smoothing : float
        ε: share of a sample's mass that goes to all classes alike (`inputs.smoothing`).
    reduction : {"mean", "sum", "none"}
        The sum is Eq. (1); the mean is the sum over the number of samples that are not ignored,
        whatever their weights are, and 0 where there are none; "none" has the shape of the labels.
    validate : bool
        Whether to look at labels and weights; on a GPU that waits for it. A label out of range
        that nobody looks at makes the loss NaN.

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
    >>> import math, torch
    >>> z, y = torch.zeros(3, 2), torch.tensor([0, 1, 1])
    >>> weighted_softmax_loss(z, y, torch.tensor([1.0, 2.0]), reduction="sum") / math.log(2)
    tensor(5.)
    """
    samples = samples_of(logits, targets, ignore_index, validate)
    check_share("label_smoothing", label_smoothing)
    z, y = samples.logits, samples.labels
    weight = weight_for(z, class_weight, class_count, z.shape[1], validate)
    if samples.proba is None and not label_smoothing:
        each = _of_samples(z, y, weight)
    else:
        each = cross_entropy(z, masses(samples, weight, label_smoothing), reduction="none")
    return reduced(each, samples, reduction)


def minibatch_loss(
    logits: Tensor, targets: Tensor, batch_size: int, class_weight: Tensor | None = None
) -> Tensor:
    """Sum of a minibatch over the size that it should have (see `equations.losses.loss`).

    Class weights (..., n_classes) are each minibatch's own.
    """
    return _of_samples(at_least_single(logits), targets.long(), class_weight).sum(-1) / batch_size


def _of_samples(logits: Tensor, labels: Tensor, class_weight: Tensor | None) -> Tensor:
    """Losses (..., n_samples) of logits (..., n_samples, n_classes)."""
    # One fused operator: a training step of a small network is 1 % faster than with a gather.
    nll = cross_entropy(logits.flatten(0, -2), labels.flatten(), reduction="none").view_as(labels)
    return nll if class_weight is None else nll * of_labels(class_weight, labels)


def sides(
    mean_proba: ArrayLike, miss_proba: ArrayLike, class_count: ArrayLike
) -> tuple[FloatArray, FloatArray]:
    """Both sides of Eq. (9) over the class's own mass, where all samples weigh alike.

    Examples
    --------
    >>> left, right = sides([[0.75, 0.25], [0.75, 0.25]], [0.25, 0.75], [30, 10])
    >>> left.tolist(), right.tolist()
    ([0.25, 0.75], [0.25, 0.75])
    """
    mass = np.asarray(class_count, dtype=np.float64)
    left = balance.left_side(mean_proba, mass, miss_proba)
    return left / mass, balance.right_side(mean_proba, mass) / mass


def residual(mean_proba: ArrayLike, miss_proba: ArrayLike, class_count: ArrayLike) -> FloatArray:
    """Residual of Eq. (9) over the number of samples, which all weigh alike."""
    count = np.asarray(class_count, dtype=np.float64)
    return balance.residual(mean_proba, count / count.sum(), miss_proba)


class WeightedSoftmaxLoss(Smoothing):
    """Class-weighted softmax loss of Eq. (1), in place of `torch.nn.CrossEntropyLoss`.

    What it takes is what `weighted_softmax_loss` takes. The mean is over the number of samples;
    that of `torch.nn.CrossEntropyLoss` is over the sum of their weights, which trains with other
    weights (E8).

    Parameters
    ----------
    class_weight : array_like, shape (n_classes,), or dict {class: weight}, or "balanced", optional
    class_count : array_like, shape (n_classes,), optional
    ignore_index : int
    label_smoothing : float
    reduction : {"mean", "sum", "none"}
    validate : bool
        As in `weighted_softmax_loss`.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math, torch
    >>> loss = WeightedSoftmaxLoss([1.0, 2.0])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1])) / math.log(2)
    tensor(1.5000)
    """

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Loss of logits (n_samples, n_classes, ...) at targets (n_samples, ...)."""
        return weighted_softmax_loss(
            logits,
            targets,
            self.class_weight,
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            reduction=self.reduction,
            validate=self.validate,
        )
