r"""Gaps of all K equations with intervals, one by one or such that they hold together (max-t)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_flag, as_number, as_numbers, check_level
from learnprop.equations.inference.estimates import Estimate, check_variance_factor, fieller_roots
from learnprop.equations.inference.within_class import (
    check_test_count,
    side_factor,
    within_class_covariance,
)

SOBOL_POINTS = 2**14
"""Points of the fixed quasi-Monte Carlo rule of `max_t_critical`: three digits."""

MANY = 200
"""Equations of which Šidák's inequality gives the critical value: of 1000 the points take five
seconds and half a GiB, for a value that is 0.3 per cent smaller."""


def max_t_critical(correlation: ArrayLike, *, level: float = 0.95, df: float = np.inf) -> float:
    r"""Two-sided max-t critical value: :math:`P(\max_j |T_j| \le c)` is the level.

    T is multivariate t with the given correlation, which may be singular or empty. Of several
    equations, a quantile over a fixed set of scrambled Sobol points: the same for the same input,
    to three digits at levels up to .99 and ten degrees of freedom or more, and to a per cent or two
    of it far out. Of more than 200 equations it is Šidák's bound, which no correlation exceeds:
    :math:`P(|T_j| \le c)^m` is the level.

    Parameters
    ----------
    correlation : array_like, shape (m, m)
    level : float
    df : float
        Degrees of freedom; infinite for the normal distribution.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the correlation is no symmetric matrix of finite numbers, or a number is out of range.

    References
    ----------
    Hothorn, Bretz and Westfall (2008), Biometrical Journal 50, 346-363; Šidák (1967), Journal of
    the American Statistical Association 62, 626-633.

    Examples
    --------
    >>> alone = float(stats.norm.ppf(0.975))
    >>> together = max_t_critical([[1.0, -1.0], [-1.0, 1.0]])  # one equation, twice
    >>> bool(abs(together / alone - 1) < 1e-3)
    True
    """
    matrix, level, df = (
        as_numbers(correlation, "correlation"),
        check_level(level),
        as_number(df, "df"),
    )
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise BadArgument("correlation", f"must be a square matrix, got shape {matrix.shape}")
    if not (np.isfinite(matrix).all() and np.allclose(matrix, matrix.T)):
        raise BadArgument("correlation", "must be symmetric and finite")
    if not df > 0:
        raise BadArgument("df", f"must be positive, got {df}")
    if len(matrix) > MANY:
        one_sided = -np.expm1(np.log(level) / len(matrix)) / 2
        return float(stats.t.isf(one_sided, df))
    values, vectors = np.linalg.eigh(matrix)
    root = vectors[:, values > 1e-10] * np.sqrt(values[values > 1e-10])
    if not root.size:  # nothing varies: as for one equation
        return float(stats.t.ppf((1 + level) / 2, df))
    if root.shape[1] == 1:  # one equation, perhaps written often
        return float(stats.t.ppf((1 + level) / 2, df) / np.abs(root).max())
    normal, other = _sobol_points(root.shape[1])
    largest = np.abs(normal @ root.T).max(axis=1)
    if np.isfinite(df):
        # The quantile of chi² along a grid, interpolated: its exact values took ten times as long.
        grid = np.linspace(-9, 9, 400)
        spread = np.sqrt(stats.chi2.ppf(stats.norm.cdf(grid), df) / df)
        largest /= np.interp(other, grid, spread)
    return float(np.quantile(largest, level))


@lru_cache(maxsize=4)
def _sobol_points(dimension: int) -> tuple[FloatArray, FloatArray]:
    """Standard normal points (SOBOL_POINTS, dimension), and one more coordinate, also normal."""
    sobol = stats.qmc.Sobol(dimension + 1, rng=np.random.default_rng(0))
    points = stats.norm.ppf(np.clip(sobol.random(SOBOL_POINTS), 1e-12, 1 - 1e-12))
    return points[:, :-1], points[:, -1]


def gaps_over_runs(
    left: ArrayLike,
    right: ArrayLike,
    *,
    level: float = 0.9,
    simultaneous: bool = False,
    shared: ArrayLike | None = None,
    variance_factor: float = 1.0,
) -> list[Estimate]:
    r"""Gaps of the ratios of means over runs, :math:`\bar L_j / \bar R_j - 1`, with intervals.

    Fieller's, equation by equation; simultaneous ones take the max-t critical value with the
    correlation over runs of :math:`L_j - \hat\rho_j R_j`.

    Runs that are measured on one and the same test sample share its error, which no number of runs
    averages out: its covariance is added to that of the means over runs. The quantile stays that of
    n_runs - 1 degrees of freedom, which makes such intervals wider than they need be.

    Parameters
    ----------
    left, right : array_like, shape (n_runs, n_classes)
        Both sides of Eq. (9), in units of one total mass.
    level : float
    simultaneous : bool
    shared : array_like, shape (n_classes, n_classes, n_classes), optional
        Of a test sample that all runs share, the covariance V_k of :math:`w_k \bar p_{k \to
        \cdot}` due to class k (`shared_sample_covariance`), in that unit squared.
    variance_factor : float
        On the covariance of the means over runs: `resampling.variance_factor` of runs that split
        one data set.

    Returns
    -------
    list of Estimate, one per class
        NaN within ±inf where a right side vanishes.

    Raises
    ------
    ValueError
        With fewer than two runs, shapes that differ, or a number that is not finite.

    Examples
    --------
    >>> left, right = np.array([[1.0, 2.0], [1.1, 1.9], [0.9, 2.1]]), np.ones((3, 2))
    >>> [round(gap.value, 9) for gap in gaps_over_runs(left, right)]
    [0.0, 1.0]
    """
    a, b = as_numbers(left, "left"), as_numbers(right, "right")
    if a.ndim != 2 or a.shape != b.shape or len(a) < 2:
        raise BadArgument(
            "left",
            "and `right` must hold the same runs, at least 2, as (n_runs, n_classes), got "
            f"{a.shape} and {b.shape}",
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise BadArgument("left", "and `right` must hold finite numbers")
    n, level = len(a), check_level(level)
    variance_factor = check_variance_factor(variance_factor)
    simultaneous = as_flag(simultaneous, "simultaneous")
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    usable = mean_b > 0
    safe = np.where(usable, mean_b, 1.0)
    ratio = mean_a / safe
    c = np.where(usable, b / safe - 1, 0.0)
    d = np.where(usable, (a - ratio * b) / safe, 0.0)
    critical = float(stats.t.ppf((1 + level) / 2, n - 1))
    if simultaneous:
        critical = max_t_critical(correlation_of(d.T @ d), level=level, df=n - 1)
    sums = ((c * c).sum(axis=0), (c * d).sum(axis=0), (d * d).sum(axis=0))
    of_means = variance_factor / (n * (n - 1))
    g = [critical**2 * of_means * s for s in sums]
    if shared is not None:
        V = as_numbers(shared, "shared")
        if V.shape != (a.shape[1],) * 3:
            raise BadArgument("shared", f"must have shape {(a.shape[1],) * 3}, got {V.shape}")
        sampling = sampling_of(ratio, V)
        if simultaneous:
            spread = of_means * (d.T @ d) + sampling.between / np.outer(safe, safe)
            critical = max_t_critical(correlation_of(spread), level=level, df=n - 1)
            g = [critical**2 * of_means * s for s in sums]
        scale = (critical / safe) ** 2
        more = (sampling.right, -ratio * sampling.right, np.diagonal(sampling.between))
        g = [of_runs + scale * of_sample for of_runs, of_sample in zip(g, more, strict=True)]
    return fieller_gaps(ratio, usable, g, level)


def shared_sample_covariance(
    mean_proba: ArrayLike,
    second_moment: ArrayLike,
    test_count: ArrayLike,
    class_mass: ArrayLike,
    miss_proba: ArrayLike | None = None,
) -> FloatArray:
    r"""Covariance of :math:`w_k \bar p_{k \to \cdot}`, meaned over runs, due to a test sample.

    The mean over runs of :math:`V_k = w_k^2 S_k / n_k`, S_k the within-class covariance of one
    run's predictions: an upper bound, which is attained where all runs predict alike.

    Parameters
    ----------
    mean_proba : array_like, shape (n_runs, n_classes, n_classes)
        On the test sample that all runs share.
    second_moment : array_like, shape (n_runs, n_classes, n_classes, n_classes)
    test_count : array_like, shape (n_classes,)
        At least 2.
    class_mass : array_like, shape (n_classes,)
    miss_proba : array_like, shape (n_runs, n_classes), optional
        As in `learnprop.equations.balance.left_side`.

    Returns
    -------
    ndarray of float64, shape (n_classes, n_classes, n_classes)

    Raises
    ------
    ValueError
        If a test class has fewer than two samples.

    Examples
    --------
    >>> P, M = np.full((3, 2, 2), 0.5), np.full((3, 2, 2, 2), 0.25) + 0.01 * np.eye(2)
    >>> shared_sample_covariance(P, M, [2, 2], [1.0, 10.0])[1].round(12).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    n = check_test_count(test_count)
    P, M = (np.asarray(a, dtype=np.float64) for a in (mean_proba, second_moment))
    missed = [None] * len(P) if miss_proba is None else list(np.asarray(miss_proba))
    runs = zip(P, M, missed, strict=True)
    within = sum(within_class_covariance(p, m, n, miss) for p, m, miss in runs) / len(P)
    scale = np.asarray(class_mass, dtype=np.float64) ** 2 / n
    return np.asarray(scale[:, None, None] * within)


