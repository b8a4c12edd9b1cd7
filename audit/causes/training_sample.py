"""Predictions on the training sample, as users pass them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from learnprop.audit.causes.output_layer import OutputLayer
from learnprop.audit.predictions.arrays import measure_predictions, sliceable
from learnprop.audit.predictions.labels import classes_of, codes_of
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import as_finite
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
        About `train`, naming which of its parts.

    Examples
    --------
    >>> found, layer = measure_training(([0, 0, 1, 1], [0.1, 0.3, 0.6, 0.8]), (0, 1))
    >>> found.mean_proba.round(12).tolist(), layer
    ([[0.8, 0.2], [0.3, 0.7]], None)
    """
    if train is None:
        return None
    parts = _parts(train)
    name = "y_logits" if "y_logits" in parts else "y_proba"
    with _of_train():
        _, shape = sliceable(parts[name], name)
        columns = shape[1] if len(shape) == 2 else 2
        if columns != len(labels):
            codes_of(parts["y_true"], "y_true")  # says it where the two are in the wrong order
            has = "has" if len(shape) == 2 else "is one-dimensional, which stands for"
            raise BadArgument(name, f"{has} {columns} columns, and there are {len(labels)} classes")
        found = measure_predictions(
            parts["y_true"], labels=list(labels), pos_label=pos_label, **{name: parts[name]}
        )
        if (found.count < 2).any():
            least = labels[int(found.count.argmin())]
            raise BadArgument("y_true", f"holds less than two samples of {least!r}")
        if "X" not in parts:
            return found, None
        first = len(shape) == 1 and pos_label is not None and pos_label == labels[0]
        return found, _layer(parts, name, labels, of_first=first)


@contextmanager
def _of_train() -> Iterator[None]:
    """Let an error about a part of `train` say so."""
    try:
        yield
    except BadArgument as error:
        raise BadArgument("train", f": its `{error.argument}` {error.problem}") from None


def _parts(train: Any) -> dict[str, Any]:
    if isinstance(train, Mapping):
        parts = dict(train)
        unknown = [name for name in parts if name not in (*NAMES, "y_logits")]
        if unknown:
            said = "must have `y_true`, `y_proba` or `y_logits`, and maybe `X`"
            raise BadArgument("train", f"{said}, got {shown(unknown[0])}")
    elif isinstance(train, tuple | list) and len(train) in (2, 3):
        parts = dict(zip(NAMES, train, strict=False))
    else:
        raise BadArgument("train", f"must be (y, proba) or (y, proba, X), got {shown(train)}")
    parts = {name: value for name, value in parts.items() if value is not None}
    if "y_true" not in parts or ("y_proba" in parts) == ("y_logits" in parts):
        has = shown(list(parts))
        said = f"must hold `y_true`, and `y_proba` or `y_logits`, one of them, got {has}"
        raise BadArgument("train", said)
    return parts


def _layer(
    parts: dict[str, Any], name: str, labels: tuple[Any, ...], *, of_first: bool
) -> OutputLayer:
    """Features and logits; one number per sample is of the second class, or of the first."""
    features, values = as_finite(parts["X"], "X"), parts[name]
    classes, _ = classes_of(parts["y_true"], None, len(labels), list(labels))
    if features.ndim != 2 or len(features) != len(classes):
        said = f"must have features of shape ({len(classes)}, n_features), got {features.shape}"
        raise BadArgument("X", said)
    if name == "y_logits":
        logits = as_finite(values, name)
        logits = np.stack([np.zeros_like(logits), logits], axis=1) if logits.ndim == 1 else logits
    else:
        with np.errstate(divide="ignore"):
            # A probability that was rounded to zero has the logit of the smallest float.
            logits = np.log(np.maximum(check_proba(values, name), np.finfo(np.float64).tiny))
    return OutputLayer(features, logits[:, ::-1] if of_first else logits, classes)
