"""The grid of imbalance ratios and λ from the store: one row per ratio, λ, split and class."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit

from equations.accuracy_bounds import accuracy_bounds
from equations.inference import mcse_of_mean
from equations.resampling import corrected_error, resplit_ratio
from reports.class_columns import (
    Columns,
    accuracy_of_classes,
    columns_of_bounds,
    columns_of_gaps_together,
    columns_of_limit,
    columns_of_predictions,
    columns_of_residual_split,
    columns_of_sides,
    proba_in_limit,
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
from simulations.evidence import SPLITS
from simulations.generators.large_sample_limit import Limit, LimitProba
from simulations.monte_carlo import Study
from simulations.records import FAILED_STATUSES, Measurements
from simulations.seeds import replication_rng
from simulations.studies.explore.study import ExploreCell
from simulations.studies.options import is_lambda0
from simulations.tables import Store, read_fits, read_measurements

if TYPE_CHECKING:
    import pandas as pd

CURVE_STEP = 0.3
"""Between the points of the population curve, in log odds; twice that for more than two classes,
where each has to be computed."""


@dataclass(frozen=True)
class Explore:
    """What the report of a grid is drawn from.

    Attributes
    ----------
    summary : DataFrame
        One row per ratio, weighting, split and class; the columns of ``summary.csv``.
    ratios : tuple of float
    settings : tuple of str
    labels : tuple of str
        Names of the classes.
    margin : float
    limit_basis : str
        What the population curve is of; empty without one.
    n_samples : int
        Of the one file that all runs split; zero where data are generated.
    curve : DataFrame
        The population curve: one row per ratio, λ_0 and class; empty without one.
    """

    summary: pd.DataFrame
    curve: pd.DataFrame
    ratios: tuple[float, ...]
    settings: tuple[str, ...]
    labels: tuple[str, ...]
    margin: float
    limit_basis: str
    n_samples: int = 0

    @property
    def n_classes(self) -> int:
        """K."""
        return len(self.labels)

    def split(self, name: str) -> pd.DataFrame:
        """Rows of one split."""
        return self.summary[self.summary["split"] == name]


@dataclass(frozen=True)
class Decision:
    """What a cell of the grid says: a gap with its interval, if there is one, and a verdict."""

    gap: tuple[float, float, float] | None
    verdict: str


def decided_by(rows: list[dict[str, Any]], *, corrected: bool = False) -> Decision:
    """One ratio and weighting on one split, all classes at once.

    Two classes have one equation (E2), that of class 0, as in Eq. (10). Of more, the largest gap
    with its simultaneous interval, and the verdict on all.

    Parameters
    ----------
    rows : list of dict
        Rows of the summary, one per class.
    corrected : bool
        Whether by the intervals that are corrected for new data.

    Returns
    -------
    Decision

    Examples
    --------
    >>> gap = {"gap": 0.02, "gap_low": -0.01, "gap_high": 0.04, "verdict_together": "holds"}
    >>> decided_by([gap, gap | {"gap": -0.02}])
    Decision(gap=(0.02, -0.01, 0.04), verdict='holds')
    >>> decided_by([{"verdict_together": "separated"}] * 3)
    Decision(gap=None, verdict='separated')
    """
    several = len(rows) > 2
    which = "_corrected" if corrected else ""
    verdict = str(rows[0]["corrected_verdict_together" if corrected else "verdict_together"])
    candidates = rows if several else rows[:1]
    found = [row for row in candidates if np.isfinite(row.get("gap", np.nan))]
    if not found or verdict == "interpolated":
        return Decision(None, verdict)
    row = max(found, key=lambda row: abs(row["gap"]))
    ends = [f"gap{which}_{end}{'_simultaneous' if several else ''}" for end in ("low", "high")]
    return Decision((row["gap"], *(row[end] for end in ends)), verdict)


def summarise(study: Study, store: Store) -> Explore:
    """Read a grid and compute everything that its reports show.

    Parameters
    ----------
    study : Study
    store : Store

    Returns
    -------
    Explore
    """
    import pandas as pd

    source = study.cells[0].source
    limit = None
    if source.file is None:
        rng = replication_rng(study.seed, study.name, 0, "limit")
        limit = study.cells[0].limit_on(source.distribution(), rng)
    rows: list[dict[str, Any]] = []
    curve: list[dict[str, Any]] = []
    known: dict[int, LimitProba | None] = {}
    for cell in study.cells:
        if limit is not None:
            curve += _curve(cell, limit, known)
        runs = range(study.runs_of(cell.name))
        fits = read_fits(store, cell.name, runs)
        measured = read_measurements(store, cell.name, runs)
        for setting in cell.settings:
            evidence = evidence_of(study, cell, setting, fits, measured)
            rows += _rows(study, cell, setting, evidence, limit)
    return Explore(
        summary=pd.DataFrame(rows),
        curve=pd.DataFrame(curve),
        ratios=tuple(cell.ratio for cell in study.cells),
        settings=study.cells[0].settings,
        labels=source.labels,
        margin=study.design["margin"],
        limit_basis=limit.basis if limit else "",
        n_samples=sum(source.file.counts) if source.file else 0,
    )


def _rows(
    study: Study, cell: ExploreCell, setting: str, evidence: SettingEvidence, limit: Limit | None
) -> list[dict[str, Any]]:
    """One row per split and class of one ratio and weighting."""
    weight, mass = dict(cell.class_weight)[setting], evidence.mass
    splits = SPLITS if cell.source.file is None else SPLITS[:2]
    about = [
        {
            "class": k,
            "label": label,
            "n_train": cell.train_size[k],
            "weight": weight[k],
            "mass_share": float(mass[k] / mass.sum()),
        }
        for k, label in enumerate(cell.source.labels)
    ]
    of_limit = columns_of_limit(limit, mass)
    refused, margin = _refused(evidence), study.design["margin"]
    rows = []
    for split in splits:
        columns: list[Columns] = [of_limit]
        corrects = split == "test" and cell.source.file is not None
        together = {"verdict_together": refused}
        if corrects:
            together["corrected_verdict_together"] = refused
        if not refused:
            part = evidence.split(split)
            compared = partial(
                sides_over_runs, part, mass, margin=margin, converged=evidence.converged
            )
            sides = compared()
            columns += [columns_of_sides(sides), columns_of_predictions(part, mass)]
            together["verdict_together"] = _together(sides, margin)
            if len(mass) > 2:
                columns += [columns_of_gaps_together(sides)]
            if corrects:
                corrected = compared(resplit=_resplit(cell))
                columns += [columns_of_corrected(corrected)]
                together["corrected_verdict_together"] = _together(corrected, margin)
            columns += [_of_all_classes(part, cell, _resplit(cell) if corrects else 0.0)]
            if not cell.one_vs_all:  # bounds are of rows that sum to one
                columns += [columns_of_bounds(part)]
            if split == "test":
                parts = {name: evidence.split(name) for name in splits}
                columns += [columns_of_residual_split(parts, mass)]
        for k, of_class in enumerate(about):
            row = {"ratio": cell.ratio, "weighting": setting, "split": split} | of_class
            for column in columns:
                row |= {name: values[k] for name, values in column.items()}
            if refused:
                row["verdict"] = refused
            row |= together
            rows.append(row | evidence.counts | {"max_bias_gradient": evidence.max_bias_gradient})
    return rows


def _together(sides: SidesOverRuns, margin: float) -> str:
    """One verdict on all classes; two have one equation."""
    return str(sides.verdicts[0]) if len(sides.verdicts) == 2 else overall_verdict(sides, margin)


def _resplit(cell: ExploreCell) -> float:
    assert cell.source.file is not None
    return resplit_ratio(cell.test_size, cell.source.file.counts)


def _refused(evidence: SettingEvidence) -> str:
    """Why there is nothing to average: the commonest status of the runs without a model."""
    failed = evidence.counts["runs_failed"]
    if evidence.usable and failed <= MAX_FAILED * evidence.counts["runs_attempted"]:
        return ""
    statuses = Counter(s for s in evidence.fits.status.tolist() if s in FAILED_STATUSES)
    return statuses.most_common(1)[0][0] if statuses else "inconclusive"


def _of_all_classes(part: Measurements, cell: ExploreCell, resplit: float) -> Columns:
    """Accuracy over all classes: with equal priors, and with those of training."""
    of_class = accuracy_of_classes(part)
    share = np.array(cell.train_size) / sum(cell.train_size)
    found: dict[str, float] = {}
    priors = {"balanced_accuracy": np.full_like(share, 1 / len(share)), "overall_accuracy": share}
    for name, prior in priors.items():
        accuracy = of_class @ prior
        found |= {name: float(accuracy.mean()), f"{name}_mcse": mcse_of_mean(accuracy)}
        if resplit:
            found[f"{name}_corrected_error"] = corrected_error(accuracy, resplit)
        if not cell.one_vs_all:
            low, high = accuracy_bounds(part.mean_proba.mean(axis=0))
            found |= {f"{name}_low": float(low @ prior), f"{name}_high": float(high @ prior)}
    return {name: [value] * len(share) for name, value in found.items()}


def _curve(
    cell: ExploreCell, limit: Limit, known: dict[int, LimitProba | None]
) -> list[dict[str, Any]]:
    """Limits over the λ_0 of a ratio's settings, evenly spaced in log odds.

    For two classes P depends on the odds of the masses alone: ratios share their points.
    """
    count = np.array(cell.train_size, dtype=np.float64)
    binary = len(count) == 2
    shift = float(np.log(count[0] / count[1])) if binary else 0.0
    lambda0 = [weight[0] for s, weight in cell.class_weight if binary or is_lambda0(s)]
    if len(set(lambda0)) < 2:
        return []
    step = CURVE_STEP if binary else 2 * CURVE_STEP
    at = (logit(np.array([min(lambda0), max(lambda0)])) + shift) / step
    rows = []
    for i in range(int(np.floor(at[0])), int(np.ceil(at[1])) + 1):
        first = float(expit(i * step - shift))
        if binary:
            if i not in known:
                known[i] = proba_in_limit(limit, np.exp([i * step, 0.0]))
            found = known[i]
        else:
            rest = (1 - first) / (len(count) - 1)
            weight = np.array([first, *[rest] * (len(count) - 1)])
            found = proba_in_limit(limit, weight * count)
        if found is not None:
            rows += [
                {
                    "ratio": cell.ratio,
                    "lambda0": first,
                    "class": k,
                    "mean_proba": float(found.mean_proba[k, k]),
                    "mean_proba_mcse": float(found.mcse[k, k]),
                }
                for k in range(len(count))
            ]
    return rows
