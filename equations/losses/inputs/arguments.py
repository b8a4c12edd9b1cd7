"""What the losses take: tensors, numbers, labels; checked in one place."""

from __future__ import annotations

import math
from numbers import Integral, Real

import torch
from torch import Tensor

from learnprop.equations.arguments import BadArgument, one_of, shown
from learnprop.equations.losses import LARGEST_BETA


def check_tensors(logits: Tensor, targets: Tensor) -> None:
    """Raise ValueError, naming the argument, unless both are tensors that a loss can take."""
    for name, value in (("logits", logits), ("targets", targets)):
        if not isinstance(value, Tensor):
            raise BadArgument(name, f"must be a tensor, got {type(value).__name__}")
    if not logits.is_floating_point():
        raise BadArgument("logits", f"must be floating point, got {logits.dtype}")
    if targets.is_complex() or targets.dtype == torch.bool:
        raise BadArgument("targets", f"must be integers, got {targets.dtype}")


def at_least_single(logits: Tensor) -> Tensor:
    """Logits, of half precision in float32."""
    return logits if logits.dtype in (torch.float32, torch.float64) else logits.float()


def check_labels(right: Tensor, labels: Tensor, n_classes: int) -> bool:
    """Whether all labels were seen to be right; ValueError where one was seen that is not."""
    seen = all_true(right)
    if seen is False:
        wrong = int(labels[~right][0])
        raise BadArgument("targets", f"must be labels 0 .. {n_classes - 1}, got {wrong}")
    return seen is True


_NO_VALUE = ("vmap", "_local_scalar_dense", "data-dependent")
"""What PyTorch's errors say where a tensor has no value: under vmap, fake tensors, make_fx."""


def all_true(values: Tensor) -> bool | None:
    """None where none can be looked at: compiled, mapped, captured, fake, on "meta"."""
    if torch.compiler.is_compiling() or values.is_meta:
        return None
    if values.is_cuda and torch.cuda.is_current_stream_capturing():
        return None
    try:
        return bool(values.all())
    except RuntimeError as error:
        if any(words in str(error) for words in _NO_VALUE):
            return None
        raise


def check_reduction(reduction: str) -> None:
    """Raise ValueError unless it is one of the three."""
    one_of(reduction, "reduction", ("mean", "sum", "none"))


def check_beta(beta: float) -> None:
    """Raise ValueError unless it is an inverse temperature that can be computed with."""
    if not (_is_number(beta) and math.isfinite(beta) and 0 <= beta <= LARGEST_BETA):
        raise BadArgument("beta", f"must satisfy 0 <= beta <= {LARGEST_BETA:g}, got {beta}")


def check_share(name: str, value: float) -> None:
    """Raise ValueError, naming the argument, unless it is a number from 0 to 1."""
    if not (_is_number(value) and 0 <= value <= 1):
        raise BadArgument(name, f"must be in [0, 1], got {value}")


def check_ignore_index(ignore_index: int) -> None:
    """Raise ValueError unless it is an integer."""
    if not is_integer(ignore_index):
        raise BadArgument("ignore_index", f"must be an integer, got {shown(ignore_index)}")


def is_integer(value: object) -> bool:
    """Of any type of integers, but no bool."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)
