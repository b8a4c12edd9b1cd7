"""The default grid of `learnprop explore` as it is run, and a fit of it beside one of Sim1."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.fits import WORKERS
from benchmarks.pairs import ALONE, Comparison, Goal, Setting, interleaved, seconds
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.study import Study
from learnprop.simulations.engine.workers import Workers
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.explore import study as explore
from learnprop.simulations.studies.table1 import study as table1

PAIRS, RUNS, SIM1_RUNS, SECONDS = 3, 100, 500, 18.0


def study_seconds(study: Study) -> float:
    """Of a whole study: generated, fitted, measured on every split and stored."""
    with (
        TemporaryDirectory() as folder,
        open_store(Path(folder), study.name, study.design) as store,
    ):
        return seconds(lambda: list(run_study(study, store, Workers(WORKERS))))


def run(at: Setting) -> Iterator[Comparison]:
    grid = explore.make_study(explore.Options(runs=at.runs))
    sim1 = table1.make_study(table1.Options(runs=at.share(SIM1_RUNS)))
    sim1 = replace(sim1, cells=sim1.cells[:1])
    study_seconds(sim1)  # starts the workers
    pairs = interleaved(
        at.pairs_or(PAIRS), partial(study_seconds, grid), partial(study_seconds, sim1)
    )
    n_fits = [s.n_runs * sum(len(cell.settings) for cell in s.cells) for s in (grid, sim1)]
    yield Comparison(
        f"explore's default grid, {at.runs} runs, {n_fits[0]} fits", "grid", pairs[:, :1],
        goal=Goal(ALONE, SECONDS) if at.runs == RUNS else None, workers=WORKERS,
    )  # fmt: skip
    yield Comparison(
        "a fit of explore's default grid", "fit", pairs / n_fits, "a fit of Table 1's Sim1",
        ours_n=n_fits[0], peer_n=n_fits[1], workers=WORKERS,
    )  # fmt: skip
