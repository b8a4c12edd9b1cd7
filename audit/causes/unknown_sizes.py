r"""Class sizes of training that nobody gave: shares of the fresh sample, and an assumed total.

A residual is the mean over samples of :math:`\lambda_y (e_y - f)`. With known sizes it varies
within classes alone; with shares that are counted, :math:`\hat\pi_k = n_k / n` in the place of
:math:`N_k / M`, between them too: with :math:`g_k = \lambda_k (e_k - P_k)` and
:math:`r = \sum_k \pi_k g_k`

.. math:: V = \Big(\frac1n + \frac1M\Big) \sum_k \pi_k
          \left[ \lambda_k^2 S_k + (g_k - r)(g_k - r)^T \right] ,

for the fit's own sample has the residual zero with its own shares and P, so that the one on fresh
data is the difference of two such means, of n and of M samples. Of weights that follow from the
sizes, such as inverse ones, w varies less, and V is too large.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from learnprop.audit.causes.evidence import Evidence, in_standard_errors, p_value_of
from learnprop.audit.inference.statistics import weighted_covariance
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arrays import FloatArray
from learnprop.equations.balance import residual

PER_CLASS = 250
"""Samples for each class, on average, of the smallest training that is thought of: what it would
leave by chance is given no cause."""

LARGEST = 1e12
"""Samples that no training has."""


def covariance_without_sizes(
    predictions: Predictions, share: FloatArray, total: float
) -> Callable[[FloatArray], FloatArray]:
    """Covariance of aP, a proportional to unknown class sizes, for a training of M samples.

    Parameters
    ----------
    predictions : Predictions
    share : ndarray, shape (n_classes,)
        π, summing to one.
    total : float
        M.

    Returns
    -------
    callable ``(coefficient) -> ndarray, shape (n_classes, n_classes)``
    """
    p = predictions
    both = 1 / p.effective_count + 1 / (total * share)

    def covariance(coefficient: FloatArray) -> FloatArray:
        a = coefficient
        # To first order: smoothed targets are taken for those of their own class.
        own = a[:, None] * (np.eye(len(a)) - p.mean_proba)
        between = own - share[:, None] * own.sum(axis=0)
        found = weighted_covariance(p, a**2 * both) + between.T @ (both[:, None] * between)
        return np.asarray(found)

    return covariance


def assumed_total(count: FloatArray) -> float:
    """M to judge by: no more than fresh samples, and no more than a small training has."""
    return float(min(count.sum(), PER_CLASS * len(count)))


def left_by_chance(
    predictions: Predictions, fresh: Evidence, mass: FloatArray, share: FloatArray, error: float
) -> float:
    """Size of a training sample below which chance leaves a residual such as this one.

    Parameters
    ----------
    predictions : Predictions
        On fresh data.
    fresh : Evidence
        Of them.
    mass : ndarray, shape (n_classes,)
        w, as stated.
    share : ndarray, shape (n_classes,)
        π.
    error : float
        1 - level: the p-value at that size.

    Returns
    -------
    float
        NaN where the fresh sample alone leaves as much.
    """
    r = residual(fresh.mean_proba, mass, fresh.miss_proba)
    of_test = covariance_without_sizes(predictions, share, np.inf)(mass)
    of_one = covariance_without_sizes(predictions, share, 1.0)(mass) - of_test

    def above(log_total: float) -> float:
        scaled = in_standard_errors(of_test + of_one / np.exp(log_total), r)
        if scaled is None:
            return float("nan")
        statistic, df = float(scaled[0] @ scaled[0]), len(scaled[0])
        return p_value_of(statistic, df, fresh.df) - error

    ends = np.log(2.0 * len(mass)), np.log(LARGEST)
    if not above(ends[1]) < 0:
        return float("nan")
    return float(np.exp(brentq(above, *ends))) if above(ends[0]) > 0 else 2.0 * len(mass)


def words_of_chance(total: float) -> str:
    """Say what size of a training sample leaves this much, to two digits.

    Examples
    --------
    >>> words_of_chance(1234.5)[:73]
    'a training sample of fewer than about 1,200 samples leaves this much by c'
    """
    return (
        f"a training sample of fewer than about {float(f'{total:.2g}'):,.0f} samples leaves this "
        "much by chance, and only a larger one has to be explained: give `train_count`"
    )
