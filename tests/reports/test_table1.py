import json
import shutil
import sqlite3
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from learnprop.equations.balance import class_mass, residual
from learnprop.reports.layout.numbers import LATEX, TEXT
from learnprop.reports.statistics.runs import FEW_RUNS
from learnprop.reports.study_report import write_contents
from learnprop.reports.table1 import summary
from learnprop.reports.table1.report import REPORT, table1_contents
from learnprop.reports.table1.summary import OF_RESIDUAL, summarise
from learnprop.reports.table1.text import depth_grid, main_grid
from learnprop.simulations.records.rows import select
from learnprop.simulations.records.store import read_measurements
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.recording import LEFT_OUT
from learnprop.simulations.studies.table1.study import Options, make_study
from tests.console import check_console
from tests.latex import compile_tables, needs_latex

COLUMNS = [
    "simulation", "lambda0", "lambda1", "n0", "n1", "split", "rhs", "lhs_mean", "lhs_sd",
    "lhs_mcse", "ratio_of_means", "gap", "gap_low", "gap_high", "verdict", "runs_attempted",
    "runs_converged", "runs_failed", "max_bias_gradient",
]  # fmt: skip


@pytest.fixture(scope="module")
def reported(small_study, small_store, tmp_path_factory):
    folder = tmp_path_factory.mktemp("table1")
    shutil.copy(small_store / "records.sqlite", folder)
    with open_store(folder, small_study.name, small_study.design) as store:
        table = summarise(small_study, store)
        sim1 = read_measurements(store, "sim1")
    write_contents(table1_contents(table), folder)
    return folder, table, sim1


def test_summary_has_the_columns_and_rows_of_the_contract(reported):
    summary = pd.read_csv(reported[0] / "summary.csv")
    assert list(summary.columns[: len(COLUMNS)]) == COLUMNS
    keys = summary[["simulation", "lambda0", "split"]]
    assert len(keys.drop_duplicates()) == len(summary) == 18
    assert set(summary["simulation"]) == {"sim1", "sim2"}
    assert set(summary["split"]) == {"train", "test", "population"}
    assert (summary["runs_attempted"] == 30).all()


def test_train_split_is_an_identity(reported):
    train = reported[1].summary.query("split == 'train'")
    assert train["gap"].abs().max() <= 1e-9
    assert train["max_bias_gradient"].max() <= 1e-12
    assert (train["verdict"] == "holds").all()


def test_summary_is_what_pandas_makes_of_the_measurements(reported):
    _, table, sim1 = reported
    row = table.summary.query("simulation == 'sim1' and split == 'test'").iloc[1]
    P = select(sim1, setting=row["setting"], split="test").mean_proba
    ratio = pd.Series(P[:, 0, 1] / P[:, 1, 0])
    assert row["lhs_mean"] == pytest.approx(ratio.mean())
    assert row["lhs_sd"] == pytest.approx(ratio.std())
    assert row["lhs_mcse"] == pytest.approx(ratio.sem())
    mass = class_mass([row["lambda0"], row["lambda1"]], [40, 120])
    assert row["residual"] == pytest.approx((residual(P, mass)[:, 0] / mass[0]).mean())


def test_residual_splits_into_three_parts(reported):
    test = reported[1].summary.query("split == 'test'")
    parts = test[["optimisation", "overfitting", "sampling"]].sum(axis=1)
    np.testing.assert_allclose(parts, test["residual"], atol=1e-12)


def test_overfitting_is_predicted_where_left_out_samples_are_stored(reported):
    """Of Sim1 and of the deepest head of Sim2; a store of before has none, and is reported."""
    _, table, sim1 = reported
    test = table.summary.query("split == 'test'")
    assert (test["overfitting_predicted_mcse"] > 0).all()
    row = test.query("simulation == 'sim1'").iloc[2]
    of_setting = {
        split: select(sim1, setting=row["setting"], split=split) for split in ("train", LEFT_OUT)
    }
    mass = class_mass([row["lambda0"], row["lambda1"]], [40, 120])
    train, left_out = (residual(m.mean_proba, mass)[:, 0] for m in of_setting.values())
    assert row["overfitting_predicted"] == pytest.approx(((left_out - train) / mass[0]).mean())
    grid = main_grid(table)
    assert sum(row[0] == "  residual: overfitting predicted" for row in grid.rows if row) == 2
    assert "each training sample by a fit without it" in grid.note
    assert "of Sim2: all parameters" in grid.note
    assert "predicted in" not in grid.note
    found = test["overfitting"] - test["overfitting_predicted"]
    np.testing.assert_allclose(test["unpredicted"], found, atol=1e-12)
    P = of_setting[LEFT_OUT].mean_proba.mean(axis=0)
    assert row["gap_predicted"] == pytest.approx(P[0, 1] * mass[0] / (P[1, 0] * mass[1]) - 1)
    assert row["gap_predicted_low"] < row["gap_predicted"] < row["gap_predicted_high"]


def test_networks_that_cannot_be_left_out_are_counted_and_said(reported, tmp_path, small_study):
    """One of 30 runs without, and three."""
    shutil.copy(reported[0] / "records.sqlite", tmp_path)
    setting = reported[1].summary["setting"].iloc[0]
    for n, said in ((1, "29 of 30 runs"), (3, "27 of 30 runs: too few")):
        with sqlite3.connect(tmp_path / "records.sqlite") as connection:
            gone = "cell = 'sim2' AND setting = ? AND split = ? AND run < ?"
            connection.execute(f"DELETE FROM measurement WHERE {gone}", (setting, LEFT_OUT, n))
        connection.close()
        with open_store(tmp_path, small_study.name, small_study.design) as store:
            note = main_grid(summarise(small_study, store)).note
        assert note.splitlines()[-1] == f"Sim2, λ0 = {setting}: predicted in {said}"


