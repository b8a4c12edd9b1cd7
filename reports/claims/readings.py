"""What a statement reads from the measurements: numbers of single runs, and intervals over runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from learnprop.equations.inference.estimates import (
    Estimate,
    Verdict,
    equivalence_verdict,
    mcse_of_mean,
)
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.statistics.runs import mean_with_interval
from learnprop.simulations.records.rows import Measurements


@dataclass(frozen=True)
class Claim:
    """A statement of the paper, what was measured of it, and the verdict.

    ``low`` and ``high`` are a 90 % interval over runs and ``mcse`` the Monte Carlo standard error;
    where a number is computed, not simulated, both equal ``observed`` and ``mcse`` is 0.
    ``claimed`` is a value or a bound in words; ``design`` names the data cells, "; " between them.
    """

    claim: str
    design: str
    quantity: str
    claimed: str
    observed: float
    low: float
    high: float
    mcse: float
    verdict: Verdict
    remark: str = ""


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


def over_runs(
    claim: str,
    design: str,
    quantity: str,
    claimed: str,
    values: FloatArray,
    verdict: Callable[[Estimate], Verdict],
    remark: str = "",
) -> Claim:
    """Put a statement to the mean over runs of `values`, shape (n_runs,).

    Examples
    --------
    >>> values = np.array([1.0, 2.0, 3.0])
    >>> found = over_runs("it rises", "a", "change", "> 0", values, lambda e: above(e, 0.0))
    >>> found.observed, round(found.mcse, 3), found.verdict
    (2.0, 0.577, 'holds')
    """
    found = mean_with_interval(values)
    numbers = (found.value, found.low, found.high, mcse_of_mean(values))
    return Claim(claim, design, quantity, claimed, *numbers, verdict(found), remark)


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


def above(estimate: Estimate, bound: float) -> Verdict:
    """Verdict on "greater than the bound"."""
    if estimate.low > bound:
        return "holds"
    return "fails" if estimate.high < bound else "inconclusive"


def below(estimate: Estimate, bound: float) -> Verdict:
    """Verdict on "less than the bound"."""
    if estimate.high < bound:
        return "holds"
    return "fails" if estimate.low > bound else "inconclusive"


def close(estimate: Estimate, claimed: float, margin: float) -> Verdict:
    """Verdict on "equal to", within a relative margin."""
    return equivalence_verdict(estimate.low / claimed - 1, estimate.high / claimed - 1, margin)


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
