"""From logits and targets in PyTorch's layout to samples, and from their losses to one number."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from learnprop.equations.arguments import BadArgument
from learnprop.equations.losses.inputs.arguments import (
    all_true,
    at_least_single,
    check_ignore_index,
    check_labels,
    check_reduction,
    check_tensors,
)

Reduction = Literal["mean", "sum", "none"]

IGNORED = -100
"""Label of a sample that does not count, as PyTorch's losses have it."""


class Samples(NamedTuple):
    """Samples, whatever axes they came in.

    Attributes
    ----------
    logits : tensor, shape (n_samples, n_classes); of one logit (n_samples,)
        In float32 at least; 0 of samples that do not count, whose gradient is then 0.
    labels : tensor of int64, shape (n_samples,)
        In range, whatever a sample had that is ignored or out of it; 0 of probabilities.
    proba : tensor or None
        Targets that are probabilities, of the shape of the logits.
    kept : tensor of bool, shape (n_samples,), or None
        Which samples count; None if all do.
    sound : tensor, shape (n_samples,), or None
        1, or NaN where a target is out of range; None if none was seen to be.
    shape : tuple of int
        Of the targets' samples, before they were put in a row.
    """

    logits: Tensor
    labels: Tensor
    proba: Tensor | None
    kept: Tensor | None
    sound: Tensor | None
    shape: tuple[int, ...]

    @property
    def counted(self) -> Tensor | None:
        """Which samples count and have a label in range; None if all do."""
        if self.kept is None or self.sound is None:
            return self.kept
        return self.kept & ~self.sound.isnan()

    @property
    def kept_labels(self) -> Tensor:
        """Labels, -1 where a sample does not count or its label is out of range."""
        counted = self.counted
        return self.labels if counted is None else torch.where(counted, self.labels, -1)

    @property
    def own(self) -> Tensor:
        """1 at the output of its class for a sample that is `counted`, else 0."""
        own, counted = is_own(self.labels, self.logits), self.counted
        return own if counted is None else own * counted[:, None]


def samples_of(
    logits: Tensor, targets: Tensor, ignore_index: int, validate: bool, *, soft: bool = True
) -> Samples:
    """Samples of an output per class: logits (n_samples, n_classes, d1, ...), classes second."""
    check_tensors(logits, targets)
    check_ignore_index(ignore_index)
    shape = tuple(logits.shape[:1] + logits.shape[2:])
    probabilities = soft and logits.ndim >= 2 and targets.shape == logits.shape
    if not soft and logits.ndim >= 2 and targets.shape == logits.shape:
        raise BadArgument(
            "targets",
            f"must be labels {shape}, got {tuple(targets.shape)}: LGL-INR takes no probabilities",
        )
    if logits.ndim < 2 or not (probabilities or targets.shape == shape):
        raise BadArgument("logits", _layout(logits, targets))
    n_classes = logits.shape[1]
    if n_classes < 2:
        raise BadArgument(
            "logits",
            f"must be of at least 2 classes, got {n_classes}: of one logit for two classes use "
            "WeightedLogisticLoss",
        )
    z = at_least_single(_in_rows(logits))
    if probabilities:
        proba = _in_rows(targets).to(z.dtype)
        if not targets.is_floating_point():
            raise BadArgument(
                "targets", f"must be floating point as probabilities, got {targets.dtype}"
            )
        if validate:
            _check_proba(proba, targets.dtype)
        return Samples(z, z.new_zeros(len(z), dtype=torch.long), proba, None, None, shape)
    if targets.is_floating_point():
        raise BadArgument("targets", f"must be integers, got {targets.dtype}")
    return _labelled(z, targets, n_classes, ignore_index, validate)


