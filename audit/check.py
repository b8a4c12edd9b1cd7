"""Audit a classifier that somebody already has: `check`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.inference.statistics import effective_weights, gaps, joint_test
from learnprop.audit.predictions.arrays import measure_predictions
from learnprop.audit.predictions.record import Predictions
from learnprop.audit.report.record import BalanceReport
from learnprop.equations.arrays import FloatArray
from learnprop.equations.balance import left_side, right_side
from learnprop.equations.class_weights import class_weights
from learnprop.equations.inference.estimates import Estimate, Verdict, equivalence_verdict


def check(
    y_true: ArrayLike,
    y_proba: ArrayLike | None = None,
    *,
    class_weight: Any = None,
    train_count: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
    pos_label: Any = None,
    y_logits: ArrayLike | None = None,
    margin: float = 0.05,
    level: float = 0.95,
) -> BalanceReport:
    """Find the class weights that a classifier acts upon, and why not those that were stated.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(2, 6, size=40_000)  # a classifier that is calibrated
    >>> check(rng.random(40_000) < p, p).verdict
    'holds'
    """
    found = measure_predictions(
        y_true, y_proba, y_logits=y_logits, sample_weight=sample_weight, labels=labels,
        pos_label=pos_label,
    )  # fmt: skip
    count = found.count.astype(np.float64) if train_count is None else np.asarray(train_count)
    weight = class_weights("equal" if class_weight is None else class_weight, count)
    return report_of(found, weight, count, margin=margin, level=level)


def report_of(
    predictions: Predictions, weight: FloatArray, count: FloatArray, *, margin: float, level: float
) -> BalanceReport:
    """Put measured predictions to Eq. (9)."""
    mass = weight * count / (weight * count).sum()
    P, miss = predictions.mean_proba, predictions.miss_proba
    one_by_one = gaps(predictions, mass)
    verdicts = tuple(equivalence_verdict(g.low, g.high, margin) for g in one_by_one)
    together = gaps(predictions, mass, level=level, simultaneous=True)
    left, right = left_side(P, mass, miss), right_side(P, mass)
    return BalanceReport(
        labels=predictions.labels,
        class_weight=weight / weight.sum(),
        train_count=count,
        count=predictions.count,
        mean_proba=P,
        effective=tuple(effective_weights(predictions, count, level=level)),
        left=left,
        right=right,
        residual=left - right,
        gaps=tuple(one_by_one),
        verdicts=verdicts,
        verdict=_together(verdicts, together, margin),
        joint=joint_test(predictions, mass),
        expected_misses=predictions.effective_count * miss,
        warnings=(),
        causes=(),
        considered=(),
        groups=(),
        margin=margin,
        level=level,
    )


def _together(verdicts: tuple[Verdict, ...], together: list[Estimate], margin: float) -> Verdict:
    """Holds if each holds; fails if any of the simultaneous intervals is outside the margin."""
    if all(verdict == "holds" for verdict in verdicts):
        return "holds"
    outside = any(equivalence_verdict(g.low, g.high, margin) == "fails" for g in together)
    return "fails" if outside else "inconclusive"
