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
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np

from learnprop.equations.arguments import instance_of
from learnprop.simulations.engine.study import Study, StudyError, block_runs
from learnprop.simulations.engine.tasks import tasks_of
from learnprop.simulations.engine.time_left import TimeLeft, time_left
from learnprop.simulations.engine.workers import Workers, compute_blocks
from learnprop.simulations.records.rows import FAILED_STATUSES, Block
from learnprop.simulations.records.store import (
    Store,
    check_store_is_open,
    failed_runs,
    finished_runs,
    read_session,
    save_block,
    seconds_of_blocks,
)


@dataclass(frozen=True)
class Progress:
    """How far a study is, after a block."""

    done: int
    total: int
    block: Block
    left: TimeLeft


@dataclass(frozen=True)
class Blocks(Collection[tuple[Any, int]]):
    """(cell, index) of blocks of a study, the first of every cell first: counted, and never listed.

    Attributes
    ----------
    study : Study
    have : mapping of (cell, index) to int
        Replications of blocks that are there; of those that hold all that is asked none is missing.
    """

    study: Study
    have: Mapping[tuple[str, int], int] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.by_cell().total()

    def by_cell(self) -> Counter[str]:
        """How many there are of each cell."""
        counts = Counter({cell.name: self._n_blocks(cell.name) for cell in self.study.cells})
        counts.subtract(c for c, i in self.have if c in counts and self._is_finished(c, i))
        return counts

    def __iter__(self) -> Iterator[tuple[Any, int]]:
        counts = {cell.name: self._n_blocks(cell.name) for cell in self.study.cells}
        for index in range(max(counts.values(), default=0)):
            for cell in self.study.cells:
                if index < counts[cell.name] and not self._is_finished(cell.name, index):
                    yield cell, index

    def __contains__(self, block: object) -> bool:
        """Whether it is one of them; of a pair (cell, index)."""
        cell, index = cast(tuple[Any, int], block)
        return index < self._n_blocks(cell.name) and not self._is_finished(cell.name, index)

    def _n_blocks(self, cell: str) -> int:
        return -(-self.study.runs_of(cell) // self.study.block_size)

    def _is_finished(self, cell: str, index: int) -> bool:
        asked = len(_kept(self.study, cell, index))
        return asked > 0 and self.have.get((cell, index), 0) >= asked


def all_blocks(study: Study) -> Blocks:
    """Every block of a study."""
    return Blocks(study)


def pending_blocks(study: Study, store: Store, timeout: float | None = None) -> Blocks:
    """Blocks that the store does not hold to the extent that the study asks for.

    Parameters
    ----------
    study : Study
    store : Store
    timeout : float or None
        A block that timed out under a shorter limit than this is pending again.

    Returns
    -------
    Blocks
    """
    return Blocks(study, finished_runs(store, timeout))


def _kept(study: Study, cell: str, index: int) -> range:
    runs = block_runs(index, study.block_size)
    return range(runs.start, min(runs.stop, study.runs_of(cell)))


def run_study(
    study: Study,
    store: Store,
    workers: Workers | None = None,
    *,
    blocks: Collection[tuple[Any, int]] | None = None,
    timeout: float | None = None,
    max_failures: float = 1.0,
    running: Path | None = None,
) -> Generator[Progress]:
    """Compute the blocks that are missing and write each as it is finished.

    Parameters
    ----------
    study : Study
    store : Store
    workers : Workers or None
        None computes in this process.
    blocks : collection of (cell, index), optional
        What to compute, in this order; by default `pending_blocks`.
    timeout : float or None
        Seconds that a block may take; one that takes longer is recorded as failed.
    max_failures : float
        Share of the study's replications that may fail, 0 to 1.
    running : Path or None
        Folder into which blocks tell how far they are (`learnprop.simulations.engine.within`).

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
    todo = pending_blocks(study, store, timeout) if blocks is None else list(blocks)
    total, n_todo = len(all_blocks(study)), len(todo)
    failed_before = failed_runs(store)
    failed = {
        (cell.name, run)
        for cell in study.cells
        for run in failed_before.get(cell.name, ())
        if run < study.runs_of(cell.name) and (cell, run // study.block_size) not in todo
    }
    _check_failures(study, failed, max_failures)
    unfinished = store.path.parent.resolve() / "unfinished" if study.keeps_unfinished else None
    tasks = tasks_of(study, todo, timeout, unfinished, running)
    missing = todo.by_cell() if isinstance(todo, Blocks) else Counter(c.name for c, _ in todo)
    took = seconds_of_blocks(store)
    done, workers = total - n_todo, workers or Workers()
    at_once = int(read_session(store).get("blocks_at_once", 1))
    with closing(compute_blocks(tasks, workers)) as computed:
        for group in computed:
            for block in group:
                save_block(store, block, _kept(study, block.cell, block.index))
                missing[block.cell] -= 1
                n, seconds = took.get(block.cell, (0, 0.0))
                took[block.cell] = n + 1, seconds + block.seconds
            per_block = {cell: seconds / n for cell, (n, seconds) in took.items()}
            left = time_left(missing, per_block, workers.jobs, at_once)
            for block in group:
                done += 1
                yield Progress(done, total, block, left)
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
