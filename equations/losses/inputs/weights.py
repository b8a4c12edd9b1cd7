"""Class weights as scikit-learn and PyTorch take them: numbers, a dict, "balanced"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_number, by_class
from learnprop.equations.class_weights import check_class_count
from learnprop.equations.losses.inputs.arguments import all_true, is_integer

ClassWeight = ArrayLike | Tensor | Mapping[int, float]


def as_weight(
    class_weight: ClassWeight,
    class_count: ArrayLike | None = None,
    n_classes: int | None = None,
) -> Tensor:
    """Class weights in memory of their own: in float64, or float32 on a device without it.

    Parameters
    ----------
    class_weight : array_like, shape (n_classes,), or dict, or "balanced"
        A class that a dict leaves out weighs 1, and "balanced" is N / (K N_k), as in scikit-learn.
    class_count : array_like, shape (n_classes,), optional
        Class sizes of the training sample: for "balanced", and to say how many classes there are.
    n_classes : int, optional
        Of a dict, where it is known; else as many as `class_count`, or as it has keys if none of
        0, 1, ... is left out.

    Returns
    -------
    tensor

    Raises
    ------
    ValueError
        If they are no such weights, or the counts are missing or of no use.

    Examples
    --------
    >>> as_weight({2: 5.0}, n_classes=3).tolist(), as_weight("balanced", [30, 10]).tolist()
    ([1.0, 1.0, 5.0], [0.6666666666666666, 2.0])
    """
    if isinstance(class_weight, Tensor):
        values: Any = class_weight.detach().clone()
        if values.is_complex():
            raise BadArgument("class_weight", f"must be real numbers, got {values.dtype}")
    elif isinstance(class_weight, str):
        values = _named(class_weight, class_count)
    elif isinstance(class_weight, Mapping):
        if n_classes is None and class_count is not None:
            n_classes = len(sizes(class_count))
        values = _of_classes(class_weight, n_classes)
    else:
        values = by_class(class_weight, "class_weight").copy()
    if not isinstance(class_weight, str | Mapping):
        check_no_count(class_count)
    try:
        return torch.as_tensor(values, dtype=torch.float64)
    except (TypeError, RuntimeError):  # torch.set_default_device("mps")
        return torch.as_tensor(values, dtype=torch.float32)


def check_no_count(class_count: ArrayLike | None) -> None:
    """Raise ValueError if class counts are given to nobody."""
    if class_count is not None:
        raise BadArgument("class_count", "is taken with `class_weight` 'balanced' or a dict only")


def check_weight(weight: Tensor) -> None:
    """Raise ValueError unless class weights are finite, not negative, and one is positive."""
    fine = (torch.isfinite(weight) & (weight >= 0)).all() & (weight > 0).any()
    if all_true(fine) is False:
        raise BadArgument(
            "class_weight", f"must be finite, not negative and not all zero, got {weight.tolist()}"
        )


def weight_for(
    logits: Tensor,
    class_weight: ClassWeight | None,
    class_count: ArrayLike | None,
    n_classes: int,
    validate: bool,
) -> Tensor | None:
    """Class weights (n_classes,) as logits are multiplied by them; None if all are one."""
    if class_weight is None:
        check_no_count(class_count)
        return None
    weight = class_weight
    if not isinstance(weight, Tensor):
        weight = as_weight(weight, class_count, n_classes)
    elif weight.is_complex():
        raise BadArgument("class_weight", f"must be real numbers, got {weight.dtype}")
    else:
        check_no_count(class_count)
    if weight.shape != (n_classes,):
        raise BadArgument(
            "class_weight", f"must be of {n_classes} classes, got shape {tuple(weight.shape)}"
        )
    if validate:
        check_weight(weight)
    return weight.to(logits.device, logits.dtype)


def of_labels(class_weight: Tensor, labels: Tensor) -> Tensor:
    """Weight of each sample's class; weights (..., n_classes), labels (..., n_samples)."""
    return class_weight.expand(*labels.shape[:-1], -1).gather(-1, labels)


def _named(name: str, class_count: ArrayLike | None) -> FloatArray:
    if name != "balanced":
        raise BadArgument(
            "class_weight",
            f"must be numbers, a dict or 'balanced', got {name!r}: of other schemes pass "
            "learnprop.class_weights",
        )
    if class_count is None:
        raise BadArgument("class_count", "is needed for `class_weight` 'balanced'")
    count = sizes(class_count)
    return np.asarray(count.sum() / (len(count) * count))


def sizes(class_count: ArrayLike) -> FloatArray:
    """Class sizes of one sample in float64, or a ValueError."""
    count = check_class_count(class_count)
    if count.ndim != 1:
        raise BadArgument("class_count", f"must be one-dimensional, got shape {count.shape}")
    return count


def _of_classes(class_weight: Mapping[int, float], n_classes: int | None) -> FloatArray:
    for key in class_weight:
        if not is_integer(key) or key < 0:
            raise BadArgument("class_weight", f"must have labels 0, 1, ... as keys, got {key!r}")
        if n_classes is not None and key >= n_classes:
            last = n_classes - 1
            raise BadArgument("class_weight", f": key {key} is no class: they are 0 .. {last}")
    if n_classes is None:
        n_classes = len(class_weight)
        if n_classes < 2 or max(class_weight) >= n_classes:
            raise BadArgument(
                "class_count",
                "is needed for a dict of `class_weight` that leaves classes out: nothing else says "
                "how many there are",
            )
    values = np.ones(n_classes)
    for key, value in class_weight.items():
        values[key] = as_number(value, "class_weight")
    return values
