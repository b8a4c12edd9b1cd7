"""What the losses take: tensors that fit together, labels, weights and β; checked in one place."""

from __future__ import annotations

import math

import torch
from torch import Tensor

LARGEST_BETA = 1e30
"""Of β: beyond, float32 has no room for its products."""


def check_logits(logits: Tensor, targets: Tensor, validate: bool) -> tuple[Tensor, Tensor]:
    """Logits in float32 at least and labels as int64, or a ValueError that says what is wrong."""
    check_tensors(logits, targets)
    if logits.ndim < 2 or targets.shape != logits.shape[:-1]:
        raise ValueError(
            "logits must be (n_samples, n_classes) and targets (n_samples,), got "
            f"{tuple(logits.shape)} and {tuple(targets.shape)}"
        )
    if logits.shape[-1] < 2:
        raise ValueError(
            f"logits must be of at least 2 classes, got {logits.shape[-1]}: of one logit for two "
            "classes use WeightedLogisticLoss"
        )
    return check_samples(logits, targets, logits.shape[-1], validate)


def check_samples(
    logits: Tensor, targets: Tensor, n_classes: int, validate: bool
) -> tuple[Tensor, Tensor]:
    """The same for logits of any shape that the targets fit; labels are looked at if asked."""
    if not logits.is_floating_point():
        raise ValueError(f"logits must be floating point, got {logits.dtype}")
    if targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool:
        raise ValueError(f"targets must be integers, got {targets.dtype}")
    if logits.numel() == 0:
        raise ValueError(f"logits must hold at least one sample, got {tuple(logits.shape)}")
    labels = targets.long()
    if validate:
        _check_labels(labels, n_classes)
    half = logits.dtype in (torch.float16, torch.bfloat16)
    return (logits.float() if half else logits), labels


def check_tensors(logits: Tensor, targets: Tensor) -> None:
    """Raise ValueError, naming the argument, unless both are tensors."""
    for name, value in (("logits", logits), ("targets", targets)):
        if not isinstance(value, Tensor):
            raise ValueError(f"{name} must be a tensor, got {type(value).__name__}")


def _check_labels(labels: Tensor, n_classes: int) -> None:
    right = (labels >= 0) & (labels < n_classes)
    if not _all_true(right):
        raise ValueError(
            f"targets must be labels 0 .. {n_classes - 1}, got {int(labels[~right][0])}"
        )


def check_weight(weight: Tensor) -> None:
    """Raise ValueError unless all class weights are positive and finite."""
    if not _all_true(torch.isfinite(weight) & (weight > 0)):
        raise ValueError(f"class_weight must be positive and finite, got {weight.tolist()}")


def _all_true(values: Tensor) -> bool:
    """True as well where none can be looked at: while something is compiled, mapped, captured."""
    if torch.compiler.is_compiling() or values.is_meta:
        return True
    if values.is_cuda and torch.cuda.is_current_stream_capturing():
        return True
    try:
        return bool(values.all())
    except RuntimeError as error:
        if "vmap" in str(error):
            return True
        raise


def check_reduction(reduction: str) -> None:
    """Raise ValueError unless it is one of the two."""
    if reduction not in ("mean", "sum"):
        raise ValueError(f"reduction must be mean or sum, got {reduction!r}")


def check_beta(beta: float) -> None:
    """Raise ValueError unless it is an inverse temperature that can be computed with."""
    if not (math.isfinite(beta) and 0 <= beta <= LARGEST_BETA):
        raise ValueError(f"beta must satisfy 0 <= beta <= {LARGEST_BETA:g}, got {beta}")
