"""LGL-INR, Eq. (11); `equations.losses.hardness` has its weights and its balance (E10)."""

from __future__ import annotations

import torch
from torch import Tensor

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import as_whole
from learnprop.equations.losses.class_sums import ClassSums, check_sums, full_precision
from learnprop.equations.losses.hardness import (
    bias_equation,
    in_negative_weights,
    residual,
    sides,
)
from learnprop.equations.losses.inputs.arguments import (
    all_true,
    at_least_single,
    check_beta,
    check_ignore_index,
    check_reduction,
    check_tensors,
)
from learnprop.equations.losses.inputs.samples import (
    IGNORED,
    Reduction,
    classes_last,
    is_own,
    reduced,
    samples_of,
)
from learnprop.equations.losses.one_vs_all import log_proba

__all__ = [
    "LGLINRLoss",
    "bias_equation",
    "lgl_inr_loss",
    "minibatch_loss",
    "residual",
    "sides",
]


def lgl_inr_loss(
    logits: Tensor,
    targets: Tensor,
    beta: float = 1.0,
    *,
    sums: ClassSums | None = None,
    detach_weights: bool = True,
    ignore_index: int = IGNORED,
    reduction: Reduction = "sum",
    validate: bool = True,
) -> Tensor:
    r"""LGL-INR, the in-negative-class reweighted logistic loss of Eq. (11), over all classes k.

    .. math:: L = \sum_k \Big( \frac{1}{N_k} \sum_{x \in S_k} -\log \sigma(z_k(x))
              + \sum_{j \ne k} \frac{\lambda_j^{(k)}}{N_j} \sum_{x \in S_j}
              -\log \sigma(-z_k(x)) \Big)

    N are counts of the minibatch, λ of `in_negative_weights` from its mean probabilities. An
    absent class has no positive term and is no negative sub-class; the negative term of its own
    output stays (errata 9).

    So it is no sum over samples: losses and gradients of micro-batches, or of replicas of a model,
    do not add up to those of the batch. Of 64 samples of ten classes, in 2, 4 and 8 parts, the
    mean gradient is off by 36, 44 and 66 % of its norm (drop-in.md). With the `sums` of the
    whole batch (`class_sums`) N and λ are the whole batch's, and they add up.

    Parameters
    ----------
    logits : tensor, shape (n_samples, n_classes) or (n_samples, n_classes, d1, ...)
        Every position is a sample.
    targets : tensor of int, shape (n_samples,) or (n_samples, d1, ...)
    beta : float
        Inverse temperature, 0 <= beta <= 1e30.
    sums : ClassSums, optional
        Of the batch that these samples are a part of; by default they are all of it. Sums that lack
        a class of these samples are refused; unseen they make the loss infinite or NaN.
    detach_weights : bool
        Whether λ are constants to the gradient, as weights are, or a part of the loss.
    ignore_index : int
        Samples with this label count nowhere.
    reduction : {"sum", "mean", "none"}
        Sum or mean over the classes k; Eq. (11) averages over the samples of each class in either
        case. "none": what each sample adds to the sum, in the shape of the targets.
    validate : bool
        As in `weighted_softmax_loss`.

    Returns
    -------
    tensor, shape () or that of the targets
        In nats. 0 of no samples.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math
    >>> z, y = torch.zeros(6, 3), torch.tensor([0, 0, 0, 1, 1, 2])
    >>> lgl_inr_loss(z, y) / math.log(2)  # each output: one positive, weights that sum to one
    tensor(6.)
    >>> lgl_inr_loss(z[:3], y[:3]) / math.log(2)  # of classes 1 and 2 the negative terms remain
    tensor(3.)
    >>> from learnprop import class_sums
    >>> lgl_inr_loss(z[:3], y[:3], sums=class_sums(z, y)) / math.log(2)  # a third of the batch's
    tensor(2.)
    """
    samples = samples_of(logits, targets, ignore_index, validate, soft=False)
    check_reduction(reduction)
    z = samples.logits
    if sums is not None:
        check_sums(sums, z.shape[1])
        if not detach_weights:
            raise BadArgument("sums", "are constants: leave `detach_weights` at True")
        if validate:
            _check_counted(sums, samples.kept_labels)
    each = _terms(z, samples.labels, samples.own, beta, detach_weights, sums)
    if samples.kept is not None or reduction == "none":
        each = reduced(each.sum(dim=-1), samples, "none" if reduction == "none" else "sum")
    total = each if reduction == "none" else each.sum()
    return total / z.shape[1] if reduction == "mean" else total


def minibatch_loss(logits: Tensor, targets: Tensor, batch_size: int, beta: float) -> Tensor:  # noqa: ARG001
    """Eq. (11) of a minibatch, of whatever size (see `learnprop.equations.losses.loss`)."""
    z, labels = at_least_single(logits), targets.long()
    return _terms(z, labels, is_own(labels, z), beta).sum(dim=(-2, -1))


