"""Sides of Eq. (9) wherever a cell was measured, and gaps compared with one another over runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce

import numpy as np

from learnprop.equations.inference.estimates import Estimate, Verdict, equivalence_verdict
from learnprop.equations.inference.jackknife import jackknife_of_deleted
from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.reports.fresh.theory import predicted_gap
from learnprop.reports.statistics.evidence import SettingEvidence, too_many_failed
from learnprop.reports.statistics.runs import CONFIDENCE
from learnprop.reports.statistics.sides import SidesOverRuns, sides_over_runs
from learnprop.simulations.records.rows import Measurements, rows_where
from learnprop.simulations.studies.fresh.study import SHIFTED, FreshCell
from learnprop.simulations.studies.recording import LEFT_OUT

REPAIRED = "repaired"
"""Where the fits of stage "loo" are measured on the population."""

SPLITS = ("train", LEFT_OUT, "population", SHIFTED, REPAIRED)


@dataclass(frozen=True)
class Compared:
    """One cell under one λ setting.

    Attributes
    ----------
    cell : FreshCell
    setting : str
    raw, repaired : SettingEvidence
        Of the fits as they are, and of stage "loo".
    margin : float
    """

    cell: FreshCell
    setting: str
    raw: SettingEvidence
    repaired: SettingEvidence
    margin: float

    @cached_property
    def refused(self) -> str:
        """Verdict in place of all numbers; empty where there are numbers."""
        return too_many_failed(self.raw) or ("" if len(self.runs) > 1 else "inconclusive")

    @cached_property
    def sides(self) -> Mapping[str, SidesOverRuns]:
        """Both sides over the runs that were measured everywhere, by split; of `SPLITS`."""
        return {
            split: sides_over_runs(
                rows_where(rows, np.isin(rows.run, self.runs)),
                self.raw.mass,
                margin=self.margin,
                converged=(self.repaired if split == REPAIRED else self.raw).converged,
            )
            for split, rows in self._measured.items()
        }

    @cached_property
    def predicted(self) -> FloatArray | None:
        """Gap by state evolution, shape (n_classes,); None where there is no minimum."""
        weight = dict(self.cell.class_weight)[self.setting]
        return predicted_gap(self.cell.kappa, self.cell.train_size, weight, self.cell.separation)

    @property
    def largest_on_train(self) -> float:
        """Largest relative difference of both sides on the training sample."""
        train = self.sides["train"]
        return float((np.abs(train.left - train.right) / np.maximum(train.left, train.right)).max())

    @cached_property
    def _measured(self) -> dict[str, Measurements]:
        if self.raw.measured is None:
            return {}
        found = {split: self.raw.split(split) for split in SPLITS if split != REPAIRED}
        return found | {REPAIRED: self.repaired.split("population")}

    @cached_property
    def runs(self) -> IntArray:
        """Replications that were measured everywhere."""
        runs = [rows.run for rows in self._measured.values()]
        return reduce(np.intersect1d, runs) if runs else np.array([], dtype=int)

    def between(self, observed: str, predicted: str) -> list[Estimate]:
        """Observed over predicted factor 1 + gap, minus one, of each class; paired by run."""
        of = self.sides[observed], self.sides[predicted]
        return [
            of_ratios(lambda a, b: a / b - 1, *((s.left[:, k], s.right[:, k]) for s in of))
            for k in range(len(self.raw.mass))
        ]

    def from_theory(self) -> list[Estimate] | None:
        """Observed factor 1 + gap over that of state evolution, minus one, of each class."""
        if self.predicted is None:
            return None
        pairs = zip(self.sides["population"].gaps, 1 + self.predicted, strict=True)
        return [
            replace(gap, **{e: (1 + getattr(gap, e)) / by - 1 for e in ("value", "low", "high")})
            for gap, by in pairs
        ]

    def verdict_on(self, difference: Estimate) -> Verdict:
        """Verdict on a difference that is zero where the prediction is right."""
        if not self.raw.converged:
            return "not converged"
        return equivalence_verdict(difference.low, difference.high, self.margin)


def of_ratios(
    statistic: Callable[..., FloatArray], *sides: tuple[FloatArray, FloatArray]
) -> Estimate:
    """A statistic of ratios of means over the same runs, with its jackknife interval.

    Parameters
    ----------
    statistic : callable
        Of as many arrays of ratios as there are pairs.
    *sides : pair of ndarray, shape (n_runs,)
        Numerator and denominator of each ratio.

    Returns
    -------
    Estimate
        Unbounded with fewer than three runs.

    Examples
    --------
    >>> twice = np.array([2.0, 4.0, 6.0]), np.array([1.0, 2.0, 3.0])
    >>> round(of_ratios(lambda ratio: ratio - 1, twice).value, 12)
    1.0
    """
    whole = statistic(*(left.mean() / right.mean() for left, right in sides))
    if len(sides[0][0]) < 3:
        return Estimate(float(whole), -np.inf, np.inf, CONFIDENCE)
    deleted = statistic(*((left.sum() - left) / (right.sum() - right) for left, right in sides))
    return jackknife_of_deleted(float(whole), deleted, level=CONFIDENCE)[0]
