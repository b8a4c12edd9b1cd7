"""What the harness costs: seconds per replication around the fits, and memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

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
REPEATS = 5


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


def timed_study(n_runs: int, jobs: int) -> float:
    """Wall-clock seconds of a trivial study."""
    study = Study("trivial", 0, n_runs, (Trivial(),), trivial_block, {})
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(Path(folder), study.name, study.design) as store,
    ):
        started = time.perf_counter()
        for _ in run_study(study, store, Workers(jobs)):
            pass
        return time.perf_counter() - started


def timed_blocks(n_runs: int) -> float:
    """Wall-clock seconds of the same blocks and nothing else: what stands for the fits."""
    started = time.perf_counter()
    for index in range(n_runs // BLOCK_SIZE):
        trivial_block(Trivial(), 0, block_runs(index))
    return time.perf_counter() - started


def timed_joblib(n_runs: int, jobs: int) -> float:
    """Wall-clock seconds of the same blocks by joblib alone, which keeps nothing."""
    started = time.perf_counter()
    Parallel(n_jobs=jobs)(
        delayed(trivial_block)(Trivial(), 0, block_runs(index))
        for index in range(n_runs // BLOCK_SIZE)
    )
    return time.perf_counter() - started


def run(_runs: int) -> None:
    n_runs = 20_000
    for jobs in (1, 2):
        timed_study(100, jobs)  # starts the workers
        walls = sorted(timed_study(n_runs, jobs) for _ in range(REPEATS))
        low, wall, high = walls[0], walls[REPEATS // 2], walls[-1]
        fits = timed_blocks(n_runs) / jobs
        timed_joblib(100, jobs)
        plain = timed_joblib(n_runs, jobs)
        low_ms, ms, high_ms = (1e3 * (seconds - fits) / n_runs for seconds in (low, wall, high))
        print(
            f"harness, {jobs} worker(s): {ms:.3f} ms per replication ({low_ms:.3f} to "
            f"{high_ms:.3f}, {REPEATS} times; 3 fits and 9 measurements recorded), {n_runs} "
            f"replications in {wall:.1f} s; joblib alone, which keeps nothing: {plain:.1f} s"
        )


MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run from a small process of its own: a child counts what its parent held when it was forked."""


def run_memory(runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "learnprop", "table1", "--quiet", "--jobs", "2"]
        command += ["--runs", str(runs), "--out", folder]
        answer = subprocess.run(
            [sys.executable, "-c", MEASURE, *command], check=True, capture_output=True, text=True
        )
    largest = int(answer.stdout) / 1024
    print(f"largest process of learnprop table1 --runs {runs} --jobs 2: {largest:.0f} MiB")
