"""Eq. (10) over the runs of one cell: estimates with their uncertainty, and a verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from equations.balance import (
    binary_ratio,
    binary_ratio_in_theory,
    is_interpolated,
    left_side,
    right_side,
)
from equations.inference import (
    Estimate,
    Verdict,
    equivalence_verdict,
    mcse_of_mean,
    ratio_of_means,
)
from equations.jackknife import jackknife_of_deleted, mcse_of_sd
from equations.mean_proba import FloatArray

CONFIDENCE = 0.9
"""Level of the intervals: two one-sided tests at 5 %."""

MAX_FAILED = 0.05
"""Share of runs without a model above which a grid shows no mean over the others: it would speak of
those samples alone that happen to have a model."""


@dataclass(frozen=True)
class BinaryBalance:
    """Eq. (10) over the runs of one cell.

    ``lhs_*`` is the paper's statistic, the mean over runs of a ratio (biased upward); ``gap`` is
    that of the ratio of means, with Fieller's interval, and carries the verdict.
    """

    rhs: float
    lhs_mean: float
    lhs_sd: float
    lhs_mcse: float
    lhs_sd_mcse: float
    ratio_of_means: float
    gap: Estimate
    gap_mcse: float
    gap_jackknife: Estimate
    verdict: Verdict


def balance_over_runs(
    mean_proba: FloatArray, mass: FloatArray, *, margin: float, converged: bool
) -> BinaryBalance:
    """Summarise P of many runs against Eq. (10).

    Parameters
    ----------
    mean_proba : ndarray, shape (n_runs, 2, 2)
        At least three runs for the jackknife; with two its interval is infinite.
    mass : ndarray, shape (2,)
        w = λN.
    margin : float
        δ, declared before the run.
    converged : bool
        Whether the premise of Eq. (8) is met in every run: the gradient of the objective with
        respect to the output bias is zero. Otherwise the verdict says so.

    Returns
    -------
    BinaryBalance

    Raises
    ------
    ValueError
        With fewer than two runs.

    Examples
    --------
    >>> P = np.array([[[0.9, 0.1], [p, 1 - p]] for p in (0.0099, 0.01, 0.0101)])
    >>> balance_over_runs(P, np.array([500.0, 5000.0]), margin=0.05, converged=True).verdict
    'holds'
    """
    ratio = binary_ratio(mean_proba)
    left = left_side(mean_proba, mass)[:, 0]
    right = right_side(mean_proba, mass)[:, 0]
    ratio = np.where(is_interpolated(right, mass[0]), np.nan, ratio)
    rhs = float(binary_ratio_in_theory(mass))
    fieller = ratio_of_means(left, right, level=CONFIDENCE)
    gap = Estimate(fieller.value - 1, fieller.low - 1, fieller.high - 1, CONFIDENCE)
    if is_interpolated(right.mean(), mass[0]):
        verdict: Verdict = "interpolated"
    elif not converged:
        verdict = "not converged"
    else:
        verdict = equivalence_verdict(gap.low, gap.high, margin)
    usable = ratio[np.isfinite(ratio)]
    enough = len(usable) > 2
    gap_jackknife, gap_mcse = jackknifed_gap(left, right)
    return BinaryBalance(
        rhs=rhs,
        lhs_mean=float(usable.mean()) if len(usable) else float("nan"),
        lhs_sd=float(usable.std(ddof=1)) if len(usable) > 1 else float("nan"),
        lhs_mcse=mcse_of_mean(usable) if len(usable) > 1 else float("nan"),
        lhs_sd_mcse=mcse_of_sd(usable) if enough else float("nan"),
        ratio_of_means=fieller.value * rhs,
        gap=gap,
        gap_mcse=gap_mcse,
        gap_jackknife=gap_jackknife,
        verdict=verdict,
    )


def mean_with_interval(values: FloatArray) -> Estimate:
    """Mean over runs with its 90 % t interval.

    Parameters
    ----------
    values : ndarray, shape (n_runs,)
        At least two.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> found = mean_with_interval(np.array([1.0, 2.0, 3.0]))
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (2.0, 0.314, 3.686)
    """
    mean, half = float(values.mean()), float(half_width(mcse_of_mean(values), len(values)))
    return Estimate(mean, mean - half, mean + half, CONFIDENCE)


def half_width(mcse: ArrayLike, n_runs: ArrayLike) -> FloatArray:
    """Half the width of a mean's t interval, for error bars.

    Parameters
    ----------
    mcse : array_like
    n_runs : array_like
        Runs that the mean is over, at least 2.

    Returns
    -------
    ndarray

    Examples
    --------
    >>> half_width([0.1, 0.1], [3, 1000]).round(3).tolist()
    [0.292, 0.165]
    """
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, np.asarray(n_runs) - 1)
    return np.asarray(mcse, dtype=np.float64) * quantile


def jackknifed_gap(left: FloatArray, right: FloatArray) -> tuple[Estimate, float]:
    """Gap of the ratio of means over runs, and its Monte Carlo standard error, by the jackknife.

    Parameters
    ----------
    left, right : ndarray, shape (n_runs,)
        Both sides of one equation, in one unit.

    Returns
    -------
    gap : Estimate
    mcse : float
        Infinite with fewer than three runs, or where the right side vanishes.

    Examples
    --------
    >>> gap, mcse = jackknifed_gap(np.array([1.0, 1.1, 1.2]), np.array([1.0, 1.0, 1.0]))
    >>> round(gap.value, 12), round(mcse, 12) == round(0.1 / 3**0.5, 12)
    (0.1, True)
    """
    nothing = Estimate(float("nan"), -np.inf, np.inf, CONFIDENCE), float("inf")
    if len(left) < 3 or not right.mean() > 0:
        return nothing
    # Sums without one run are those of all less its own; else n² operations for n runs.
    rest = right.sum() - right
    if not (rest > 0).all():
        return nothing
    deleted = (left.sum() - left) / rest - 1
    whole = float(left.mean() / right.mean()) - 1
    return jackknife_of_deleted(whole, deleted, level=CONFIDENCE)
