r"""The K equations at once: the joint test over runs.

Two kinds of uncertainty are kept apart. *Over runs*: replications of data and training; that is
what the theory is tested with. *Of a model*: one fixed classifier on fresh test data; such a test
concerns that model (`learnprop.equations.inference.model`).

For softmax the K residuals sum to zero, so that K - 1 of them are tested; with `independent`
outputs (one-vs-all sigmoids) all K.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_finite, as_flag, as_numbers


@dataclass(frozen=True)
class JointTest:
    """A test that all residuals are zero: T², its degrees of freedom, and the p value from F.

    ``reason`` says why F cannot be trusted, and is empty where it can: then there is no statistic,
    a small `p_value` still rejects, and a large one says nothing.
    """

    statistic: float
    df: int
    df_residual: float
    p_value: float
    reason: str = ""


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
    r, independent = as_numbers(residuals, "residuals"), as_flag(independent, "independent")
    if r.ndim != 2 or r.shape[1] < 2:
        raise BadArgument("residuals", f"must have shape (n_runs, n_classes >= 2), got {r.shape}")
    n, m = len(r), r.shape[1] - (not independent)
    if n <= m:
        raise BadArgument("residuals", f"must hold more than {m} runs, got {n}")
    largest = np.abs(as_finite(r, "residuals")).max()
    r = np.ldexp(r, -np.frexp(largest)[1])  # squares stay within the floats
    chosen = r[:, :m]
    mean = chosen.mean(axis=0)
    covariance = np.atleast_2d(np.cov(chosen, rowvar=False)) / n
    statistic = quadratic_form(mean, covariance, "residuals")
    return f_test(statistic, m, n - 1)


def quadratic_form(mean: FloatArray, covariance: FloatArray, name: str) -> float:
    """T² of a mean with its covariance, in units in which no component is small.

    Raises
    ------
    ValueError
        Naming the argument, if a component has no spread or the covariance is singular.

    Examples
    --------
    >>> quadratic_form(np.array([1.0, 2.0]), np.diag([1.0, 4.0]), "residuals")
    2.0
    """
    scale = np.sqrt(np.maximum(np.diagonal(covariance), 0))
    if not (scale > 0).all():
        raise BadArgument(name, "has no spread: there is nothing to test with")
    z = mean / scale
    correlation = covariance / np.outer(scale, scale)
    try:
        return float(z @ np.linalg.solve(correlation, z))
    except np.linalg.LinAlgError:
        raise BadArgument(name, "has a singular covariance") from None


def f_test(statistic: float, m: int, df: float) -> JointTest:
    """Refer T² with covariance on `df` degrees of freedom to F(m, df - m + 1).

    Examples
    --------
    >>> round(f_test(4.0, 1, 10.0).p_value, 12) == round(2 * float(stats.t.sf(2.0, 10)), 12)
    True
    """
    residual_df = df - m + 1
    f = statistic * residual_df / (df * m)
    return JointTest(statistic, m, residual_df, float(stats.f.sf(f, m, residual_df)))
