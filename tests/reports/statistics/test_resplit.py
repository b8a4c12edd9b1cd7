"""Runs that split one data set: corrected intervals stand beside; tables say what is in each."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from learnprop.equations.balance import left_side, right_side
from learnprop.equations.inference.estimates import ratio_of_means
from learnprop.reports.cnn.report import cnn_contents
from learnprop.reports.cnn.summary import summarise as summarise_cnn
from learnprop.reports.cnn.text import joint_grid, overview_grid, stage_grid
from learnprop.reports.explore.report import explore_contents
from learnprop.reports.explore.text import accuracy_grid, gap_grid, ratio_grid
from learnprop.reports.losses.differences import difference_over_runs
from learnprop.reports.losses.report import losses_contents
from learnprop.reports.losses.summary import summarise as summarise_losses
from learnprop.reports.losses.text import balance_grid, differences_grid
from learnprop.reports.losses.text import overview_grid as accuracies_grid
from learnprop.reports.statistics.resplit import corrected_interval
from learnprop.reports.study_report import report_of
from learnprop.simulations.datasets import TEST_SHARE, load_dataset
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.rows import select
from learnprop.simulations.records.store import read_measurements
from learnprop.simulations.records.store_file import open_store, read_store
from learnprop.simulations.studies.cnn import study as cnn
from learnprop.simulations.studies.cnn.block import CnnCell
from learnprop.simulations.studies.losses import study as losses
from learnprop.simulations.studies.losses.block import LossCell
from tests.trained import few_digits

NETWORKS = cnn.Options(
    runs=4, sizes=(14, 12, 10, 8, 7, 6, 6, 5, 5, 5), epochs=1, batch_size=16, weights=("equal",),
    device="cpu",
)  # fmt: skip
LOSSES = losses.Options(runs=3, epochs=1, loss=("sml", "lgl"), device="cpu")
CORRECTED = ["gap_corrected_low", "gap_corrected_high", "corrected_verdict"]
OF_ACCURACY = "overall_accuracy_corrected_error"


def unwrapped(text):
    return " ".join(text.replace("\u00a0", " ").split())


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """A study of trained networks, told how it is and that its test set is shared."""
    study, folder = cnn.make_study(NETWORKS), tmp_path_factory.mktemp("cnn")
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store))
        measured = read_measurements(store, study.cells[0].name)
        table = summarise_cnn(study, store)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(CnnCell, "shares_test_set", True)
            shared = summarise_cnn(study, store), report_of("cnn").protocol(study)
    return study, table, measured, *shared


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """A comparison of losses, told how it is and that its test set is shared."""
    with pytest.MonkeyPatch.context() as patch:
        few_digits(patch)
        study, folder = losses.make_study(LOSSES), tmp_path_factory.mktemp("losses")
        with open_store(folder, study.name, study.design) as store:
            list(run_study(study, store))
            table = summarise_losses(study, store)
            patch.setattr(LossCell, "shares_test_set", True)
            shared = summarise_losses(study, store), report_of("losses").protocol(study)
    return study, table, *shared, folder


def test_a_difference_that_splits_alone_make_certain_is_not_for_new_data():
    """Ten runs, a third to test: the half-width is sqrt(1 + 10/2) times that over runs."""
    d = 0.006 + 0.01 * np.array([1, -1, 1, -1, 1, -1, 1, -1, 0.5, -0.5])
    runs = {i: 0.9 + x for i, x in enumerate(d)}, dict.fromkeys(range(10), 0.9)
    found = difference_over_runs(*runs, 0.005, 0.5)
    half = stats.t.ppf(0.95, 9) * d.std(ddof=1) / 10**0.5
    assert (found["low"], found["high"]) == pytest.approx((d.mean() - half, d.mean() + half))
    ends = found["corrected_low"], found["corrected_high"]
    assert ends == pytest.approx((d.mean() - 6**0.5 * half, d.mean() + 6**0.5 * half))
    assert (found["verdict"], found["corrected_verdict"]) == ("higher", "inconclusive")
    own = difference_over_runs(*runs, 0.005)
    assert own == {k: v for k, v in found.items() if not k.startswith("corrected")}
    one = difference_over_runs({0: 0.9}, {0: 0.8}, 0.005, 0.5)
    assert (one["corrected_low"], one["corrected_verdict"]) == (-np.inf, "inconclusive")


def test_losses_stand_for_new_data_too(compared):
    study, table, *_ = compared
    test = table.summary.query("split == 'test'").set_index("setting")
    rest = np.array(study.cells[0].train_size)
    held = (np.bincount(load_dataset("digits").labels[:450]) * TEST_SHARE).astype(int)
    ratio = (held / rest).max()
    error = test["accuracy_corrected_error"] / test["accuracy_mcse"]
    np.testing.assert_allclose(error, (1 + 3 * ratio) ** 0.5)
    (row,) = table.differences.to_dict("records")
    width = (row["corrected_high"] - row["corrected_low"]) / (row["high"] - row["low"])
    assert width == pytest.approx((1 + 3 * ratio) ** 0.5)
    assert test.loc["lgl", "corrected_verdict"] == row["corrected_verdict"]
    assert test.loc["sml", "corrected_verdict"] == "reference"
    balance = table.balance.query("split == 'test' and stage == 'bias'")
    assert (balance["gap_corrected_low"] < balance["gap_low"]).all()
    assert table.balance.query("split == 'train'")[CORRECTED].isna().all(axis=None)


def test_tables_of_losses_say_what_is_in_their_intervals(compared):
    study, table, shared, protocol, _ = compared
    for grid in (accuracies_grid, differences_grid, balance_grid):
        assert "seeds and splits of Digits' 450 images, not of new data" in grid(table).note
        assert "if corrected" in grid(table).heads
        assert "seeds and splits" not in grid(shared).note
        assert not {"if corrected", "corrected"} & set(grid(shared).heads)
    assert differences_grid(table).heads[5] == "corrected [90 %]"
    assert differences_grid(table).rows[0][5].startswith("[")
    assert "error of the test set" not in differences_grid(table).heads
    assert "error of the test set" in differences_grid(shared).heads
    assert "for new data too" in losses_contents(table).tables[1].title
    for frame in (shared.summary, shared.differences, shared.balance):
        assert not [name for name in frame if "corrected" in name]
    said = "not that of new data. On test, those of accuracies, their differences and gaps stand"
    assert said in unwrapped(report_of("losses").protocol(study))
    assert said not in unwrapped(protocol)


def test_failed_losses_are_failed_for_new_data_too(compared, monkeypatch):
    study, *_, folder = compared
    monkeypatch.setattr("learnprop.reports.losses.summary.MAX_FAILED", -1)
    with read_store(folder) as store:
        (row,) = summarise_losses(study, store).differences.to_dict("records")
    assert (row["verdict"], row["corrected_verdict"]) == ("failed", "failed")


def test_gaps_of_networks_stand_for_new_data_too(networks):
    """Digits: 61 of the 183 ones are tested on, 122 not; every other class has fewer."""
    study, table, measured, shared, _ = networks
    rows = table.summary.query("stage == 'bias' and split == 'test'").set_index("class")
    part = select(measured, stage="bias", split="test")
    mass = study.cells[0].class_mass("equal")
    left, right = left_side(part.mean_proba, mass), right_side(part.mean_proba, mass)
    expected = ratio_of_means(left[:, 3], right[:, 3], variance_factor=1 + 4 * 61 / 122)
    ends = tuple(rows.loc[3, CORRECTED[:2]])
    assert ends == pytest.approx((max(expected.low - 1, -1), expected.high - 1))
    assert table.summary.query("split == 'train'")[CORRECTED].isna().all(axis=None)
    assert not [name for name in shared.summary if "corrected" in name]
    joint = table.joint.query("split == 'test' and stage == 'bias'").iloc[0]
    factor = joint[OF_ACCURACY] / joint["overall_accuracy_mcse"]
    assert factor == pytest.approx((1 + 4 * 61 / 122) ** 0.5)


def test_tables_of_networks_say_what_is_in_their_intervals(networks):
    study, table, _, shared, protocol = networks
    for grid in (overview_grid, joint_grid, lambda t: stage_grid(t, "bias")):
        assert "seeds and splits of these 1,797 images, not of new data" in grid(table).note
        assert "Nadeau" in grid(table).note
        assert [head for head in grid(table).heads if "corrected" in head]
        assert "seeds and splits" not in grid(shared).note
        assert not [head for head in grid(shared).heads if "corrected" in head]
    assert overview_grid(table).rows[0][8].startswith("[")
    titles = [[c.title for c in cnn_contents(t).tables] for t in (table, shared)]
    assert ["for new data" in of[0] for of in titles] == [True, False]
    said = "All runs split the images of one data set anew"
    assert [said in unwrapped(text) for text in (report_of("cnn").protocol(study), protocol)] == [
        True,
        False,
    ]


def test_gaps_of_a_file_stand_for_new_data_too(own_data):
    """A fifth of each label is tested on: 20 of 100, 80 not."""
    _, study, table, measured = own_data
    rows = table.split("test").query("ratio == 4 and weighting == 'inverse'").set_index("class")
    part = select(measured["ratio 4"], setting="inverse", split="test")
    mass = study.cells[1].class_mass("inverse")
    left, right = left_side(part.mean_proba, mass), right_side(part.mean_proba, mass)
    expected = ratio_of_means(left[:, 0], right[:, 0], variance_factor=1 + 25 * 20 / 80)
    ends = tuple(rows.loc[0, CORRECTED[:2]])
    assert ends == pytest.approx((max(expected.low - 1, -1), expected.high - 1))
    assert (rows["gap_corrected_low_simultaneous"] < rows["gap_corrected_low"]).all()
    factor = rows[OF_ACCURACY] / rows["overall_accuracy_mcse"]
    np.testing.assert_allclose(factor, (1 + 25 * 20 / 80) ** 0.5)
    assert table.split("train")[[*CORRECTED, OF_ACCURACY]].isna().all(axis=None)
    together = pd.crosstab(rows["verdict_together"], rows["corrected_verdict_together"])
    assert together.index.isin(["holds", "fails", "inconclusive"]).all()


def test_tables_of_a_file_say_what_is_in_their_intervals(own_data, grid):
    _, study, table, _ = own_data
    said = "seeds and splits of these 650 samples, not of new data"
    for note in (gap_grid(table).note, ratio_grid(table, 4.0).note):
        assert said in note
    assert said in accuracy_grid(table, "balanced_accuracy").note
    assert accuracy_grid(table, "balanced_accuracy").rows[0][1].endswith(")")
    wide = gap_grid(table, corrected=True)
    assert said not in wide.note
    assert "for new data too" in wide.note
    assert wide.rows != gap_grid(table).rows
    assert ratio_grid(table, 4.0).heads[8:10] == ("corrected", "if corrected")
    names = [[t.name for t in explore_contents(t).tables] for t in (table, grid[2])]
    assert ["explore_corrected" in of for of in names] == [True, False]
    assert "seeds and splits" not in gap_grid(grid[2]).note
    assert not [name for name in grid[2].summary if "corrected" in name]
    texts = (
        unwrapped(report_of("explore").protocol(study)),
        unwrapped(report_of("explore").protocol(grid[1])),
    )
    assert ["All runs split the samples of one file anew" in text for text in texts] == [
        True, False
    ]  # fmt: skip


def test_what_was_refused_has_no_corrected_interval(own_data):
    table = own_data[2]
    rows = table.summary.copy()
    rows.loc[rows["ratio"] == 4, ["verdict", "verdict_together"]] = "separated"
    rows.loc[rows["ratio"] == 4, "corrected_verdict_together"] = "separated"
    rows.loc[rows["ratio"] == 4, ["gap", *CORRECTED]] = np.nan
    refused = replace(table, summary=rows)
    assert {row[2] for row in gap_grid(refused, corrected=True).rows} == {"separated"}
    assert ratio_grid(refused, 4.0).rows[0][8:10] == ("-", "-")


def test_an_unbounded_interval_is_written_as_one():
    row = {"gap": 0.1, "gap_corrected_low": -np.inf, "gap_corrected_high": np.inf}
    from learnprop.reports.layout.numbers import LATEX, TEXT

    assert corrected_interval(row, TEXT) == "[-inf, +inf]"
    assert corrected_interval(row, LATEX) == r"$[-\infty, +\infty]$"
