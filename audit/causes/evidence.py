"""A sample that explanations are held against: its P, and by how much that may err."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from learnprop.audit.causes.explanations.explanation import Explanation, imbalance
from learnprop.equations.arrays import FloatArray
from learnprop.equations.inference.joint import f_test

LARGEST_SMOOTHING = 0.3
"""Nobody smooths by more: a fit that wants to is no smoothing."""


@dataclass(frozen=True)
class Evidence:
    r"""P of one sample, and the covariance of :math:`aP` for coefficients a.

    Attributes
    ----------
    split : {"test", "train"}
    mean_proba : ndarray, shape (n_classes, n_classes)
    miss_proba : ndarray, shape (n_classes,)
    covariance : callable ``(coefficient) -> ndarray, shape (n_classes, n_classes)``
        Of fresh data :math:`\sum_k a_k^2 S_k (1/n_k + 1/N_k)`, S_k the covariance within class k:
        a fit has no residual on its own sample, so on other data it has minus the sampling error
        of its own. Of the training sample :math:`\sum_k a_k^2 S_k / N_k`, the size of what does not
        matter there.
    df : float
        Degrees of freedom of the covariance.
    """

    split: str
    mean_proba: FloatArray
    miss_proba: FloatArray
    covariance: Callable[[FloatArray], FloatArray]
    df: float


@dataclass(frozen=True)
class Fitted:
    """An explanation held against evidence.

    Attributes
    ----------
    explanation : Explanation
    number : float
        Stated or fitted; 0 where there is none.
    imbalance : ndarray, shape (n_classes,)
        What it leaves.
    statistic : float
        Its squared length in units of its covariance; NaN where there is nothing to measure by.
    df : int
        Equations less fitted numbers.
    p_value : float
        NaN where none are left.
    """

    explanation: Explanation
    number: float
    imbalance: FloatArray
    statistic: float
    df: int
    p_value: float


def remembered(covariance: Callable[[FloatArray], FloatArray]) -> Callable[..., FloatArray]:
    """A covariance that is computed once for each coefficient: of many classes it takes a pass."""
    known: dict[bytes, FloatArray] = {}

    def of(coefficient: FloatArray) -> FloatArray:
        key = np.round(coefficient, 15).tobytes()
        if key not in known:
            known[key] = covariance(coefficient)
        return known[key]

    return of


def in_standard_errors(covariance: FloatArray, *vectors: FloatArray) -> list[FloatArray] | None:
    """Vectors of all classes but the last in units in which the covariance is the identity.

    None where it is singular: the last class is left out because vectors sum to zero.

    Examples
    --------
    >>> in_standard_errors(np.diag([4.0, 1.0]), np.array([6.0, -6.0]))
    [array([3.])]
    """
    kept = covariance[:-1, :-1]
    scale = np.sqrt(np.diagonal(kept))
    if not (scale > 0).all():
        return None
    try:
        root = cholesky(kept / np.outer(scale, scale), lower=True)
    except LinAlgError:
        return None
    return [solve_triangular(root, vector[:-1] / scale, lower=True) for vector in vectors]


def held_against(evidence: Evidence, e: Explanation) -> Fitted:
    """Fit what an explanation leaves open, by generalised least squares, and test the rest.

    Parameters
    ----------
    evidence : Evidence
    e : Explanation

    Returns
    -------
    Fitted
        With a number of 0 where that fits best, which no such cause has.

    Examples
    --------
    Smoothing of 0.1 leaves 0.1 (w - 1/2) of each class:

    >>> P, w, equal = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0.5, 0.5]), np.full(2, 0.5)
    >>> evidence = Evidence("test", P, np.array([0.1, 0.2]), lambda a: np.eye(2) / 100, np.inf)
    >>> found = held_against(evidence, Explanation("", "", "", w, bias=np.array([-0.1, 0.1]),
    ...                                            n_free=1))
    >>> round(found.number, 9), found.df, found.p_value
    (0.5, 0, nan)
    """
    P, miss = evidence.mean_proba, evidence.miss_proba
    n_equations = len(P) - 1
    number = 0.0 if e.number is None else e.number
    if e.is_fitted:
        at_zero = imbalance(e, 0.0, P, miss)
        slope = imbalance(e, 1.0, P, miss) - at_zero
        upper = LARGEST_SMOOTHING if e.spread is not None else np.inf
        for _ in range(3):  # the covariance changes with ε
            scaled = in_standard_errors(evidence.covariance(e.coefficient(number)), at_zero, slope)
            if scaled is None or not scaled[1].any():
                break
            best = -float(scaled[1] @ scaled[0] / (scaled[1] @ scaled[1]))
            number = min(max(best, 0.0), upper)
    left = imbalance(e, number, P, miss)
    df = n_equations - e.n_free
    scaled = in_standard_errors(evidence.covariance(e.coefficient(number)), left)
    if scaled is None:
        return Fitted(e, number, left, float("nan"), df, float("nan"))
    statistic = float(scaled[0] @ scaled[0])
    return Fitted(e, number, left, statistic, df, p_value_of(statistic, df, evidence.df))


def misses(evidence: Evidence, fit: Fitted, error: float) -> bool:
    """Whether even the best fit leaves more than the error, no fitted number being counted.

    A number that is held at the end of its range takes nothing away, and none makes up for more.

    Examples
    --------
    >>> P, w = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0.5, 0.5])
    >>> evidence = Evidence("test", P, np.array([0.1, 0.2]), lambda a: np.eye(2) / 1e6, np.inf)
    >>> away = Explanation("", "", "", w, bias=np.array([0.1, -0.1]), n_free=1)
    >>> fit = held_against(evidence, away)
    >>> fit.number, fit.df, misses(evidence, fit, 0.05)
    (0.0, 0, True)
    """
    return p_value_of(fit.statistic, len(fit.imbalance) - 1, evidence.df) < error


def p_value_of(statistic: float, df: int, df_of_covariance: float) -> float:
    """Of a squared length in standard errors, by F, or chi-squared if the covariance is exact.

    Examples
    --------
    >>> round(p_value_of(9.49, 4, np.inf), 3), p_value_of(1.0, 0, np.inf)
    (0.05, nan)
    """
    if df < 1 or not np.isfinite(statistic):
        return float("nan")
    return f_test(statistic, df, min(df_of_covariance, 1e9)).p_value
