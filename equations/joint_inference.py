r"""The K equations at once: joint tests.

Two kinds of uncertainty are kept apart. *Over runs*: replications of data and training; that is
what the theory is tested with. *Of a model*: one fixed classifier on fresh test data, whose
within-class covariances are known from its second moments; such a test concerns that model.

For softmax the K residuals sum to zero, so that K - 1 of them are tested; with `independent`
outputs (one-vs-all sigmoids) all K.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from equations.balance import residual
from equations.mean_proba import FloatArray


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
    n = check_test_count(test_count)
    m = len(mass) - (not independent)
    r = residual(P, mass, miss_proba)[:m]
    within = within_class_covariance(P, np.asarray(second_moment, dtype=np.float64), n)
    parts = (mass**2 / n)[:, None, None] * within[:, :m, :m]
    total = parts.sum(axis=0)
    statistic = _quadratic_form(r, total, "mean_proba")
    shares = np.linalg.solve(total, parts)
    traces = np.trace(shares, axis1=1, axis2=2)
    squares = np.einsum("kij,kji->k", shares, shares)
    df = float((m + m**2) / ((squares + traces**2) / (n - 1)).sum())
    return _f_test(statistic, m, df)


def check_test_count(test_count: ArrayLike) -> FloatArray:
    """Return test class sizes as float64 if each is at least 2.

    Examples
    --------
    >>> check_test_count([5, 2])
    array([5., 2.])
    """
    n = np.asarray(test_count, dtype=np.float64)
    if not (n >= 2).all():
        raise ValueError(f"test_count must be at least 2 in every class, got {n.tolist()}")
    return n


def within_class_covariance(
    mean_proba: FloatArray, second_moment: FloatArray, test_count: FloatArray
) -> FloatArray:
    """Unbiased covariance of the predictions within each class.

    Parameters
    ----------
    mean_proba : ndarray, shape (n_classes, n_classes)
    second_moment : ndarray, shape (n_classes, n_classes, n_classes)
    test_count : ndarray, shape (n_classes,)

    Returns
    -------
    ndarray of float64, shape (n_classes, n_classes, n_classes)

    Examples
    --------
    >>> P, M = np.array([[0.5, 0.5]] * 2), np.full((2, 2, 2), 0.25) + 0.01 * np.eye(2)
    >>> within_class_covariance(P, M, np.array([2.0, 2.0]))[0].round(12).tolist()
    [[0.02, 0.0], [0.0, 0.02]]
    """
    centred = second_moment - mean_proba[:, :, None] * mean_proba[:, None, :]
    return np.asarray(centred * (test_count / (test_count - 1))[:, None, None])


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
