"""What a mean predicted probability says of the accuracy, and what it does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_numbers
from learnprop.equations.matrix import off_diagonal
from learnprop.equations.mean_proba import ROW_SUM_TOLERANCE


def accuracy_bounds(mean_proba: ArrayLike) -> tuple[FloatArray, FloatArray]:
    r"""Bounds of the accuracy on each class that its mean probability implies (E11).

    .. math:: 2 \bar p_{ii} - 1 \le \text{accuracy}_i \le K \bar p_{ii}

    By Markov's inequality, for rows that sum to one and the most probable class as prediction: a
    sample that is missed gives its own class at most 1/2, one that is hit at least 1/K.

    Parameters
    ----------
    mean_proba : array_like, shape (..., n_classes, n_classes)

    Returns
    -------
    low, high : ndarray of float64, shape (..., n_classes)
        Within [0, 1]; NaN of a class without samples, whose row is NaN.

    Raises
    ------
    ValueError
        If a row does not sum to one, as of one-vs-all: the bounds are not true of it.

    Examples
    --------
    >>> low, high = accuracy_bounds([[0.8, 0.2], [0.6, 0.4]])
    >>> low.round(12).tolist(), high.round(12).tolist()
    ([0.6, 0.0], [1.0, 0.8])
    """
    miss = off_diagonal(mean_proba).sum(axis=-1)
    P = as_numbers(mean_proba, "mean_proba")
    row_sum = P.sum(axis=-1)
    if (np.abs(row_sum - 1) > ROW_SUM_TOLERANCE).any():
        worst = row_sum.ravel()[np.nanargmax(np.abs(row_sum - 1))]
        raise BadArgument(
            "mean_proba",
            "must have rows that sum to one (those of one-vs-all do not: the bounds "
            f"are not true of it), got {worst:.6g}",
        )
    own = np.diagonal(P, axis1=-2, axis2=-1)
    return np.maximum(1 - 2 * miss, 0.0), np.minimum(P.shape[-1] * own, 1.0)
