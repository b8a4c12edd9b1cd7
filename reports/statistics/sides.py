"""Eq. (9) over the runs of one λ setting: sides, gaps, verdicts, and what single runs would say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from learnprop.equations.balance import is_interpolated, left_side, right_side
from learnprop.equations.inference.estimates import (
    Estimate,
    Verdict,
    equivalence_verdict,
    mcse_of_mean,
)
from learnprop.equations.inference.model import joint_test_of_model
from learnprop.equations.inference.resampling import variance_factor
from learnprop.equations.inference.simultaneous import gaps_over_runs, shared_sample_covariance
from learnprop.equations.inference.few_misses import too_few_misses
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.statistics.runs import CONFIDENCE
from learnprop.simulations.records.rows import Measurements

SIMULTANEOUS = 0.95
"""Level of the intervals that hold for all classes together."""

SIZE = 0.05
"""Size of the joint tests."""

ROUNDING = 1e-12
"""Of the larger side: what two sides may differ by in every run and be equal."""

NOT_MINIMISED: Verdict = "not minimised"
"""Verdict on a training sample whose loss a repaired bias has left above its minimum."""


@dataclass(frozen=True)
class SidesOverRuns:
    """Both sides of Eq. (9) over runs, (n_runs, n_classes) in units of Σw, with gaps and verdicts.

    ``gaps`` are at 90 %, one by one; ``together`` at 95 %, all of them at once.
    """

    left: FloatArray
    right: FloatArray
    gaps: list[Estimate]
    together: list[Estimate]
    verdicts: list[Verdict]


def sides_over_runs(
    rows: Measurements,
    mass: FloatArray,
    *,
    margin: float,
    converged: bool,
    shared_sample: bool = False,
    resplit: float = 0.0,
) -> SidesOverRuns:
    """Put the measurements of one setting and split to Eq. (9).

    Parameters
    ----------
    rows : Measurements
        At least two runs.
    mass : ndarray, shape (n_classes,)
    margin : float
    converged : bool
        Whether every run meets the premise of Eq. (8).
    shared_sample : bool
        Whether all runs are measured on one sample, whose own error then widens the intervals.
    resplit : float
        Of runs that split one data set, `resplit_ratio`: intervals are corrected for new data.

    Returns
    -------
    SidesOverRuns
    """
    share = mass / mass.sum()
    left = left_side(rows.mean_proba, share, rows.miss_proba)
    right = right_side(rows.mean_proba, share)
    found = partial(
        sides_from, left, right, margin=margin, converged=converged, resplit=resplit, unit=share
    )
    if not shared_sample:
        return found()
    n = rows.class_count[0]
    moments = rows.mean_proba, rows.second_moment
    shared = shared_sample_covariance(*moments, n, share, rows.miss_proba)
    P, M, miss = (a.mean(axis=0) for a in (rows.mean_proba, rows.second_moment, rows.miss_proba))
    return _unless_too_few(found(shared=shared), too_few_misses(P, M, n, share, miss))


def _unless_too_few(sides: SidesOverRuns, reasons: list[str]) -> SidesOverRuns:
    """Take back the intervals that rest on too few misses in the sample that all runs share."""
    if not any(reasons):
        return sides

    def bounded(gaps: list[Estimate]) -> list[Estimate]:
        return [
            replace(gap, low=-1.0, high=np.inf, reason=reason) if reason else gap
            for gap, reason in zip(gaps, reasons, strict=True)
        ]

    verdicts: list[Verdict] = [
        "inconclusive" if reason and verdict in ("holds", "fails") else verdict
        for verdict, reason in zip(sides.verdicts, reasons, strict=True)
    ]
    return replace(
        sides, gaps=bounded(sides.gaps), together=bounded(sides.together), verdicts=verdicts
    )


def sides_from(
    left: FloatArray,
    right: FloatArray,
    *,
    margin: float,
    converged: bool,
    shared: FloatArray | None = None,
    resplit: float = 0.0,
    unit: FloatArray | float = 1.0,
) -> SidesOverRuns:
    """Compare two sides over runs.

    Parameters
    ----------
    left, right : ndarray, shape (n_runs, n_classes)
        At least two runs; relative to the total mass, or to each class's own.
    margin : float
    converged : bool
    shared : ndarray, optional
        Covariance due to a sample that all runs are measured on (`gaps_over_runs`).
    resplit : float
        As in `sides_over_runs`.
    unit : float or ndarray, shape (n_classes,)
        Each class's own mass in the unit of the sides.

    Returns
    -------
    SidesOverRuns
    """
    found = partial(
        gaps_over_runs,
        left,
        right,
        shared=shared,
        variance_factor=variance_factor(len(left), resplit),
    )
    gaps, together = found(level=CONFIDENCE), found(level=SIMULTANEOUS, simultaneous=True)
    verdicts: list[Verdict] = []
    interpolated = is_interpolated(right.mean(axis=0), unit)
    # Right sides of few runs may differ so much that Fieller's interval knows of no ratio.
    equal = np.all(np.abs(left - right) <= ROUNDING * np.maximum(left, right), axis=0).tolist()
    for j, gap in enumerate(gaps):
        if interpolated[j]:
            verdicts.append("interpolated")
        elif not converged:
            verdicts.append("not converged")
        elif equal[j]:
            verdicts.append("holds")
        else:
            verdicts.append(equivalence_verdict(gap.low, gap.high, margin))
    return SidesOverRuns(left, right, gaps, together, verdicts)


def overall_verdict(sides: SidesOverRuns, margin: float) -> Verdict:
    """One verdict on all equations.

    They hold if each of them holds; they fail if any of the simultaneous intervals is outside the
    margin.

    Parameters
    ----------
    sides : SidesOverRuns
    margin : float

    Returns
    -------
    str
    """
    specials: tuple[Verdict, ...] = (NOT_MINIMISED, "not converged", "interpolated")
    for special in specials:
        if special in sides.verdicts:
            return special
    if all(v == "holds" for v in sides.verdicts):
        return "holds"
    outside = [equivalence_verdict(g.low, g.high, margin) == "fails" for g in sides.together]
    return "fails" if any(outside) else "inconclusive"


def rejections(rows: Measurements, mass: FloatArray, *, one_vs_all: bool) -> dict[str, float]:
    """Share of the runs whose own joint test, on its test data, rejects its model at 5 %.

    That is what somebody with one classifier would see. A fitted model violates the null, by the
    noise of its training sample and by what it overfits (`learnprop.equations.inference.model`), so
    that the share is above 5 % and grows with the test sample.

    Parameters
    ----------
    rows : Measurements
    mass : ndarray, shape (n_classes,)
    one_vs_all : bool

    Returns
    -------
    dict
        ``rejected`` and its ``rejected_mcse``; ``untested`` is the share of the runs whose test
        does not reject and says nothing by it, too few misses being expected.
    """
    rejects, says_nothing = np.zeros(len(rows)), np.zeros(len(rows))
    for i in range(len(rows)):
        try:
            test = joint_test_of_model(
                rows.mean_proba[i],
                rows.second_moment[i],
                rows.class_count[i],
                mass,
                miss_proba=rows.miss_proba[i],
                independent=one_vs_all,
            )
        except ValueError:  # no spread: e.g. a model that predicts the same for every sample
            says_nothing[i] = 1.0
            continue
        rejects[i] = test.p_value <= SIZE
        says_nothing[i] = test.reason != "" and not rejects[i]
    if len(rows) < 2:
        return {}
    return {
        "rejected": float(rejects.mean()),
        "rejected_mcse": mcse_of_mean(rejects),
        "untested": float(says_nothing.mean()),
    }
