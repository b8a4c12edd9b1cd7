"""Bounds of expectations that are true of every sample size, however the terms are distributed."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import lambertw


def bounds_of_sum(total: float, unit: float, tail: float) -> tuple[float, float]:
    r"""Bounds of an expectation that are true of every sample size, by Chernoff's inequality.

    For a sum S of independent terms within [0, c] and expectation m, the probability of a sum as
    far on one side of m as the observed one is at most :math:`\exp(-h / c)`,
    :math:`h = m - S + S \log(S / m)`. The bounds are where that is `tail`.

    Parameters
    ----------
    total : float
        Observed sum S.
    unit : float
        c > 0.
    tail : float
        Probability of each of the two errors.

    Returns
    -------
    low, high : float

    References
    ----------
    Hoeffding (1963), Journal of the American Statistical Association 58, 13-30, theorem 1: a
    sharper bound, of which this is the limit for many terms.

    Examples
    --------
    >>> bounds_of_sum(0.0, 1.0, 0.05)[1] == float(-np.log(0.05))  # the rule of three
    True
    >>> low, high = bounds_of_sum(5.0, 1.0, 0.025)
    >>> round(low, 2), round(high, 2)  # high - low - 5 log(high / low) is zero
    (1.09, 13.75)
    """
    allowed = -unit * np.log(tail)
    if total <= 0:
        return 0.0, float(allowed)
    a = allowed / total
    if a > 600:  # e^-a underflows: no lower bound, and an upper one from h >= (m - S)² / 2m
        return 0.0, float(total + allowed + np.sqrt(allowed**2 + 2 * total * allowed))
    at = -np.exp(-1 - a)
    return tuple(float(-total * np.real(lambertw(at, branch))) for branch in (0, -1))  # type: ignore[return-value]


def level_of_equality(left: float, left_unit: float, right: float, right_unit: float) -> float:
    r"""Level at which two independent sums cannot have one expectation, at every sample size.

    A p value: the level at which the two intervals of `bounds_of_sum` part: four tails, hence
    :math:`4 e^{-h}` with h the exponent at the expectation m that suits both sums best.

    Parameters
    ----------
    left, right : float
        Observed sums.
    left_unit, right_unit : float
        Largest value of a term of each.

    Returns
    -------
    float

    Examples
    --------
    >>> level_of_equality(5.0, 1.0, 5.0, 1.0), level_of_equality(5.0, 1.0, 50.0, 1.0) < 1e-3
    (1.0, True)
    """
    (low, low_unit), (high, high_unit) = sorted([(left, left_unit), (right, right_unit)])
    if high - low <= 1e-12 * high:
        return 1.0

    def exponent(m: float, total: float, unit: float) -> float:
        return (m - total + (total * np.log(total / m) if total > 0 else 0.0)) / unit

    def difference(m: float) -> float:
        return exponent(m, low, low_unit) - exponent(m, high, high_unit)

    at_least = max(low, high * 1e-12)
    m = brentq(difference, at_least, high, xtol=1e-12 * high) if difference(at_least) < 0 else low
    return float(min(1.0, 4 * np.exp(-max(exponent(m, low, low_unit), 0.0)))) if m > 0 else 1.0
