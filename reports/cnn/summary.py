"""Trained networks from the store: Eq. (9) by stage, split and class, and along the training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.equations.balance import left_side, right_side
from learnprop.equations.inference.resampling import resplit_ratio
from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.reports.statistics.columns import (
    Columns,
    accuracy_of_classes,
    columns_of_accuracies,
    columns_of_balance,
    columns_of_bounds,
    columns_of_effective_weight,
    columns_of_gaps_together,
    columns_of_predictions,
    columns_of_residual_split,
    columns_of_runs_predicted,
    mean_and_mcse,
    relative_residual,
)
from learnprop.reports.statistics.evidence import (
    Part,
    SettingEvidence,
    Terms,
    evidence_of,
    parts_of,
    read_cell,
    too_many_failed,
)
from learnprop.reports.statistics.heldout import columns_of_validation
from learnprop.reports.statistics.resplit import columns_of_corrected
from learnprop.reports.statistics.rows import (
    about_classes,
    about_runs,
    by_class,
    class_rows,
    joint_test,
)
from learnprop.reports.statistics.sides import overall_verdict
from learnprop.reports.statistics.training_samples import same_in_all_runs
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.engine.study import Study
from learnprop.simulations.networks.measuring import not_predicted
from learnprop.simulations.records.rows import CONVERGED, LEFT_OUT, Fits, Measurements, select
from learnprop.simulations.records.store import Store
from learnprop.simulations.studies.cnn.block import CnnCell

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Networks:
    """What the report of trained networks is drawn from.

    Attributes
    ----------
    summary : DataFrame
        One row per imbalance, λ setting, stage, split and class; the columns of ``summary.csv``.
    joint : DataFrame
        One row per imbalance, λ setting, stage and split: all equations at once, accuracy, and at
        stage "raw" the identity E9.
    epochs : DataFrame
        One row per imbalance, λ setting, measured epoch, split and class, as trained.
    mean_proba : dict
        (imbalance, λ setting) to P on test at stage "bias", or "raw", mean over runs.
    stages : tuple of str
        That were measured.
    labels : tuple of str
        Names of the classes.
    title : str
        Of the data set and the network.
    shares_test_set : bool
    same_images : dict
        Imbalance to the classes whose training images are the same in all runs.
    n_images : int
        Of the data set that all runs split; zero where they share a test set, or nothing is
        measured.
    not_predicted : dict
        Imbalance to the reason why refined output layers have no left-out predictions.
    """

    summary: pd.DataFrame
    joint: pd.DataFrame
    epochs: pd.DataFrame
    mean_proba: dict[tuple[float, str], FloatArray]
    stages: tuple[str, ...]
    labels: tuple[str, ...]
    title: str
    shares_test_set: bool
    same_images: dict[float, tuple[int, ...]]
    n_images: int
    not_predicted: dict[float, str]

    @property
    def headline(self) -> str:
        """Stage that tables and P are about."""
        return "bias" if "bias" in self.stages else "raw"

    @property
    def predicted(self) -> bool:
        """Whether there are left-out predictions at stage "head"."""
        rows = self.summary[self.summary["stage"] == "head"]
        return "overfitting_predicted" in rows and bool(rows["overfitting_predicted"].notna().any())

    @property
    def panels(self) -> list[tuple[float, str]]:
        """Every (imbalance, λ setting), in their order."""
        pairs = self.summary[["imbalance", "setting"]].drop_duplicates()
        return list(pairs.itertuples(index=False, name=None))


def summarise(study: Study, store: Store) -> Networks:
    """Read a study of trained networks and compute everything that its reports show."""
    import pandas as pd

    dataset = dataset_named(study.design["dataset"])
    rows: list[dict[str, Any]] = []
    joint: list[dict[str, Any]] = []
    epochs: list[dict[str, Any]] = []
    P: dict[tuple[float, str], FloatArray] = {}
    n_images = 0
    not_predicted: dict[float, str] = {}
    for cell in study.cells:
        fits, measured = read_cell(study, store, cell)
        n_test = _resplit_test(cell, measured)
        terms = _terms(study, cell, n_test)
        if reason := _not_predicted(cell, fits, measured):
            not_predicted[float(f"{cell.imbalance:.4g}")] = reason
        for setting in cell.settings:
            key = {"imbalance": float(f"{cell.imbalance:.4g}"), "setting": setting}
            about = about_classes(cell, setting, dataset.labels)
            for stage in cell.stages:
                at = (cell.recipe.epochs, stage)
                evidence = evidence_of(study, cell, setting, fits, measured, at)
                mine = key | {"stage": stage}
                columns = COLUMNS + ((columns_of_validation,) if stage == "heldout" else ())
                rows += [mine | row for row in class_rows(evidence, terms, about, columns)]
                joint += [mine | row for row in _joint_rows(evidence, terms)]
                if at == cell.headline and not terms.refusal(evidence):
                    mean = evidence.split("test").mean_proba.mean(axis=0)
                    P[key["imbalance"], setting] = mean
            if measured is not None:
                epochs += [key | row for row in _epoch_rows(cell, setting, fits, measured)]
        if n_test is not None:
            n_images = int(n_test.sum()) + sum(study.design["supply"])
    return Networks(
        summary=pd.DataFrame(rows),
        joint=pd.DataFrame(joint),
        epochs=pd.DataFrame(epochs),
        mean_proba=P,
        stages=study.cells[0].stages,
        labels=dataset.labels,
        title=f"{dataset.title}, {study.design['model']}",
        shares_test_set=study.cells[0].shares_test_set,
        same_images={
            float(f"{cell.imbalance:.4g}"): same_in_all_runs(cell, study.design["supply"])
            for cell in study.cells
        },
        n_images=n_images,
        not_predicted=not_predicted,
    )


def _not_predicted(cell: CnnCell, fits: Fits, measured: Measurements | None) -> str:
    """Why output layers that are at their minimum have no left-out predictions."""
    heads = select(fits, stage="head")
    if measured is None or not (heads.status == CONVERGED).any():
        return ""
    there = len(select(measured, stage="head", split=LEFT_OUT)) > 0
    return "" if there else not_predicted(cell)


def _resplit_test(cell: CnnCell, measured: Measurements | None) -> IntArray | None:
    """Test images of each class in a run, where all runs split one data set; else None."""
    if measured is None or cell.shares_test_set:
        return None
    count: IntArray = select(measured, split="test").class_count[0]
    return count


def _terms(study: Study, cell: CnnCell, n_test: IntArray | None) -> Terms:
    return Terms(
        margin=study.design["margin"],
        train_size=cell.train_size,
        splits=cell.splits,
        shares_test_set=cell.shares_test_set,
        resplit=0.0
        if n_test is None
        else resplit_ratio(n_test, n_test + np.array(study.design["supply"])),
        refusal=too_many_failed,
    )


def _intervals(part: Part) -> Columns:
    """Simultaneous intervals, and those for new data; and the range of single runs."""
    factor = part.sides.left / np.maximum(part.sides.right, 1e-300)
    return {
        **columns_of_gaps_together(part),
        **(columns_of_corrected(part.corrected) if part.corrected else {}),
        "least_ratio": factor.min(axis=0).tolist(),
        "largest_ratio": factor.max(axis=0).tolist(),
    }


COLUMNS = (
    columns_of_balance,
    _intervals,
    columns_of_predictions,
    columns_of_bounds,
    columns_of_effective_weight,
    columns_of_residual_split,
    columns_of_runs_predicted,
)
"""Of the summary, in this order."""


def _joint_rows(evidence: SettingEvidence, terms: Terms) -> list[dict[str, Any]]:
    """All equations of one stage at once, on each split."""
    parts = parts_of(evidence, terms)
    rows = []
    for split in terms.splits:
        row: dict[str, Any] = {"split": split, "verdict": terms.refusal(evidence)}
        if parts:
            part = parts[split]
            row["verdict"] = overall_verdict(part.sides, terms.margin)
            if part.corrected:
                row["corrected_verdict"] = overall_verdict(part.corrected, terms.margin)
            row |= columns_of_accuracies(part)
            row |= joint_test(part) if split == "test" else {}
        rows.append(row | _path(evidence.fits) | about_runs(evidence))
    return rows


def _path(fits: Fits) -> dict[str, float]:
    """E9: the largest mean gradient along a path, and how far the identity is from it."""
    gradient, identity = fits.path_gradient, fits.path_identity
    if not np.isfinite(gradient).any():
        return {}
    found = {"path_gradient": float(np.nanmax(np.abs(gradient)))}
    if np.isfinite(identity).any():
        found["path_difference"] = float(np.nanmax(np.abs(gradient - identity)))
    return found


def _epoch_rows(
    cell: CnnCell, setting: str, fits: Fits, measured: Measurements
) -> list[dict[str, Any]]:
    """Residual, sides and accuracy after each measured epoch, as trained."""
    mass = cell.class_mass(setting)
    share = mass / mass.sum()
    rows = []
    for epoch in cell.measure_at:
        for split in ("train", "test"):
            part = select(measured, setting=setting, epoch=epoch, stage="raw", split=split)
            if len(part) < 2:
                continue
            mine = select(fits, setting=setting, epoch=epoch, stage="raw")
            at = {"epoch": epoch, "split": split}
            gradient = {"max_bias_gradient": float(np.nanmax(np.abs(mine.bias_gradient)))}
            columns: Columns = {
                "class": range(len(mass)),
                "runs": [len(part)] * len(mass),
                **mean_and_mcse("residual", relative_residual(part, mass)),
                **mean_and_mcse("left", left_side(part.mean_proba, share, part.miss_proba)),
                **mean_and_mcse("right", right_side(part.mean_proba, share)),
                **mean_and_mcse("accuracy", accuracy_of_classes(part)),
            }
            rows += [at | row | gradient for row in by_class(columns)]
    return rows
