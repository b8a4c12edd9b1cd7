"""Predictions in arrays, by scikit-learn's conventions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.predictions.record import Kept, Predictions
from learnprop.equations.labels import class_of
from learnprop.equations.matrix import off_diagonal
from learnprop.equations.mean_proba import check_proba, mean_proba_and_second_moments


def measure_predictions(
    y_true: ArrayLike,
    y_proba: ArrayLike | None = None,
    *,
    y_logits: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    pos_label: Any = None,
) -> Predictions:
    """Measure predictions within each true class.

    Examples
    --------
    >>> measure_predictions([0, 0, 1], [0.1, 0.3, 0.6]).mean_proba.round(12).tolist()
    [[0.8, 0.2], [0.4, 0.6]]
    """
    proba = check_proba(y_proba, "y_proba")
    n_classes = proba.shape[1]
    classes = class_of(y_true, n_classes, labels)
    names = np.arange(n_classes) if labels is None else np.asarray(labels)
    P, M = mean_proba_and_second_moments(classes, proba)
    count = np.bincount(classes, minlength=n_classes)
    with np.errstate(divide="ignore"):
        kept = Kept(np.log(proba), classes, 1 / count[classes])
    as_float = count.astype(np.float64)
    return Predictions(
        tuple(names.tolist()), "softmax", count, as_float, as_float, P,
        off_diagonal(P).sum(axis=1), M, kept,
    )  # fmt: skip
