r"""Statistics of Monte Carlo results: standard errors, intervals for a ratio, verdicts.

The decision is taken on the *gap of the ratio of means*, :math:`\bar L / \bar R - 1` over runs,
with Fieller's interval, and not on the mean over runs of the ratio, which is what the paper
prints and which is biased upward. A verdict is three-way against a margin declared before the
run; "not significantly different" is never "holds".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_finite, as_number, as_numbers, check_level

Verdict = Literal[
    "holds", "fails", "inconclusive", "not converged", "not minimised", "interpolated"
]


@dataclass(frozen=True)
class Estimate:
    """A point estimate with its confidence interval at a stated level.

    ``reason`` says why the usual interval cannot be trusted, and is empty where it can: then the
    ends are bounds that cover at every sample size, and a verdict is `inconclusive` unless they
    are on one side of what is asked.
    """

    value: float
    low: float
    high: float
    level: float
    reason: str = ""


def sample_of_runs(values: ArrayLike, name: str, at_least: int = 2) -> FloatArray:
    """Return `values`, shape (n_runs,), as float64 if there are enough and all are finite.

    Examples
    --------
    >>> sample_of_runs([1, 2], "values")
    array([1., 2.])
    """
    sample = as_numbers(values, name)
    if sample.ndim != 1 or len(sample) < at_least:
        raise BadArgument(name, f"must hold at least {at_least} runs, got shape {sample.shape}")
    return as_finite(sample, name)


def check_variance_factor(variance_factor: float) -> float:
    """Return a factor on variances if it is one.

    Examples
    --------
    >>> check_variance_factor(1.5)
    1.5
    """
    number = as_number(variance_factor, "variance_factor")
    if not 0 <= number < np.inf:
        raise BadArgument("variance_factor", f"must be finite and not negative, got {number}")
    return number


def mcse_of_mean(values: ArrayLike) -> float:
    r"""Monte Carlo standard error of a mean over runs, :math:`s / \sqrt n`.

    Parameters
    ----------
    values : array_like, shape (n_runs,)

    Returns
    -------
    float, in the units of `values`

    Raises
    ------
    ValueError
        With fewer than two runs or a number that is not finite.

    Examples
    --------
    >>> mcse_of_mean([1.0, 2.0, 3.0, 4.0]) == float(np.sqrt(5 / 3) / 2)
    True
    """
    sample = sample_of_runs(values, "values")
    return float(sample.std(ddof=1) / np.sqrt(len(sample)))


def ratio_of_means(
    numerator: ArrayLike,
    denominator: ArrayLike,
    *,
    level: float = 0.9,
    variance_factor: float = 1.0,
) -> Estimate:
    r"""Ratio of two means over the same runs, with Fieller's interval.

    The interval is the set of :math:`\rho` for which :math:`\bar a - \rho \bar b` is within t
    standard errors of zero, the roots of

    .. math:: (\bar b^2 - t^2 s_{bb}) \rho^2 - 2 (\bar a \bar b - t^2 s_{ab}) \rho
              + (\bar a^2 - t^2 s_{aa}) = 0,

    s being variances and covariance *of the means*. Where the denominator is not significantly
    different from zero the set is unbounded and ±inf is returned.

    Parameters
    ----------
    numerator, denominator : array_like, shape (n_runs,)
        Paired by run.
    level : float
        Confidence level.
    variance_factor : float
        On s: `resampling.variance_factor` of runs that split one data set.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        With fewer than two runs, unequal lengths, or a number that is not finite.

    References
    ----------
    Fieller (1954), Journal of the Royal Statistical Society B 16, 175-185.

    Examples
    --------
    >>> estimate = ratio_of_means([2.0, 4.0, 6.0], [1.0, 2.0, 3.0])
    >>> estimate.value, round(estimate.low, 9), round(estimate.high, 9)
    (2.0, 2.0, 2.0)
    """
    a, b = sample_of_runs(numerator, "numerator"), sample_of_runs(denominator, "denominator")
    if len(a) != len(b):
        raise BadArgument("numerator", f"has {len(a)} runs, `denominator` {len(b)}")
    n, level = len(a), check_level(level)
    variance_factor = check_variance_factor(variance_factor)
    mean_a, mean_b = float(a.mean()), float(b.mean())
    if mean_b == 0:
        return Estimate(float("nan"), -np.inf, np.inf, level)
    value = mean_a / mean_b
    # Stated for e = rho - value, in which the roots keep their digits however narrow the interval
    # is: with d = (a - value b) / mean(b), of mean zero, and c = b / mean(b) - 1,
    # (1 - g_cc) e^2 + 2 g_cd e - g_dd = 0.
    scale = float(stats.t.ppf((1 + level) / 2, n - 1)) ** 2 * variance_factor / (n * (n - 1))
    c, d = b / mean_b - 1, (a - value * b) / mean_b
    low, high = fieller_roots(scale * float(c @ c), scale * float(c @ d), scale * float(d @ d))
    return Estimate(value, value + low, value + high, level)


def fieller_roots(g_cc: float, g_cd: float, g_dd: float) -> tuple[float, float]:
    r"""Ends of Fieller's interval for a ratio ρ = a/b, as distances from its estimate.

    Roots e of :math:`(1 - g_{cc}) e^2 + 2 g_{cd} e - g_{dd} = 0`, where g are the squared critical
    value times the variances and the covariance of the means of :math:`c = b / \bar b` and
    :math:`d = (a - \hat\rho b) / \bar b`.

    Parameters
    ----------
    g_cc, g_cd, g_dd : float

    Returns
    -------
    low, high : float
        ±inf where the set is unbounded.

    Examples
    --------
    >>> fieller_roots(0.0, 0.0, 0.25)
    (-0.5, 0.5)
    """
    leading = 1 - g_cc
    if leading <= 0:
        return -np.inf, np.inf
    centre = -g_cd / leading
    half = float(np.sqrt(centre**2 + g_dd / leading))
    return centre - half, centre + half


def equivalence_verdict(low: float, high: float, margin: float) -> Verdict:
    """Three-way verdict on a gap whose exact value, if the theory is right, is zero.

    With `low` and `high` the ends of a 90 % interval, "holds" is the rejection of both one-sided
    tests at 5 % (TOST).

    Parameters
    ----------
    low, high : float
        Interval for the gap.
    margin : float
        δ > 0, declared before the run.

    Returns
    -------
    "holds" if the interval is inside ±margin, "fails" if it is wholly outside, else
    "inconclusive"

    Raises
    ------
    ValueError
        If `margin` is not positive and finite, or the interval is NaN or reversed.

    References
    ----------
    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680.

    Examples
    --------
    >>> equivalence_verdict(-0.01, 0.03, margin=0.05)
    'holds'
    >>> equivalence_verdict(0.06, 0.09, margin=0.05)
    'fails'
    >>> equivalence_verdict(-float("inf"), float("inf"), margin=0.05)
    'inconclusive'
    """
    low, high, margin = (
        as_number(value, name)
        for name, value in {"low": low, "high": high, "margin": margin}.items()
    )
    if not (np.isfinite(margin) and margin > 0):
        raise BadArgument("margin", f"must be positive and finite, got {margin}")
    if not low <= high:
        raise BadArgument("low", f"and `high` must be an interval, got [{low}, {high}]")
    if -margin < low and high < margin:
        return "holds"
    if low > margin or high < -margin:
        return "fails"
    return "inconclusive"


def z_against_rounded(
    value: float, mcse: float, reported: float, reported_mcse: float, half_unit: float
) -> tuple[float, float]:
    """Range of z between our number and a printed one, whose rounding hides half a unit.

    Parameters
    ----------
    value, mcse : float
        Our estimate and its Monte Carlo standard error.
    reported, reported_mcse : float
        The printed number and the standard error it had.
    half_unit : float
        Half of the last printed digit.

    Returns
    -------
    low, high : float
        z for the largest and the smallest number that rounds to `reported`.

    Raises
    ------
    ValueError
        If both standard errors are zero.

    Examples
    --------
    >>> z_against_rounded(10.0, 0.3, 10.0, 0.4, half_unit=0.05)
    (-0.1, 0.1)
    """
    spread = float(np.hypot(mcse, reported_mcse))
    if not spread > 0:
        raise BadArgument("mcse", "and `reported_mcse` must not both be zero")
    low, high = (round((value - reported - s * half_unit) / spread, 12) for s in (1, -1))
    return low, high
