"""How far a stored study is: done, running, failed, time left."""

from __future__ import annotations

import math
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnprop.reports.layout.console import Titled
from learnprop.reports.layout.grid import Grid
from learnprop.reports.layout.numbers import duration, time_text
from learnprop.simulations.engine.study import Study, block_size_of
from learnprop.simulations.engine.time_left import TimeLeft, time_left
from learnprop.simulations.engine.within import FOLDER, told
from learnprop.simulations.records.rows import with_way_on
from learnprop.simulations.records.store import (
    Store,
    failed_runs,
    read_blocks,
    read_fits,
    read_session,
)
from learnprop.simulations.records.store_file import is_written

MAX_REASONS = 5


@dataclass(frozen=True)
class CellStatus:
    """One data cell: replications done, asked for and failed; seconds per block, NaN before any."""

    cell: str
    done: int
    asked: int
    failed: int
    blocks_done: int
    blocks_asked: int
    seconds_per_block: float


@dataclass(frozen=True)
class Status:
    """A stored study.

    Attributes
    ----------
    study : str
    cells : tuple of CellStatus
    running : int
        Blocks being computed now, by the writer of this folder; 0 without one.
    left : TimeLeft
        At the speed of the finished blocks and the last session's number of workers.
    reasons : tuple of (reason, cell, run, count)
        Why replications failed, the most frequent first, each with its first replication; options
        that a reason names are marked by backticks.
    notes : tuple of str
        What was out of the ordinary in single blocks.
    session : dict
        Who computes, or did last.
    told : tuple of str
        How far the blocks are that are being computed, as far as they tell.
    """

    study: str
    cells: tuple[CellStatus, ...]
    running: int
    left: TimeLeft
    reasons: tuple[tuple[str, str, int, int], ...]
    notes: tuple[str, ...]
    session: dict[str, Any]
    told: tuple[str, ...] = ()


def study_status(store: Store) -> Status:
    """Read how far a study is.

    Parameters
    ----------
    store : Store
        May be written by another process meanwhile.

    Returns
    -------
    Status
    """
    session, blocks = read_session(store), read_blocks(store)
    failed = failed_runs(store)
    asked = session.get("runs", {})
    size = block_size_of(store.design)
    names = list(dict.fromkeys([*asked, *(row[0] for row in blocks)]))
    cells = []
    for name in names:
        mine = [row for row in blocks if row[0] == name]
        done = sum(row[2] for row in mine)
        n_asked = asked.get(name, done)
        within = [row for row in mine if row[1] * size < n_asked]
        seconds = [row[3] for row in within]
        cells.append(
            CellStatus(
                cell=name,
                done=min(sum(row[2] for row in within), n_asked),
                asked=n_asked,
                failed=sum(run < n_asked for run in failed.get(name, ())),
                blocks_done=len(within),
                blocks_asked=-(-n_asked // size),
                seconds_per_block=sum(seconds) / len(seconds) if seconds else float("nan"),
            )
        )
    missing = sum(c.blocks_asked - c.blocks_done for c in cells)
    workers, at_once = (max(1, int(session.get(n, 1))) for n in ("workers", "blocks_at_once"))
    per_block = {c.cell: c.seconds_per_block for c in cells if c.blocks_done}
    written = is_written(store.path.parent)
    return Status(
        study=store.study,
        cells=tuple(cells),
        running=min(workers * at_once, missing) if written else 0,
        left=time_left(
            {c.cell: c.blocks_asked - c.blocks_done for c in cells}, per_block, workers, at_once
        ),
        told=tuple(told(store.path.parent / FOLDER)) if written else (),
        reasons=_reasons(store, failed),
        notes=tuple(f"{row[0]} block {row[1]}: {row[5]}" for row in blocks if row[5]),
        session=session,
    )


def status_text(status: Status, folder: Path) -> tuple[Titled, Sequence[str]]:
    """Lay a status out for the console.

    Parameters
    ----------
    status : Status
    folder : Path

    Returns
    -------
    table : Titled
    lines : sequence of str
    """
    heads = ("cell", "runs done", "asked", "failed", "blocks left", "time per block")
    rows = tuple(
        (
            c.cell,
            *map(str, (c.done, c.asked, c.failed, c.blocks_asked - c.blocks_done)),
            duration(c.seconds_per_block),
        )
        for c in status.cells
    )
    table = Titled(f"{status.study} in {folder}", Grid(heads, rows))
    left = sum(c.blocks_asked - c.blocks_done for c in status.cells)
    since = f"since {status.session.get('started', 'unknown')}"
    lines = []
    if status.running:
        host, pid = status.session.get("host"), status.session.get("pid")
        lines.append(
            f"running {since} (process {pid} on {host}), blocks at a time: {status.running}"
        )
        lines += [f"  {line}" for line in status.told]
    elif left:
        lines.append("not running: the command that began it resumes")
    if not status.cells:
        lines.append("nothing is computed yet")
    elif left and math.isnan(status.left.seconds):
        lines.append("time left: not known before the first block")
    elif left:
        lines.append(f"time left: {time_text(status.left)}")
    else:
        lines.append("done")
    for reason, cell, run, count in status.reasons:
        lines.append(f"failed, {count} replication{'s'[: count != 1]}: {reason}")
        command = ["learnprop", "replay", str(folder), "--cell", cell, "--run", str(run)]
        lines.append(f"  the first: {shlex.join(command)}")
    return table, [*lines, *status.notes[:MAX_REASONS]]


def cells_without_model(study: Study, store: Store) -> dict[str, Counter[str]]:
    """Cells of which no run that is asked for has a model, under any setting.

    Parameters
    ----------
    study : Study
    store : Store

    Returns
    -------
    dict of str to Counter
        By name of the cell, for each reason the number of runs that failed for it.
    """
    failed = failed_runs(store)
    found = {}
    for cell in study.cells:
        runs = range(study.runs_of(cell.name))
        if sum(run in runs for run in failed.get(cell.name, ())) < len(runs):
            continue
        fits = read_fits(store, cell.name, runs)
        if not fits.has_model.any():
            pairs = zip(fits.run.tolist(), fits.reason.tolist(), strict=True)
            found[cell.name] = Counter(reason for _, reason in set(pairs))
    return found


def no_model_line(study: Study, without: Mapping[str, Counter[str]]) -> str:
    """Say why cells have no model, the commonest reason alone, options marked by backticks.

    Parameters
    ----------
    study : Study
    without : mapping
        Of `cells_without_model`; not empty.

    Returns
    -------
    str
    """
    reasons = sum(without.values(), Counter[str]())
    ((reason, count),) = reasons.most_common(1)
    n_runs = sum(study.runs_of(cell) for cell in without)
    of = "" if len(without) == len(study.cells) else f" of {', '.join(without)}"
    why = with_way_on(reason, study.design)
    return f"{study.name}: no run{of} has a model; {count} of {n_runs} runs: {why}"


def _reasons(store: Store, failed: dict[str, set[int]]) -> tuple[tuple[str, str, int, int], ...]:
    counts: Counter[str] = Counter()
    first: dict[str, tuple[str, int]] = {}
    for cell, runs in failed.items():
        fits = read_fits(store, cell)
        reasons = {
            (int(run), str(reason))
            for run, reason in zip(fits.run, fits.reason, strict=True)
            if reason and int(run) in runs
        }
        reasons = {(run, with_way_on(reason, store.design)) for run, reason in reasons}
        for run, reason in sorted(reasons):
            counts[reason] += 1
            first.setdefault(reason, (cell, run))
    return tuple((reason, *first[reason], n) for reason, n in counts.most_common(MAX_REASONS))
