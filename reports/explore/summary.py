"""The grid of imbalance ratios and λ from the store: one row per ratio, λ, split and class."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit, logit

from learnprop.equations.inference.resampling import resplit_ratio
from learnprop.reports.statistics.columns import (
    Columns,
    columns_of_accuracies,
    columns_of_balance,
    columns_of_bounds,
    columns_of_gaps_together,
    columns_of_limit,
    columns_of_predictions,
    columns_of_residual_split,
    proba_in_limit,
)
from learnprop.reports.statistics.evidence import (
    Part,
    SettingEvidence,
    Terms,
    evidence_of,
    read_cell,
    separated_note,
    too_many_failed,
)
from learnprop.reports.statistics.left_out import not_predicted_note
from learnprop.reports.statistics.resplit import columns_of_corrected
from learnprop.reports.statistics.rows import (
    NUMBERS,
    about_classes,
    class_rows,
    frame_of,
    of_all_classes,
)
from learnprop.reports.statistics.sides import SidesOverRuns, overall_verdict
from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.engine.study import Study
from learnprop.simulations.generators.large_sample_limit import Limit, LimitProba
from learnprop.simulations.records.store import Store
from learnprop.simulations.studies.checks import is_lambda0
from learnprop.simulations.studies.explore.study import ExploreCell
from learnprop.simulations.studies.recording import SPLITS

if TYPE_CHECKING:
    import pandas as pd

OF_ALL_CLASSES = tuple(
    f"{name}_accuracy{error}" for name in ("balanced", "overall") for error in ("", "_mcse")
)
"""Columns of accuracies over all classes."""

CURVE_STEP = 0.3
"""Between the points of the population curve, in log odds; twice that for more than two classes,
where each has to be computed."""


@dataclass(frozen=True)
class Explore:
    """What the report of a grid is drawn from.

    Attributes
    ----------
    summary : DataFrame
        One row per ratio, weighting, stage, split and class; the columns of ``summary.csv``.
    ratios : tuple of float
    settings : tuple of str
    stages : tuple of str
        The headline's first.
    labels : tuple of str
        Names of the classes.
    margin : float
    limit_basis : str
        What the population curve is of; empty without one.
    n_samples : int
        Of the one file that all runs split; zero where data are generated.
    curve : DataFrame
        The population curve: one row per ratio, λ_0 and class; empty without one.
    separated : str
        What is said of separated classes at the foot of tables; empty where there are none.
    not_predicted : tuple of str
        What is said of overfitting that is not predicted, and could be.
    """

    summary: pd.DataFrame
    curve: pd.DataFrame
    ratios: tuple[float, ...]
    settings: tuple[str, ...]
    labels: tuple[str, ...]
    margin: float
    limit_basis: str
    stages: tuple[str, ...] = ("raw",)
    n_samples: int = 0
    separated: str = ""
    not_predicted: tuple[str, ...] = ()

    @property
    def n_classes(self) -> int:
        """K."""
        return len(self.labels)

    @property
    def rows(self) -> tuple[tuple[str, str], ...]:
        """Setting and stage of every row of a grid."""
        return tuple(product(self.settings, self.stages))

    def split(self, name: str) -> pd.DataFrame:
        """Rows of one split, at the headline's stage."""
        rows = self.summary
        return rows[(rows["split"] == name) & (rows["stage"] == self.stages[0])]

    def on_test(self) -> pd.DataFrame:
        """Rows of test data, at all stages."""
        return self.summary[self.summary["split"] == "test"]


@dataclass(frozen=True)
class Decision:
    """What a cell of the grid says: a gap with its interval, if there is one, and a verdict."""

    gap: tuple[float, float, float] | None
    verdict: str


def shown_row(rows: list[dict[str, Any]], gap: str = "gap") -> dict[str, Any] | None:
    """Row of the class whose gap a grid shows: of two the first, of more that of the largest gap.

    Parameters
    ----------
    rows : list of dict
        Rows of the summary, one per class.
    gap : {"gap", "gap_predicted"}
        Which it shows.

    Returns
    -------
    dict or None
        None without a gap.

    Examples
    --------
    >>> rows = [{"class": k, "gap": g, "gap_predicted": p} for k, g, p in
    ...         [(0, 0.1, 0.3), (1, 0.2, 0.0), (2, 0.1, 0.1)]]
    >>> shown_row(rows)["class"], shown_row(rows, "gap_predicted")["class"]
    (1, 0)
    """
    candidates = rows if len(rows) > 2 else rows[:1]
    found = [row for row in candidates if np.isfinite(row.get(gap, np.nan))]
    return max(found, key=lambda row: abs(row[gap]), default=None)


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
    row = shown_row(rows)
    if row is None or verdict == "interpolated":
        return Decision(None, verdict)
    ends = [f"gap{which}_{end}{'_simultaneous' if several else ''}" for end in ("low", "high")]
    return Decision((row["gap"], *(row[end] for end in ends)), verdict)


