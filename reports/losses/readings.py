"""What a statement about losses reads: pairs of cells, and how far their accuracies are apart."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import hypot
from typing import Any

import numpy as np

from learnprop.equations.inference.estimates import Estimate, Verdict
from learnprop.equations.losses import REFERENCE
from learnprop.equations.losses.loss import ChosenLoss
from learnprop.reports.losses.differences import (
    accuracy_by_run,
    error_of_test_set,
    has_width,
    in_shared_runs,
    resplit_of,
)
from learnprop.reports.losses.paper import trained_as_paper
from learnprop.reports.statistics.claim import over_runs
from learnprop.reports.statistics.runs import mean_with_interval
from learnprop.simulations.records.rows import Measurements
from learnprop.simulations.studies.losses.block import LossCell

Row = dict[str, Any]
Pair = tuple[LossCell, LossCell]

ACCURACY, CLASSES = "accuracy", "classes"
"""Units: share of the test images, number of classes."""


@dataclass(frozen=True)
class Trained:
    """What statements are put to.

    Attributes
    ----------
    tests : mapping of LossCell to Measurements
        On test after the last epoch.
    failed : collection of LossCell
        Those of whose runs too many have no model.
    margin : float
        Difference of accuracies that still counts as none.
    """

    tests: Mapping[LossCell, Measurements]
    failed: Collection[LossCell]
    margin: float

    def cells(self, model: str, matched: bool) -> dict[str, dict[ChosenLoss, LossCell]]:
        """Cells of a network at one step size by data set and loss; softmax is the same at both."""
        found: dict[str, dict[ChosenLoss, LossCell]] = {}
        for cell in self.tests:
            if cell.model == model and (cell.matched == matched or cell.loss.kind == REFERENCE):
                found.setdefault(cell.dataset, {})[cell.loss] = cell
        return found

    def pairs(
        self, one: ChosenLoss, other: ChosenLoss, model: str, matched: bool
    ) -> dict[str, Pair]:
        """Two losses at one step size, by data set; the first is not the softmax loss."""
        return {
            dataset: (of[one], of[other])
            for dataset, of in self.cells(model, matched).items()
            if {one, other} <= of.keys() and of[one].matched == matched
        }


def design(dataset: str, model: str, *, matched: bool) -> str:
    """Name what a statement is put to.

    Examples
    --------
    >>> design("kmnist", "cnn2c", matched=True)
    'kmnist cnn2c matched'
    """
    return f"{dataset} {model}{' matched' if matched else ''}"


def difference(
    trained: Trained,
    words: tuple[str, str, str, str],
    pairs: Sequence[Pair],
    verdict: Callable[[Estimate], Verdict],
    *remarks: str,
) -> list[Row]:
    """Put a statement to the mean over runs of a difference of accuracies.

    Parameters
    ----------
    trained : Trained
    words : tuple of str
        Claim, design, quantity and what is claimed of it.
    pairs : sequence of pairs of LossCell
        First less second; the mean over several pairs, run by run.
    verdict : callable
        On the mean with its interval; where that says nothing it is not asked.
    *remarks : str

    Returns
    -------
    list of dict
        One, as `learnprop.reports.losses.statements.statements` describes them; none where no run
        has all cells.
    """
    tests = trained.tests
    by_run = [in_shared_runs(*(accuracy_by_run(tests[cell]) for cell in pair)) for pair in pairs]
    d = np.array([np.mean([of[run] for of in by_run]) for run in _in_all(by_run)])
    if not len(d):
        return []
    cells = [cell for pair in pairs for cell in pair]
    failed = any(cell in trained.failed for cell in cells)

    def decide(found: Estimate) -> Verdict:
        says_nothing = failed or not has_width(found.low, found.high)
        return "inconclusive" if says_nothing else verdict(found)

    claim = over_runs(*words, d, decide, "; ".join((*remarks, *remarks_on(trained, cells))))
    errors = [error_of_test_set(one, (tests[one], tests[other])) for one, other in pairs]
    row = asdict(claim) | {"unit": ACCURACY, "runs": len(d)}
    row["test_error"] = hypot(*errors) / len(errors)
    resplit = max(resplit_of(cell, tests[cell]) for cell in cells)
    if resplit:
        corrected = mean_with_interval(d, resplit)
        row |= {"corrected_low": corrected.low, "corrected_high": corrected.high}
        row["corrected_verdict"] = decide(corrected)
    return [row]


def _in_all(by_run: Sequence[Mapping[int, float]]) -> list[int]:
    return sorted(set.intersection(*(set(of) for of in by_run)))


def remarks_on(trained: Trained, cells: Collection[LossCell]) -> list[str]:
    """What is to be known of runs: which images they share, and how they were trained."""
    if all(cell.shares_test_set for cell in cells):
        found = ["runs share training and test images: the interval is of seeds only"]
    else:
        found = ["runs split the same images: the interval is of seeds and splits"]
    if any(cell in trained.failed for cell in cells):
        found.append("too many runs have no model")
    if not all(map(trained_as_paper, cells)):
        found.append("not trained as the paper says")
    return found