def test_a_store_of_before_has_no_predicted_overfitting_and_is_reported(
    reported, tmp_path, small_study
):
    """All else is what it is with them."""
    shutil.copy(reported[0] / "records.sqlite", tmp_path)
    with sqlite3.connect(tmp_path / "records.sqlite") as connection:
        assert connection.execute("DELETE FROM measurement WHERE split = ?", (LEFT_OUT,)).rowcount
    connection.close()
    with open_store(tmp_path, small_study.name, small_study.design) as store:
        before = summarise(small_study, store)
    new = [name for name in OF_RESIDUAL if "predicted" in name]
    pd.testing.assert_frame_equal(before.summary, reported[1].summary.drop(columns=new))
    assert not any(
        "predicted" in row[0] and "over" in row[0] for row in main_grid(before).rows if row
    )
    assert main_grid(before).note == ""


def test_raw_fits_of_the_network_are_not_converged_and_refined_ones_balance(reported):
    depth = reported[1].depth
    assert list(dict.fromkeys(depth["max_iter"])) == [10, 12]
    assert set(depth.query("stage == 'raw'")["verdict"]) == {"not converged"}
    assert depth.query("stage == 'head' and split == 'train'")["gap"].abs().max() <= 1e-9


def test_papers_numbers_stand_beside_the_papers_sizes_only(reported):
    assert "paper_mean" not in reported[1].summary.columns


def test_fewer_runs_than_stored_are_summarised_as_asked(reported, small_options):
    study = make_study(replace(small_options, runs=12))
    with open_store(reported[0], study.name, study.design) as store:
        table = summarise(study, store)
    assert (table.summary["runs_converged"] == 12).all()
    assert {len(ratio) for ratio in table.ratios.values()} == {12}


def test_grids_have_one_cell_per_setting(reported):
    table = reported[1]
    for grid in (main_grid(table), depth_grid(table), main_grid(table, LATEX)):
        assert {len(row) for row in grid.rows if row is not None} == {4}
        assert not any("nan" in cell for row in grid.rows if row for cell in row)


def test_figure_files_are_written(reported):
    for name in ("table1.png", "table1.pdf"):
        assert (reported[0] / name).stat().st_size > 10_000


@needs_latex
def test_latex_compiles(reported, tmp_path):
    compile_tables(reported[0], tmp_path, ["table1.tex", "table1_depth.tex"])


def test_separated_runs_are_counted_as_failed(run_to_store):
    # 3 against 3 training samples: many Sim1 replications are separated.
    study = make_study(Options(runs=20, train_size=(3, 3), test_size=(20, 20), max_iter=2))
    folder, _ = run_to_store(study)
    with open_store(folder, study.name, study.design) as store:
        table = summarise(study, store)
    sim1 = table.summary.query("simulation == 'sim1' and split == 'test'")
    assert (sim1["runs_failed"] > 5).all()
    assert (sim1["runs_converged"] + sim1["runs_failed"] == 20).all()
    write_contents(table1_contents(table), folder)


def test_protocol_says_what_will_be_done(small_options):
    text = REPORT.protocol(make_study(small_options))
    for word in ("Aims", "Data-generating", "Estimands", "Methods", "Performance", "(40, 120)"):
        assert word in text
    adam = REPORT.protocol(make_study(replace(small_options, training="adam", as_printed=True)))
    assert "no refinement" in adam.replace("\n", " ")
    assert "as the paper prints them" in adam


def test_design_is_json(small_study):
    assert json.loads(json.dumps(small_study.design)) == small_study.design


def test_tables_fit_the_terminal_and_are_spelt_in_ascii(reported):
    check_console(table1_contents(reported[1]))


@pytest.mark.parametrize(("n_runs", "has_z"), [(FEW_RUNS - 1, False), (FEW_RUNS, True)])
def test_an_sd_of_few_runs_has_no_z(n_runs, has_z):
    """At the paper's sizes, whose prediction there is; a failed run is no run of these."""
    (cell, _) = make_study(Options()).cells
    row = {
        "split": "test", "lhs_mean": 10.0, "lhs_sd": 0.9, "lhs_mcse": 0.1, "lhs_sd_mcse": 0.05,
        "runs_attempted": n_runs + 2, "runs_failed": 2,
    }  # fmt: skip
    found = summary._predicted(cell, dict(cell.class_weight)["1/2"], row)
    assert np.isfinite(found["z_predicted_sd"]) == has_z
    assert np.isfinite(found["z_predicted"])


def test_tables_say_why_there_is_no_z_of_an_sd(reported):
    """A dash beside the z of the mean in both media; a note; nothing of it with enough runs."""
    table = reported[1]
    few = table.summary.assign(runs_attempted=4, z_predicted=0.44, z_predicted_sd=np.nan)
    few = few.assign(predicted_mean=1.0, predicted_sd=0.1)
    for markup, cell in ((TEXT, "+0.4 (-)"), (LATEX, "$+0.4$ $(-)$")):
        grid = main_grid(replace(table, summary=few), markup)
        assert cell in {c for row in grid.rows if row for c in row}
        assert "of fewer than 20 runs no z of an SD" in grid.note
        assert "of fewer than 20 runs z of a mean is Student's t, n - 1 degrees of fr" in grid.note
        assert "verdicts of 4 runs" in grid.note
    assert "fewer than" not in main_grid(table).note
