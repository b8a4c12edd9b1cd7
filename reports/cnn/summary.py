"""Trained networks from the store: Eq. (9) by stage, split and class, and along the training."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from equations.balance import left_side, residual, right_side
from equations.inference import mcse_of_mean
from equations.joint_inference import joint_test_over_runs
from equations.mean_proba import FloatArray
from equations.resampling import corrected_error, resplit_ratio
from reports.class_columns import (
    accuracy_of_classes,
    columns_of_bounds,
    columns_of_effective_weight,
    columns_of_gaps_together,
    columns_of_predictions,
    columns_of_residual_split,
    columns_of_sides,
    mean_and_mcse,
)
from reports.class_statistics import (
    SettingEvidence,
    SidesOverRuns,
    evidence_of,
    overall_verdict,
    sides_over_runs,
)
from reports.resplit import columns_of_corrected
from reports.statistics import MAX_FAILED
from reports.training_samples import same_in_all_runs
from simulations.dataset_catalogue import dataset_named
from simulations.monte_carlo import Study
from simulations.records import FAILED_STATUSES, Fits, Measurements, select
from simulations.stages import STAGES
from simulations.studies.cnn.block import CnnCell
from simulations.tables import Store, read_fits, read_measurements

if TYPE_CHECKING:
    import pandas as pd

SPLITS = ("train", "test")

NO_MINIMUM = "no minimum"
"""Verdict where the features part the classes, so that the output layer has no minimum."""


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
        (imbalance, λ setting) to P on test at stage "bias", mean over runs.
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
    """

    summary: pd.DataFrame
    joint: pd.DataFrame
    epochs: pd.DataFrame
    mean_proba: dict[tuple[float, str], FloatArray]
    labels: tuple[str, ...]
    title: str
    shares_test_set: bool
    same_images: dict[float, tuple[int, ...]]
    n_images: int

    @property
    def panels(self) -> list[tuple[float, str]]:
        """Every (imbalance, λ setting), in their order."""
        pairs = self.summary[["imbalance", "setting"]].drop_duplicates()
        return list(pairs.itertuples(index=False, name=None))


def summarise(study: Study, store: Store) -> Networks:
    """Read a study of trained networks and compute everything that its reports show.

    Parameters
    ----------
    study : Study
    store : Store

    Returns
    -------
    Networks
    """
    import pandas as pd

    dataset = dataset_named(study.design["dataset"])
    rows: list[dict[str, Any]] = []
    joint: list[dict[str, Any]] = []
    epochs: list[dict[str, Any]] = []
    P: dict[tuple[float, str], FloatArray] = {}
    n_images = 0
    for cell in study.cells:
        runs = range(study.runs_of(cell.name))
        fits, measured = (
            read_fits(store, cell.name, runs),
            read_measurements(store, cell.name, runs),
        )
        for setting in cell.settings:
            key = {"imbalance": float(f"{cell.imbalance:.4g}"), "setting": setting}
            for stage in STAGES:
                at = (cell.recipe.epochs, stage)
                evidence = evidence_of(study, cell, setting, fits, measured, at)
                mine = key | {"stage": stage}
                rows += [mine | row for row in _rows(study, cell, setting, evidence)]
                joint += [mine | row for row in _joint_rows(study, cell, evidence)]
                if stage == "bias" and not _refused(evidence):
                    mean = evidence.split("test").mean_proba.mean(axis=0)
                    P[key["imbalance"], setting] = mean
            if measured is not None:
                epochs += [key | row for row in _epoch_rows(cell, setting, fits, measured)]
        if measured is not None and not cell.shares_test_set:
            n_test = select(measured, split="test").class_count[0]
            n_images = int(n_test.sum()) + sum(study.design["supply"])
    return Networks(
        summary=pd.DataFrame(rows),
        joint=pd.DataFrame(joint),
        epochs=pd.DataFrame(epochs),
        mean_proba=P,
        labels=dataset.labels,
        title=f"{dataset.title}, {study.design['model']}",
        shares_test_set=study.cells[0].shares_test_set,
        same_images={
            float(f"{cell.imbalance:.4g}"): same_in_all_runs(cell, study.design["supply"])
            for cell in study.cells
        },
        n_images=n_images,
    )


def _refused(evidence: SettingEvidence) -> str:
    """Why there is nothing to average: the commonest reason of the runs without a model."""
    failed = evidence.counts["runs_failed"]
    if evidence.usable and failed <= MAX_FAILED * evidence.counts["runs_attempted"]:
        return ""
    without = evidence.fits.status[~evidence.fits.has_model].tolist()
    reasons = Counter(s if s in FAILED_STATUSES else NO_MINIMUM for s in without)
    # A run that raised is recorded at one stage only.
    reasons["failed"] += evidence.counts["runs_attempted"] - len(evidence.fits)
    ((reason, n),) = reasons.most_common(1)
    return reason if n else "inconclusive"