def samples_of_one_logit(
    logits: Tensor, targets: Tensor, ignore_index: int, validate: bool
) -> Samples:
    """Samples of one logit for two classes: as many logits as targets, (n, 1) as (n,)."""
    check_tensors(logits, targets)
    check_ignore_index(ignore_index)
    if logits.shape not in (targets.shape, (*targets.shape, 1)):
        raise BadArgument(
            "logits",
            "must be (n_samples,) or (n_samples, 1) and `targets` as many, got "
            f"{tuple(logits.shape)} and {tuple(targets.shape)}",
        )
    z, shape = at_least_single(logits).flatten(), tuple(targets.shape)
    if not targets.is_floating_point():
        return _labelled(z, targets, 2, ignore_index, validate)
    proba = targets.flatten().to(z.dtype)
    kept = proba != ignore_index
    fine = (proba >= 0) & (proba <= 1) | ~kept
    seen = all_true(fine) if validate else None
    if seen is False:
        raise BadArgument("targets", f"must be in [0, 1], got {float(proba[~fine][0]):g}")
    labels = z.new_zeros(z.shape, dtype=torch.long)
    sound = None if seen else _nan_unless(fine, z)
    return Samples(torch.where(kept, z, 0), labels, proba, kept, sound, shape)


def reduced(each: Tensor, samples: Samples, reduction: Reduction) -> Tensor:
    """Losses of samples as they came, their sum, or that over the number that count.

    Never over their weights (E8); of no samples at all the sum and the mean are 0.
    """
    check_reduction(reduction)
    if samples.kept is not None:
        each = torch.where(samples.kept, each, 0)
    if samples.sound is not None:
        each = each * samples.sound
    if reduction == "none":
        return each.reshape(samples.shape)
    if reduction == "sum":
        return each.sum()
    if samples.kept is None:
        return each.sum() / max(1, len(each))
    return each.sum() / samples.kept.sum().clamp(min=1)


def is_own(labels: Tensor, logits: Tensor) -> Tensor:
    """1 at the output of a sample's class, else 0; shape (..., n_samples, n_classes)."""
    # Comparing labels with classes takes five times as long at 1024 samples of 100 classes.
    none = logits.new_zeros((*labels.shape, logits.shape[-1]))
    return none.scatter(-1, labels[..., None], 1.0)


def _in_rows(values: Tensor) -> Tensor:
    return values if values.ndim == 2 else values.movedim(1, -1).flatten(0, -2)


def classes_last(logits: Tensor, targets: Tensor) -> str:
    """What to do with logits whose classes come last; empty where they do not seem to."""
    if logits.ndim <= 2 or targets.shape != logits.shape[:-1]:
        return ""
    return (
        "must have the classes second, as PyTorch's losses take them, got "
        f"{tuple(logits.shape)} and {tuple(targets.shape)}: if they are last, pass "
        "logits.flatten(0, -2) and targets.flatten(), or logits.movedim(-1, 1)"
    )


def _layout(logits: Tensor, targets: Tensor) -> str:
    got = f"{tuple(logits.shape)} and {tuple(targets.shape)}"
    return classes_last(logits, targets) or (
        "must be (n_samples, n_classes, d1, ...) and `targets` (n_samples, d1, ...), "
        f"with or without d1, ..., got {got}"
    )


def _labelled(
    logits: Tensor, targets: Tensor, n_classes: int, ignore_index: int, validate: bool
) -> Samples:
    """Samples with labels; nothing is masked where all of them were seen to be right."""
    labels, shape = targets.long().flatten(), tuple(targets.shape)
    safe = labels.clamp(0, n_classes - 1)
    right = safe == labels
    if validate and not 0 <= ignore_index < n_classes and all_true(right):
        return Samples(logits, labels, None, None, None, shape)
    kept = labels != ignore_index
    fine = right | ~kept
    seen = validate and check_labels(fine, labels, n_classes)
    sound = None if seen else _nan_unless(fine, logits)
    counting = torch.where(kept if logits.ndim == 1 else kept[:, None], logits, 0)
    return Samples(counting, safe, None, kept, sound, shape)


def _nan_unless(fine: Tensor, logits: Tensor) -> Tensor:
    return torch.where(fine, 1.0, torch.nan).to(logits.dtype)


def _check_proba(proba: Tensor, given: torch.dtype) -> None:
    tolerance = max(1e-4, 2 * torch.finfo(given).eps)
    fine = (proba >= 0).all(dim=-1) & ((proba.sum(dim=-1) - 1).abs() <= tolerance)
    if all_true(fine) is False:
        row = proba[~fine][0].tolist()
        raise BadArgument("targets", f"must be probabilities of the classes, of sum 1, got {row}")
