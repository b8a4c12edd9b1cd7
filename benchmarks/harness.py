"""What the harness costs: seconds per replication around the fits, and memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulations.measure import measure
from simulations.monte_carlo import Study, run_study
from simulations.records import Block, stack_fits, stack_measurements
from simulations.store import open_store
from simulations.workers import Workers

VALUES = measure(np.repeat([0, 1], 10), np.linspace(-2, 2, 20))
SPLITS = ("train", "test", "population")


@dataclass(frozen=True)
class Trivial:
    """A cell with Table 1's number of records and no work."""

    name: str = "trivial"
    settings: tuple[str, ...] = ("a", "b", "c")


def trivial_block(cell: Trivial, _seed: int, runs: range) -> Block:
    fits, rows = [], []
    for run in runs:
        for setting in cell.settings:
            fits.append((setting, run, 0, "raw", "converged", "", "", 8, 0.5, 1e-13, 1e-13))
            rows += [(setting, run, 0, "raw", split, VALUES) for split in SPLITS]
    return Block(cell.name, 0, stack_fits(fits), stack_measurements(rows))


def run(_runs: int) -> None:
    n_runs = 10_000
    for jobs in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            study = Study("trivial", 0, n_runs, (Trivial(),), trivial_block, {})
            with open_store(Path(folder), study.name, study.design) as store:
                started = time.perf_counter()
                inside = sum(step.block.seconds for step in run_study(study, store, Workers(jobs)))
                wall = time.perf_counter() - started
        overhead = wall - inside / jobs
        print(
            f"harness, {jobs} worker(s): {1e3 * overhead / n_runs:.3f} ms per replication "
            f"(3 fits and 9 measurements recorded), {n_runs} replications in {wall:.1f} s"
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
