r"""How far a gap that leave-one-out predicts is from what it predicts: two errors, of two sizes.

*Of the prediction*, as an estimate of the gap of P on fresh data meaned over training samples: the
standard deviation that it has from one training sample to another. On its own training sample the
residual of a fit is zero whatever the sample, so that all of it comes from the corrections: it is
small, and the sum of the variances of the left-out residuals says nothing of it
(`learnprop.equations.leave_one_out.influence`).

*Of one model*: how far the gap of the very model that was fitted, on all fresh data, is from the
prediction. That model has its training sample's noise (E16), which no leave-one-out sees: to first
order its residual on the population is that of the sample at the fixed minimiser, with the sign
changed, a sum of N independent terms. Its variance is that of the left-out probabilities within
each class; for the mean over all N left-out models this is a theorem.

References
----------
Bayle, Bayle, Janson and Mackey (2020), Cross-validation confidence intervals for test error,
NeurIPS 33.
"""

from __future__ import annotations

import numpy as np

from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.balance import is_interpolated, left_side, right_side
from learnprop.equations.inference.simultaneous import sampling_of
from learnprop.equations.inference.within_class import within_class_covariance


def errors_of_prediction(
    influence: FloatArray, y: IntArray, left: FloatArray, right: FloatArray, mass: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Standard errors of a predicted residual and gap, as estimates of those of mean sides.

    Parameters
    ----------
    influence : ndarray, shape (2, n_classes, n_samples)
        On the left and the right side (`influence_on_sides`).
    y : ndarray of int, shape (n_samples,)
        At least two of each class.
    left, right : ndarray, shape (n_classes,)
        Both sides of Eq. (9), of left-out predictions.
    mass : ndarray, shape (n_classes,)

    Returns
    -------
    residual_error, gap_error : ndarray, shape (n_classes,)
        That of a gap is NaN where the gap is.

    Examples
    --------
    >>> on_left, on_right = np.array([[[0.1, -0.1, 0.0, 0.0]], [[0.0, 0.0, 0.3, -0.3]]])
    >>> sides, y = (np.array([2.0]), np.array([1.0]), np.array([9.0])), np.array([0, 0, 1, 1])
    >>> found = errors_of_prediction(np.stack([on_left, on_right]), y, *sides)
    >>> [error.round(4).tolist() for error in found]  # √(.04 + .36), √(.04 + 2² .36)
    [[0.6325], [1.2166]]
    """
    on_left, on_right = influence
    right = np.where(is_interpolated(right, mass), np.nan, right)
    on_gap = (on_left - (left / right)[:, None] * on_right) / right[:, None]
    variance = np.zeros((2, len(left)))
    for k, n in enumerate(np.bincount(y)):
        of_class = np.stack([on_left - on_right, on_gap])[..., y == k]
        variance += n * of_class.var(axis=-1, ddof=1)
    residual_error, gap_error = np.sqrt(variance)
    return residual_error, gap_error


def spread_of_models(
    mean_proba: FloatArray,
    second_moment: FloatArray,
    count: IntArray,
    mass: FloatArray,
    miss_proba: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Standard deviations of one model's residual and gap on fresh data about the prediction.

    Parameters
    ----------
    mean_proba : ndarray, shape (n_classes, n_classes)
        Of left-out predictions, as are the next.
    second_moment : ndarray, shape (n_classes, n_classes, n_classes)
    count : ndarray of int, shape (n_classes,)
        N, the training class sizes, at least two.
    mass : ndarray, shape (n_classes,)
    miss_proba : ndarray, shape (n_classes,)

    Returns
    -------
    residual_sd, gap_sd : ndarray, shape (n_classes,)
        That of a gap is NaN where the gap is.

    Examples
    --------
    >>> P, M = np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros((2, 2, 2))
    >>> for i, variance in enumerate((0.0399, 0.1599)):
    ...     M[i] = np.outer(P[i], P[i]) + variance * np.array([[1, -1], [-1, 1]])
    >>> count, mass, miss = np.array([400, 1600]), np.array([2.0, 1.0]), np.array([0.1, 0.2])
    >>> [sd.round(4).tolist() for sd in spread_of_models(P, M, count, mass, miss)]
    [[0.0224, 0.0224], [0.1118, 0.1118]]
    """
    V = (mass**2 / count)[:, None, None] * within_class_covariance(
        mean_proba, second_moment, count.astype(np.float64), miss_proba
    )
    left, right = left_side(mean_proba, mass, miss_proba), right_side(mean_proba, mass)
    right = np.where(is_interpolated(right, mass), np.nan, right)
    of_residual, of_gap = (
        np.sqrt(np.diagonal(sampling_of(ratio, V).between))
        for ratio in (np.ones_like(left), left / right)
    )
    return of_residual, of_gap / right
