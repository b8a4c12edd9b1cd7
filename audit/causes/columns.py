r"""Whether the columns of the probabilities look like those of other classes.

Of a posterior, under whatever masses, :math:`P_{kj} / w_j` is a matrix of second moments,
symmetric and positive semidefinite (E7), so that no permutation σ makes
:math:`\prod_k P_{k \sigma(k)}` larger than the identity does; the w_j are in all products alike. A
weak classifier is near equality and not beyond it.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.special import softmax

from learnprop.audit.predictions.record import Kept, Predictions
from learnprop.equations.arrays import FloatArray, IntArray

BEYOND_CHANCE = 5.0
"""Standard errors by which another order must be better, of one order; of the best of many more."""


def likely_columns(predictions: Predictions) -> IntArray | None:
    """The column that looks like each class's, (n_classes,); None where it is its own.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    ndarray of int64, shape (n_classes,), or None
    """
    P, n = predictions.mean_proba, predictions.effective_count
    n_classes = len(P)
    if (np.diagonal(P) >= P.max(axis=0)).all():  # then no other order can be better
        return None
    # With a whole sample more that says nothing: no logarithm of zero.
    P = (n[:, None] * P + 1 / n_classes) / (n[:, None] + 1)
    log_proba = np.log(P)
    _, columns = linear_sum_assignment(-log_proba)
    own = np.arange(n_classes)
    moved = np.flatnonzero(columns != own)
    if not len(moved):
        return None
    better = float((log_proba[own, columns] - np.diagonal(log_proba)).sum())
    variance = sum(_variance(predictions.kept, P[k], int(k), int(columns[k])) / n[k] for k in moved)
    # Of the best of m! orders the largest by chance grows as sqrt(2 log m!).
    orders = np.log(np.arange(1, len(moved) + 1)).sum()
    least = BEYOND_CHANCE + np.sqrt(2 * orders)
    return columns if better > least * np.sqrt(variance) else None


def _variance(kept: Kept, row: FloatArray, own: int, other: int) -> float:
    """Within a class, of what is averaged in log P of the other column less that of its own."""
    of_class = kept.classes == own
    proba = softmax(kept.logits[of_class], axis=1)
    each = proba[:, other] / row[other] - proba[:, own] / row[own]
    weight = kept.weight[of_class] / kept.weight[of_class].sum()
    return float(weight @ (each - weight @ each) ** 2)
