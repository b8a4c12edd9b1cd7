import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from scipy import stats

from reports.plan import plan_study, plan_table
from reports.precision import gap_precision, more_runs, needs, study_precision, whole_blocks
from simulations.monte_carlo import run_study
from simulations.records import Measurements
from simulations.seeds import replication_rng
from simulations.store import open_store
from simulations.tables import read_measurements
from simulations.workers import Workers
from tests.toys import Toy, compute_toy, toy_study


def measured(P, setting="a", stage="raw"):
    """Measurements whose P are given, shape (n_runs, 2, 2)."""
    n, zeros = len(P), np.zeros((len(P), 2, 2))
    return Measurements(
        setting=np.array([setting] * n), run=np.arange(n), epoch=np.zeros(n, int),
        stage=np.array([stage] * n), split=np.array(["test"] * n),
        class_count=np.ones((n, 2), int), mean_proba=np.asarray(P), confusion=zeros.astype(int),
        log_loss=np.zeros((n, 2)), second_moment=np.zeros((n, 2, 2, 2)),
    )  # fmt: skip


def two_sides(rng, n):
    """P with 1 - p00 around 0.3 and p10 around 0.1; w = (5, 15) makes the gap of class 0 zero."""
    miss, false = rng.normal(0.3, 0.03, n), rng.normal(0.1, 0.02, n)
    return np.stack([1 - miss, miss, false, 1 - false], axis=1).reshape(n, 2, 2)


def delta_method(P):
    """SE of mean(L) / mean(R) - 1, L = 5 (1 - p00), R = 15 p10, by the delta method."""
    left, right = 5 * P[:, 0, 1], 15 * P[:, 1, 0]
    ratio = left.mean() / right.mean()
    return (left - ratio * right).std(ddof=1) / right.mean() / np.sqrt(len(P))


def test_mcse_of_the_gap_agrees_with_the_delta_method():
    """The jackknife's SE of a ratio is the delta method's up to terms of order 1/n, relative."""
    P = two_sides(np.random.default_rng(1), 4000)
    (a,) = (p for p in gap_precision(Toy("x"), measured(P), 4000) if p.setting == "a")
    # the least precise equation: class 1 has L = 15 p10, R = 5 (1 - p00), the inverse ratio
    left, right = 15 * P[:, 1, 0], 5 * P[:, 0, 1]
    ratio = left.mean() / right.mean()
    inverse = (left - ratio * right).std(ddof=1) / right.mean() / np.sqrt(len(P))
    expected = max(delta_method(P), inverse)
    assert a.n_runs == 4000
    assert abs(a.mcse / expected - 1) < 10 / len(P)


def test_where_there_is_no_gap_there_is_no_precision():
    P = two_sides(np.random.default_rng(1), 50)
    for rows, n_runs in ((measured(P), 2), (None, 50), (measured(P, stage="head"), 50)):
        assert gap_precision(Toy("x"), rows, n_runs)[0].mcse == math.inf
    P[:, 1] = (0.0, 1.0)  # the right side of class 0 vanishes
    assert gap_precision(Toy("x"), measured(P), 50)[0].mcse == math.inf


def test_runs_beyond_those_asked_for_do_not_count():
    P = two_sides(np.random.default_rng(1), 50)
    few = gap_precision(Toy("x"), measured(P[:30]), 30)[0]
    assert gap_precision(Toy("x"), measured(P), 30)[0] == few


def in_rounds(study, folder, target):
    """Rounds until the target is reached: the runs asked for in each."""
    rounds = []
    with open_store(folder, study.name, study.design) as store:
        while True:
            list(run_study(study, store))
            runs = more_runs(study, store, target)
            if not runs:
                return rounds, study_precision(study, store)
            rounds.append(runs)
            study = replace(study, cell_runs=runs)


def test_rounds_reach_the_target_in_whole_blocks_and_the_same_steps(tmp_path):
    study = toy_study(Toy("x"), Toy("y"), n_runs=30)
    rounds, precisions = in_rounds(study, tmp_path, 0.05)
    assert max(p.mcse for p in precisions) <= 0.05
    assert len(rounds) > 1
    before = {"x": 30, "y": 30}
    for runs in rounds:
        for cell, n in runs.items():
            assert n % 25 == 0
            assert before[cell] <= n <= whole_blocks(2 * before[cell])
        before |= runs
    assert in_rounds(study, tmp_path, 0.05)[0] == rounds  # resumed: nothing new, the same steps
    (tmp_path / "other").mkdir()
    assert in_rounds(study, tmp_path / "other", 9.9)[0] == []


@dataclass(frozen=True)
class Known(Toy):
    """The gap of a replication is exactly 0.2 times a standard normal variable."""


def test_as_many_runs_as_said_give_the_precision_asked_for():
    """n from the known SD; the MCSE of n replications is then the target, on average.

    The relative error of an SD from n draws is about 1/sqrt(2 n); 4 of them are allowed.
    """
    rng = np.random.default_rng(5)
    sd, target = 0.2, 0.01
    (need, _) = needs(Toy("x"), target, {"a": sd, "b": sd}, None)
    assert need.n_runs == need.low == need.high == pytest.approx((0.2 / 0.01) ** 2)
    n = math.ceil(need.n_runs)
    miss = 0.3 * (1 + sd * rng.normal(size=n))  # the right side is fixed: the gap's SD is sd
    P = np.stack([1 - miss, miss, np.full(n, 0.1), np.full(n, 0.9)], axis=1).reshape(n, 2, 2)
    left, right = 5 * P[:, 0, 1], 15 * P[:, 1, 0]
    from reports.statistics import jackknifed_gap

    mcse = jackknifed_gap(left, right)[1]
    assert abs(mcse / target - 1) <= 4 / np.sqrt(2 * n)


def test_a_pilot_says_how_unsure_it_is():
    P = two_sides(np.random.default_rng(2), 25)
    pilot = measured(P)
    mcse = gap_precision(Toy("x"), pilot, 25)[0].mcse
    (a, b) = needs(Toy("x"), 0.01, {}, pilot)
    assert a.basis == "pilot of 25 runs"
    assert a.n_runs == pytest.approx(25 * (mcse / 0.01) ** 2)
    chi2 = stats.chi2(24).ppf([0.95, 0.05])
    assert (a.low, a.high) == pytest.approx(tuple(a.n_runs * 24 / chi2))
    assert a.low < a.n_runs < a.high
    assert b.n_runs == math.inf  # setting b was not measured


def test_whole_blocks():
    assert [whole_blocks(n) for n in (1, 25, 25.1, 26, 100)] == [25, 25, 50, 50, 100]


def test_a_plan_computes_a_pilot_only_where_nothing_is_predicted(tmp_path):
    calls = tmp_path / "calls"
    calls.mkdir()
    from tests.toys import count_calls

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


def test_replications_without_a_gap_are_said_to_have_none():
    study = toy_study(Toy("x", settings=("a",)), compute=interpolating)
    plan = plan_study(study, 0.01, lambda _: {}, Workers())
    _, lines = plan_table(plan, 0.01, 1)
    assert lines == ["x: its pilot block shows no gap to make precise"]


def interpolating(cell, seed, runs):
    block = compute_toy(cell, seed, runs)
    P = np.broadcast_to(np.eye(2), block.measurements.mean_proba.shape)
    return replace(block, measurements=replace(block.measurements, mean_proba=P))


def test_streams_of_the_toys_are_those_of_the_engine():
    block = compute_toy(Toy("x"), 3, range(25))
    first = replication_rng(3, "x", 0, "test").normal(size=20)[0]
    assert block.fits.loss[0] == first
