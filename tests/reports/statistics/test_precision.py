import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from learnprop.reports.statistics.precision import (
    headline_precision,
    more_runs,
    needs,
    study_precision,
    whole_blocks,
)
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.records.rows import Block, Measurements, rows_where, stack_fits
from learnprop.simulations.records.store import save_block
from learnprop.simulations.records.store_file import open_store
from tests.toys import Toy, compute_toy, fit_row, toy_study


def measured(P, setting="a", stage="raw"):
    """Measurements whose P are given, shape (n_runs, 2, 2)."""
    n, zeros = len(P), np.zeros((len(P), 2, 2))
    return Measurements(
        setting=np.array([setting] * n), run=np.arange(n), epoch=np.zeros(n, int),
        stage=np.array([stage] * n), split=np.array(["test"] * n),
        class_count=np.ones((n, 2), int), mean_proba=np.asarray(P),
        miss_proba=np.asarray(P)[:, [0, 1], [1, 0]], confusion=zeros.astype(int),
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
    (a,) = (p for p in headline_precision(Toy("x"), measured(P), 4000) if p.setting == "a")
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
        assert headline_precision(Toy("x"), rows, n_runs)[0].mcse == math.inf
    P[:, 1] = (0.0, 1.0)  # the right side of class 0 vanishes
    assert headline_precision(Toy("x"), measured(P), 50)[0].mcse == math.inf


def test_runs_beyond_those_asked_for_do_not_count():
    P = two_sides(np.random.default_rng(1), 50)
    few = headline_precision(Toy("x"), measured(P[:30]), 30)[0]
    assert headline_precision(Toy("x"), measured(P), 30)[0] == few


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
    from learnprop.reports.statistics.runs import jackknifed_gap

    mcse = jackknifed_gap(left, right)[1]
    assert abs(mcse / target - 1) <= 4 / np.sqrt(2 * n)


def test_a_pilot_says_how_unsure_it_is():
    P = two_sides(np.random.default_rng(2), 25)
    pilot = measured(P)
    mcse = headline_precision(Toy("x"), pilot, 25)[0].mcse
    (a, b) = needs(Toy("x"), 0.01, {}, pilot)
    assert a.basis == "pilot of 25 runs"
    assert b.basis == "pilot of 25 runs, 0 with a model"
    assert a.n_runs == pytest.approx(25 * (mcse / 0.01) ** 2)
    chi2 = stats.chi2(24).ppf([0.95, 0.05])
    assert (a.low, a.high) == pytest.approx(tuple(a.n_runs * 24 / chi2))
    assert a.low < a.n_runs < a.high
    assert b.n_runs == math.inf  # setting b was not measured


def test_whole_blocks():
    assert [whole_blocks(n) for n in (1, 25, 25.1, 26, 100)] == [25, 25, 50, 50, 100]


def test_streams_of_the_toys_are_those_of_the_engine():
    block = compute_toy(Toy("x"), 3, range(25))
    first = replication_rng(3, "x", 0, "test").normal(size=20)[0]
    assert block.fits.loss[0] == first


def test_mcse_of_the_gap_is_the_jackknifes_by_hand():
    P = two_sides(np.random.default_rng(4), 5)
    expected = []
    for w_own, own, w_other, other in ((5, P[:, 0, 1], 15, P[:, 1, 0]),
                                       (15, P[:, 1, 0], 5, P[:, 0, 1])):  # fmt: skip
        gaps = []
        for i in range(5):  # each run left out in turn
            left = sum(w_own * own[j] for j in range(5) if j != i) / 4
            right = sum(w_other * other[j] for j in range(5) if j != i) / 4
            gaps.append(left / right - 1)
        centre = sum(gaps) / 5
        expected.append(math.sqrt(4 / 5 * sum((g - centre) ** 2 for g in gaps)))
    assert expected[0] != pytest.approx(expected[1], rel=1e-3)  # which one is taken matters
    mcse = headline_precision(Toy("x"), measured(P), 5)[0].mcse
    assert mcse == pytest.approx(max(expected), rel=1e-12)


def test_three_runs_are_enough_and_two_are_not():
    P = two_sides(np.random.default_rng(1), 3)
    assert math.isfinite(headline_precision(Toy("x"), measured(P), 3)[0].mcse)
    assert headline_precision(Toy("x"), measured(P), 2)[0].mcse == math.inf


@pytest.mark.parametrize(("relative", "finite"), [(0.99, False), (1.01, True)])
def test_a_right_side_below_1e12_of_its_own_mass_is_interpolated(relative, finite):
    P = two_sides(np.random.default_rng(1), 10)
    # right side of class 0 is 15 p10, its own mass is 5, the bound 1e-12 of it
    P[:, 1, 0] = relative * 1e-12 * 5 / 15
    assert math.isfinite(headline_precision(Toy("x"), measured(P), 10)[0].mcse) is finite


def store_blocks(store, cell, P):
    """Save P of setting a as blocks of 25."""
    rows = measured(P)
    for index in range(len(P) // 25):
        runs = range(25 * index, 25 * index + 25)
        fits = [fit_row("a", r) for r in runs]
        part = rows_where(rows, np.isin(rows.run, runs))
        save_block(store, Block(cell, index, stack_fits(fits), part), runs)


def test_more_runs_by_hand(tmp_path):
    """n (mcse / target)^2 in whole blocks, at most twice n; nothing where it is reached."""
    cell = Toy("x", settings=("a",))
    study = toy_study(cell, n_runs=100)
    P = two_sides(np.random.default_rng(6), 100)
    mcse = headline_precision(cell, measured(P), 100)[0].mcse
    with open_store(tmp_path, "toy", {}) as store:
        store_blocks(store, "x", P)
        grow = {
            ratio: more_runs(study, store, mcse / math.sqrt(ratio))
            for ratio in (0.5, 0.999, 1.001, 1.2, 1.3, 1.7, 9.0)
        }
        assert more_runs(study, store, mcse) == {}  # reached, to the bit
        assert more_runs(study, store, math.nextafter(mcse, 0)) == {"x": 125}
    # 100.1, 120, 130, 170 and 900 runs are needed
    assert grow == {
        0.5: {}, 0.999: {}, 1.001: {"x": 125}, 1.2: {"x": 125}, 1.3: {"x": 150},
        1.7: {"x": 175}, 9.0: {"x": 200},
    }  # fmt: skip


def test_only_what_is_imprecise_grows_and_what_was_asked_before_stays(tmp_path):
    cells = tuple(Toy(name, settings=("a",)) for name in ("wide", "narrow", "vague"))
    study = replace(toy_study(*cells, n_runs=25), cell_runs={"narrow": 50})
    P = two_sides(np.random.default_rng(7), 50)
    mean = P.mean(axis=0)
    vague = P[:25].copy()
    vague[:, 1] = (0.0, 1.0)  # never any gap
    with open_store(tmp_path, "toy", {}) as store:
        store_blocks(store, "wide", P[:25])
        store_blocks(store, "narrow", mean + (P - mean) / 100)
        store_blocks(store, "vague", vague)
        wide, narrow, none = study_precision(study, store)
        assert narrow.mcse < wide.mcse / 50
        assert none.mcse == math.inf
        assert more_runs(study, store, wide.mcse / 2) == {"wide": 50, "narrow": 50}
        assert more_runs(study, store, 2 * wide.mcse) == {}


def test_the_predicted_number_of_runs_has_the_precision_asked_for():
    """2,000 studies of the predicted size: the SD of their gaps is the target.

    The relative standard error of an SD from 2,000 draws is 1 / sqrt(2 * 2000) = 0.016; 4 of them
    are allowed. Half the runs miss the target by a factor 1.41, 26 of them.
    """
    rng = np.random.default_rng(8)
    sd, target = 0.2, 0.02
    (need,) = needs(Toy("x", settings=("a",)), target, {"a": sd}, None)
    assert need.n_runs == pytest.approx(100)
    relative_error = {}
    for n in (round(need.n_runs), round(need.n_runs) // 2):
        left = 1.5 * (1 + sd * rng.normal(size=(2000, n)))  # the right side is 15 * 0.1 = 1.5
        gaps = left.mean(axis=1) / 1.5 - 1
        relative_error[n] = abs(gaps.std(ddof=1) / target - 1)
    allowed = 4 / math.sqrt(2 * 2000)
    assert relative_error[100] <= allowed
    assert relative_error[50] > allowed


def test_the_interval_of_a_pilot_covers_the_truth_as_often_as_it_says():
    """Normal gaps of known SD: 90 % of 500 intervals hold the true n, to 4 standard errors.

    The SD is small, so that the gaps of both equations have it.
    """
    rng = np.random.default_rng(9)
    sd, target, n_pilots = 0.001, 0.0001, 500
    truth = (sd / target) ** 2
    below = above = 0
    for _ in range(n_pilots):
        miss = 0.3 * (1 + sd * rng.normal(size=25))
        P = np.stack([1 - miss, miss, np.full(25, 0.1), np.full(25, 0.9)], axis=1)
        pilot = measured(P.reshape(25, 2, 2))
        (need,) = needs(Toy("x", settings=("a",)), target, {}, pilot)
        below += need.high < truth
        above += need.low > truth
    for outside in (below, above):  # 5 % on either side
        assert abs(outside / n_pilots - 0.05) <= 4 * math.sqrt(0.05 * 0.95 / n_pilots)


def test_runs_without_a_model_are_counted_in_what_is_needed():
    """24 of 25 pilot runs have a model: n models take n 25 / 24 runs, the interval likewise."""
    P = two_sides(np.random.default_rng(2), 24)
    pilot, cell = measured(P), Toy("x", settings=("a",))
    mcse = headline_precision(cell, pilot, 25)[0].mcse
    (need,) = needs(cell, 0.01, {}, pilot)
    assert need.basis == "pilot of 25 runs, 24 with a model"
    assert need.n_runs == pytest.approx(24 * (mcse / 0.01) ** 2 * 25 / 24)
    assert need.low == pytest.approx(need.n_runs * 23 / stats.chi2(23).ppf(0.95))


@pytest.mark.parametrize(("n_models", "runs"), [(24, 50), (23, None)])
def test_where_more_than_5_percent_fail_no_runs_are_added(tmp_path, n_models, runs):
    """Such a gap is not shown, however precise: 23 of 25 is 8 % without a model, 24 is 4 %."""
    cell = Toy("x", settings=("a",))
    study = toy_study(cell, n_runs=25)
    rows = measured(two_sides(np.random.default_rng(3), n_models))
    fits = [fit_row("a", r) for r in (0, 1)]
    with open_store(tmp_path, "toy", {}) as store:
        save_block(store, Block("x", 0, stack_fits(fits), rows), range(25))
        (precision,) = study_precision(study, store)
        assert (precision.n_runs, precision.n_models) == (25, n_models)
        assert precision.can_be_precise is (runs is not None)
        assert more_runs(study, store, precision.mcse / 9) == ({"x": runs} if runs else {})


def test_fewer_runs_than_a_block_grow_to_one(tmp_path):
    """Two runs have no MCSE yet; that is no reason to stop."""
    study = toy_study(Toy("x", settings=("a",)), n_runs=2)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store))
        assert study_precision(study, store)[0].mcse == math.inf
        assert more_runs(study, store, 0.5) == {"x": 25}


def test_an_accuracy_can_be_what_is_to_be_precise():
    """Its MCSE over runs; five of them are trusted, since each is a whole training."""
    from types import SimpleNamespace

    from learnprop.reports.statistics.precision import PILOT_RUNS, estimand_of

    right = np.array([90, 95, 93, 97])
    confusion = np.zeros((4, 2, 2), dtype=int)
    confusion[:, 0, 0], confusion[:, 0, 1], confusion[:, 1, 1] = right, 100 - right, 100
    rows = replace(
        measured(np.full((4, 2, 2), 0.5)), confusion=confusion, class_count=np.full((4, 2), 100)
    )
    cell = SimpleNamespace(
        name="x", settings=("a",), headline=Toy("x").headline, estimand="accuracy"
    )
    rows = replace(rows, setting=np.full(4, "a"))
    (found,) = headline_precision(cell, rows, 4)
    assert found.mcse == pytest.approx(np.std((right + 100) / 200, ddof=1) / 2)
    assert headline_precision(cell, rows, 2)[0].mcse == math.inf
    assert (estimand_of(cell), PILOT_RUNS["accuracy"]) == ("accuracy", 5)
