"""Eq. (9) for K classes from the store: sides per class, gaps, verdicts, and what is behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from equations.balance import detailed_balance_asymmetry, residual
from equations.inference import mcse_of_mean
from equations.joint_inference import joint_test_over_runs
from equations.mean_proba import FloatArray
from reports.class_columns import (
    columns_of_bounds,
    columns_of_effective_weight,
    columns_of_gaps_together,
    columns_of_limit,
    columns_of_predictions,
    columns_of_residual_split,
    columns_of_sides,
)
from reports.class_statistics import (
    SettingEvidence,
    evidence_of,
    overall_verdict,
    rejections,
    sides_over_runs,
)
from simulations.evidence import SPLITS
from simulations.generators.large_sample_limit import Limit
from simulations.monte_carlo import Study
from simulations.records import Measurements
from simulations.seeds import replication_rng
from simulations.studies.multiclass.study import MulticlassCell
from simulations.tables import Store, read_fits, read_measurements

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Multiclass:
    """What the report of a K-class study is drawn from.

    Attributes
    ----------
    summary : DataFrame
        One row per λ setting, split and class; the columns of ``summary.csv``.
    joint : DataFrame
        One row per λ setting: the joint test over runs on test data, the share of fitted models
        that their own joint test rejects and the share that it says nothing of, the largest
        asymmetry of flows between two classes, and the overall verdict.
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
    rng = replication_rng(study.seed, cell.name, 0, "limit")
    limit = cell.limit_on(cell.generator(), rng)
    rows: list[dict[str, Any]] = []
    joint: list[dict[str, Any]] = []
    P: dict[str, FloatArray] = {}
    for setting in cell.settings:
        evidence = evidence_of(study, cell, setting, fits, measured)
        rows += [{"setting": setting} | row for row in _rows(study, cell, setting, evidence, limit)]
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
    row |= rejections(test, mass, one_vs_all=cell.one_vs_all)
    return row | evidence.counts | {"max_bias_gradient": evidence.max_bias_gradient}


def _asymmetry(rows: Measurements, share: FloatArray) -> dict[str, float]:
    """Largest asymmetry of the flows between two classes (E7), a share of the total mass."""
    asymmetry = detailed_balance_asymmetry(rows.mean_proba, share)
    i, j = np.unravel_index(np.abs(asymmetry.mean(axis=0)).argmax(), asymmetry.shape[1:])
    pair = asymmetry[:, i, j]
    return {"asymmetry": float(abs(pair.mean())), "asymmetry_mcse": mcse_of_mean(pair)}


def _rows(
    study: Study, cell: MulticlassCell, setting: str, evidence: SettingEvidence, limit: Limit | None
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
    of_limit = columns_of_limit(limit, mass)
    rows = []
    for split in SPLITS:
        part = evidence.split(split)
        sides = sides_over_runs(
            part, mass, margin=study.design["margin"], converged=evidence.converged
        )
        columns = [
            of_limit,
            columns_of_sides(sides),
            columns_of_gaps_together(sides),
            columns_of_predictions(part, mass),
        ]
        if not cell.one_vs_all:  # what follows is true of rows that sum to one
            columns += [columns_of_bounds(part)]
            if split == "test" and len(part) > 2:
                columns += [columns_of_effective_weight(part, cell.train_size)]
        if split == "test":
            parts = {name: evidence.split(name) for name in SPLITS}
            columns += [columns_of_residual_split(parts, mass)]
        for k, a in enumerate(about):
            row = a | {"split": split}
            for column in columns:
                row |= {name: values[k] for name, values in column.items()}
            rows.append(row | evidence.counts | {"max_bias_gradient": evidence.max_bias_gradient})
    return rows
