"""What a statement reads from the measurements: numbers of single runs, and intervals over runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from learnprop.equations.inference.estimates import Verdict
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.statistics.claim import Claim
from learnprop.reports.statistics.runs import mean_with_interval
from learnprop.simulations.records.rows import Measurements

Readings = Mapping[tuple[str, str], Measurements]
"""Measurements of one split by (design, setting)."""


@dataclass(frozen=True)
class Evidence:
    """What was measured, verdicts on the equations of each (design, setting), and the margin."""

    test: Readings
    train: Readings
    balanced: Mapping[tuple[str, str], Verdict]
    margin: float


Put = Callable[[Evidence], Claim]
"""Puts a statement to what was measured."""


def computed(
    claim: str,
    design: str,
    quantity: str,
    claimed: str,
    value: float,
    verdict: Verdict,
    remark: str = "",
) -> Claim:
    """Put a statement to a number that has no Monte Carlo error."""
    return Claim(claim, design, quantity, claimed, value, value, value, 0.0, verdict, remark)


def own_proba(rows: Measurements, k: int) -> FloatArray:
    """Mean probability that class k gets of itself, one per run."""
    return rows.mean_proba[:, k, k]


def all_proba(rows: Measurements, _k: int) -> FloatArray:
    """P of each run."""
    return rows.mean_proba


def target_proba(rows: Measurements, k: int) -> FloatArray:
    """Mean probability of class 0 over class k, one per run."""
    return rows.mean_proba[:, k, 0]


def accuracy(rows: Measurements, k: int) -> FloatArray:
    """Accuracy of class k, one per run."""
    return np.asarray(rows.confusion[:, k, k] / rows.class_count[:, k])


def taken_for_target(rows: Measurements, k: int) -> FloatArray:
    """Share of class k that is predicted to be class 0, one per run."""
    return np.asarray(rows.confusion[:, k, 0] / rows.class_count[:, k])


def mean_log_proba(rows: Measurements, k: int) -> FloatArray:
    """Mean log-probability that class k gets of itself, one per run."""
    return np.asarray(-rows.log_loss[:, k] / rows.class_count[:, k])


def paired(
    readings: Readings, design: str, settings: tuple[str, str], of: Callable, k: int
) -> FloatArray:
    """Difference over runs between two settings, second minus first."""
    first, second = (readings[design, setting] for setting in settings)
    shared = np.intersect1d(first.run, second.run)
    return np.asarray(
        of(second, k)[np.isin(second.run, shared)] - of(first, k)[np.isin(first.run, shared)]
    )


def minus(first: FloatArray, second: FloatArray) -> FloatArray:
    """Differences between the runs of two designs, which are independent: any pairing will do.

    Examples
    --------
    >>> minus(np.array([3.0, 4.0, 5.0]), np.array([1.0, 2.0])).tolist()
    [2.0, 2.0]
    """
    n = min(len(first), len(second))
    return first[:n] - second[:n]


def in_words(values: FloatArray, digits: int = 3) -> str:
    """Mean over runs with its 90 % interval.

    Examples
    --------
    >>> in_words(np.array([0.1, 0.2, 0.3]))
    '0.200 [0.031, 0.369]'
    """
    found = mean_with_interval(values)
    low, high = f"{found.low:.{digits}f}", f"{found.high:.{digits}f}"
    return f"{found.value:.{digits}f} [{low}, {high}]"
