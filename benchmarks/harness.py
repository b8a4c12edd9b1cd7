"""What the harness costs: seconds per replication around the fits."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from benchmarks.pairs import MORE, Comparison, Goal, Setting, interleaved, seconds
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.study import BLOCK_SIZE, Study, block_runs
from learnprop.simulations.engine.workers import Workers
from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.rows import (
    Block,
    FitRow,
    MeasurementRow,
    stack_fits,
    stack_measurements,
)
from learnprop.simulations.records.store_file import open_store

MEASURED = measure(np.repeat([0, 1], 10), np.linspace(-2, 2, 20))
NONE = np.zeros(2)
SPLITS = ("train", "test", "population")
RUNS, ROUNDS = 20_000, 5
MOST = {1: 6e-5, 2: 1e-4}
"""Seconds around a replication, by workers."""


@dataclass(frozen=True)
class Trivial:
    """A cell with Table 1's number of records and no work."""

    name: str = "trivial"
    settings: tuple[str, ...] = ("a", "b", "c")


def trivial_block(cell: Trivial, _seed: int, runs: range) -> Block:
    fits, rows = [], []
    for run in runs:
        for setting in cell.settings:
            key = (setting, run, 0, "raw")
            fits.append(FitRow(*key, "converged", "", "", 8, 0.5, 1e-13, NONE, NONE, NONE, NONE))
            rows += [MeasurementRow(*key, split, MEASURED) for split in SPLITS]
    return Block(cell.name, 0, stack_fits(fits), stack_measurements(rows))


def blocks(n_runs: int) -> Iterator[tuple[Trivial, int, range]]:
    """Arguments of `trivial_block` for all replications."""
    for index in range(n_runs // BLOCK_SIZE):
        yield Trivial(), 0, block_runs(index)


def timed_study(n_runs: int, jobs: int) -> float:
    """Wall-clock seconds of a trivial study."""
    study = Study("trivial", 0, n_runs, (Trivial(),), trivial_block, {})
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(Path(folder), study.name, study.design) as store,
    ):
        return seconds(lambda: list(run_study(study, store, Workers(jobs))))


def timed_blocks(n_runs: int) -> float:
    """Wall-clock seconds of the same blocks and nothing else: what stands for the fits."""
    return seconds(lambda: [trivial_block(*each) for each in blocks(n_runs)])


def timed_joblib(n_runs: int, jobs: int) -> float:
    """Wall-clock seconds of the same blocks by joblib alone, which keeps nothing."""
    pool = Parallel(n_jobs=jobs)
    return seconds(pool, (delayed(trivial_block)(*each) for each in blocks(n_runs)))


def run(at: Setting) -> Iterator[Comparison]:
    """Around the same blocks, shared out; and beside joblib alone, which keeps nothing."""
    n_runs = BLOCK_SIZE * at.share(RUNS // BLOCK_SIZE)
    for jobs, most in MOST.items():
        for timed in (timed_study, timed_joblib):
            timed(4 * BLOCK_SIZE, jobs)  # starts the workers
        works = (
            lambda jobs=jobs: timed_study(n_runs, jobs),
            lambda jobs=jobs: timed_blocks(n_runs) / jobs,
            lambda jobs=jobs: timed_joblib(n_runs, jobs),
        )
        rounds = interleaved(at.pairs_or(ROUNDS), *works) / n_runs
        for peer, column, goal in (
            (f"the same blocks, shared by {jobs}", 1, Goal(MORE, most)),
            ("joblib alone", 2, None),
        ):
            yield Comparison(
                f"trivial study, {len(Trivial().settings)} fits and 9 measurements recorded",
                "replication", rounds[:, [0, column]], peer, goal=goal, ours_n=n_runs,
                peer_n=n_runs, workers=jobs,
            )  # fmt: skip
