"""A hard class among easy ones: every row of the crossing from other sources, and controls."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy import stats

from learnprop.reports.claims.crossing import crossing_grid
from learnprop.reports.claims.hard_class import lost, many
from learnprop.reports.claims.readings import Evidence, accuracy, paired
from learnprop.reports.claims.summary import summarise
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.rows import select
from learnprop.simulations.records.store import read_measurements
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.claims import study as claims
from learnprop.simulations.studies.claims.hard_class import (
    LEVELS,
    PUBLISHED,
    hard_and_easy,
    hard_class_cell,
)
from learnprop.simulations.studies.claims.study import Options, make_study

pytestmark = pytest.mark.slow

RUNS = 50
LOSSES = ("one-vs-all", "softmax")


def only_the_hard_class(runs=RUNS, names=tuple(LEVELS)):
    """The study with its crossed designs alone, each under the two losses."""
    study = make_study(Options(runs=runs))
    cells = [replace(cell, schemes=cell.schemes[:2]) for cell in study.cells if cell.name in names]
    return replace(study, cells=tuple(cells))


def reported(study, folder):
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store))
        test = {}
        for cell in study.cells:
            rows = read_measurements(store, cell.name, range(study.n_runs))
            for loss in LOSSES:
                test[cell.name, loss] = select(rows, setting=loss, split="test")
        return test, summarise(study, store)


@pytest.fixture(scope="module")
def crossed(tmp_path_factory):
    return reported(only_the_hard_class(), tmp_path_factory.mktemp("crossed"))


def row_of(table, words):
    (row,) = table.summary[table.summary["claim"].str.contains(words, regex=False)].to_dict(
        "records"
    )
    return row


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("six easy classes behind average a rare hard class away", "holds"),
        ("six easy classes behind average a hard class of equal size away", "holds"),
        ("two easy classes beside average a rare hard class away", "holds"),
        ("two easy classes beside average a hard class of equal size away", "fails"),
    ],
)
def test_easy_classes_cost_the_hard_class_more_than_under_softmax(crossed, words, expected):
    rows = crossed[1].summary
    mine = rows[rows["claim"].str.endswith(words)]
    assert mine["verdict"].tolist() == [expected]
    assert "equations: fails" not in mine["remark"].iloc[0]


@pytest.mark.parametrize(
    ("place", "sizes", "expected"),
    [("behind", "rare hard class", "fails"), ("behind", "equal size", "fails"),
     ("beside", "rare hard class", "holds"), ("beside", "equal size", "fails")],
)  # fmt: skip
def test_more_easy_classes_cost_more_where_they_are_beside_a_rare_one(
    crossed, place, sizes, expected
):
    rows = crossed[1].summary
    more = rows[rows["claim"].str.contains(f"{place} average .*{sizes} away more than one does")]
    assert more["verdict"].tolist() == [expected]


def test_what_could_not_be_lost_is_said(crossed):
    """Behind a rare class one easy class has left it nothing: more cannot cost more."""
    rows = crossed[1].summary
    floor = rows[rows["remark"].str.endswith("no more could be lost")]
    assert floor["claim"].tolist() == [
        "one-vs-all: six easy classes behind average a rare hard class away more than one does"
    ]


@pytest.mark.parametrize("n", ["no easy class", "one easy", "two easy", "six easy"])
def test_rarity_costs_the_hard_class_at_every_number_of_easy_ones(crossed, n):
    rows = crossed[1].summary
    rarity = rows[rows["claim"].str.contains(f"rarity costs the hard class accuracy, {n}")]
    assert rarity["verdict"].tolist() == ["holds"]


def test_easy_classes_are_not_the_main_obstacle(crossed):
    """Costs of either from the accuracies: their difference is one at both levels of the other."""
    test, table = crossed
    rows = table.summary[table.summary["claim"].str.contains("more than being rare does")]
    assert rows["verdict"].tolist() == ["fails", "fails"]
    for (_, row), place in zip(rows.iterrows(), ("behind", "beside"), strict=True):
        of = {
            (n, sizes): accuracy(test[hard_class_cell(place, n, sizes), "one-vs-all"], 1).mean()
            for n in (0, many(place))
            for sizes in ("rare", "equal")
        }
        n = many(place)
        at_equal = of[0, "equal"] - of[n, "equal"] - (of[0, "equal"] - of[0, "rare"])
        at_rare = of[0, "rare"] - of[n, "rare"] - (of[n, "equal"] - of[n, "rare"])
        assert row["observed"] == pytest.approx(at_equal, abs=1e-12)
        assert row["observed"] == pytest.approx(at_rare, abs=1e-12)


@pytest.mark.parametrize("place", ["behind", "beside"])
def test_interaction_against_scipy(crossed, place):
    """Mean, 90 % interval and standard error of the change between sizes, run by run."""
    test, table = crossed
    both = []
    for sizes in ("rare", "equal"):
        rows = [test[hard_class_cell(place, many(place), sizes), loss] for loss in LOSSES]
        right = [r.confusion[:, 1, 1] / r.confusion[:, 1].sum(axis=1) for r in rows]
        both.append(right[1] - right[0])
    change = both[0] - both[1]
    row = row_of(table, f"{place} average a hard class away more if it is rare")
    interval = stats.ttest_1samp(change, 0.0).confidence_interval(0.9)
    assert row["verdict"] == "holds"
    assert row["observed"] == pytest.approx(change.mean())
    assert (row["low"], row["high"]) == pytest.approx(tuple(interval))
    assert row["mcse"] == pytest.approx(stats.sem(change))


@pytest.mark.parametrize("name", LEVELS)
def test_softmax_gets_what_the_bayes_rule_gets(crossed, name):
    """By Monte Carlo with a million points of the hard class, from the densities."""
    place, n_easy, sizes = LEVELS[name]
    easy = 3.5 * (np.arange(n_easy) - (n_easy - 1) / 2)
    at = {"behind": [[5.5, y] for y in easy], "beside": [[1 + x, 3.5] for x in easy]}[place]
    means = np.array([[0, 0], [2, 0], *at], dtype=float)
    size = np.array([1500, 300 if sizes == "rare" else 1500, *[1500] * n_easy])
    x = np.random.default_rng(1).normal(size=(1_000_000, 2)) + means[1]
    score = x @ means.T - (means**2).sum(axis=1) / 2 + np.log(size)
    right = score.argmax(axis=1) == 1
    found = accuracy(crossed[0][name, "softmax"], 1)
    mcse = np.hypot(stats.sem(found), stats.sem(right))
    assert abs(found.mean() - right.mean()) <= 4 * mcse


def test_softmax_against_the_posterior_by_quadrature_of_ours(crossed):
    """The ratio is 1 for softmax and a small part for one-vs-all: a control that must fail."""
    row = row_of(crossed[1], "softmax does not suffer")
    assert row["verdict"] == "holds"
    under = float(row["remark"].split("under one-vs-all ")[1].split(" ")[0])
    assert under < 0.2


def test_p_of_the_target_rises_where_easy_classes_are_beside(crossed):
    rows = crossed[1].summary
    higher = rows[rows["claim"].str.contains("a higher p̄ of the target")]
    assert higher["verdict"].tolist() == ["fails", "holds"]
    taken = rows[rows["claim"].str.contains("takes more of the hard class for the target")]
    assert taken["verdict"].tolist() == ["holds", "holds"]


def test_table_and_frame_agree(crossed):
    test, table = crossed
    frame = table.hard_class
    assert len(frame) == (2 * 4 + 2 * 3) * 2 * 4
    for row in frame.query("quantity == 'taken for the target'").to_dict("records"):
        rows = test[row["design"], row["loss"]]
        share = rows.confusion[:, 1, 0] / rows.confusion[:, 1].sum(axis=1)
        assert row["mean"] == pytest.approx(share.mean())
        assert row["mcse"] == pytest.approx(stats.sem(share))
    grid = crossing_grid(frame)
    assert len(grid.rows) == 8
    assert {len(row) for row in grid.rows if row} == {5}
    assert grid.note == f"runs attempted / converged / failed: {RUNS} / {RUNS} / 0"


def test_easy_classes_moved_to_where_they_do_not_matter(tmp_path, monkeypatch):
    """The control: six easy classes beside a hard class of equal size cost it nothing."""
    moved = partial(hard_and_easy, 6, "beside")
    monkeypatch.setitem(claims.GENERATORS, PUBLISHED, moved)
    _, schemes = claims.DESIGNS[PUBLISHED]
    monkeypatch.setitem(claims.DESIGNS, PUBLISHED, ((1500,) * 8, schemes))
    test, table = reported(only_the_hard_class(25, (PUBLISHED,)), tmp_path)
    row = row_of(table, "six easy classes behind average a rare hard class away")
    assert row["verdict"] == "fails"
    assert abs(paired(test, PUBLISHED, LOSSES, accuracy, 1).mean()) < 0.01
    assert set(table.summary["verdict"]) <= {"fails", "holds", "inconclusive"}
    assert np.isnan(row_of(table, "main obstacle, beside")["observed"])


def test_lost_is_zero_without_easy_classes(crossed):
    for sizes in ("rare", "equal"):
        evidence = Evidence(crossed[0], {}, {}, 0.05)
        assert not lost(evidence, "beside", 0, sizes).any()
