"""Studies without a fit: what the engine does with a block, and nothing else."""

import os
import signal
import time
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch

from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.engine.study import Study
from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.rows import (
    Block,
    FitRow,
    MeasurementRow,
    stack_fits,
    stack_measurements,
)
from learnprop.simulations.records.store import canonical_dump


@dataclass(frozen=True)
class Toy:
    name: str
    settings: tuple[str, ...] = ("a", "b")
    folder: str = ""
    bad_runs: tuple[int, ...] = ()

    headline = (0, "raw")

    def class_mass(self, _setting):
        return np.array([5.0, 15.0])


def toy_study(*cells, compute=None, n_runs=75, seed=3, **design):
    return Study("toy", seed, n_runs, cells or (Toy("x"),), compute or compute_toy, design)


def dump(store):
    return "\n".join(canonical_dump(store))


def fit_row(setting, run, n_classes=2, **different):
    """A fit that converged to zeros, but for what is named."""
    zeros, none = np.zeros(n_classes), np.full(n_classes, np.nan)
    row = FitRow(setting, run, 0, "raw", "converged", "", "", 1, 0.1, 0.0, zeros, zeros, none, none)
    return replace(row, **different)


def compute_toy(cell, seed, runs):
    """Twenty random predictions per replication."""
    y = np.repeat([0, 1], [5, 15])
    fits, rows = [], []
    for run, setting in product(runs, cell.settings):
        z = replication_rng(seed, cell.name, run, "test").normal(size=20)
        fits.append(fit_row(setting, run, loss=float(z[0])))
        rows.append(MeasurementRow(setting, run, 0, "raw", "test", measure(y, z)))
    return Block(cell.name, 0, stack_fits(fits), stack_measurements(rows))


def compute_slowly(cell, seed, runs):
    time.sleep(0.15)
    return compute_toy(cell, seed, runs)


def raise_in_bad_runs(cell, seed, runs):
    for run in runs:
        if run in cell.bad_runs:
            raise FloatingPointError(f"run {run}\nof {cell.name} broke")
    return compute_toy(cell, seed, runs)


def raise_on_whole_blocks(cell, seed, runs):
    if len(runs) > 1:
        raise MemoryError("25 are too many")
    return compute_toy(cell, seed, runs)


def separate_bad_runs(cell, seed, runs):
    """Setting a of the bad runs has no model, setting b has one."""
    block = compute_toy(cell, seed, runs)
    status, reason = block.fits.status.astype("U20"), block.fits.reason.astype("U40")
    bad = np.isin(block.fits.run, cell.bad_runs) & (block.fits.setting == "a")
    status[bad], reason[bad] = "separated", "separated: no minimum"
    fits = type(block.fits)(**(vars(block.fits) | {"status": status, "reason": reason}))
    return Block(cell.name, 0, fits, block.measurements)


def never_end(cell, seed, runs):
    """Block 1 does not end by itself."""
    while runs.start == 25:
        time.sleep(0.01)
    return compute_toy(cell, seed, runs)


def count_calls(cell, seed, runs):
    """Leave one file per call."""
    (Path(cell.folder) / f"{cell.name}-{runs.start}-{time.monotonic_ns()}").touch()
    return compute_toy(cell, seed, runs)


def kill_worker_once(cell, seed, runs):
    """Block 2 kills the process that computes it, the first time."""
    if runs.start == 50:
        try:
            os.close(os.open(Path(cell.folder) / "killed", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return compute_slowly(cell, seed, runs)


def kill_worker_always(cell, seed, runs):
    if runs.start == 50:
        os.kill(os.getpid(), signal.SIGKILL)
    return compute_toy(cell, seed, runs)


def kill_worker_when_alone(cell, seed, runs):
    """Block 2 kills the process that computes it, once it is the only one left."""
    while runs.start == 50 and not (Path(cell.folder) / "alone").exists():
        time.sleep(0.01)
    return kill_worker_always(cell, seed, runs)


def report_threads(cell, _seed, runs):
    """Number of torch threads, recorded as iterations."""
    rows = [fit_row("a", r, n_iter=torch.get_num_threads()) for r in runs]
    return Block(cell.name, 0, stack_fits(rows), None)


def raising_in(compute, bad_runs):
    """Any study's `compute_block`, which raises for these replications."""

    def compute_block(cell, seed, runs):
        if set(runs) & set(bad_runs):
            raise FloatingPointError("broke")
        return compute(cell, seed, runs)

    return compute_block
