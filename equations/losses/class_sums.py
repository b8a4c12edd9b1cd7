"""Sums over the samples of each class, which add up over parts of a batch, for LGL-INR."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from learnprop.equations.arguments import BadArgument
from learnprop.equations.losses.inputs.samples import IGNORED, samples_of


@dataclass(frozen=True)
class ClassSums:
    """What Eq. (11) knows of a batch; those of its parts add up to it.

    Attributes
    ----------
    proba : tensor, shape (n_classes, n_classes)
        Row j, column k: sum of the sigmoids of class k over the samples of class j.
    count : tensor, shape (n_classes,)
        N, samples of each class.

    Examples
    --------
    >>> part = ClassSums(torch.tensor([[1.5, 0.5], [0.0, 0.0]]), torch.tensor([2.0, 0.0]))
    >>> (part + part).mean_proba
    tensor([[0.7500, 0.2500],
            [0.0000, 0.0000]])
    """

    proba: Tensor
    count: Tensor

    def __add__(self, other: ClassSums) -> ClassSums:
        check_sums(other, len(self.count))
        return ClassSums(self.proba + other.proba, self.count + other.count)

    @property
    def mean_proba(self) -> Tensor:
        """P, of zeros where a class has no sample."""
        return self.proba / torch.where(self.count > 0, self.count, 1)[:, None]


def class_sums(
    logits: Tensor, targets: Tensor, *, ignore_index: int = IGNORED, validate: bool = True
) -> ClassSums:
    """Counts of the classes and sums of the sigmoids over their samples, without a gradient.

    Added over the parts of a batch, micro-batches or replicas of a model, they are those of the
    batch, with which `lgl_inr_loss` of the parts adds up to that of the batch.

    Parameters
    ----------
    logits : tensor, shape (n_samples, n_classes) or (n_samples, n_classes, d1, ...)
    targets : tensor of int, shape (n_samples,) or (n_samples, d1, ...)
    ignore_index : int
    validate : bool
        As in `weighted_softmax_loss`; a label out of range that nobody looks at counts nowhere.

    Returns
    -------
    ClassSums
        In the precision of the logits, in float32 at least.

    Raises
    ------
    ValueError
        If an argument does not fit, naming it.

    Examples
    --------
    >>> class_sums(torch.zeros(3, 2), torch.tensor([0, 0, 1]))
    ClassSums(proba=tensor([[1.0000, 1.0000],
            [0.5000, 0.5000]]), count=tensor([2., 1.]))
    """
    samples = samples_of(logits.detach(), targets, ignore_index, validate, soft=False)
    own = samples.own
    with full_precision(samples.logits):
        return ClassSums(own.mT @ torch.sigmoid(samples.logits), own.sum(dim=0))


def check_sums(sums: ClassSums, n_classes: int) -> None:
    """Raise ValueError unless they are sums of so many classes."""
    if not isinstance(sums, ClassSums):
        raise BadArgument("sums", f"must be ClassSums, got {type(sums).__name__}")
    if sums.count.shape != (n_classes,) or sums.proba.shape != (n_classes, n_classes):
        raise BadArgument("sums", f"must be of {n_classes} classes, got {len(sums.count)}")


def full_precision(logits: Tensor) -> AbstractContextManager[object]:
    """No autocast, which would take sums in half precision."""
    kind = logits.device.type
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()  # autocast's own takes a tenth of the loss's time at 64 samples
