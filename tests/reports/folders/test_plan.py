import math
from dataclasses import replace

import numpy as np
import pytest

from learnprop.reports.folders.plan import Plan, plan_study, plan_table
from learnprop.reports.statistics.precision import (
    Need,
    needs,
)
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.workers import Workers
from learnprop.simulations.records.store import read_measurements
from learnprop.simulations.records.store_file import open_store
from tests.console import check_table
from tests.toys import Toy, compute_toy, count_calls, toy_study
from tests.toys_together import calls, compute_all, together_study


def test_a_plan_computes_a_pilot_only_where_nothing_is_predicted(tmp_path):
    calls = tmp_path / "calls"
    calls.mkdir()
    cells = (Toy("known", folder=str(calls)), Toy("unknown", folder=str(calls)))
    study = toy_study(*cells, compute=count_calls)
    predicted = {"known": {"a": 0.1, "b": 0.2}, "unknown": {"a": None, "b": 0.1}}
    plan = plan_study(study, 0.01, lambda cell: predicted[cell.name], Workers())
    assert [p.name.partition("-")[0] for p in calls.iterdir()] == ["unknown"]
    found = {(n.cell, n.setting): n for n in plan.needs}
    assert found["known", "a"].n_runs == pytest.approx(100)
    assert found["known", "b"].n_runs == pytest.approx(400)
    assert found["unknown", "b"].basis == "finite-sample prediction"
    assert found["unknown", "a"].basis == "pilot of 25 runs"
    assert list(plan.seconds_per_block) == ["unknown"]
    _, lines = plan_table(plan, 0.01, 2)
    assert lines[0] == "known: 16 blocks of 25 runs"
    assert lines[1].startswith("unknown: ")
    assert lines[1].endswith(" on 2 worker(s)")


def test_the_pilot_is_the_studys_first_block(tmp_path):
    study = toy_study(n_runs=25)
    plan = plan_study(study, 0.01, lambda _: {}, Workers())
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store))
        rows = read_measurements(store, "x")
    direct = list(needs(study.cells[0], 0.01, {}, rows))
    assert list(plan.needs) == direct


def test_pilots_are_computed_together_where_the_study_does_it(tmp_path):
    cells = [Toy(name, folder=str(tmp_path)) for name in ("ax", "ay", "b")]
    study = together_study(*cells, together=compute_all, n_runs=100)
    plan = plan_study(study, 0.01, lambda _: {}, Workers())
    assert [len(blocks) for _, blocks in calls(tmp_path)] == [50, 25]
    assert {need.basis for need in plan.needs} == {"pilot of 25 runs"}
    assert list(plan.seconds_per_block) == ["ax", "ay", "b"]
    alone = plan_study(replace(study, compute_together=None), 0.01, lambda _: {}, Workers())
    assert alone.needs == plan.needs


def test_replications_without_a_gap_are_said_to_have_none():
    study = toy_study(Toy("x", settings=("a",)), compute=interpolating)
    plan = plan_study(study, 0.01, lambda _: {}, Workers())
    _, lines = plan_table(plan, 0.01, 1)
    assert lines == ["x: its pilot block shows no gap to make precise"]


def interpolating(cell, seed, runs):
    block = compute_toy(cell, seed, runs)
    P = np.broadcast_to(np.eye(2), block.measurements.mean_proba.shape)
    return replace(block, measurements=replace(block.measurements, mean_proba=P))


def test_nothing_is_computed_where_everything_is_predicted(tmp_path):
    study = toy_study(Toy("x", folder=str(tmp_path)), compute=count_calls)
    plan = plan_study(study, 0.01, lambda _: {"a": 0.1, "b": 0.2}, Workers())
    assert list(tmp_path.iterdir()) == []
    assert plan.seconds_per_block == {}
    plan_study(study, 0.01, lambda _: {"a": 0.1}, Workers())  # b is unknown
    assert len(list(tmp_path.iterdir())) == 1


def test_the_lines_and_rows_of_a_plan():
    plan = Plan(
        (
            Need("x", "a", "pilot of 25 runs", 50.2, 33.4, 90.6),
            Need("x", "b", "finite-sample prediction", 12.0, 12.0, 12.0),
            Need("y", "a", "finite-sample prediction", 0.3, 0.3, 0.3),
            Need("z", "a", "pilot of 0 runs", math.inf, math.inf, math.inf),
        ),
        {"x": 10.0},
    )
    table, lines = plan_table(plan, 0.05, 2)
    assert [row[3:] for row in table.grid.rows] == [
        ("51", "33 to 91"), ("12", ""), ("2", ""), ("unknown", ""),
    ]  # fmt: skip
    check_table(table)
    assert "0.05" in table.title
    assert lines == [
        "x: 3 blocks of 25 runs, about 15 s on 2 worker(s)",  # 51 runs; 3 * 10 s / 2
        "y: 1 block of 25 runs",
        "z: its pilot block shows no gap to make precise",
    ]
    alone = replace(plan, block_size=1)
    assert plan_table(alone, 0.05, 2)[1][1] == "y: 2 blocks of 1 run"  # the least of a study
    # no more workers than blocks: 10 s each, side by side
    assert "about 10 s on 64" in plan_table(plan, 0.05, 64)[1][0]
