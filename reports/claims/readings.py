"""What a statement reads from the measurements: numbers of single runs, and intervals over runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from equations.inference import Estimate, Verdict, equivalence_verdict
from equations.mean_proba import FloatArray
from simulations.records import Measurements


@dataclass(frozen=True)
class Claim:
    """A statement of the paper, what was measured of it, and the verdict.

    ``low`` and ``high`` are a 90 % interval over runs; both equal ``observed`` where it is
    computed, not simulated. ``claimed`` is a value or a bound in words.
    """

    claim: str
    design: str
    quantity: str
    claimed: str
    observed: float
    low: float
    high: float
    verdict: Verdict
    remark: str = ""


Readings = Mapping[tuple[str, str], Measurements]
"""Measurements of one split by (design, setting)."""

Put = Callable[[Readings, Readings, Mapping[tuple[str, str], Verdict], float], Claim]
"""``(test, train, balanced, margin) -> Claim``: puts a statement to what was measured."""


def above(estimate: Estimate, bound: float) -> Verdict:
    """Verdict on "greater than the bound"."""
    if estimate.low > bound:
        return "holds"
    return "fails" if estimate.high < bound else "inconclusive"


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