def _terms(
    z: Tensor,
    labels: Tensor,
    own: Tensor,
    beta: float,
    detach_weights: bool = True,
    sums: ClassSums | None = None,
) -> Tensor:
    """Of Eq. (11): each sample's in each binary loss, (..., n_samples, n_classes).

    Of a sample that is nobody's `own` they mean nothing.
    """
    with full_precision(z):
        if sums is None:
            count = own.sum(dim=-2)
            present, count = count > 0, count.clamp(min=1.0)[..., None]
            proba = torch.sigmoid(z.detach() if detach_weights else z)
            mean_proba = own.mT @ proba / count
        else:
            present, count = sums.count.to(z) > 0, sums.count.to(z)[:, None]
            mean_proba = sums.mean_proba.to(z)
        weight = in_negative_weights(mean_proba, beta, present)
        own_class = torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)
        of_class = (weight + own_class) / -count  # infinite of a class that sums do not count
        # Picking rows takes a tenth of a product's time at 1024 samples of 100 classes; but a GPU
        # adds the gradient of what is picked in no fixed order.
        factor = (
            of_class.gather(-2, labels[..., None].expand_as(z))
            if detach_weights
            else own @ of_class
        )
        return factor * log_proba(z, own)


def _check_counted(sums: ClassSums, labels: Tensor) -> None:
    """Raise ValueError if sums are seen to lack a class that a sample has."""
    fine = (labels < 0) | (sums.count.to(labels.device)[labels.clamp(min=0)] > 0)
    if all_true(fine) is False:
        said = f"must count the samples of a whole batch, got none of class {int(labels[~fine][0])}"
        raise BadArgument("sums", said)


class LGLINRLoss(torch.nn.Module):
    """LGL-INR of Eq. (11), for any classifier that returns logits (see `lgl_inr_loss`).

    Its gradient at initialisation is K² / (2 (K-1)) times the softmax loss's, 5.6 at K = 10
    (`gradient_factor`). Classes count alike, whatever their sizes are.

    It takes its class counts and its weights from the batch that it sees, so that gradients of
    micro-batches and of replicas do not add up to those of the batch, unless they are given its
    `class_sums`; `RunningLGLINRLoss` has them from the past.

    Parameters
    ----------
    n_classes : int
        K, at least 2.
    beta : float
        Inverse temperature, 0 <= beta <= 1e30; 0 weighs all negative sub-classes alike.
    detach_weights : bool
        Whether λ are constants to the gradient.
    reduction : {"sum", "mean", "none"}
        Sum or mean over the K outputs, "mean" being a K-th of "sum": samples are averaged class by
        class in either case. "none": what each sample adds to the sum.
    validate : bool
        As in `weighted_softmax_loss`.
    ignore_index : int
        Samples with this label count nowhere.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> import math
    >>> loss = LGLINRLoss(n_classes=3)
    >>> loss(torch.zeros(4, 3), torch.tensor([0, 1, 2, 2])) / math.log(2)
    tensor(6.)
    """

    def __init__(
        self,
        n_classes: int,
        beta: float = 1.0,
        detach_weights: bool = True,
        reduction: Reduction = "sum",
        validate: bool = True,
        ignore_index: int = IGNORED,
    ) -> None:
        super().__init__()
        self.n_classes = as_whole(n_classes, "n_classes", 2)
        check_beta(beta)
        check_reduction(reduction)
        check_ignore_index(ignore_index)
        self.beta, self.detach_weights, self.reduction = beta, detach_weights, reduction
        self.validate, self.ignore_index = validate, ignore_index

    def forward(self, logits: Tensor, targets: Tensor, sums: ClassSums | None = None) -> Tensor:
        """Loss of logits (n_samples, n_classes, ...) at targets (n_samples, ...)."""
        check_tensors(logits, targets)
        check_outputs(logits, targets, self.n_classes)
        return lgl_inr_loss(
            logits,
            targets,
            self.beta,
            sums=sums,
            detach_weights=self.detach_weights,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            validate=self.validate,
        )

    def extra_repr(self) -> str:
        """Arguments, as `repr` shows them."""
        return (
            f"n_classes={self.n_classes}, beta={self.beta:g}, "
            f"detach_weights={self.detach_weights}, reduction={self.reduction!r}"
        )


def check_outputs(logits: Tensor, targets: Tensor, n_classes: int) -> None:
    """Raise ValueError unless logits are of so many classes, on the second axis."""
    if logits.ndim < 2 or logits.shape[1] != n_classes:
        said = f"must be (n_samples, {n_classes}, d1, ...), got {tuple(logits.shape)}"
        raise BadArgument("logits", classes_last(logits, targets) or said)
