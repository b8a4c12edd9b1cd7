"""Reports of refined output layers: their overfitting observed and predicted, and stage loo."""

import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from learnprop.equations.balance import residual
from learnprop.reports.cnn.figures import draw_mean_proba, draw_stages
from learnprop.reports.cnn.overfitting import SHARE, overfitting_grid
from learnprop.reports.cnn.report import REPORT, cnn_contents
from learnprop.reports.cnn.summary import summarise
from learnprop.reports.cnn.text import joint_grid, overview_grid
from learnprop.reports.layout.numbers import LATEX
from learnprop.simulations.records.rows import LEFT_OUT, select
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.refinement import left_out
from learnprop.simulations.studies.cnn.study import Options, make_study
from tests.console import check_console
from tests.reports.test_cnn import summarised

SMALL = Options(
    runs=2, sizes=(14, 12, 10, 8, 7, 6, 6, 5, 5, 5), epochs=2, batch_size=16, measure_at=(2,),
    weight_decay=1e-2, weights=("equal",), stages=("head", "loo"), device="cpu",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("left-out")


@pytest.fixture(scope="module")
def reported(folder):
    study, table, _, measured = summarised(SMALL, folder)
    return study, table, measured


@pytest.fixture(scope="module")
def before(reported, folder):
    """The same store as it was before there were left-out predictions."""
    study = reported[0]
    with sqlite3.connect(folder / "records.sqlite") as connection:
        gone = connection.execute("DELETE FROM measurement WHERE split = ?", (LEFT_OUT,)).rowcount
    assert gone == 2 * 2  # runs, stages
    with open_store(folder, study.name, study.design) as store:
        yield store


def words(text):
    return " ".join(text.split())


def test_loo_is_measured_where_it_is_asked_for():
    assert make_study(Options(device="cpu")).cells[0].stages == ("raw", "bias", "head")
    chosen = make_study(Options(device="cpu", stages=("loo",)))
    assert chosen.cells[0].stages == ("raw", "loo")


def test_predicted_stands_beside_observed(reported):
    study, table, measured = reported
    mass = study.cells[0].class_mass("equal")

    def of(stage, split):
        rows = select(measured, stage=stage, split=split)
        return residual(rows.mean_proba, mass, rows.miss_proba) / mass

    test = table.summary.query("split == 'test'").set_index("stage")
    for stage in ("head", "loo"):
        predicted = (of(stage, LEFT_OUT) - of(stage, "train")).mean(axis=0)
        observed = (of(stage, "test") - of(stage, "train")).mean(axis=0)
        np.testing.assert_allclose(test.loc[stage, "overfitting_predicted"], predicted, atol=1e-15)
        np.testing.assert_allclose(test.loc[stage, "overfitting_and_sampling"], observed)
        assert (test.loc[stage, "runs_predicted"] == 2).all()
    assert test.loc["raw", "overfitting_predicted"].isna().all()
    assert np.abs(of("loo", LEFT_OUT)).max() < 1e-12
    assert np.abs(of("head", LEFT_OUT)).max() > 0.01  # the control


@pytest.mark.parametrize("markup", [(), (LATEX,)])
def test_the_table_says_whose_share_it_is(reported, markup):
    grid = overfitting_grid(reported[1], *markup)
    assert len([row for row in grid.rows if row]) == 10
    assert [head.partition(",")[0] for head in grid.heads[3:]] == [
        "head", "predicted", "repaired"
    ]  # fmt: skip
    assert "the output layer's share only, too small for the network" in words(grid.note)
    (of_overfitting,) = (t for t in cnn_contents(reported[1]).tables if "overfitting" in t.name)
    assert "the output layer's share" in of_overfitting.title


def test_stage_loo_is_a_column_and_a_row(reported):
    assert any(head.startswith("repaired, test") for head in overview_grid(reported[1]).heads)
    assert joint_grid(reported[1]).rows[-1][1] == "output layer refined, repaired"
    assert "repaired: off its minimum on train" in joint_grid(reported[1]).note


def test_without_stage_bias_mean_probabilities_are_those_as_trained(reported):
    """Residuals of a stage that is not measured would be a figure without any."""
    drawn = draw_mean_proba(reported[1])
    residuals = reported[1].summary.query("stage == 'raw' and split == 'test'")["residual"]
    shown = [image.get_array() for ax in drawn.axes for image in ax.images]
    assert any(np.allclose(np.ravel(values), residuals) for values in shown if values.size == 10)


def test_the_figure_has_the_prediction_and_the_scale_of_its_marks(reported):
    """Intervals of two runs go on for decades."""
    rows = reported[1].summary.copy()
    test = (rows["stage"] == "head") & (rows["split"] == "test")
    rows.loc[test, "gap_high"] = 1e5
    (ax,) = draw_stages(replace(reported[1], summary=rows)).axes
    (dashes,) = (line for line in ax.lines if line.get_marker() == "_")
    np.testing.assert_allclose(dashes.get_ydata(), 1 + rows.loc[test, "gap_predicted"])
    marked = 1 + rows["gap"][(rows["stage"] != "raw") | (rows["split"] == "train")]
    assert marked.max() < ax.get_ylim()[1] < 100 * marked.max()


def test_the_protocol_says_so_before(reported):
    text = words(REPORT.protocol(reported[0]).replace("\u00a0", " "))
    assert "; ".join(SHARE) in text
    assert "`loo` with that output layer" in text
    assert "not computed" not in text
    plain = words(REPORT.protocol(make_study(Options(device="cpu"))).replace("\u00a0", " "))
    assert "imbalance 10: not computed: 800 features are too many without a penalty" in plain


def test_tables_fit_the_terminal(reported):
    check_console(cnn_contents(reported[1]))


def test_a_store_from_before_is_reported_as_it_was(reported, before):
    study, table, _ = reported
    old = summarise(study, before)
    assert "cnn_overfitting" not in [t.name for t in cnn_contents(old).tables]
    new = set(table.summary.columns) - set(old.summary.columns)
    assert {name for name in new if "predicted" not in name} == set()
    assert {"overfitting_predicted", "gap_predicted", "runs_predicted"} <= new
    assert old.summary.equals(table.summary[list(old.summary.columns)])
    assert overview_grid(old) == overview_grid(table)


def test_what_is_too_large_is_said(reported, before, monkeypatch):
    monkeypatch.setattr(left_out, "LARGEST", 1e3)
    note = overview_grid(summarise(reported[0], before)).note
    assert note.endswith(
        "imbalance 2.8, overfitting of the output layer: not computed: 78 samples with 800 "
        "features are too many"
    )


@pytest.mark.slow
def test_of_a_network_that_has_learnt_its_images_by_heart_too_little_is_predicted(tmp_path):
    options = replace(SMALL, runs=4, weights=("inverse",), epochs=30, lr=0.05, measure_at=(30,))
    test = summarised(options, tmp_path)[1].summary.query("stage == 'head' and split == 'test'")
    predicted, observed = (
        test[f"overfitting_{name}"].abs().sum() for name in ("predicted", "and_sampling")
    )
    assert 0.1 < predicted < 0.8 * observed
