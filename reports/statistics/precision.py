r"""How precise a study is, and how many replications a target of precision needs.

The Monte Carlo standard error (MCSE) of a gap, or of an accuracy, falls as :math:`1 / \sqrt n`, so
that a target needs :math:`n (mcse / target)^2` replications (Morris, White and Crowther 2019,
section 5.3).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scipy import stats

from learnprop.equations.balance import is_interpolated, left_side, right_side
from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.statistics.columns import accuracy_of_runs
from learnprop.reports.statistics.runs import CONFIDENCE, MAX_FAILED, jackknifed_gap
from learnprop.simulations.engine.study import BLOCK_SIZE, Cell, Study
from learnprop.simulations.records.rows import Measurements, rows_where, select
from learnprop.simulations.records.store import Store, read_measurements


@dataclass(frozen=True)
class Precision:
    """MCSE of the estimand of one cell under one λ setting: the gap that is least precise.

    Attributes
    ----------
    cell, setting : str
    n_runs : int
        Attempted.
    n_models : int
        Runs with a model.
    mcse : float
        Infinite where there is none: fewer than three models, or a right side that vanishes.
    """

    cell: str
    setting: str
    n_runs: int
    n_models: int
    mcse: float

    @property
    def can_be_precise(self) -> bool:
        """Whether more runs make it more precise: not where more than 5 % of them fail.

        However many there are, it would speak only of samples that happen to have a model.
        """
        return math.isfinite(self.mcse) and self.n_models >= (1 - MAX_FAILED) * self.n_runs


@dataclass(frozen=True)
class Need:
    """Replications that a target needs, with the interval that a pilot's noise leaves."""

    cell: str
    setting: str
    basis: str
    n_runs: float
    low: float
    high: float


PILOT_RUNS = {"gap": BLOCK_SIZE, "accuracy": 5}
"""Least replications that an MCSE is trusted from, by estimand: each is a whole training."""


def estimand_of(cell: Cell) -> str:
    """What a target of precision is for: the gap, unless the cell says otherwise."""
    return str(getattr(cell, "estimand", "gap"))


def split_of(cell: Cell) -> str:
    """Where the estimand is measured: on test, unless the cell says otherwise."""
    return str(getattr(cell, "measured_on", "test"))


def headline_precision(cell: Cell, measured: Measurements | None, n_runs: int) -> list[Precision]:
    """MCSE of the estimand, per λ setting of a cell, over its first `n_runs` replications.

    Parameters
    ----------
    cell : Cell
    measured : Measurements or None
    n_runs : int

    Returns
    -------
    list of Precision
    """
    epoch, stage = cell.headline
    found = []
    for setting in cell.settings:
        mcse, n = math.inf, 0
        if measured is not None:
            rows = select(measured, setting=setting, epoch=epoch, stage=stage, split=split_of(cell))
            rows = rows_where(rows, rows.run < n_runs)
            n = len(rows)
            if estimand_of(cell) == "accuracy":
                mcse = mcse_of_mean(accuracy_of_runs(rows)) if n > 2 else math.inf
            elif n:
                mcse = _mcse_of_gap(rows, cell.class_mass(setting))
        found.append(Precision(cell.name, setting, n_runs, n, mcse))
    return found


def _mcse_of_gap(rows: Measurements, mass: FloatArray) -> float:
    P = rows.mean_proba
    left, right = left_side(P, mass, rows.miss_proba), right_side(P, mass)
    if math.isnan(mass.sum()) or is_interpolated(right.mean(axis=0), mass).any():
        return math.inf
    return max(jackknifed_gap(a, b)[1] for a, b in zip(left.T, right.T, strict=True))


def study_precision(study: Study, store: Store) -> list[Precision]:
    """`headline_precision` of every cell of a study, over the replications that it asks for."""
    return [
        precision
        for cell in study.cells
        for precision in headline_precision(
            cell, read_measurements(store, cell.name), study.runs_of(cell.name)
        )
    ]


def more_runs(study: Study, store: Store, target: float) -> dict[str, int]:
    """Replications per cell of the next round towards a target; empty where none is needed.

    A cell gets 25 replications at least, of trainings compared 5. Where it then `can_be_precise`, a
    round at most doubles it, since the MCSE is itself an estimate. What comes next depends on
    results alone, so a study that is resumed takes the same steps.

    Parameters
    ----------
    study : Study
    store : Store
    target : float
        MCSE that every estimand shall fall below.

    Returns
    -------
    dict of str to int
        For `Study.cell_runs`, all cells of which more is needed or was asked before.
    """
    more: dict[str, int] = {}
    for precision in study_precision(study, store):
        least = PILOT_RUNS[estimand_of(study.cells[0])]
        wanted = _next_round(precision, target, study.block_size, least)
        more[precision.cell] = max(more.get(precision.cell, 0), wanted)
    grown = {cell: runs for cell, runs in more.items() if runs > study.runs_of(cell)}
    return {**study.cell_runs, **grown} if grown else {}


def _next_round(precision: Precision, target: float, size: int, least: int) -> int:
    """Runs that one λ setting asks for next; as many as it has where it asks for none."""
    have = precision.n_runs
    if have < least and precision.mcse > target:
        return least
    if not precision.can_be_precise or precision.mcse <= target:
        return have
    needed = have * (precision.mcse / target) ** 2
    return whole_blocks(min(max(needed, have + 1), 2 * have), size)


def whole_blocks(n_runs: float, size: int = BLOCK_SIZE) -> int:
    """Round replications up to whole blocks.

    Examples
    --------
    >>> whole_blocks(26), whole_blocks(50)
    (50, 50)
    """
    return math.ceil(n_runs / size) * size


def needs(
    cell: Cell,
    target: float,
    predicted_sd: Mapping[str, float | None],
    pilot: Measurements | None,
) -> Iterator[Need]:
    r"""Replications that each λ setting of a cell needs for a target, before it is run.

    Parameters
    ----------
    cell : Cell
    target : float
    predicted_sd : mapping of setting to float or None
        SD over runs of the estimand, from theory.
    pilot : Measurements or None
        For settings without a prediction. The interval is that of the pilot's variance,
        :math:`(m - 1) s^2 / \chi^2_{m-1}` at 90 %, as for normal data.

    Yields
    ------
    Need
        With infinite `n_runs` where neither says anything.
    """
    n_pilot = PILOT_RUNS[estimand_of(cell)]
    from_pilot = {p.setting: p for p in headline_precision(cell, pilot, n_pilot)}
    for setting in cell.settings:
        sd = predicted_sd.get(setting)
        if sd is not None:
            n = (sd / target) ** 2
            yield Need(cell.name, setting, "finite-sample prediction", n, n, n)
            continue
        p = from_pilot[setting]
        n = p.n_runs * (p.mcse / target) ** 2 if p.can_be_precise else math.inf
        low = high = n
        if math.isfinite(n):
            tail = (1 - CONFIDENCE) / 2
            freedom = p.n_models - 1
            low, high = (n * freedom / stats.chi2.ppf(q, freedom) for q in (1 - tail, tail))
        basis = f"pilot of {p.n_runs} runs"
        if p.n_models < p.n_runs:
            basis += f", {p.n_models} with a model"
        yield Need(cell.name, setting, basis, n, float(low), float(high))
