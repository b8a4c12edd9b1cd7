r"""The stationary distribution of P, and the class weights that a classifier acts upon (E3).

Eq. (9) for softmax is ``w P = w``. P is row-stochastic, so w is known from P alone, up to a factor;
with the class sizes that gives the *effective* class weights.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.sparse import csgraph

from learnprop.equations.arguments import BadArgument, renamed, shown
from learnprop.equations.arrays import FloatArray, as_numbers, check_level
from learnprop.equations.class_weights import check_class_count
from learnprop.equations.inference.estimates import Estimate
from learnprop.equations.inference.few_misses import MIN_MISSES, too_few_misses_within
from learnprop.equations.inference.model import gaps_within
from learnprop.equations.inference.within_class import (
    WithinClass,
    check_model,
    within_class_of_moments,
)
from learnprop.equations.matrix import off_diagonal
from learnprop.equations.mean_proba import ROW_SUM_TOLERANCE


@np.errstate(under="ignore", over="ignore")
def stationary_distribution(mean_proba: ArrayLike) -> FloatArray:
    r"""Unique stationary distribution of P, which Eq. (9) says is :math:`w / \sum_k w_k` (E3).

    Solved by the elimination of Grassmann, Taksar and Heyman, which subtracts nothing and uses
    the off-diagonal entries alone: every component keeps its relative accuracy however close P is
    to the identity.

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
        Rows sum to one, every class reachable from every other.

    Returns
    -------
    ndarray of float64, shape (n_classes,), summing to one

    Raises
    ------
    ValueError
        If rows do not sum to one (as with one-vs-all), or some class cannot be reached from the
        others, or so rarely that float64 cannot hold it: no unique positive solution exists.

    References
    ----------
    Grassmann, Taksar and Heyman (1985), Operations Research 33, 1107-1116.

    Examples
    --------
    >>> stationary_distribution([[0.9, 0.1], [0.01, 0.99]]).round(12)
    array([0.09090909, 0.90909091])
    """
    a = off_diagonal(mean_proba, all_rows=True)
    if a.ndim != 2:
        raise BadArgument("mean_proba", f"must be one matrix here, got shape {a.shape}")
    row_sum = as_numbers(mean_proba, "mean_proba").sum(axis=1)
    if np.abs(row_sum - 1).max() > ROW_SUM_TOLERANCE:
        raise BadArgument("mean_proba", f"must have rows that sum to one, got {shown(row_sum)}")
    n_classes = len(a)
    _, exponent = np.frexp(a.max(initial=0))
    a = np.ldexp(a, -exponent)  # a common factor changes nothing, and products stay in range
    leaving = np.empty(n_classes)
    for k in range(n_classes - 1, 0, -1):
        leaving[k] = a[k, :k].sum()
        if not leaving[k] > 0:
            raise _no_solution(mean_proba)
        a[:k, :k] += np.outer(a[:k, k] / leaving[k], a[k, :k])
    pi = np.ones(n_classes)
    for k in range(1, n_classes):
        pi[k] = pi[:k] @ a[:k, k] / leaving[k]
    if not ((pi > 0) & np.isfinite(pi)).all():
        raise _no_solution(mean_proba)
    return pi / pi.sum()


def _no_solution(mean_proba: ArrayLike) -> ValueError:
    """Tell a class that is never reached from one that is reached too rarely for float64."""
    n_parts, _ = csgraph.connected_components(off_diagonal(mean_proba) > 0, connection="strong")
    reason = "it is reducible" if n_parts > 1 else "its entries span more than float64 can hold"
    return BadArgument("mean_proba", f"has no unique positive stationary distribution: {reason}")


def effective_class_weight(mean_proba: ArrayLike, class_count: ArrayLike) -> FloatArray:
    r"""λ that a classifier behaves as if it had been trained with, from P and N alone (E3).

    .. math:: \lambda_k \propto \pi_k / N_k, \qquad \pi P = \pi

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
    class_count : array_like, shape (n_classes,)
        Training class sizes.

    Returns
    -------
    ndarray of float64, shape (n_classes,), scaled to sum to one (λ is defined up to a factor)

    Examples
    --------
    >>> effective_class_weight([[0.9, 0.1], [0.01, 0.99]], [1000, 10000]).round(12)
    array([0.5, 0.5])
    """
    share = stationary_distribution(mean_proba)
    weight = share / check_class_count(class_count, len(share))
    return weight / weight.sum()


@np.errstate(under="ignore")
def effective_class_weight_of_model(
    mean_proba: ArrayLike,
    second_moment: ArrayLike,
    test_count: ArrayLike,
    class_count: ArrayLike,
    *,
    level: float = 0.95,
    min_misses: float = MIN_MISSES,
) -> list[Estimate]:
    r"""Effective λ of one model, with intervals for its value on the population.

    By the delta method, :math:`d\pi = \pi\, dP\, D` with the deviation matrix
    :math:`D = (I - P + 1\pi)^{-1} - 1\pi`, from fresh test samples of each class; intervals are
    symmetric on the scale of :math:`\log \lambda_k`, with λ scaled to sum to one.

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
    second_moment : array_like, shape (n_classes, n_classes, n_classes)
        On the same test sample.
    test_count : array_like, shape (n_classes,)
        Its class sizes, at least 2.
    class_count : array_like, shape (n_classes,)
        Training class sizes.
    level : float
    min_misses : float
        Expected misses below which the delta method is not trusted; 0 always trusts it.

    Returns
    -------
    list of Estimate, one per class
        With a ``reason`` where too few misses are expected for the delta method. Of two classes the
        ends are then Chernoff's bounds of λ_1 / λ_0, the gap of Eq. (10) under equal weights; of
        more they are 0 and 1, within which every λ is. The value is NaN where P has no stationary
        distribution on this sample.

    Raises
    ------
    ValueError
        If a test class has fewer than two samples, or an argument does not fit the others.

    References
    ----------
    Meyer (1975), SIAM Review 17, 443-464, for the derivative of π.

    Examples
    --------
    >>> P = np.array([[0.9, 0.1], [0.01, 0.99]])
    >>> M = np.array([np.diag(row) for row in P])  # each prediction is certain of itself
    >>> found = effective_class_weight_of_model(P, M, [1000, 2000], [1000, 10000])
    >>> [round(e.low, 3) for e in found], round(found[0].value, 9), found[0].reason
    ([0.394, 0.394], 0.5, '')
    """
    with renamed(class_mass="class_count"):
        P, M, n, count = check_model(
            mean_proba, second_moment, test_count, class_count, None, level
        )
    within = within_class_of_moments(P, M, n)
    return effective_class_weight_within(within, count, level=level, min_misses=min_misses)


@np.errstate(under="ignore")
def effective_class_weight_within(
    within: WithinClass,
    class_count: FloatArray,
    *,
    level: float = 0.95,
    min_misses: float = MIN_MISSES,
) -> list[Estimate]:
    """`effective_class_weight_of_model` of a sample whose spread is known, weighted or not.

    Examples
    --------
    >>> P = np.array([[0.9, 0.1], [0.01, 0.99]])
    >>> M = np.array([np.diag(row) for row in P])
    >>> within = within_class_of_moments(P, M, np.array([1000.0, 2000.0]))
    >>> round(effective_class_weight_within(within, np.array([1e3, 1e4]))[0].low, 3)
    0.394
    """
    P, count = within.mean_proba, class_count
    try:
        weight, pi = effective_class_weight(P, count), stationary_distribution(P)
    except ValueError as error:  # on this sample: a class that it never shows, say
        nothing = Estimate(float("nan"), 0.0, 1.0, level, f"on this sample {error}")
        return [nothing] * len(P)
    reason = next(filter(None, too_few_misses_within(within, pi, min_misses=min_misses)), "")
    if reason:
        low, high = np.zeros(len(P)), np.ones(len(P))
        if len(P) == 2:
            at_equal_weights = gaps_within(within, count, level=level)[0]
            odds = np.maximum([at_equal_weights.high + 1, at_equal_weights.low + 1], 0)  # λ_1 / λ_0
            low[0], high[0] = 1 / (1 + odds)
            low[1], high[1] = 1 - high[0], 1 - low[0]
        ends = zip(weight.tolist(), low.tolist(), high.tolist(), strict=True)
        return [Estimate(value, a, b, level, reason) for value, a, b in ends]
    limit = np.outer(np.ones(len(pi)), pi)
    leaving = -off_diagonal(P)  # I - P, whose diagonal is what the rest of the row sums to
    np.fill_diagonal(leaving, -leaving.sum(axis=1))
    size = leaving.max()  # the inverse of numbers near one, however small those of I - P
    deviation = (np.linalg.inv(leaving / size + limit) - limit) / size
    covariance = deviation.T @ within.total(pi**2 / within.count) @ deviation
    # log λ_k = log π_k - log N_k - log Σ_j π_j / N_j
    gradient = np.diag(1 / pi) - np.outer(np.ones(len(pi)), weight / pi)
    variance = ((gradient @ covariance) * gradient).sum(axis=1)
    return _log_intervals(weight, np.sqrt(np.maximum(variance, 0)), stats.norm.ppf, level)


def effective_class_weight_over_runs(
    mean_proba: ArrayLike, class_count: ArrayLike, *, level: float = 0.95
) -> list[Estimate]:
    """Effective λ of the mean P over runs, with jackknife intervals on the log scale.

    Parameters
    ----------
    mean_proba : array_like, shape (n_runs, n_classes, n_classes)
        At least three runs.
    class_count : array_like, shape (n_classes,)
    level : float

    Returns
    -------
    list of Estimate, one per class

    Raises
    ------
    ValueError
        With fewer than three runs, or where a P has no stationary distribution.

    Examples
    --------
    >>> P = [[[1 - p, p], [0.01, 0.99]] for p in (0.09, 0.1, 0.11)]
    >>> round(effective_class_weight_over_runs(P, [1000, 10000])[0].value, 12)
    0.5
    """
    P = as_numbers(mean_proba, "mean_proba")
    if P.ndim != 3 or len(P) < 3:
        raise BadArgument("mean_proba", f"must hold at least 3 runs, got shape {P.shape}")
    n, level = len(P), check_level(level)
    total = P.sum(axis=0)
    weight = effective_class_weight(total / n, class_count)
    deleted = np.log([effective_class_weight((total - p) / (n - 1), class_count) for p in P])
    spread = np.sqrt((n - 1) / n * ((deleted - deleted.mean(axis=0)) ** 2).sum(axis=0))
    return _log_intervals(weight, spread, lambda q: stats.t.ppf(q, n - 1), level)


def _log_intervals(
    weight: FloatArray,
    standard_error: FloatArray,
    quantile: Callable[[float], float],
    level: float,
) -> list[Estimate]:
    factor = np.exp(quantile((1 + level) / 2) * standard_error)
    return [
        Estimate(float(w), float(w / f), float(w * f), level)
        for w, f in zip(weight, factor, strict=True)
    ]
