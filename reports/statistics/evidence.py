"""What a study measured under one λ setting, and its splits put to Eq. (9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.statistics.runs import MAX_FAILED
from learnprop.reports.statistics.sides import NOT_MINIMISED, SidesOverRuns, sides_over_runs
from learnprop.simulations.engine.study import Cell, Study
from learnprop.simulations.records.rows import (
    FAILED_STATUSES,
    REASONS,
    SEPARATED,
    Fits,
    Measurements,
    rows_where,
    select,
    with_way_on,
)
from learnprop.simulations.records.store import Store, read_fits, read_measurements
from learnprop.simulations.studies.recording import SPLITS

INCONCLUSIVE = "inconclusive"
"""Verdict where there are fewer than two models."""

NO_MINIMUM, NOT_COMPUTED = "no minimum", "not computed"
"""Verdicts where the features part the classes, so that an output layer has no minimum, and where
its left-out predictions are not there: the reasons of such fits begin with them."""


REPAIRED_STAGE = "loo"
"""Stage of fits that tables call repaired."""


@dataclass(frozen=True)
class SettingEvidence:
    """What a study measured under one λ setting, at its headline epoch and stage.

    Attributes
    ----------
    mass : ndarray, shape (n_classes,)
        w = λN.
    fits : Fits
    measured : Measurements or None
    counts : dict
        Runs attempted, converged and failed.
    converged : bool
        Whether every model meets the premise of Eq. (8).
    usable : bool
        Whether there are two models or more.
    max_bias_gradient : float
        Largest abs(∂/∂b) / Σw over runs and classes.
    """

    mass: FloatArray
    fits: Fits
    measured: Measurements | None
    counts: dict[str, int]
    converged: bool
    usable: bool
    max_bias_gradient: float

    @property
    def models(self) -> Fits:
        """Fits with a model: those that are measured, in the same order of runs."""
        return rows_where(self.fits, self.fits.has_model)

    @property
    def repaired(self) -> bool:
        """Whether biases were moved off the minimum, to where left-out predictions balance."""
        return bool((self.fits.stage == REPAIRED_STAGE).any())

    def split(self, name: str) -> Measurements:
        """Measurements on one split."""
        assert self.measured is not None
        return select(self.measured, split=name)


def read_cell(study: Study, store: Store, cell: Cell) -> tuple[Fits, Measurements | None]:
    """Read what is stored of the replications that a study asks of a cell.

    Parameters
    ----------
    study : Study
    store : Store
    cell : Cell

    Returns
    -------
    fits : Fits
    measured : Measurements or None
    """
    runs = range(study.runs_of(cell.name))
    return read_fits(store, cell.name, runs), read_measurements(store, cell.name, runs)


def evidence_of(
    study: Study,
    cell: Cell,
    setting: str,
    fits: Fits,
    measured: Measurements | None,
    at: tuple[int, str] | None = None,
) -> SettingEvidence:
    """Select what a study measured under one λ setting.

    Parameters
    ----------
    study : Study
    cell : Cell
    setting : str
    fits : Fits
        Of the cell.
    measured : Measurements or None
        Of the cell.
    at : tuple of (epoch, stage), optional
        By default what the cell's tables are about.

    Returns
    -------
    SettingEvidence
    """
    epoch, stage = at or cell.headline
    mine = select(fits, setting=setting, epoch=epoch, stage=stage)
    with_model = mine.has_model
    n_runs = study.runs_of(cell.name)
    converged = int((mine.status == "converged").sum())
    if measured is not None:
        measured = select(measured, setting=setting, epoch=epoch, stage=stage)
    gradient = np.abs(mine.bias_gradient[with_model]) if with_model.any() else np.array([np.nan])
    return SettingEvidence(
        mass=cell.class_mass(setting),
        fits=mine,
        measured=measured,
        counts={
            "runs_attempted": n_runs,
            "runs_converged": converged,
            "runs_failed": n_runs - int(with_model.sum()),
        },
        converged=converged == with_model.sum(),
        usable=measured is not None and bool(with_model.sum() >= 2),
        max_bias_gradient=float(gradient.max()),
    )


def too_few_models(evidence: SettingEvidence) -> str:
    """Say why a setting is refused with fewer than two models; empty where it is not."""
    return "" if evidence.usable else INCONCLUSIVE


def too_many_failed(evidence: SettingEvidence) -> str:
    """Say why a setting is refused of which more than 5 % of the runs have no model.

    Parameters
    ----------
    evidence : SettingEvidence

    Returns
    -------
    str
        The commonest reason of those runs; empty where the setting is not refused.
    """
    attempted = evidence.counts["runs_attempted"]
    if evidence.usable and evidence.counts["runs_failed"] <= MAX_FAILED * attempted:
        return ""
    without = rows_where(evidence.fits, ~evidence.fits.has_model)
    reasons = Counter(
        status if status in FAILED_STATUSES else reason.partition(":")[0]
        for status, reason in zip(without.status.tolist(), without.reason.tolist(), strict=True)
    )
    # A run that raised is recorded at one stage only.
    reasons["failed"] += attempted - len(evidence.fits)
    ((reason, n),) = reasons.most_common(1)
    return reason if n else INCONCLUSIVE


def separated_note(evidence: Iterable[SettingEvidence], design: Mapping[str, Any]) -> str:
    """Say what it means where classes are separated, and what there is to do.

    Parameters
    ----------
    evidence : iterable of SettingEvidence
    design : mapping
        Of the study.

    Returns
    -------
    str
        For the foot of a table, options marked by backticks, where a page breaks it by a vertical
        tab; empty where no run is separated.
    """
    if not any((e.fits.status == SEPARATED).any() for e in evidence):
        return ""
    return with_way_on(REASONS[SEPARATED], design).replace("; ", ";\v")


@dataclass(frozen=True)
class Terms:
    """On which terms a study puts the runs of a cell to Eq. (9).

    Attributes
    ----------
    margin : float
        δ, declared before the run.
    train_size : sequence of int
    splits : sequence of str
    one_vs_all : bool
        Whether the rows of P need not sum to one, and the K equations are independent.
    shares_test_set : bool
        Whether all runs are measured on one test sample.
    resplit : float
        `resplit_ratio` of a data set that all runs split, 0 where there is none.
    refusal : callable ``(evidence) -> str``
        Verdict in place of all numbers of a setting; empty where it has numbers.
    """

    margin: float
    train_size: Sequence[int]
    splits: Sequence[str] = SPLITS
    one_vs_all: bool = False
    shares_test_set: bool = False
    resplit: float = 0.0
    refusal: Callable[[SettingEvidence], str] = too_few_models


@dataclass(frozen=True)
class Part:
    """One split of one λ setting, put to Eq. (9): what columns of a table are made from.

    Attributes
    ----------
    split : str
    evidence : SettingEvidence
    terms : Terms
    rows : Measurements
        Of this split.
    sides : SidesOverRuns
    corrected : SidesOverRuns or None
        With intervals for new data: on test, where all runs split one data set.
    """

    split: str
    evidence: SettingEvidence
    terms: Terms
    rows: Measurements
    sides: SidesOverRuns
    corrected: SidesOverRuns | None = None

    @property
    def mass(self) -> FloatArray:
        """Class mass w = λN, shape (n_classes,)."""
        return self.evidence.mass

    @property
    def on_shared_sample(self) -> bool:
        """Whether all runs are measured on this one sample."""
        return self.split == "test" and self.terms.shares_test_set


def parts_of(evidence: SettingEvidence, terms: Terms) -> dict[str, Part]:
    """Put the splits of a setting to Eq. (9).

    Parameters
    ----------
    evidence : SettingEvidence
    terms : Terms

    Returns
    -------
    dict of split to Part
        Empty where the terms refuse the setting. Of repaired fits there is no verdict on train.
    """
    if terms.refusal(evidence):
        return {}
    parts = {}
    for split in terms.splits:
        rows, on_test = evidence.split(split), split == "test"
        compared = partial(
            sides_over_runs, rows, evidence.mass, margin=terms.margin, converged=evidence.converged
        )
        sides = compared(shared_sample=on_test and terms.shares_test_set)
        if evidence.repaired and split == "train":
            sides = replace(sides, verdicts=[NOT_MINIMISED] * len(evidence.mass))
        parts[split] = Part(
            split,
            evidence,
            terms,
            rows,
            sides=sides,
            corrected=compared(resplit=terms.resplit) if on_test and terms.resplit else None,
        )
    return parts
