r"""The K equations at once: joint tests, and intervals that hold together.

Two kinds of uncertainty are kept apart. *Over runs*: replications of data and training; that is
what the theory is tested with. *Of a model*: one fixed classifier on fresh test data, whose
within-class covariances are known from its second moments; such a test concerns that model.

For softmax the K residuals sum to zero, so that K - 1 of them are tested; with `independent`
outputs (one-vs-all sigmoids) all K.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from equations.balance import INTERPOLATED_BELOW, left_side, residual, right_side
from equations.inference import Estimate, fieller_roots
from equations.mean_proba import FloatArray

SOBOL_POINTS = 2**14
"""Points of the fixed quasi-Monte Carlo rule of `max_t_critical`: three digits."""


@dataclass(frozen=True)
class JointTest:
    """A test that all residuals are zero: T², its degrees of freedom, and the p value from F."""

    statistic: float
    df: int
    df_residual: float
    p_value: float


def joint_test_over_runs(residuals: ArrayLike, *, independent: bool = False) -> JointTest:
    r"""Hotelling's test that the mean residual over runs is zero.

    .. math:: T^2 = n\, \bar r^T S^{-1} \bar r, \qquad
              \frac{n - m}{m (n - 1)} T^2 \sim F_{m,\, n - m}

    Parameters
    ----------
    residuals : array_like, shape (n_runs, n_classes)
        In any unit that is one and the same for all.
    independent : bool
        Whether all K equations are (one-vs-all); else m = K - 1 of them are.

    Returns
    -------
    JointTest

    Raises
    ------
    ValueError
        With no more runs than equations, or residuals without spread.

    References
    ----------
    Hotelling (1931), Annals of Mathematical Statistics 2, 360-378.

    Examples
    --------
    >>> r = np.array([[0.1, -0.1], [0.3, -0.3], [-0.1, 0.1], [0.2, -0.2]])
    >>> test = joint_test_over_runs(r)
    >>> test.df, round(test.p_value, 9)  # K = 2: the t test of the first column
    (1, 0.239442599)
    """
    r = np.asarray(residuals, dtype=np.float64)
    if r.ndim != 2 or r.shape[1] < 2:
        raise ValueError(f"residuals must have shape (n_runs, n_classes >= 2), got {r.shape}")
    n, m = len(r), r.shape[1] - (not independent)
    if n <= m:
        raise ValueError(f"residuals must hold more than {m} runs, got {n}")
    chosen = r[:, :m]
    mean = chosen.mean(axis=0)
    covariance = np.atleast_2d(np.cov(chosen, rowvar=False)) / n
    statistic = _quadratic_form(mean, covariance, "residuals")
    return _f_test(statistic, m, n - 1)


def joint_test_of_model(
    mean_proba: ArrayLike,
    second_moment: ArrayLike,
    test_count: ArrayLike,
    class_mass: ArrayLike,
    *,
    miss_proba: ArrayLike | None = None,
    independent: bool = False,
) -> JointTest:
    r"""Test that one fixed model satisfies Eq. (9), from its predictions on fresh test data.

    .. math:: \mathrm{Cov}(r) = V = \sum_k V_k, \qquad V_k = w_k^2 S_k / n_k,

    S_k the within-class covariance of the predictions; :math:`T^2 = r^T V^{-1} r` is referred to F
    with the degrees of freedom of Krishnamoorthy and Yu, which allow each class a covariance of
    its own,

    .. math:: \nu = \frac{m + m^2}{\sum_k \frac{1}{n_k - 1}
              \big( \mathrm{tr}\,(V_k V^{-1})^2 + (\mathrm{tr}\, V_k V^{-1})^2 \big)} .

    A *fitted* model violates the null at order 1/N, and with enough test data is rejected.

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
        On the test sample.
    second_moment : array_like, shape (n_classes, n_classes, n_classes)
    test_count : array_like, shape (n_classes,)
        Test class sizes, at least 2.
    class_mass : array_like, shape (n_classes,)
        w = λN of training.
    miss_proba : array_like, shape (n_classes,), optional
        As in `equations.balance.left_side`.
    independent : bool
        Whether the outputs are one-vs-all sigmoids.

    Returns
    -------
    JointTest

    Raises
    ------
    ValueError
        If a test class has fewer than two samples, or the predictions have no spread.

    References
    ----------
    Krishnamoorthy and Yu (2004), Statistics and Probability Letters 66, 161-169.

    Examples
    --------
    >>> P, M = np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros((2, 2, 2))
    >>> for i, variance in enumerate((0.04, 0.16)):
    ...     M[i] = np.outer(P[i], P[i]) + variance * np.array([[1, -1], [-1, 1]])
    >>> round(joint_test_of_model(P, M, [400, 400], [2.0, 1.0]).p_value, 9)
    1.0
    """
    P = np.asarray(mean_proba, dtype=np.float64)
    mass = np.asarray(class_mass, dtype=np.float64)
    n = _test_count(test_count)
    m = len(mass) - (not independent)
    r = residual(P, mass, miss_proba)[:m]
    within = _within_class_covariance(P, np.asarray(second_moment, dtype=np.float64), n)
    parts = (mass**2 / n)[:, None, None] * within[:, :m, :m]
    total = parts.sum(axis=0)
    statistic = _quadratic_form(r, total, "mean_proba")
    shares = np.linalg.solve(total, parts)
    traces = np.trace(shares, axis1=1, axis2=2)
    squares = np.einsum("kij,kji->k", shares, shares)
    df = float((m + m**2) / ((squares + traces**2) / (n - 1)).sum())
    return _f_test(statistic, m, df)


def _test_count(test_count: ArrayLike) -> FloatArray:
    n = np.asarray(test_count, dtype=np.float64)
    if not (n >= 2).all():
        raise ValueError(f"test_count must be at least 2 in every class, got {n.tolist()}")
    return n


def _within_class_covariance(P: FloatArray, M: FloatArray, n: FloatArray) -> FloatArray:
    """Unbiased covariance of the predictions within each class, shape (K, K, K)."""
    centred = M - P[:, :, None] * P[:, None, :]
    return np.asarray(centred * (n / (n - 1))[:, None, None])


def _quadratic_form(mean: FloatArray, covariance: FloatArray, name: str) -> float:
    scale = np.sqrt(np.maximum(np.diagonal(covariance), 0))
    if not (scale > 0).all():
        raise ValueError(f"{name} has no spread: there is nothing to test with")
    z = mean / scale
    correlation = covariance / np.outer(scale, scale)
    try:
        return float(z @ np.linalg.solve(correlation, z))
    except np.linalg.LinAlgError:
        raise ValueError(f"{name} has a singular covariance") from None


def _f_test(statistic: float, m: int, df: float) -> JointTest:
    """Refer T² with covariance on `df` degrees of freedom to F(m, df - m + 1)."""
    residual_df = df - m + 1
    f = statistic * residual_df / (df * m)
    return JointTest(statistic, m, residual_df, float(stats.f.sf(f, m, residual_df)))


def max_t_critical(correlation: ArrayLike, *, level: float = 0.95, df: float = np.inf) -> float:
    r"""Two-sided max-t critical value: :math:`P(\max_j |T_j| \le c)` is the level.

    T is multivariate t with the given correlation, which may be singular. A quantile over a fixed
    set of scrambled Sobol points: the same for the same input, to three digits.

    Parameters
    ----------
    correlation : array_like, shape (m, m)
    level : float
    df : float
        Degrees of freedom; infinite for the normal distribution.

    Returns
    -------
    float

    References
    ----------
    Hothorn, Bretz and Westfall (2008), Biometrical Journal 50, 346-363.

    Examples
    --------
    >>> alone = float(stats.norm.ppf(0.975))
    >>> together = max_t_critical([[1.0, -1.0], [-1.0, 1.0]])  # one equation, twice
    >>> bool(abs(together / alone - 1) < 1e-3)
    True
    """
    values, vectors = np.linalg.eigh(np.asarray(correlation, dtype=np.float64))
    root = vectors[:, values > 1e-10] * np.sqrt(values[values > 1e-10])
    normal, other = _sobol_points(root.shape[1])
    largest = np.abs(normal @ root.T).max(axis=1)
    if np.isfinite(df):
        # The quantile of chi² along a grid, interpolated: its exact values took ten times as long.
        grid = np.linspace(-9, 9, 400)
        spread = np.sqrt(stats.chi2.ppf(stats.norm.cdf(grid), df) / df)
        largest /= np.interp(other, grid, spread)
    return float(np.quantile(largest, level))


@lru_cache(maxsize=32)
def _sobol_points(dimension: int) -> tuple[FloatArray, FloatArray]:
    """Standard normal points (SOBOL_POINTS, dimension), and one more coordinate, also normal."""
    sobol = stats.qmc.Sobol(dimension + 1, rng=np.random.default_rng(0))
    points = stats.norm.ppf(np.clip(sobol.random(SOBOL_POINTS), 1e-12, 1 - 1e-12))
    return points[:, :-1], points[:, -1]


def gaps_over_runs(
    left: ArrayLike, right: ArrayLike, *, level: float = 0.9, simultaneous: bool = False
) -> list[Estimate]:
    r"""Gaps of the ratios of means over runs, :math:`\bar L_j / \bar R_j - 1`, with intervals.

    Fieller's, equation by equation; simultaneous ones take the max-t critical value with the
    correlation over runs of :math:`L_j - \hat\rho_j R_j`.

    Parameters
    ----------
    left, right : array_like, shape (n_runs, n_classes)
        Both sides of Eq. (9), in units of one total mass.
    level : float
    simultaneous : bool

    Returns
    -------
    list of Estimate, one per class
        NaN within ±inf where a right side vanishes.

    Raises
    ------
    ValueError
        With fewer than two runs or shapes that differ.

    Examples
    --------
    >>> left, right = np.array([[1.0, 2.0], [1.1, 1.9], [0.9, 2.1]]), np.ones((3, 2))
    >>> [round(gap.value, 9) for gap in gaps_over_runs(left, right)]
    [0.0, 1.0]
    """
    a, b = np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if a.ndim != 2 or a.shape != b.shape or len(a) < 2:
        raise ValueError(f"left and right must hold the same runs, got {a.shape} and {b.shape}")
    n = len(a)
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    usable = mean_b > 0
    safe = np.where(usable, mean_b, 1.0)
    ratio = mean_a / safe
    c = np.where(usable, b / safe - 1, 0.0)
    d = np.where(usable, (a - ratio * b) / safe, 0.0)
    critical = float(stats.t.ppf((1 + level) / 2, n - 1))
    if simultaneous:
        critical = max_t_critical(_correlation(d.T @ d), level=level, df=n - 1)
    scale = critical**2 / (n * (n - 1))
    sums = ((c * c).sum(axis=0), (c * d).sum(axis=0), (d * d).sum(axis=0))
    return _gaps(ratio, usable, [scale * s for s in sums], level)


def gaps_of_model(
    mean_proba: ArrayLike,
    second_moment: ArrayLike,
    test_count: ArrayLike,
    class_mass: ArrayLike,
    *,
    miss_proba: ArrayLike | None = None,
    level: float = 0.95,
    simultaneous: bool = False,
) -> list[Estimate]:
    r"""Gaps of one fixed model, with intervals for their value on the population.

    Left and right side come from different classes and are independent:
    :math:`\mathrm{Var}(L_j) = w_j^2 \mathrm{Var}_j(f_j) / n_j`,
    :math:`\mathrm{Var}(R_j) = \sum_{k \ne j} w_k^2 \mathrm{Var}_k(f_j) / n_k`. Fieller's interval
    with the degrees of freedom of Welch and Satterthwaite; simultaneous ones with the smallest of
    them.

    Parameters
    ----------
    mean_proba : array_like, shape (n_classes, n_classes)
    second_moment : array_like, shape (n_classes, n_classes, n_classes)
    test_count : array_like, shape (n_classes,)
        At least 2.
    class_mass : array_like, shape (n_classes,)
    miss_proba : array_like, shape (n_classes,), optional
        As in `equations.balance.left_side`.
    level : float
    simultaneous : bool

    Returns
    -------
    list of Estimate, one per class
        NaN within ±inf where a right side vanishes.

    Raises
    ------
    ValueError
        If a test class has fewer than two samples.

    Examples
    --------
    >>> P, M = np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros((2, 2, 2))
    >>> for i, variance in enumerate((0.04, 0.16)):
    ...     M[i] = np.outer(P[i], P[i]) + variance * np.array([[1, -1], [-1, 1]])
    >>> gap, _ = gaps_of_model(P, M, [400, 400], [2.0, 1.0])
    >>> round(gap.value, 9), round(gap.low, 3), round(gap.high, 3)
    (0.0, -0.246, 0.326)
    """
    P = np.asarray(mean_proba, dtype=np.float64)
    mass = np.asarray(class_mass, dtype=np.float64)
    n = _test_count(test_count)
    left, right = left_side(P, mass, miss_proba), right_side(P, mass)
    usable = right >= INTERPOLATED_BELOW * mass.sum()
    safe = np.where(usable, right, 1.0)
    ratio = left / safe
    within = _within_class_covariance(P, np.asarray(second_moment, dtype=np.float64), n)
    scaled = (mass**2 / n)[:, None, None] * within  # V_k
    variances = np.einsum("kjj->kj", scaled)
    own = np.eye(len(mass), dtype=bool)
    var_right = np.where(own, 0.0, variances).sum(axis=0)
    factor = np.where(own, 1.0, ratio)  # of f_kj in left_j - ρ_j right_j, up to its sign
    parts = factor**2 * variances
    spread = parts.sum(axis=0)
    df = spread**2 / np.maximum((parts**2 / (n - 1)[:, None]).sum(axis=0), 1e-300)
    critical = stats.t.ppf((1 + level) / 2, df)
    if simultaneous:
        covariance = np.einsum("kj,kl,kjl->jl", factor, factor, scaled)
        critical = max_t_critical(_correlation(covariance), level=level, df=float(df[usable].min()))
    scale = (critical / safe) ** 2
    g = [scale * var_right, -scale * ratio * var_right, scale * spread]
    return _gaps(ratio, usable, g, level)


def _correlation(covariance: FloatArray) -> FloatArray:
    """Correlation of those components that vary."""
    scale = np.sqrt(np.maximum(np.diagonal(covariance), 0))
    varies = scale > 0
    return np.asarray(covariance[np.ix_(varies, varies)] / np.outer(scale[varies], scale[varies]))


def _gaps(
    ratio: FloatArray, usable: FloatArray, g: list[FloatArray], level: float
) -> list[Estimate]:
    found = []
    for value, there, g_cc, g_cd, g_dd in zip(ratio, usable, *g, strict=True):
        if not there:
            found.append(Estimate(float("nan"), -np.inf, np.inf, level))
            continue
        low, high = fieller_roots(float(g_cc), float(g_cd), float(g_dd))
        value = float(value) - 1
        found.append(Estimate(value, value + low, value + high, level))
    return found
