"""Monte Carlo studies: cells, blocks, resume, and when to stop.

The unit of work is a block of replications of one data cell with all its λ settings, 25 unless the
design says otherwise, always computed whole: its composition, and so its arithmetic, depends
neither on the number of workers nor on ``--runs``. Some studies compute blocks together, as one
computation on a device; what is kept, counted and resumed are blocks there, too. joblib runs blocks
(`learnprop.simulations.engine.workers`), SQLite keeps them
(`learnprop.simulations.records.store_file`); randomness is keyed
(`learnprop.simulations.engine.seeds`).
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from learnprop.equations.arguments import instance_of
from learnprop.simulations.engine.study import Study, StudyError, block_runs
from learnprop.simulations.engine.tasks import tasks_of
from learnprop.simulations.engine.workers import Workers, compute_blocks
from learnprop.simulations.records.rows import FAILED_STATUSES, Block
from learnprop.simulations.records.store import (
    Store,
    check_store_is_open,
    failed_runs,
    finished_runs,
    save_block,
)


@dataclass(frozen=True)
class Progress:
    """How far a study is, after a block; ``seconds_left`` at the speed of this session."""

    done: int
    total: int
    block: Block
    seconds_left: float


def all_blocks(study: Study) -> list[tuple[Any, int]]:
    """(cell, index) of every block of a study; the first of every cell come first."""
    counts = {cell.name: -(-study.runs_of(cell.name) // study.block_size) for cell in study.cells}
    return [
        (cell, index)
        for index, cell in product(range(max(counts.values(), default=0)), study.cells)
        if index < counts[cell.name]
    ]


def pending_blocks(
    study: Study, store: Store, timeout: float | None = None
) -> list[tuple[Any, int]]:
    """Blocks that the store does not hold to the extent that the study asks for.

    Parameters
    ----------
    study : Study
    store : Store
    timeout : float or None
        A block that timed out under a shorter limit than this is pending again.

    Returns
    -------
    list of (cell, index)
    """
    have = finished_runs(store, timeout)
    return [
        (cell, index)
        for cell, index in all_blocks(study)
        if have.get((cell.name, index), 0) < len(_kept(study, cell.name, index))
    ]


def _kept(study: Study, cell: str, index: int) -> range:
    runs = block_runs(index, study.block_size)
    return range(runs.start, min(runs.stop, study.runs_of(cell)))


def run_study(
    study: Study,
    store: Store,
    workers: Workers | None = None,
    *,
    blocks: Sequence[tuple[Any, int]] | None = None,
    timeout: float | None = None,
    max_failures: float = 1.0,
) -> Generator[Progress]:
    """Compute the blocks that are missing and write each as it is finished.

    Parameters
    ----------
    study : Study
    store : Store
    workers : Workers or None
        None computes in this process.
    blocks : sequence of (cell, index), optional
        What to compute, in this order; by default `pending_blocks`.
    timeout : float or None
        Seconds that a block may take; one that takes longer is recorded as failed.
    max_failures : float
        Share of the study's replications that may fail, 0 to 1.

    Yields
    ------
    Progress
        After each block, once it is in the store.

    Raises
    ------
    StudyError
        If more replications failed, or the workers cannot go on. Every finished block is kept.
    """
    instance_of(study, "study", Study)
    check_store_is_open(store)
    todo = list(pending_blocks(study, store, timeout) if blocks is None else blocks)
    total = len(all_blocks(study))
    pending = {(cell.name, index) for cell, index in todo}
    failed = {
        (cell, run)
        for cell, runs in failed_runs(store).items()
        for run in runs
        if run < study.runs_of(cell) and (cell, run // study.block_size) not in pending
    }
    _check_failures(study, failed, max_failures)
    started = time.monotonic()
    unfinished = store.path.parent.resolve() / "unfinished" if study.keeps_unfinished else None
    tasks = tasks_of(study, todo, timeout, unfinished)
    done, left = total - len(todo), len(todo)
    with closing(compute_blocks(tasks, workers or Workers())) as computed:
        for group in computed:
            for block in group:
                save_block(store, block, _kept(study, block.cell, block.index))
            left -= len(group)
            seconds_left = (time.monotonic() - started) / (len(todo) - left) * left
            for block in group:
                done += 1
                yield Progress(done, total, block, seconds_left)
                broken = block.fits.run[np.isin(block.fits.status, FAILED_STATUSES)]
                kept = _kept(study, block.cell, block.index)
                failed |= {(block.cell, run) for run in set(broken.tolist()) if run in kept}
                _check_failures(study, failed, max_failures)
    if unfinished is not None and not pending_blocks(study, store):
        shutil.rmtree(unfinished, ignore_errors=True)  # of blocks that failed, or were stopped


def _check_failures(study: Study, failed: set[tuple[str, int]], max_failures: float) -> None:
    asked = sum(study.runs_of(cell.name) for cell in study.cells)
    if len(failed) > max_failures * asked:
        raise StudyError(
            f"{len(failed)} of {asked} replications failed, more than `max_failures` "
            f"{max_failures:g} allows"
        )
