"""Eq. (9) for K classes from the store: sides per class, gaps, verdicts, and what is behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from equations.balance import (
    accuracy_bounds,
    detailed_balance_asymmetry,
    left_side,
    residual,
    split_residual,
)
from equations.inference import mcse_of_mean
from equations.joint_inference import joint_test_over_runs
from equations.mean_proba import FloatArray
from equations.stationary import effective_class_weight_over_runs
from reports.class_statistics import (
    SettingEvidence,
    SidesOverRuns,
    evidence_of,
    overall_verdict,
    rejections,
    sides_over_runs,
)
from reports.statistics import CONFIDENCE
from simulations.evidence import SPLITS
from simulations.monte_carlo import Study
from simulations.posterior import PosteriorBalance, posterior_balance
from simulations.records import Measurements
from simulations.seeds import replication_rng
from simulations.studies.multiclass import MulticlassCell
from simulations.tables import Store, read_fits, read_measurements

if TYPE_CHECKING:
    import pandas as pd

POSTERIOR_SAMPLES = 50_000
"""Per class, for the true posterior in more than two features."""

NEGLIGIBLE = 1e-6
"""Of the class mass: a term of the residual that is smaller is due to rounding."""

NOTICEABLE = 2.58
"""MCSEs that a term of the residual must be from zero to be named."""


@dataclass(frozen=True)
class Multiclass:
    """What the report of a K-class study is drawn from.

    Attributes
    ----------
    summary : DataFrame
        One row per λ setting, split and class; the columns of ``summary.csv``.
    joint : DataFrame
        One row per λ setting: the joint test over runs on test data, the share of fitted models
        that their own joint test rejects, the largest asymmetry of flows between two classes,
        and the overall verdict.
    mean_proba : dict
        λ setting to P on test, mean over runs.
    mass : dict
        λ setting to w.
    """

    summary: pd.DataFrame
    joint: pd.DataFrame
    mean_proba: dict[str, FloatArray]
    mass: dict[str, FloatArray]


def summarise(study: Study, store: Store) -> Multiclass:
    """Read a K-class study and compute everything that its reports show.

    Parameters
    ----------
    study : Study
    store : Store

    Returns
    -------
    Multiclass
    """
    import pandas as pd

    (cell,) = study.cells
    runs = range(study.runs_of(cell.name))
    fits, measured = read_fits(store, cell.name, runs), read_measurements(store, cell.name, runs)
    rows: list[dict[str, Any]] = []
    joint: list[dict[str, Any]] = []
    P: dict[str, FloatArray] = {}
    for setting in cell.settings:
        evidence = evidence_of(study, cell, setting, fits, measured)
        rows += [{"setting": setting} | row for row in _rows(study, cell, setting, evidence)]
        joint.append({"setting": setting} | _joint_row(study, cell, evidence))
        if evidence.usable:
            P[setting] = evidence.split("test").mean_proba.mean(axis=0)
    return Multiclass(
        summary=pd.DataFrame(rows),
        joint=pd.DataFrame(joint),
        mean_proba=P,
        mass={setting: cell.class_mass(setting) for setting in cell.settings},
    )


def _joint_row(study: Study, cell: MulticlassCell, evidence: SettingEvidence) -> dict[str, Any]:
    """All equations of one λ setting at once, on test data."""
    if not evidence.usable:
        return {"verdict": "inconclusive", **evidence.counts}
    test, mass, margin = evidence.split("test"), evidence.mass, study.design["margin"]
    sides = sides_over_runs(test, mass, margin=margin, converged=evidence.converged)
    row: dict[str, Any] = {"verdict": overall_verdict(sides, margin)}
    r = residual(test.mean_proba, mass / mass.sum(), test.miss_proba)
    try:
        joint = joint_test_over_runs(r, independent=cell.one_vs_all)
        row |= {"t2": joint.statistic, "df": joint.df}
        row |= {"df_residual": joint.df_residual, "p_value": joint.p_value}
    except ValueError:  # too few runs, or residuals without spread: there is no test
        pass
    if not cell.one_vs_all:
        row |= _asymmetry(test, mass / mass.sum())
    rejected = rejections(test, mass, one_vs_all=cell.one_vs_all)
    rejected = rejected[np.isfinite(rejected)]
    if len(rejected) > 1:
        row |= {"rejected": float(rejected.mean()), "rejected_mcse": mcse_of_mean(rejected)}
    return row | evidence.counts | {"max_bias_gradient": evidence.max_bias_gradient}


def _asymmetry(rows: Measurements, share: FloatArray) -> dict[str, float]:
    """Largest asymmetry of the flows between two classes (E7), a share of the total mass."""
    asymmetry = detailed_balance_asymmetry(rows.mean_proba, share)
    i, j = np.unravel_index(np.abs(asymmetry.mean(axis=0)).argmax(), asymmetry.shape[1:])
    pair = asymmetry[:, i, j]
    return {"asymmetry": float(abs(pair.mean())), "asymmetry_mcse": mcse_of_mean(pair)}


def _rows(
    study: Study, cell: MulticlassCell, setting: str, evidence: SettingEvidence
) -> list[dict[str, Any]]:
    """One row per split and class."""
    weight, mass = dict(cell.class_weight)[setting], evidence.mass
    about = [
        {
            "class": k,
            "n_train": cell.train_size[k],
            "weight": weight[k],
            "mass_share": float(mass[k] / mass.sum()),
        }
        for k in range(len(mass))
    ]
    if not evidence.usable:
        empty = {"verdict": "inconclusive", **evidence.counts}
        return [a | {"split": split} | empty for split in SPLITS for a in about]
    rng = replication_rng(study.seed, cell.name, 0, "population")
    limit = posterior_balance(cell.generator(), mass, rng=rng, n_samples=POSTERIOR_SAMPLES)
    rows = []
    for split in SPLITS:
        part = evidence.split(split)
        sides = sides_over_runs(
            part, mass, margin=study.design["margin"], converged=evidence.converged
        )
        columns = [_of_sides(sides), _of_predictions(part, mass)]
        if not cell.one_vs_all:  # what follows is true of rows that sum to one
            columns += [_of_posterior(part, mass, limit)]
            if split == "test" and len(part) > 2:
                columns += [_of_effective_weight(part, cell)]
        if split == "test":
            columns += [_of_residual_split(evidence)]
        for k, a in enumerate(about):
            row = a | {"split": split}
            for column in columns:
                row |= {name: values[k] for name, values in column.items()}
            rows.append(row | evidence.counts | {"max_bias_gradient": evidence.max_bias_gradient})
    return rows


Columns = dict[str, Sequence[Any]]
"""Column name to one value per class."""


def _mean_and_mcse(name: str, values: FloatArray) -> Columns:
    """Mean over runs and its MCSE, of values (n_runs, n_classes)."""
    return {
        name: values.mean(axis=0).tolist(),
        f"{name}_mcse": [mcse_of_mean(column) for column in values.T],
    }


def _of_sides(sides: SidesOverRuns) -> Columns:
    larger = np.maximum(np.maximum(sides.left, sides.right), 1e-300)
    return {
        **_mean_and_mcse("left", sides.left),
        **_mean_and_mcse("right", sides.right),
        "gap": [g.value for g in sides.gaps],
        "gap_low": [g.low for g in sides.gaps],
        "gap_high": [g.high for g in sides.gaps],
        "gap_low_simultaneous": [g.low for g in sides.together],
        "gap_high_simultaneous": [g.high for g in sides.together],
        "verdict": sides.verdicts,
        "max_relative_difference": (np.abs(sides.left - sides.right) / larger).max(axis=0).tolist(),
    }


def _of_predictions(part: Measurements, mass: FloatArray) -> Columns:
    accuracy = np.diagonal(part.confusion, axis1=1, axis2=2) / part.class_count
    return {
        **_mean_and_mcse("residual", residual(part.mean_proba, mass, part.miss_proba) / mass),
        **_mean_and_mcse("mean_proba", np.diagonal(part.mean_proba, axis1=1, axis2=2)),
        **_mean_and_mcse("accuracy", accuracy),
    }


def _of_posterior(part: Measurements, mass: FloatArray, limit: PosteriorBalance) -> Columns:
    """Bounds of the accuracy, and the left side of the true posterior."""
    low, high = accuracy_bounds(part.mean_proba.mean(axis=0))
    share = mass / mass.sum()
    return {
        "accuracy_low": low.tolist(),
        "accuracy_high": high.tolist(),
        "predicted_left": left_side(limit.mean_proba, share).tolist(),
        "predicted_left_mcse": (share * np.diagonal(limit.mcse)).tolist(),
        "predicted_by": [limit.method] * len(mass),
    }


def _of_effective_weight(part: Measurements, cell: MulticlassCell) -> Columns:
    try:
        found = effective_class_weight_over_runs(part.mean_proba, cell.train_size, level=CONFIDENCE)
    except ValueError:  # some class is never predicted: P is reducible
        return {}
    return {
        "effective_weight": [e.value for e in found],
        "effective_weight_low": [e.low for e in found],
        "effective_weight_high": [e.high for e in found],
    }


def _of_residual_split(evidence: SettingEvidence) -> Columns:
    """Residual r_j / w_j on test by its three terms (E5), and the one that it is due to."""
    parts = [evidence.split(split) for split in SPLITS]
    train, test, population = (
        residual(p.mean_proba, evidence.mass, p.miss_proba) / evidence.mass for p in parts
    )
    terms = split_residual(train, test, population)
    columns: Columns = {}
    z = []
    for name in ("optimisation", "overfitting", "sampling"):
        found = _mean_and_mcse(name, getattr(terms, name))
        columns |= found
        mean, mcse = np.array(found[name]), np.array(found[f"{name}_mcse"])
        z.append(np.where(np.abs(mean) > NEGLIGIBLE, np.abs(mean) / np.maximum(mcse, 1e-300), 0.0))
    names = ("optimisation", "overfitting", "sampling")
    strongest = np.argmax(z, axis=0)
    columns["due_to"] = [
        names[i] if z[i][k] > NOTICEABLE else "" for k, i in enumerate(strongest.tolist())
    ]
    return columns
