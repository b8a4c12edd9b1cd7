"""The delete-one jackknife: standard errors that assume no shape of a distribution."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import as_number, check_level
from learnprop.equations.inference.estimates import Estimate, sample_of_runs


def jackknife(
    statistic: Callable[..., float], *samples: ArrayLike, level: float = 0.9
) -> tuple[Estimate, float]:
    r"""Delete-one jackknife: bias-corrected estimate with a t interval, and the standard error.

    .. math:: se^2 = \frac{n-1}{n} \sum_i (t_{(i)} - \bar t)^2, \qquad
              \hat t_{corrected} = n t - (n - 1) \bar t

    Parameters
    ----------
    statistic : callable
        Takes as many arrays of shape (n_runs,) as there are samples, returns a float.
    *samples : array_like, shape (n_runs,)
        Measured on the same runs, deleted together.
    level : float
        Confidence level of the interval.

    Returns
    -------
    estimate : Estimate
    standard_error : float

    Raises
    ------
    ValueError
        With fewer than three runs, samples of unequal length, or a number that is not finite.

    References
    ----------
    Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 11.

    Examples
    --------
    >>> estimate, standard_error = jackknife(np.mean, [1.0, 2.0, 3.0, 4.0])
    >>> round(estimate.value, 12), round(standard_error, 12), round((5 / 3) ** 0.5 / 2, 12)
    (2.5, 0.645497224368, 0.645497224368)
    """
    if not callable(statistic):
        raise BadArgument("statistic", f"must be a function, got {shown(statistic)}")
    if not samples:
        raise BadArgument("samples", "must be at least one")
    columns, level = [sample_of_runs(s, "samples", at_least=3) for s in samples], check_level(level)
    n = len(columns[0])
    if any(len(c) != n for c in columns):
        raise BadArgument("samples", f"must have one length, got {[len(c) for c in columns]}")
    keep = np.ones(n, dtype=bool)
    deleted = np.empty(n)
    for i in range(n):
        keep[i] = False
        deleted[i] = as_number(statistic(*(c[keep] for c in columns)), "statistic")
        keep[i] = True
    return jackknife_of_deleted(float(statistic(*columns)), deleted, level=level)


def jackknife_of_deleted(
    whole: float, deleted: ArrayLike, *, level: float = 0.9
) -> tuple[Estimate, float]:
    """`jackknife` of a statistic whose delete-one values are known in closed form.

    Parameters
    ----------
    whole : float
        Of all runs.
    deleted : array_like, shape (n_runs,)
        Without one run each.
    level : float

    Returns
    -------
    estimate : Estimate
    standard_error : float

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, 4.0])
    >>> jackknife_of_deleted(x.mean(), (x.sum() - x) / 3) == jackknife(np.mean, x)
    True
    """
    values = np.asarray(deleted, dtype=np.float64)
    n, centre = len(values), float(values.mean())
    standard_error = float(np.sqrt((n - 1) / n * ((values - centre) ** 2).sum()))
    corrected = n * whole - (n - 1) * centre
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * standard_error
    return Estimate(corrected, corrected - half, corrected + half, level), standard_error


def mcse_of_sd(values: ArrayLike) -> float:
    """Monte Carlo standard error of a standard deviation over runs, by the jackknife.

    Assumes nothing about the shape of the distribution, unlike ``sd / sqrt(2 (n - 1))``.

    Parameters
    ----------
    values : array_like, shape (n_runs,)

    Returns
    -------
    float, in the units of `values`

    Raises
    ------
    ValueError
        With fewer than three runs or a number that is not finite.

    Examples
    --------
    >>> round(mcse_of_sd([1.0, 2.0, 3.0]), 12)  # derived in test_estimates.py
    0.471404520791
    """
    sample = sample_of_runs(values, "values", at_least=3)
    n = len(sample)
    # Without run i the squares about the mean of the rest sum to S - n (x_i - mean)² / (n - 1).
    centred = sample - sample.mean()
    squares = centred**2
    rest = np.maximum(squares.sum() - n / (n - 1) * squares, 0.0)
    deleted = np.sqrt(rest / (n - 2))
    return jackknife_of_deleted(float(sample.std(ddof=1)), deleted)[1]
