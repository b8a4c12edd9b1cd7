"""Reports of trained networks, from a small study: three stages, two splits, and E9."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from learnprop.equations.balance import left_side, residual, right_side
from learnprop.reports.cnn import figures
from learnprop.reports.cnn.report import REPORT, cnn_contents
from learnprop.reports.cnn.summary import summarise
from learnprop.reports.cnn.text import joint_grid, overview_grid, stage_grid
from learnprop.reports.layout.numbers import LATEX
from learnprop.reports.statistics.columns import columns_of_effective_weight
from learnprop.reports.statistics.evidence import Terms, evidence_of, parts_of
from learnprop.reports.statistics.sides import sides_over_runs
from learnprop.reports.study_report import write_contents
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.networks import block
from learnprop.simulations.records.rows import select
from learnprop.simulations.records.store import read_fits, read_measurements
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.cnn.block import CnnCell
from learnprop.simulations.studies.cnn.study import Options, make_study
from tests.console import check_console
from tests.latex import compile_tables, needs_latex

SMALL = Options(
    runs=4,
    sizes=(14, 12, 10, 8, 7, 6, 6, 5, 5, 5),
    epochs=2,
    batch_size=16,
    measure_at=(1,),
    weight_decay=1e-2,
    device="cpu",
)


def summarised(options, folder):
    study = make_study(options)
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store))
        cell = study.cells[0].name
        return (
            study,
            summarise(study, store),
            read_fits(store, cell),
            read_measurements(store, cell),
        )


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cnn")
    study, table, fits, measured = summarised(SMALL, folder)
    shown = write_contents(cnn_contents(table), folder)
    return folder, study, table, fits, measured, shown


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    """No penalty: no head has a minimum; and a rate at which every training diverges."""
    plain = replace(SMALL, weight_decay=0.0, runs=2, weights=("equal",), epochs=1, measure_at=())
    found = []
    for name, options in (("plain", plain), ("wild", replace(plain, lr=1e8, epochs=4))):
        found.append(summarised(options, tmp_path_factory.mktemp(name))[1])
    return found


def test_one_row_per_stage_split_and_class(reported):
    summary = reported[2].summary
    assert len(summary) == 2 * 3 * 2 * 10
    assert list(summary.columns[:7]) == [
        "imbalance", "setting", "stage", "split", "class", "label", "n_train"
    ]  # fmt: skip
    assert len(reported[2].epochs) == 2 * 2 * 2 * 10
    assert len(reported[2].joint) == 2 * 3 * 2


def test_a_network_as_trained_is_not_converged_and_a_refined_bias_is(reported):
    summary = reported[2].summary
    assert set(summary.query("stage == 'raw'")["verdict"]) == {"not converged"}
    refined = summary.query("stage == 'bias' and split == 'train'")
    assert set(refined["verdict"]) == {"holds"}
    assert refined["max_relative_difference"].max() <= 1e-9
    raw = summary.query("stage == 'raw' and split == 'train'")
    assert raw["max_relative_difference"].min() > 1e-3  # the control
    assert (raw["runs_converged"] == 0).all()
    assert (refined["runs_converged"] == 4).all()


def test_summary_is_what_the_measurements_say(reported):
    _, study, table, _, measured, _ = reported
    mass = study.cells[0].class_mass("inverse")
    key = {"setting": "inverse", "stage": "bias", "split": "test"}
    rows = select(measured, **key)
    query = " and ".join(f"{k} == '{v}'" for k, v in key.items())
    row = table.summary.query(f"{query} and `class` == 3").iloc[0]
    left, right = left_side(rows.mean_proba, mass)[:, 3], right_side(rows.mean_proba, mass)[:, 3]
    assert row["gap"] == pytest.approx(left.mean() / right.mean() - 1)
    assert (row["least_ratio"], row["largest_ratio"]) == pytest.approx(
        ((left / right).min(), (left / right).max())
    )
    r = residual(rows.mean_proba, mass)[:, 3] / mass[3]
    assert row["residual"] == pytest.approx(r.mean())
    parts = row["optimisation"] + row["overfitting_and_sampling"]
    assert parts == pytest.approx(row["residual"], abs=1e-12)
    assert abs(row["optimisation"]) < 1e-12


def test_the_split_of_a_raw_network_has_its_optimisation(reported):
    raw = reported[2].summary.query("stage == 'raw' and split == 'test'")
    train = reported[2].summary.query("stage == 'raw' and split == 'train'")
    np.testing.assert_allclose(raw["optimisation"], train["residual"], atol=1e-12)


def test_e9_stands_with_the_network_as_trained(reported):
    _, _, table, fits, _, _ = reported
    raw = table.joint.query("stage == 'raw' and setting == 'equal' and split == 'train'").iloc[0]
    mine = select(fits, setting="equal", stage="raw", epoch=2)
    assert raw["path_gradient"] == np.abs(mine.path_gradient).max()
    assert raw["path_difference"] < 1e-6 * max(1, raw["path_gradient"])
    assert table.joint.query("stage == 'bias'")["path_gradient"].isna().all()


def test_epochs_are_of_the_network_as_trained(reported):
    _, study, table, _, measured, _ = reported
    mass = study.cells[0].class_mass("equal")
    rows = select(measured, setting="equal", stage="raw", epoch=1, split="train")
    r = (residual(rows.mean_proba, mass) / mass)[:, 5]
    found = table.epochs.query(
        "setting == 'equal' and epoch == 1 and split == 'train' and `class` == 5"
    ).iloc[0]
    assert found["residual"] == pytest.approx(r.mean())
    assert found["residual_mcse"] == pytest.approx(pd.Series(r).sem())


def test_a_shared_test_set_widens_the_intervals(reported):
    """The same measurements, told that all runs share one sample."""
    _, study, _, _, measured, _ = reported
    rows = select(measured, setting="equal", stage="bias", split="test")
    mass = study.cells[0].class_mass("equal")
    alone, shared = (
        sides_over_runs(rows, mass, margin=0.05, converged=True, shared_sample=s)
        for s in (False, True)
    )
    finite = 0
    for a, b in zip(alone.gaps, shared.gaps, strict=True):
        assert b.low <= a.low
        assert b.high >= a.high
        finite += np.isfinite(b.high) and b.high - b.low > a.high - a.low
    assert finite >= 1


def test_a_published_test_set_is_shared(reported, monkeypatch):
    """The same store, told that its test set is: summary, protocol and captions say so."""
    folder, study, table, *_ = reported
    monkeypatch.setattr(CnnCell, "shares_test_set", True)
    with open_store(folder, study.name, study.design) as store:
        shared = summarise(study, store)
    key = "stage == 'bias' and split == 'test'"
    alone, told = (t.summary.query(key) for t in (table, shared))
    assert (told["gap_high"] - told["gap_low"] > alone["gap_high"] - alone["gap_low"]).all()
    assert "effective_weight_low" in alone
    assert told["effective_weight"].notna().all()
    assert told["effective_weight_low"].isna().all()
    on_train = shared.summary.query("stage == 'bias' and split == 'train'")
    assert on_train["effective_weight_low"].notna().all()
    assert "t2" not in shared.joint
    assert "own sampling error" in unwrapped(study)
    assert "shared test set" in cnn_contents(shared).tables[0].title
    assert "given the test set" in cnn_contents(shared).figures[1].title
    assert "given the test set" not in cnn_contents(table).figures[1].title


def test_a_decayed_bias_fails_by_what_e8_predicts(tmp_path):
    """r_j = α b_j over the total mass, α the decay times steps times batch over samples."""
    options = replace(SMALL, stages=("bias",), weight_decay=0.1, decay_bias=True)
    options = replace(options, weights=("equal",))
    study, table, fits, measured = summarised(options, tmp_path)
    rows = select(measured, stage="bias", split="train")
    mass = study.cells[0].class_mass("equal")
    share = mass / mass.sum()
    r = residual(rows.mean_proba, share, rows.miss_proba)
    alpha = 0.1 * math.ceil(78 / 16) * 16 / 78
    np.testing.assert_allclose(r, alpha * select(fits, stage="bias").bias, rtol=1e-9, atol=1e-14)
    on_train = table.summary.query("stage == 'bias' and split == 'train'")
    assert "fails" in set(on_train["verdict"])
    assert "α b_j, since the bias is decayed" in unwrapped(study)


def test_a_run_that_raised_is_said_at_every_stage(tmp_path, monkeypatch):
    plain = block.train_networks

    def one_raises(model, pool, members, *args, **options):
        if members[0].run == 1:
            raise ValueError("no")
        return plain(model, pool, members, *args, **options)

    monkeypatch.setattr(block, "train_networks", one_raises)
    options = replace(SMALL, runs=2, weights=("equal",), epochs=1, measure_at=())
    table = summarised(options, tmp_path)[1]
    assert set(table.summary["verdict"]) == {"failed"}


def test_an_output_layer_short_of_its_minimum_is_no_result(reported):
    table = reported[2]
    rows = table.summary.copy()
    rows.loc[rows["stage"] == "head", "verdict"] = "not converged"
    short = replace(table, summary=rows)
    heads = {row[-1] for row in overview_grid(short).rows if row is not None}
    assert heads == {"not converged"}
    assert "not converged" not in {row[-1] for row in overview_grid(table).rows if row is not None}


def test_an_unbounded_interval_is_drawn_as_one(reported):
    """Not as a point without uncertainty: a dotted line from end to end."""
    table = reported[2]
    rows = table.summary.copy()
    one = (rows["stage"] == "bias") & (rows["split"] == "test") & (rows["class"] == 3)
    rows.loc[one, ["gap_low", "gap_high"]] = [-np.inf, np.inf]
    drawn = [figures.draw_stages(replace(table, summary=s)) for s in (table.summary, rows)]
    before, after = (
        sum(line.get_linestyle() == ":" for ax in figure.axes for line in ax.lines)
        for figure in drawn
    )
    assert after == before + one.sum()


def test_intervals_that_leave_a_shared_test_set_out_are_not_given(reported):
    _, study, _, fits, measured, _ = reported
    (cell,) = study.cells[:1]
    at = cell.recipe.epochs, "bias"
    evidence = evidence_of(study, cell, "equal", fits, measured, at)
    names = ["effective_weight", "effective_weight_low", "effective_weight_high"]
    for shared in (False, True):
        terms = Terms(0.05, cell.train_size, ("test",), shares_test_set=shared)
        found = columns_of_effective_weight(parts_of(evidence, terms)["test"])
        assert list(found) == (names[:1] if shared else names)


def test_tables_say_what_the_summary_says(reported):
    table = reported[2]
    rows = [row for row in overview_grid(table).rows if row is not None]
    assert len(rows) == 20
    assert rows[0][0] == "2.8, equal"
    assert rows[0][1:3] == ("0", "14")
    stages = [row for row in joint_grid(table).rows if row is not None]
    assert [row[1] for row in stages[:3]] == ["as trained", "bias refined", "output layer refined"]
    assert [row[2] for row in stages[:2]] == ["not converged", "holds"]
    for stage in ("raw", "bias", "head"):
        assert len([r for r in stage_grid(table, stage, LATEX).rows if r is not None]) == 40


def test_no_minimum_and_divergence_are_said(without):
    plain, wild = without
    head = plain.summary.query("stage == 'head'")
    assert set(head["verdict"]) == {"no minimum"}
    assert (head["runs_failed"] == 2).all()
    last = [row for row in joint_grid(plain).rows if row is not None][-1]
    assert last[2:4] == ("no minimum", "no minimum")
    assert last[-1] == "2 / 0 / 2 no minimum"
    assert set(wild.summary["verdict"]) == {"diverged"}
    rows = [row for row in joint_grid(wild).rows if row is not None]
    assert {row[-1] for row in rows} == {"2 / 0 / 2 failed"}
    assert overview_grid(wild).rows[0][7] == "diverged"


def test_reports_of_what_diverged_are_written(without, tmp_path):
    write_contents(cnn_contents(without[1]), tmp_path)
    assert (tmp_path / "cnn.tex").exists()


def test_files(reported):
    folder, *_, shown = reported
    names = {p.name for p in folder.iterdir()} - {"records.sqlite", "records.sqlite.lock"}
    assert names == {
        "summary.csv", "joint.csv", "epochs.csv",
        *(f"cnn{t}.tex" for t in ("", "_overfitting", "_joint", "_raw", "_bias", "_head")),
        *(f"{f}.{s}" for f in ("stages", "epochs", "mean_proba") for s in ("pdf", "png")),
    }  # fmt: skip
    assert len(shown) == 3


@needs_latex
def test_tables_compile(reported, tmp_path):
    names = [f"cnn{t}.tex" for t in ("", "_overfitting", "_joint", "_raw", "_bias", "_head")]
    compile_tables(reported[0], tmp_path, names)


def unwrapped(study):
    return " ".join(REPORT.protocol(study).replace("\u00a0", " ").split())


def test_protocol(reported):
    study = reported[1]
    assert max(map(len, REPORT.protocol(study).splitlines())) <= 100
    text = unwrapped(study)
    for said in (
        "CNN2C of the paper's Table 2",
        "weight decay 0.01 (not of the output bias)",
        "drawn anew in every replication",
        "4 replications asked for at first, computed one by one.",
        "after epochs 1, 2.",
    ):
        assert said in text
    text = unwrapped(make_study(replace(SMALL, decay_bias=True, augment=True, schedule="step")))
    assert "the output bias too" in text
    assert "random crop and horizontal flip" in text


def test_tables_fit_the_terminal_and_are_spelt_in_ascii(reported):
    check_console(cnn_contents(reported[2]))