def _rows(
    study: Study, cell: CnnCell, setting: str, evidence: SettingEvidence
) -> list[dict[str, Any]]:
    """One row per split and class of one stage."""
    weight, mass = dict(cell.class_weight)[setting], evidence.mass
    labels = dataset_named(cell.dataset).labels
    about = [
        {
            "class": k,
            "label": label,
            "n_train": cell.train_size[k],
            "weight": weight[k],
            "mass_share": float(mass[k] / mass.sum()),
        }
        for k, label in enumerate(labels)
    ]
    refused = _refused(evidence)
    rows = []
    for split in SPLITS:
        columns = []
        shared = split == "test" and cell.shares_test_set
        if not refused:
            part = evidence.split(split)
            sides, corrected = _sides(study, cell, evidence, split)
            factor = sides.left / np.maximum(sides.right, 1e-300)
            columns = [
                columns_of_sides(sides),
                columns_of_gaps_together(sides),
                *([columns_of_corrected(corrected)] if corrected else []),
                {"least_ratio": factor.min(axis=0), "largest_ratio": factor.max(axis=0)},
                columns_of_predictions(part, mass),
                columns_of_bounds(part),
            ]
            if len(part) > 2:
                columns.append(
                    columns_of_effective_weight(part, cell.train_size, intervals=not shared)
                )
            if split == "test":
                parts = {name: evidence.split(name) for name in SPLITS}
                columns.append(columns_of_residual_split(parts, mass))
        for k, a in enumerate(about):
            row: dict[str, Any] = {"split": split} | a
            for column in columns:
                row |= {name: values[k] for name, values in column.items()}
            if refused:
                row["verdict"] = refused
            rows.append(row | evidence.counts | {"max_bias_gradient": evidence.max_bias_gradient})
    return rows


def _sides(
    study: Study, cell: CnnCell, evidence: SettingEvidence, split: str
) -> tuple[SidesOverRuns, SidesOverRuns | None]:
    """Both sides over runs; and corrected for new data, on test where runs split one data set."""
    part, on_test = evidence.split(split), split == "test"
    compared = partial(
        sides_over_runs,
        part,
        evidence.mass,
        margin=study.design["margin"],
        converged=evidence.converged,
    )
    if not on_test or cell.shares_test_set:
        return compared(shared_sample=on_test), None
    return compared(), compared(resplit=_resplit(study, part))


def _resplit(study: Study, test: Measurements) -> float:
    n = test.class_count[0]
    return resplit_ratio(n, n + np.array(study.design["supply"]))


def _joint_rows(study: Study, cell: CnnCell, evidence: SettingEvidence) -> list[dict[str, Any]]:
    """All equations of one stage at once, on each split."""
    refused, mass = _refused(evidence), evidence.mass
    rows = []
    for split in SPLITS:
        row: dict[str, Any] = {"split": split, "verdict": refused}
        if not refused:
            part, margin = evidence.split(split), study.design["margin"]
            sides, corrected = _sides(study, cell, evidence, split)
            row["verdict"] = overall_verdict(sides, margin)
            if corrected:
                row["corrected_verdict"] = overall_verdict(corrected, margin)
            row |= _accuracies(part, cell, _resplit(study, part) if corrected else 0.0)
            if split == "test" and not cell.shares_test_set:
                row |= _joint_test(part, mass)
        row |= _path(evidence.fits)
        rows.append(row | evidence.counts | {"max_bias_gradient": evidence.max_bias_gradient})
    return rows


def _joint_test(part: Measurements, mass: FloatArray) -> dict[str, float]:
    """Hotelling's test over runs, where they are tested on samples of their own."""
    r = residual(part.mean_proba, mass / mass.sum(), part.miss_proba)
    try:
        test = joint_test_over_runs(r)
    except ValueError:  # too few runs, or residuals without spread: there is no test
        return {}
    return {
        "t2": test.statistic,
        "df": test.df,
        "df_residual": test.df_residual,
        "p_value": test.p_value,
    }


def _accuracies(part: Measurements, cell: CnnCell, resplit: float) -> dict[str, float]:
    """Accuracy with equal priors, and with those of training."""
    of_class = accuracy_of_classes(part)
    share = np.array(cell.train_size) / sum(cell.train_size)
    found: dict[str, float] = {}
    priors = {"balanced_accuracy": np.full_like(share, 1 / len(share)), "overall_accuracy": share}
    for name, prior in priors.items():
        accuracy = of_class @ prior
        found |= {name: float(accuracy.mean()), f"{name}_mcse": mcse_of_mean(accuracy)}
        if resplit:
            found[f"{name}_corrected_error"] = corrected_error(accuracy, resplit)
    return found


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
        for split in SPLITS:
            part = select(measured, setting=setting, epoch=epoch, stage="raw", split=split)
            if len(part) < 2:
                continue
            columns = mean_and_mcse(
                "residual", residual(part.mean_proba, mass, part.miss_proba) / mass
            )
            columns |= mean_and_mcse("left", left_side(part.mean_proba, share, part.miss_proba))
            columns |= mean_and_mcse("right", right_side(part.mean_proba, share))
            columns |= mean_and_mcse("accuracy", accuracy_of_classes(part))
            mine = select(fits, setting=setting, epoch=epoch, stage="raw")
            for k in range(len(mass)):
                row = {"epoch": epoch, "split": split, "class": k, "runs": len(part)}
                row |= {name: values[k] for name, values in columns.items()}
                row["max_bias_gradient"] = float(np.nanmax(np.abs(mine.bias_gradient)))
                rows.append(row)
    return rows
