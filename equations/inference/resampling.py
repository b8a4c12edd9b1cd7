r"""Means over runs that split one data set again and again: an interval for new data.

The runs share their samples, so that their mean does not settle on the value that new data would
give, however many runs there are. A test sample of n of N samples shares :math:`n/N` of itself with
that of another run, on average; with that as the correlation :math:`\rho` of two runs, and
:math:`\sigma^2` the variance of one,

.. math:: \mathrm{E}[s^2] = \sigma^2 (1 - \rho), \qquad
          \mathrm{Var}(\bar x) = \sigma^2 \Big( \rho + \frac{1 - \rho}{J} \Big)
          = \mathrm{E}[s^2] \Big( \frac{1}{J} + \frac{n}{N - n} \Big),

which is Nadeau and Bengio's :math:`s^2 (1/J + n_{test}/n_{train})` where all that is not tested on
is trained on. It is a heuristic: that runs share training samples too is not in it. It is more than
enough where that works the other way: in the gap of Eq. (9) on test data a sample counts once
positively and once negatively, as it is tested or trained on, and most of it cancels over splits.

Nadeau and Bengio (2003), Machine Learning 52, 239-281.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from learnprop.equations.arguments import BadArgument
from learnprop.equations.inference.estimates import Estimate, mcse_of_mean


def resplit_ratio(test_count: ArrayLike, sample_count: ArrayLike) -> float:
    r"""Test samples over those that are not, :math:`n_k / (N_k - n_k)`: the largest of all classes.

    Of classes that are split one by one; a correction by the largest is enough for each of them.

    Parameters
    ----------
    test_count : array_like of int, shape (n_classes,)
        n_k, at least 1.
    sample_count : array_like of int, shape (n_classes,)
        N_k, of the whole data set, more than n_k.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If a count is out of range.

    Examples
    --------
    >>> resplit_ratio([20, 20], [60, 420])
    0.5
    """
    n, of = (np.asarray(a, dtype=np.float64) for a in (test_count, sample_count))
    if n.shape != of.shape or not n.size or not ((n >= 1) & (n < of)).all():
        raise BadArgument(
            "test_count",
            "must be at least 1 and less than `sample_count` in every class, got "
            f"{n.tolist()} of {of.tolist()}",
        )
    return float((n / (of - n)).max())


def variance_factor(n_runs: int, ratio: float) -> float:
    r"""Variance of a mean over runs for new data, over that for these data: :math:`1 + J n/(N-n)`.

    Parameters
    ----------
    n_runs : int
        J.
    ratio : float
        As from `resplit_ratio`; zero where every run has data of its own.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the ratio is negative or not finite.

    Examples
    --------
    >>> variance_factor(10, 0.5)
    6.0
    """
    if not (np.isfinite(ratio) and ratio >= 0):
        raise BadArgument("ratio", f"must be finite and not negative, got {ratio}")
    return 1 + n_runs * ratio


def corrected_error(values: ArrayLike, ratio: float) -> float:
    r"""Standard error of a mean over splits for new data, :math:`s \sqrt{1/J + n/(N-n)}`.

    Parameters
    ----------
    values : array_like, shape (n_runs,)
        At least two.
    ratio : float

    Returns
    -------
    float, in the units of `values`

    Examples
    --------
    >>> corrected_error([1.0, 3.0], 0.5) == 2**0.5
    True
    """
    return float(mcse_of_mean(values) * np.sqrt(variance_factor(len(np.asarray(values)), ratio)))


def mean_over_splits(values: ArrayLike, ratio: float, *, level: float = 0.9) -> Estimate:
    """Mean over splits of one data set, with the corrected t interval for new data.

    Parameters
    ----------
    values : array_like, shape (n_runs,)
        Of random splits; at least two.
    ratio : float
        As from `resplit_ratio`; zero gives the interval over runs.
    level : float

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        With fewer than two runs, a number that is not finite, or a negative ratio.

    Examples
    --------
    >>> for ratio in (0.0, 0.5):
    ...     found = mean_over_splits([0.02, 0.01, 0.03, 0.02], ratio)
    ...     print(found.value, round(found.low, 4), round(found.high, 4))
    0.02 0.0104 0.0296
    0.02 0.0034 0.0366
    """
    error = corrected_error(values, ratio)
    half = float(stats.t.ppf((1 + level) / 2, len(np.asarray(values)) - 1)) * error
    mean = float(np.asarray(values, dtype=np.float64).mean())
    return Estimate(mean, mean - half, mean + half, level)