@dataclass(frozen=True)
class Sampling:
    """What sampling does to both sides: left and right come from different classes.

    ``factor`` (k, j) is that of f_kj in left_j - ρ_j right_j, up to its sign; ``right`` (j) the
    variance of right_j; ``between`` (j, l) the covariance of left_j - ρ_j right_j.
    """

    factor: FloatArray
    right: FloatArray
    between: FloatArray


def sampling_of(ratio: FloatArray, V: FloatArray) -> Sampling:
    """What a test sample with covariances V (k, j, l) does to the sides, at the ratios ρ (j).

    Examples
    --------
    >>> sampling_of(np.ones(2), np.stack([np.eye(2), 3 * np.eye(2)])).right.tolist()
    [3.0, 1.0]
    """
    factor = side_factor(ratio)
    right = variance_of_right(np.einsum("kjj->kj", V))
    return Sampling(factor, right, np.einsum("kj,kl,kjl->jl", factor, factor, V))


def variance_of_right(variance: FloatArray) -> FloatArray:
    """Variance of right_j from that of each class's share of it, (k, j).

    Examples
    --------
    >>> variance_of_right(np.array([[1.0, 1.0], [3.0, 3.0]])).tolist()
    [3.0, 1.0]
    """
    return np.asarray(np.where(np.eye(len(variance), dtype=bool), 0.0, variance).sum(axis=0))


