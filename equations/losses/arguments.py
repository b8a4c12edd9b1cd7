"""What the losses take: tensors that fit together, labels, weights and β; checked in one place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from learnprop.equations.losses import LARGEST_BETA


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
    wide = logits.dtype in (torch.float32, torch.float64)
    return (logits if wide else logits.float()), labels


def check_one_minibatch(logits: Tensor, targets: Tensor, *n_classes: int | None) -> None:
    """Raise ValueError unless logits are (n_samples, *n_classes); None is any number.

    With axes before these, (n_minibatches, n_samples, n_classes) could as well be (N, C, L) of
    PyTorch's own losses where L = C: no check of sizes can tell.
    """
    check_tensors(logits, targets)
    fits = logits.ndim == 1 + len(n_classes)
    if not fits or any(k not in (None, logits.shape[-1]) for k in n_classes):
        wanted = f"(n_samples, {n_classes[0] or 'n_classes'})" if n_classes else "(n_samples,)"
        raise ValueError(f"logits must be {wanted}, got {tuple(logits.shape)}")


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


def as_weight(class_weight: ArrayLike | Tensor) -> Tensor:
    """Class weights in memory of their own: in float64, or float32 on a device without it."""
    if isinstance(class_weight, Tensor):
        values: Any = class_weight.detach().clone()
    else:
        try:
            values = np.array(class_weight, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"class_weight must be numbers, got {class_weight!r}") from error
    try:
        return torch.as_tensor(values, dtype=torch.float64)
    except (TypeError, RuntimeError):  # torch.set_default_device("mps")
        return torch.as_tensor(values, dtype=torch.float32)


def check_weight(weight: Tensor) -> None:
    """Raise ValueError unless all class weights are positive and finite."""
    if not _all_true(torch.isfinite(weight) & (weight > 0)):
        raise ValueError(f"class_weight must be positive and finite, got {weight.tolist()}")


_NO_VALUE = ("vmap", "_local_scalar_dense", "data-dependent")
"""What PyTorch's errors say where a tensor has no value: under vmap, fake tensors, make_fx."""


def _all_true(values: Tensor) -> bool:
    """True as well where none can be looked at: compiled, mapped, captured, fake, on "meta"."""
    if torch.compiler.is_compiling() or values.is_meta:
        return True
    if values.is_cuda and torch.cuda.is_current_stream_capturing():
        return True
    try:
        return bool(values.all())
    except RuntimeError as error:
        if any(words in str(error) for words in _NO_VALUE):
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
