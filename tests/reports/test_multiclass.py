from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from learnprop.equations.balance import residual
from learnprop.equations.inference.estimates import ratio_of_means
from learnprop.reports.layout.numbers import LATEX
from learnprop.reports.multiclass.report import REPORT, multiclass_contents
from learnprop.reports.multiclass.summary import summarise
from learnprop.reports.multiclass.text import class_grid, joint_grid, terms_grid
from learnprop.reports.study_report import write_contents
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.rows import select
from learnprop.simulations.records.store import read_measurements
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.multiclass.study import Options, make_study
from tests.console import check_console
from tests.latex import compile_tables, needs_latex


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """The default study, all 100 runs."""
    folder, study = tmp_path_factory.mktemp("multiclass"), make_study(Options())
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store))
        table = summarise(study, store)
        measured = read_measurements(store, "gaussian")
    shown = write_contents(multiclass_contents(table), folder)
    return folder, study, table, measured, shown


def test_eq_9_holds_on_test_at_the_default_sizes(reported):
    """Overfitting is negligible there: each equation within 5 %, and all of them."""
    _, _, table, _, _ = reported
    assert (table.summary.query("split == 'test'")["verdict"] == "holds").all()
    assert (table.joint["verdict"] == "holds").all()
    assert table.summary.query("split == 'train'")["max_relative_difference"].max() <= 1e-9
    assert (table.summary["runs_converged"] == 100).all()
    assert (table.joint["df"] == 4).all()


def test_flows_between_classes_are_symmetric_as_the_posteriors_are(reported):
    """E7, of the pair of ten that is worst in 100 runs: within 4 MCSE, or the models overfit."""
    joint = reported[2].joint
    assert (joint["asymmetry"] <= 4 * joint["asymmetry_mcse"]).all()


def test_left_sides_are_those_of_the_posterior_within_4_mcse(reported):
    """The bias of a fitted model, of order 1/N, is far below the MCSE of 100 runs here."""
    test = reported[2].summary.query("split == 'population'")
    z = (test["left"] - test["limit_left"]) / test["left_mcse"]
    assert z.abs().max() <= 4


def test_summary_is_what_the_measurements_say(reported):
    _, study, table, measured, _ = reported
    (cell,) = study.cells
    row = table.summary.query("setting == 'inverse' and split == 'test' and `class` == 3").iloc[0]
    rows, mass = select(measured, setting="inverse", split="test"), cell.class_mass("inverse")
    r = residual(rows.mean_proba, mass)[:, 3] / mass[3]
    assert row["residual"] == pytest.approx(r.mean())
    assert row["residual_mcse"] == pytest.approx(pd.Series(r).sem())
    left = mass[3] * np.delete(rows.mean_proba[:, 3], 3, axis=1).sum(axis=1)
    right = np.delete(rows.mean_proba[:, :, 3], 3, axis=1) @ np.delete(mass, 3)
    expected = ratio_of_means(left, right, level=0.9)
    np.testing.assert_allclose(
        row[["gap", "gap_low", "gap_high"]].to_numpy(float),
        [expected.value - 1, expected.low - 1, expected.high - 1],
    )
    accuracy = rows.confusion[:, 3, 3] / 1000
    assert row["accuracy"] == pytest.approx(accuracy.mean())
    assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
    parts = row[["optimisation", "overfitting", "sampling"]].sum()
    assert parts == pytest.approx(row["residual"], abs=1e-12)


def test_effective_weights_recover_the_weights(reported):
    test = reported[2].summary.query("split == 'test'")
    inside = (test["effective_weight_low"] <= test["weight"]) & (
        test["weight"] <= test["effective_weight_high"]
    )
    assert inside.mean() >= 0.6  # 15 correlated 90 % intervals
    np.testing.assert_allclose(test["effective_weight"], test["weight"], rtol=0.02)


def test_overfitting_is_named(run_to_store):
    """15 samples of the rarest class in eight features: it fails on test, and it is said why."""
    study = make_study(
        Options(
            runs=50, classes=3, dimension=8, sizes=(100, 30, 15), test_size=500, separation=1.5,
            weights=("inverse",),
        )
    )  # fmt: skip
    folder, _ = run_to_store(study)
    with open_store(folder, study.name, study.design) as store:
        table = summarise(study, store)
    failed = table.summary.query("split == 'test' and verdict == 'fails'")
    assert len(failed)
    assert (failed["due_to"] == "overfitting").all()
    assert table.joint["verdict"].tolist() == ["fails"]
    train = table.summary.query("split == 'train'")
    assert (train["verdict"] == "holds").all()


def test_separated_runs_are_recorded_and_counted(run_to_store):
    study = make_study(Options(runs=25, classes=3, sizes=(8, 6, 4), separation=3.0, test_size=50))
    folder, _ = run_to_store(study)
    with open_store(folder, study.name, study.design) as store:
        table = summarise(study, store)
    assert (table.joint["runs_failed"] > 5).all()
    assert (table.joint["runs_converged"] + table.joint["runs_failed"] == 25).all()
    write_contents(multiclass_contents(table), folder)


@pytest.mark.parametrize(
    ("fitter", "own"), [("one-vs-all", {}), ("mlp", {"epochs": 2, "hidden": 4})]
)
def test_other_fitters_report_what_is_true_of_them(run_to_store, fitter, own):
    small = Options(runs=25, classes=3, train_size=300, imbalance=4, test_size=100)
    study = make_study(replace(small, fitter=fitter, **own))
    folder, _ = run_to_store(study)
    with open_store(folder, study.name, study.design) as store:
        table = summarise(study, store)
    write_contents(multiclass_contents(table), folder)
    assert table.summary.query("split == 'train'")["max_relative_difference"].max() <= 1e-9
    if fitter == "one-vs-all":
        assert (table.joint["df"] == 3).all()
        assert set(table.summary["limit_basis"]) == {"population minimiser"}
    words = {"one-vs-all": "One-vs-all logistic", "mlp": "A network with one hidden layer of 4"}
    assert words[fitter] in REPORT.protocol(study)


def test_grids_and_figures(reported):
    folder, _, table, _, _ = reported
    for grid, width in (
        (class_grid(table), 9),
        (terms_grid(table), 7),
        (joint_grid(table, LATEX), 6),
    ):
        assert {len(row) for row in grid.rows if row is not None} == {width}
        assert not any("nan" in cell for row in grid.rows if row for cell in row)
    for name in ("mean_proba", "sides"):
        for suffix in ("png", "pdf"):
            assert (folder / f"{name}.{suffix}").stat().st_size > 8_000


@needs_latex
def test_latex_compiles(reported, tmp_path):
    compile_tables(reported[0], tmp_path, ["multiclass.tex", "multiclass_joint.tex"])


def test_tables_fit_the_terminal_and_are_spelt_in_ascii(reported):
    check_console(multiclass_contents(reported[2]))