def summarise(study: Study, store: Store) -> Explore:
    """Read a grid and compute everything that its reports show."""
    import pandas as pd

    source = study.cells[0].source
    limit = None
    if source.file is None:
        rng = replication_rng(study.seed, study.name, 0, "limit")
        limit = study.cells[0].limit_on(source.distribution(), rng)
    rows: list[dict[str, Any]] = []
    curve: list[dict[str, Any]] = []
    known: dict[int, LimitProba | None] = {}
    seen: list[SettingEvidence] = []
    as_fitted: list[tuple[str, SettingEvidence]] = []
    for cell in study.cells:
        if limit is not None:
            curve += _curve(cell, limit, known)
        fits, measured = read_cell(study, store, cell)
        terms = _terms(study, cell)
        for setting, stage in product(cell.settings, cell.stages):
            at = cell.headline[0], stage
            evidence = evidence_of(study, cell, setting, fits, measured, at)
            seen.append(evidence)
            if stage == cell.stages[0] and cell.fitting.leaves_out and not terms.refusal(evidence):
                as_fitted.append((f"{setting} at ratio {cell.ratio:g}", evidence))
            about = about_classes(cell, setting, source.labels)
            about |= columns_of_limit(limit, evidence.mass)
            key = {"ratio": cell.ratio, "weighting": setting, "stage": stage}
            found = class_rows(evidence, terms, about, COLUMNS, verdicts=_verdicts(terms))
            rows += [key | row for row in found]
    return Explore(
        summary=frame_of(rows, (*NUMBERS, *OF_ALL_CLASSES)),
        curve=pd.DataFrame(curve),
        ratios=tuple(cell.ratio for cell in study.cells),
        settings=study.cells[0].settings,
        stages=study.cells[0].stages,
        labels=source.labels,
        margin=study.design["margin"],
        limit_basis=limit.basis if limit else "",
        n_samples=sum(source.file.counts) if source.file else 0,
        separated=separated_note(seen, study.design),
        not_predicted=tuple(not_predicted_note(as_fitted)),
    )


def _terms(study: Study, cell: ExploreCell) -> Terms:
    file = cell.source.file
    return Terms(
        margin=study.design["margin"],
        train_size=cell.train_size,
        splits=SPLITS if file is None else SPLITS[:2],
        one_vs_all=cell.one_vs_all,
        resplit=0.0 if file is None else resplit_ratio(cell.test_size, file.counts),
        refusal=too_many_failed,
    )


def _verdicts(terms: Terms) -> dict[str, tuple[str, ...]]:
    """Columns of each split that say why a ratio and weighting has no numbers."""
    names = ("verdict", "verdict_together")
    corrected = (*names, "corrected_verdict_together") if terms.resplit else names
    return {split: corrected if split == "test" else names for split in terms.splits}


def _intervals(part: Part) -> Columns:
    """Simultaneous intervals where there are several equations, and those for new data."""
    together = columns_of_gaps_together(part) if len(part.mass) > 2 else {}
    return together | (columns_of_corrected(part.corrected) if part.corrected else {})


def _together(part: Part) -> dict[str, str]:
    """One verdict on all classes; two have one equation."""

    def verdict(sides: SidesOverRuns) -> str:
        binary = len(sides.verdicts) == 2
        return str(sides.verdicts[0] if binary else overall_verdict(sides, part.terms.margin))

    found = {"verdict_together": verdict(part.sides)}
    if part.corrected:
        found["corrected_verdict_together"] = verdict(part.corrected)
    return found


COLUMNS = (
    columns_of_balance,
    columns_of_predictions,
    _intervals,
    of_all_classes(partial(columns_of_accuracies, bounds=True)),
    columns_of_bounds,
    columns_of_residual_split,
    of_all_classes(_together),
)
"""Of the summary, in this order."""


def _curve(
    cell: ExploreCell, limit: Limit, known: dict[int, LimitProba | None]
) -> list[dict[str, Any]]:
    """Limits over the λ_0 of a ratio's settings, evenly spaced in log odds.

    For two classes P depends on the odds of the masses alone, unless there is a penalty: ratios
    share their points.
    """
    count = np.array(cell.train_size, dtype=np.float64)
    binary = len(count) == 2
    shared = binary and limit.by_ratios
    shift = float(np.log(count[0] / count[1])) if binary else 0.0
    lambda0 = [weight[0] for s, weight in cell.class_weight if binary or is_lambda0(s)]
    if len(set(lambda0)) < 2:
        return []
    step = CURVE_STEP if binary else 2 * CURVE_STEP
    at = (logit(np.array([min(lambda0), max(lambda0)])) + shift) / step
    rows = []
    for i in range(int(np.floor(at[0])), int(np.ceil(at[1])) + 1):
        first = float(expit(i * step - shift))
        if shared:
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
