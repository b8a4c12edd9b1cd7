"""Eq. (9) for K classes from the store: sides per class, gaps, verdicts, and what is behind."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.equations.balance import detailed_balance_asymmetry
from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.statistics.columns import (
    Columns,
    columns_of_balance,
    columns_of_bounds,
    columns_of_effective_weight,
    columns_of_gaps_together,
    columns_of_limit,
    columns_of_predictions,
    columns_of_residual_split,
)
from learnprop.reports.statistics.evidence import (
    INCONCLUSIVE,
    Part,
    SettingEvidence,
    Terms,
    evidence_of,
    parts_of,
    read_cell,
    separated_note,
)
from learnprop.reports.statistics.left_out import not_predicted_note
from learnprop.reports.statistics.rows import (
    about_classes,
    about_runs,
    class_rows,
    frame_of,
    joint_test,
)
from learnprop.reports.statistics.sides import overall_verdict, rejections
from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.engine.study import Study
from learnprop.simulations.records.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Multiclass:
    """What the report of a K-class study is drawn from.

    Attributes
    ----------
    summary : DataFrame
        One row per λ setting, stage, split and class; the columns of ``summary.csv``.
    joint : DataFrame
        One row per λ setting and stage: the joint test over runs on test data, the share of fitted
        models that their own joint test rejects and the share that it says nothing of, the largest
        asymmetry of flows between two classes, and the overall verdict.
    mean_proba : dict
        λ setting to P on test at the headline's stage, mean over runs.
    mass : dict
        λ setting to w.
    stages : tuple of str
        The headline's first.
    margin : float
        δ of the verdicts.
    separated : str
        What is said of separated classes at the foot of tables; empty where there are none.
    not_predicted : tuple of str
        What is said of overfitting that is not predicted, and could be.
    """

    summary: pd.DataFrame
    joint: pd.DataFrame
    mean_proba: dict[str, FloatArray]
    mass: dict[str, FloatArray]
    stages: tuple[str, ...]
    margin: float
    separated: str = ""
    not_predicted: tuple[str, ...] = ()

    def on_test(self, stage: str = "") -> pd.DataFrame:
        """Rows of test data, by default of the headline's stage."""
        of_stage = self.summary["stage"] == (stage or self.stages[0])
        return self.summary[of_stage & (self.summary["split"] == "test")]


def summarise(study: Study, store: Store) -> Multiclass:
    """Read a K-class study and compute everything that its reports show."""
    import pandas as pd

    (cell,) = study.cells
    fits, measured = read_cell(study, store, cell)
    rng = replication_rng(study.seed, cell.name, 0, "limit")
    limit = cell.limit_on(cell.generator(), rng)
    terms = Terms(study.design["margin"], cell.train_size, one_vs_all=cell.one_vs_all)

    def in_the_limit(part: Part) -> Columns:
        return columns_of_limit(limit, part.mass)

    columns = (
        in_the_limit,
        columns_of_balance,
        columns_of_gaps_together,
        columns_of_predictions,
        columns_of_bounds,
        _effective_weight_on_test,
        columns_of_residual_split,
    )
    rows: list[dict[str, Any]] = []
    joint: list[dict[str, Any]] = []
    P: dict[str, FloatArray] = {}
    seen: list[SettingEvidence] = []
    as_fitted: list[tuple[str, SettingEvidence]] = []
    for setting, stage in product(cell.settings, cell.stages):
        at, key = (cell.headline[0], stage), {"setting": setting, "stage": stage}
        evidence = evidence_of(study, cell, setting, fits, measured, at)
        seen.append(evidence)
        as_fitted += [(setting, evidence)] if stage == cell.stages[0] else []
        about = about_classes(cell, setting)
        rows += [key | row for row in class_rows(evidence, terms, about, columns)]
        joint.append(key | _joint_row(evidence, terms))
        if evidence.usable and stage == cell.stages[0]:
            P[setting] = evidence.split("test").mean_proba.mean(axis=0)
    summary = frame_of(rows)
    summary.insert(summary.columns.get_loc("mass_share"), "split", summary.pop("split"))
    return Multiclass(
        summary=summary,
        joint=pd.DataFrame(joint),
        mean_proba=P,
        mass={setting: cell.class_mass(setting) for setting in cell.settings},
        stages=cell.stages,
        margin=terms.margin,
        separated=separated_note(seen, study.design),
        not_predicted=tuple(not_predicted_note(as_fitted) if cell.fitting.leaves_out else ()),
    )


def _effective_weight_on_test(part: Part) -> Columns:
    return columns_of_effective_weight(part) if part.split == "test" else {}


def _joint_row(evidence: SettingEvidence, terms: Terms) -> dict[str, Any]:
    """All equations of one λ setting at once, on test data."""
    if not evidence.usable:
        return {"verdict": INCONCLUSIVE, **evidence.counts}
    test = parts_of(evidence, terms)["test"]
    return {
        "verdict": overall_verdict(test.sides, terms.margin),
        **joint_test(test),
        **({} if terms.one_vs_all else _asymmetry(test)),
        **rejections(test.rows, test.mass, one_vs_all=terms.one_vs_all),
        **about_runs(evidence),
    }


def _asymmetry(part: Part) -> dict[str, float]:
    """Largest asymmetry of the flows between two classes (E7), a share of the total mass."""
    asymmetry = detailed_balance_asymmetry(part.rows.mean_proba, part.mass / part.mass.sum())
    i, j = np.unravel_index(np.abs(asymmetry.mean(axis=0)).argmax(), asymmetry.shape[1:])
    pair = asymmetry[:, i, j]
    return {"asymmetry": float(abs(pair.mean())), "asymmetry_mcse": mcse_of_mean(pair)}
