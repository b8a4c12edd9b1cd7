"""The gap on fresh data from the store: predicted two ways, observed, repaired, and shifted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from learnprop.equations.inference.estimates import Estimate
from learnprop.reports.fresh.claims import CLAIMS
from learnprop.reports.fresh.compared import REPAIRED, Compared
from learnprop.reports.fresh.theory import curves, threshold
from learnprop.reports.statistics.columns import Columns, mean_and_mcse
from learnprop.reports.statistics.evidence import evidence_of, read_cell, separated_note
from learnprop.reports.statistics.rows import about_classes, about_runs, by_class
from learnprop.reports.statistics.runs import jackknifed_gap
from learnprop.simulations.engine.study import Study
from learnprop.simulations.records.store import Store
from learnprop.simulations.studies.fresh import study as fresh
from learnprop.simulations.studies.recording import LEFT_OUT

if TYPE_CHECKING:
    import pandas as pd

VERDICTS = ("verdict", "verdict_state", "verdict_repaired", "verdict_shifted")
"""On what left-out predictions say of the population, on what state evolution says of it, on the
gap that is left after the repair, and on what left-out predictions say of the shifted one."""

NUMBERS = (
    "gap_state",
    *(
        f"{name}{end}"
        for name in ("gap", "gap_left_out", "gap_repaired", "gap_shifted")
        for end in ("", "_low", "_high")
    ),
    "gap_mcse",
    *(
        f"{name}{end}"
        for name in ("difference", "difference_state", "difference_shifted")
        for end in ("", "_low", "_high")
    ),
    *("left", "left_mcse", "right", "right_mcse", "max_difference_on_train"),
)
"""Columns of numbers, in their order."""


@dataclass(frozen=True)
class Fresh:
    """What the report of the gap on fresh data is drawn from.

    Attributes
    ----------
    summary : DataFrame
        One row per number of classes, κ, λ setting and class.
    claims : DataFrame
        One row per statement.
    theory : DataFrame
        Gap by state evolution, as `curves` makes it.
    threshold : dict
        Number of classes to κ where training samples become separable; NaN if not known.
    separated : dict
        Number of classes to what is said of separated ones at the foot of tables; empty where
        there are none.
    margin : float
        δ, declared before the run.
    """

    summary: pd.DataFrame
    claims: pd.DataFrame
    theory: pd.DataFrame
    threshold: dict[int, float]
    separated: dict[int, str]
    margin: float


def summarise(study: Study, store: Store) -> Fresh:
    """Read the study and compute everything that its reports show."""
    import pandas as pd

    compared: list[Compared] = []
    for cell in study.cells:
        fits, measured = read_cell(study, store, cell)
        for setting in cell.settings:
            raw, repaired = (
                evidence_of(study, cell, setting, fits, measured, at)
                for at in (cell.headline, fresh.REPAIRED)
            )
            compared.append(Compared(cell, setting, raw, repaired, study.design["margin"]))
    rows = [row for one in compared for row in _rows(one)]
    frame = pd.DataFrame(rows)
    order = [name for name in frame if name not in (*NUMBERS, *VERDICTS)]
    about, counts = order[:-4], order[-4:]
    by_classes = {len(cell.train_size): cell for cell in study.cells}
    return Fresh(
        summary=frame.reindex(columns=[*about, *NUMBERS, *VERDICTS, *counts]),
        claims=pd.DataFrame([asdict(claim) for put in CLAIMS for claim in put(compared)]),
        theory=curves(study.cells),
        threshold={n_classes: threshold(cell) for n_classes, cell in by_classes.items()},
        separated={n_classes: _separated(compared, n_classes, study) for n_classes in by_classes},
        margin=study.design["margin"],
    )


def _separated(compared: Sequence[Compared], n_classes: int, study: Study) -> str:
    """What is said where samples of so many classes are separated, in one line."""
    mine = [of.raw for of in compared if len(of.raw.mass) == n_classes]
    return " ".join(separated_note(mine, study.design).splitlines())


def _rows(of: Compared) -> list[dict[str, Any]]:
    """One row per class."""
    cell, n_classes = of.cell, len(of.raw.mass)
    one = {
        "classes": n_classes,
        "kappa": cell.kappa,
        "n_features": cell.n_features,
        "n_samples": sum(cell.train_size),
        "setting": of.setting,
    }
    columns: Columns = dict(about_classes(cell, of.setting))
    if of.predicted is not None:
        columns |= {"gap_state": of.predicted.tolist()}
    if of.refused:
        columns |= {name: [of.refused] * n_classes for name in VERDICTS}
    else:
        columns |= _columns(of)
    return [one | row | about_runs(of.raw) for row in by_class(columns)]


def _columns(of: Compared) -> Columns:
    population = of.sides["population"]
    pairs = zip(population.left.T, population.right.T, strict=True)
    found: Columns = {
        **mean_and_mcse("left", population.left),
        **mean_and_mcse("right", population.right),
        **_interval("gap", population.gaps),
        "gap_mcse": [jackknifed_gap(left, right)[1] for left, right in pairs],
        "max_difference_on_train": [of.largest_on_train] * len(of.raw.mass),
    }
    for name, split in (("left_out", LEFT_OUT), ("repaired", REPAIRED), ("shifted", fresh.SHIFTED)):
        found |= _interval(f"gap_{name}", of.sides[split].gaps)
    found["verdict_repaired"] = of.sides[REPAIRED].verdicts
    for end, differences in (
        ("", of.between("population", LEFT_OUT)),
        ("_shifted", of.between(fresh.SHIFTED, LEFT_OUT)),
        ("_state", of.from_theory()),
    ):
        if differences is None:
            found[f"verdict{end}"] = ["-"] * len(of.raw.mass)
            continue
        found |= _interval(f"difference{end}", differences)
        found[f"verdict{end}"] = [of.verdict_on(one) for one in differences]
    return found


def _interval(name: str, estimates: Sequence[Estimate]) -> Columns:
    return {
        name: [e.value for e in estimates],
        f"{name}_low": [e.low for e in estimates],
        f"{name}_high": [e.high for e in estimates],
    }
