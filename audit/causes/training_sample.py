"""Predictions on the training sample, as users pass them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from learnprop.audit.causes.output_layer import OutputLayer
from learnprop.audit.predictions.arrays import measure_predictions
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arguments import BadArgument, renamed, shown
from learnprop.equations.arrays import as_finite, as_numbers
from learnprop.equations.labels import class_of
from learnprop.equations.mean_proba import check_proba

NAMES = ("y_true", "y_proba", "X")


def measure_training(
    train: Any, labels: tuple[Any, ...], pos_label: Any = None
) -> tuple[Predictions, OutputLayer | None] | None:
    """Measure predictions on the training sample, and keep the features of its output layer.

    Parameters
    ----------
    train : tuple, mapping or None
        ``(y, proba)``, ``(y, proba, X)``, or a mapping of `y_true`, `y_proba` or `y_logits`, and
        `X`, shape (n_samples, n_features).
    labels : tuple
        The label of each class.
    pos_label : object
        The label that one-dimensional probabilities are of.

    Returns
    -------
    (Predictions, OutputLayer or None), or None where there is no training sample

    Raises
    ------
    BadArgument
        About `train`.

    Examples
    --------
    >>> found, layer = measure_training(([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.8]), (0, 1))
    >>> found.mean_proba.round(12).tolist(), layer
    ([[0.8, 0.2], [0.3, 0.7]], None)
    """
    if train is None:
        return None
    parts = _parts(train)
    of_logits = "y_logits" in parts
    values = parts["y_logits" if of_logits else "y_proba"]
    shape = as_numbers(values, "train").shape
    if len(shape) == 2 and shape[1] != len(labels):
        raise BadArgument("train", f"has {shape[1]} columns, and there are {len(labels)} classes")
    given = {"y_logits" if of_logits else "y_proba": values}
    inner = ("y_true", "y_proba", "y_logits", "proba", "logits", "labels", "pos_label")
    with renamed(**dict.fromkeys(inner, "train")):
        found = measure_predictions(
            parts["y_true"], labels=list(labels), pos_label=pos_label, **given
        )
        if (found.count < 2).any():
            least = labels[int(found.count.argmin())]
            raise BadArgument("train", f"holds less than two samples of {least!r}")
        if "X" not in parts:
            return found, None
        return found, _layer(parts, values, labels, of_logits)


def _parts(train: Any) -> dict[str, Any]:
    if isinstance(train, Mapping):
        parts = dict(train)
        unknown = [name for name in parts if name not in (*NAMES, "y_logits")]
        if unknown:
            raise BadArgument("train", f"must have y_true, y_proba, X, got {shown(unknown[0])}")
    elif isinstance(train, tuple | list) and len(train) in (2, 3):
        parts = dict(zip(NAMES, train, strict=False))
    else:
        raise BadArgument("train", f"must be (y, proba) or (y, proba, X), got {shown(train)}")
    parts = {name: value for name, value in parts.items() if value is not None}
    if "y_true" not in parts or ("y_proba" in parts) == ("y_logits" in parts):
        raise BadArgument("train", "must hold labels, and probabilities or logits")
    return parts


def _layer(
    parts: dict[str, Any], values: Any, labels: tuple[Any, ...], of_logits: bool
) -> OutputLayer:
    with renamed(X="train"):
        features = as_finite(parts["X"], "X")
    classes = class_of(parts["y_true"], len(labels), list(labels))
    if features.ndim != 2 or len(features) != len(classes):
        said = f"must have features of shape ({len(classes)}, n_features), got {features.shape}"
        raise BadArgument("train", said)
    if of_logits:
        logits = as_finite(values, "train")
        logits = np.stack([np.zeros_like(logits), logits], axis=1) if logits.ndim == 1 else logits
    else:
        with np.errstate(divide="ignore"):
            # A probability that was rounded to zero has the logit of the smallest float.
            logits = np.log(np.maximum(check_proba(values, "train"), np.finfo(np.float64).tiny))
    return OutputLayer(features, logits, classes)
