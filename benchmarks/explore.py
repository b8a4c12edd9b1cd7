"""The grid of `learnprop explore` against Table 1's Sim1: what one fit costs, measured and all."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from learnprop.simulations.engine.limits import one_thread
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.study import BLOCK_SIZE, block_runs
from learnprop.simulations.engine.workers import Workers
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.explore import study as explore
from learnprop.simulations.studies.table1 import study as table1


def seconds_per_fit(module, cells) -> float:
    """Of whole blocks: generated, fitted and measured on every split, one thread."""
    n_fits = sum(BLOCK_SIZE * len(cell.settings) for cell in cells)
    started = time.perf_counter()
    for cell in cells:
        module.compute_block(cell, 0, block_runs(0))
    return (time.perf_counter() - started) / n_fits


def run(runs: int) -> None:
    grid = explore.make_study(explore.Options(runs=runs))
    sim1 = table1.make_study(table1.Options()).cells[:1]
    with one_thread():
        seconds_per_fit(table1, sim1)  # warms up
        times = [
            (seconds_per_fit(explore, grid.cells), seconds_per_fit(table1, sim1)) for _ in range(3)
        ]
    ours, theirs = np.median(times, axis=0)
    print(
        f"a fit of the default grid: {1e3 * ours:.2f} ms, of Table 1's Sim1: "
        f"{1e3 * theirs:.2f} ms: {ours / theirs:.2f} times as much"
    )
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        with open_store(Path(folder), grid.name, grid.design) as store:
            list(run_study(grid, store, Workers(2)))
        seconds = time.perf_counter() - started
    n_fits = runs * sum(len(cell.settings) for cell in grid.cells)
    print(f"the grid with {runs} runs on two workers: {n_fits} fits in {seconds:.0f} s")
