"""Every run's own interval of Table 1's gap, and how many of them have zero in it.

A run's model is one fixed classifier on a fresh sample (`gaps_of_model`). Its interval covers the
gap that this model has on the population. Zero it covers less often, for a fitted model has a gap
of its own: the noise of its training sample (E16).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from learnprop.equations.inference.model import gaps_of_model
from learnprop.equations.limits.predictions import RatioPrediction
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.records.rows import Measurements

LEVEL = 0.95
"""Of one run's interval."""


@dataclass(frozen=True)
class RunIntervals:
    """Gaps of the runs with a model, each with its own interval; shape (n_runs,) all.

    Attributes
    ----------
    gap, low, high : ndarray
        Of a run whose right side is not resolved the gap is NaN and the interval infinite.
    """

    gap: FloatArray
    low: FloatArray
    high: FloatArray

    @property
    def distance(self) -> FloatArray:
        """Distance of zero from the gap, in lengths of the interval's arm on that side.

        Above one where zero is outside.

        Examples
        --------
        >>> gap, low, high = np.array([3.0, -1.0]), np.array([1.0, -2.0]), np.array([6.0, 1.0])
        >>> RunIntervals(gap, low, high).distance
        array([1.5, 0.5])
        """
        arm = np.where(self.gap > 0, self.gap - self.low, self.high - self.gap)
        far = np.divide(
            np.abs(self.gap), arm, out=np.full_like(arm, np.inf), where=(arm > 0) & (arm < np.inf)
        )
        return np.where((self.gap == 0) | ~(arm < np.inf), 0.0, far)

    @property
    def misses(self) -> np.ndarray:
        """Which intervals have zero outside.

        Examples
        --------
        >>> gap, low, high = np.array([3.0, -1.0]), np.array([1.0, -2.0]), np.array([6.0, 1.0])
        >>> RunIntervals(gap, low, high).misses
        array([ True, False])
        """
        return np.asarray((self.low > 0) | (self.high < 0))


def run_intervals(rows: Measurements, mass: FloatArray) -> RunIntervals:
    """Interval of class 0's gap for each run on its own sample.

    Parameters
    ----------
    rows : Measurements
        Of one setting on one split, fresh data.
    mass : ndarray, shape (2,)

    Returns
    -------
    RunIntervals
    """
    moments = zip(
        rows.mean_proba, rows.second_moment, rows.class_count, rows.miss_proba, strict=True
    )
    gaps = [
        gaps_of_model(P, M, n, mass, miss_proba=miss, level=LEVEL)[0] for P, M, n, miss in moments
    ]
    return RunIntervals(
        *(np.array([getattr(g, f) for g in gaps]) for f in ("value", "low", "high"))
    )


def coverage_row(runs: RunIntervals) -> dict[str, float]:
    """Share of the intervals that have zero inside, with its Monte Carlo standard error.

    Parameters
    ----------
    runs : RunIntervals

    Returns
    -------
    dict of str to float
        ``intervals`` and ``missed`` are counts, ``coverage`` and ``coverage_mcse`` shares, that
        of a binomial; NaN of no runs.

    Examples
    --------
    >>> gap = np.array([1.0, 1.0, 1.0, 9.0])
    >>> coverage_row(RunIntervals(gap, gap - 2, gap + 2))
    {'intervals': 4, 'missed': 1, 'coverage': 0.75, 'coverage_mcse': 0.21650635094610965}
    """
    n, missed = len(runs.gap), int(runs.misses.sum())
    share = 1 - missed / n if n else float("nan")
    mcse = float(np.sqrt(share * (1 - share) / n)) if n else float("nan")
    return {"intervals": n, "missed": missed, "coverage": share, "coverage_mcse": mcse}


def predicted_coverage(sampled: RatioPrediction, limit: RatioPrediction) -> float:
    r"""Share of the intervals of fitted models that theory expects to have zero inside.

    An interval knows the variance of its test sample alone, the gap scatters with that of the
    training sample too. To the lowest order, where the bias of order 1/N does not count,

    .. math:: P(|Z| \le c\, \sigma_\text{test} / \sigma), \qquad
              \sigma^2 = \sigma_\text{test}^2 + \sigma_\text{train}^2 .

    Parameters
    ----------
    sampled : RatioPrediction
        Of test samples of the runs' size: its SD is σ.
    limit : RatioPrediction
        On the whole population: its SD is σ_train.

    Returns
    -------
    float

    Examples
    --------
    >>> whole = RatioPrediction(1.0, 1.0, 0.0)
    >>> round(predicted_coverage(RatioPrediction(1.0, 1.0, 0.1), whole), 3)
    0.95
    >>> round(predicted_coverage(RatioPrediction(1.0, 1.0, 0.1), RatioPrediction(1, 1, 0.08)), 3)
    0.76
    """
    of_test = np.sqrt(1 - (limit.sd / sampled.sd) ** 2)
    return float(1 - 2 * stats.norm.sf(stats.norm.isf((1 - LEVEL) / 2) * of_test))
