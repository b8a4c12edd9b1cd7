"""A plan: how many replications a target of precision needs, and how long they take."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from learnprop.reports.layout.console import Titled
from learnprop.reports.layout.grid import Grid
from learnprop.reports.layout.numbers import duration
from learnprop.reports.statistics.precision import (
    PILOT_RUNS,
    Need,
    estimand_of,
    needs,
    split_of,
    whole_blocks,
)
from learnprop.simulations.engine.study import BLOCK_SIZE, Study
from learnprop.simulations.engine.tasks import tasks_of
from learnprop.simulations.engine.time_left import TimeLeft, time_left
from learnprop.simulations.engine.within import FOLDER, listening
from learnprop.simulations.engine.workers import Workers, compute_blocks
from learnprop.simulations.records.rows import Block, concatenate

Watch = Callable[[Path, int, int], AbstractContextManager[Callable[[int, TimeLeft], None]]]

LEAST_RUNS = 2
"""Of a study: one has no spread."""


@dataclass(frozen=True)
class Plan:
    """What a target needs per cell and λ setting; seconds per block where a pilot was computed."""

    needs: tuple[Need, ...]
    seconds_per_block: dict[str, float]
    block_size: int = BLOCK_SIZE
    estimand: str = "gap"
    split: str = "test"


def plan_study(
    study: Study,
    target: float,
    predicted_gap_sd: Callable[[Any], dict[str, float | None]],
    workers: Workers,
    watch: Watch = lambda *_: nullcontext(lambda *_: None),
) -> Plan:
    """Plan a study: from the finite-sample prediction where there is one, else from a pilot block.

    Parameters
    ----------
    study : Study
    target : float
        MCSE of the estimand.
    predicted_gap_sd : callable ``(cell) -> dict``
        SD over runs of the gap by λ setting.
    workers : Workers
        For the pilot blocks, which are not stored.
    watch : callable ``(running, done, total) -> context``
        Shows how far they are: of a folder into which blocks tell, and how many there are. Its
        value is called with how many are done and the time that is left.

    Returns
    -------
    Plan
    """
    predicted = {cell.name: predicted_gap_sd(cell) for cell in study.cells}
    unknown = [
        cell
        for cell in study.cells
        if any(predicted[cell.name].get(setting) is None for setting in cell.settings)
    ]
    size = study.block_size
    first = [
        (cell, index)
        for cell in unknown
        for index in range(-(-PILOT_RUNS[estimand_of(cell)] // size))
    ]
    pilots = _computed(study, first, workers, watch) if first else {}
    found: list[Need] = []
    for cell in study.cells:
        own = pilots.get(cell.name)
        pilot = concatenate(own).measurements if own else None
        found += needs(cell, target, predicted[cell.name], pilot)
    cell = study.cells[0]
    return Plan(tuple(found), _seconds(pilots), size, estimand_of(cell), split_of(cell))


def _computed(
    study: Study, todo: Sequence[tuple[Any, int]], workers: Workers, watch: Watch
) -> dict[str, list[Block]]:
    pilots: dict[str, list[Block]] = {}
    missing = Counter(cell.name for cell, _ in todo)
    with (
        TemporaryDirectory() as scratch,
        listening(Path(scratch, FOLDER)) as running,
        watch(running, 0, len(todo)) as advance,
    ):
        for blocks in compute_blocks(tasks_of(study, todo, running=running), workers):
            for block in blocks:
                pilots.setdefault(block.cell, []).append(block)
                missing[block.cell] -= 1
            left = time_left(missing, _seconds(pilots), workers.jobs)
            advance(len(todo) - missing.total(), left)
    return pilots


def _seconds(pilots: dict[str, list[Block]]) -> dict[str, float]:
    """Seconds per block, by cell."""
    return {name: sum(b.seconds for b in of) / len(of) for name, of in pilots.items()}


def plan_table(plan: Plan, target: float, workers: int) -> tuple[Titled, Sequence[str]]:
    """Lay a plan out for the console.

    Parameters
    ----------
    plan : Plan
    target : float
    workers : int

    Returns
    -------
    table : Titled
    lines : sequence of str
        What follows from it.
    """
    rows = tuple((n.cell, n.setting, n.basis, *_numbers(n)) for n in plan.needs)
    heads = ("cell", "setting", "from", "runs", "90 % interval")
    title = f"Replications for an MCSE of the {plan.estimand} on {plan.split} of {target:g}"
    return Titled(title, Grid(heads, rows, verbatim=(1, 2), keys=2)), _conclusion(plan, workers)


def _numbers(need: Need) -> tuple[str, str]:
    if not math.isfinite(need.n_runs):
        return "unknown", ""
    runs, low, high = (max(LEAST_RUNS, n) for n in (need.n_runs, need.low, need.high))
    return f"{math.ceil(runs)}", f"{low:.0f} to {high:.0f}" if need.low < need.high else ""


def _conclusion(plan: Plan, workers: int) -> list[str]:
    cells = list(dict.fromkeys(need.cell for need in plan.needs))
    known = [n for n in plan.needs if math.isfinite(n.n_runs)]
    most = {c: max((n.n_runs for n in known if n.cell == c), default=math.inf) for c in cells}
    lines = []
    for cell, n_runs in most.items():
        if not math.isfinite(n_runs):
            lines.append(f"{cell}: its pilot block shows no {plan.estimand} to make precise")
            continue
        blocks = whole_blocks(max(n_runs, LEAST_RUNS), plan.block_size) // plan.block_size
        time = ""
        if cell in plan.seconds_per_block:
            seconds = blocks * plan.seconds_per_block[cell] / min(workers, blocks)
            time = f", about {duration(seconds)} on {workers} worker(s)"
        many = "blocks" if blocks > 1 else "block"
        runs = "run" if plan.block_size == 1 else "runs"
        lines.append(f"{cell}: {blocks} {many} of {plan.block_size} {runs}{time}")
    return lines