def correlation_of(covariance: FloatArray) -> FloatArray:
    """Correlation of those components that vary.

    Examples
    --------
    >>> correlation_of(np.diag([4.0, 0.0])).tolist()
    [[1.0]]
    """
    scale = np.sqrt(np.maximum(np.diagonal(covariance), 0))
    varies = scale > 0
    return np.asarray(covariance[np.ix_(varies, varies)] / np.outer(scale[varies], scale[varies]))


def fieller_gaps(
    ratio: FloatArray, usable: NDArray[np.bool_], g: list[FloatArray], level: float
) -> list[Estimate]:
    """Gaps with Fieller's intervals, from ratios and the three g of `fieller_roots`, (j) each.

    Examples
    --------
    >>> nothing = np.zeros(1)
    >>> fieller_gaps(np.array([2.0]), np.array([True]), [nothing, nothing, nothing + 0.25], 0.9)
    [Estimate(value=1.0, low=0.5, high=1.5, level=0.9, reason='')]
    """
    found = []
    for value, there, g_cc, g_cd, g_dd in zip(ratio, usable, *g, strict=True):
        if not there:
            found.append(Estimate(float("nan"), -np.inf, np.inf, level))
            continue
        low, high = fieller_roots(float(g_cc), float(g_cd), float(g_dd))
        value = float(value) - 1
        # No side is negative, so no gap is below -1; +inf keeps -inf beside it.
        low = value + low if np.isinf(low) else max(value + low, -1.0)
        found.append(Estimate(value, low, value + high, level))
    return found
