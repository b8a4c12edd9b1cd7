"""Statistics over the runs of one cell: means, ratios and gaps with their uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from learnprop.equations.balance import binary_ratio, is_interpolated, right_side
from learnprop.equations.inference.estimates import Estimate, mcse_of_mean
from learnprop.equations.inference.jackknife import jackknife_of_deleted, mcse_of_sd
from learnprop.equations.inference.resampling import mean_over_splits
from learnprop.equations.mean_proba import FloatArray

if TYPE_CHECKING:
    import pandas as pd

CONFIDENCE = 0.9
"""Level of the intervals: two one-sided tests at 5 %."""

MAX_FAILED = 0.05
"""Share of runs without a model above which a grid shows no mean over the others: it would speak of
those samples alone that happen to have a model."""


FEW_RUNS = 20
"""Below, no SD over runs has a z against its prediction: its jackknife MCSE is too noisy for that.

Of normal samples whose SD is as predicted z has a spread of 5.5 with 4 runs, 12 % beyond ±3, of 1.4
with 10, and of 1.2 with 20, 2.8 % beyond (200,000 samples each). Verdicts of fewer say so.
"""


def ratio_over_runs(mean_proba: FloatArray, mass: FloatArray) -> dict[str, float]:
    """Mean and SD over runs of the left side of Eq. (10), the paper's statistic.

    The mean of a ratio is biased upward: verdicts are on the ratio of means.

    Parameters
    ----------
    mean_proba : ndarray, shape (n_runs, 2, 2)
        Runs whose right side vanishes do not count.
    mass : ndarray, shape (2,)
        w = λN.

    Returns
    -------
    dict of str to float
        ``lhs_mean``, ``lhs_sd``, and their Monte Carlo standard errors ``lhs_mcse`` and
        ``lhs_sd_mcse``; NaN where there are too few runs.

    Examples
    --------
    >>> P = np.array([[[0.9, 0.1], [p, 1 - p]] for p in (0.01, 0.02)])
    >>> ratio_over_runs(P, np.array([500.0, 5000.0]))["lhs_mean"]
    7.5
    """
    right = right_side(mean_proba, mass)[:, 0]
    ratio = np.where(is_interpolated(right, mass[0]), np.nan, binary_ratio(mean_proba))
    ratio = ratio[np.isfinite(ratio)]
    n, nan = len(ratio), float("nan")
    return {
        "lhs_mean": float(ratio.mean()) if n else nan,
        "lhs_sd": float(ratio.std(ddof=1)) if n > 1 else nan,
        "lhs_mcse": mcse_of_mean(ratio) if n > 1 else nan,
        "lhs_sd_mcse": mcse_of_sd(ratio) if n > 2 else nan,
    }


def mean_with_interval(
    values: FloatArray, resplit: float = 0.0, level: float = CONFIDENCE
) -> Estimate:
    """Mean over runs with its t interval.

    Parameters
    ----------
    values : ndarray, shape (n_runs,)
        With one run the interval is infinite; of none the mean is NaN.
    resplit : float
        As from `learnprop.equations.inference.resampling.resplit_ratio`: corrects the interval of
        runs that split one data set.
    level : float

    Returns
    -------
    Estimate

    Examples
    --------
    >>> found = mean_with_interval(np.array([1.0, 2.0, 3.0]))
    >>> found.value, round(found.low, 3), round(found.high, 3)
    (2.0, 0.314, 3.686)
    """
    if len(values) < 2:
        mean = float(values[0]) if len(values) else float("nan")
        return Estimate(mean, -np.inf, np.inf, level)
    return mean_over_splits(values, resplit, level=level)


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


def few_runs_note(n_runs: ArrayLike) -> list[str]:
    """Say below a table with verdicts what those of few runs rest on, where there are any.

    Parameters
    ----------
    n_runs : array_like
        Runs with a model, of each row; NaN and fewer than two have no interval.

    Returns
    -------
    list of str

    Examples
    --------
    >>> few_runs_note([25, 4, 3]), few_runs_note([25])
    (["verdicts of 3 to 4 runs: intervals are wide (Student's t, n - 1 degrees of freedom)"], [])
    """
    n = np.asarray(n_runs, dtype=np.float64)
    few = n[(n > 1) & (n < FEW_RUNS)]
    if not few.size:
        return []
    low, high = int(few.min()), int(few.max())
    runs = f"{low} to {high}" if low < high else f"{low}"
    return [f"verdicts of {runs} runs: intervals are wide (Student's t, n - 1 degrees of freedom)"]


def n_models(frame: pd.DataFrame) -> pd.Series:
    """Runs with a model, of each row of a summary.

    Examples
    --------
    >>> import pandas as pd
    >>> n_models(pd.DataFrame({"runs_attempted": [25], "runs_failed": [1]})).tolist()
    [24]
    """
    return frame["runs_attempted"] - frame["runs_failed"]
