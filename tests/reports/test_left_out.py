"""The gap on fresh data: predicted from training samples that are left out, and repaired (E13)."""

import json
import shutil
import sqlite3
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from learnprop.equations.balance import residual
from learnprop.reports.explore.balance_figures import draw_sides
from learnprop.reports.explore.text import gap_grid, overfitting_grid, predicted_grid, ratio_grid
from learnprop.reports.layout.console import Titled, console_lines
from learnprop.reports.layout.fitting import fit
from learnprop.reports.layout.grid import Grid, to_latex
from learnprop.reports.layout.numbers import LATEX
from learnprop.reports.layout.style import house_style
from learnprop.reports.multiclass import figures as multiclass_figures
from learnprop.reports.multiclass.text import class_grid, joint_grid, terms_grid
from learnprop.reports.statistics.left_out import not_predicted_note
from learnprop.reports.study_report import report_of
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.rows import select
from learnprop.simulations.records.store import read_fits, read_measurements
from learnprop.simulations.records.store_file import open_store, read_store
from learnprop.simulations.registry import Chosen
from learnprop.simulations.studies import options_type, study_module
from learnprop.simulations.studies.cells import check_stages
from learnprop.simulations.studies.recording import LEFT_OUT
from tests.console import check_console
from tests.latex import compile_tables, needs_latex

DESIGNS = {
    "multiclass": {"sizes": (1000, 400, 150), "dimension": 40},
    "explore": {
        "generator": "gaussian", "classes": 2, "dimension": 60, "ratios": (10.0,),
        "train_size": 3000,
    },
}  # fmt: skip
"""Many features: what is overfitted is many standard errors."""


def report(study, folder):
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store))
        table = report_of(study.name).summarise(study, store)
        (cell,) = study.cells
        return table, read_measurements(store, cell.name), read_fits(store, cell.name)


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """A study of 25 runs with stage loo, by its name."""
    done = {}

    def of(name):
        if name not in done:
            folder, module = tmp_path_factory.mktemp(name), study_module(name)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(module, "POPULATION", 1000)
                chosen = DESIGNS[name] | {"test_size": 50, "weights": ("inverse",)}
                study = module.make_study(options_type(name)(runs=25, stage=("loo",), **chosen))
                done[name] = folder, study, *report(study, folder)
        return done[name]

    return of


@pytest.mark.parametrize("name", DESIGNS)
def test_overfitting_is_predicted_within_4_mcse_run_by_run(reported, name):
    summary = reported(name)[2].summary
    raw = summary.query("stage == 'raw' and split == 'test'")
    assert (raw["unpredicted"].abs() <= 4 * raw["unpredicted_mcse"]).all()
    assert (raw["overfitting"].abs() > 4 * raw["overfitting_mcse"]).any()
    assert set(raw["due_to"]) & {"overfitting"}
    found = raw["overfitting"] - raw["overfitting_predicted"]
    np.testing.assert_allclose(raw["unpredicted"], found, atol=1e-12)
    assert summary.query("split != 'test'")["gap_predicted"].isna().all()


@pytest.mark.parametrize("name", DESIGNS)
def test_the_repaired_bias_holds_on_the_population_where_the_minimum_fails(reported, name):
    population = reported(name)[2].summary.query("split == 'population'")
    raw, repaired = (population[population["stage"] == stage] for stage in ("raw", "loo"))
    assert "fails" in set(raw["verdict"])
    assert set(repaired["verdict"]) == {"holds"}
    assert (repaired["runs_converged"] == 25).all()
    # It is not the minimum: on its own training sample it does not balance, and is not to.
    summary = reported(name)[2].summary
    train = summary.query("split == 'train' and stage == 'loo'")
    assert (train["gap"].abs() > 0.01).any()
    assert set(train["verdict"]) == {"not minimised"}
    assert set(summary.query("split == 'train' and stage == 'raw'")["verdict"]) == {"holds"}
    assert not any(summary.query("split == 'test' and stage == 'loo'")["due_to"])


@pytest.mark.parametrize("name", DESIGNS)
def test_predicted_gap_is_what_numpy_makes_of_the_left_out_rows(reported, name):
    _, study, table, measured, _ = reported(name)
    mass = study.cells[0].class_mass("inverse")
    for stage in ("raw", "loo"):
        P = select(measured, setting="inverse", stage=stage, split=LEFT_OUT).mean_proba
        left = mass[0] * (1 - P[:, 0, 0])
        right = P[:, 1:, 0] @ mass[1:]
        row = table.summary.query(f"stage == '{stage}' and split == 'test' and `class` == 0").iloc[
            0
        ]
        gap = left.mean() / right.mean() - 1
        assert row["gap_predicted"] == pytest.approx(gap, abs=1e-10)
        assert row["gap_predicted_low"] <= row["gap_predicted"] <= row["gap_predicted_high"]
        without = [np.delete(left, i).mean() / np.delete(right, i).mean() for i in range(25)]
        mcse = np.std(without) * np.sqrt(24)
        assert row["gap_predicted_mcse"] == pytest.approx(mcse, abs=1e-10)
    assert abs(gap) < 1e-10  # repaired: none is left by construction


def test_tables_show_predicted_beside_observed_and_repaired_beside_raw(reported):
    multi, grid = (reported(name)[2] for name in ("multiclass", "explore"))
    classes, ratio = class_grid(multi), ratio_grid(grid, 10.0)
    for shown in (classes, ratio):
        assert shown.heads.index("predicted, %") == 1 + shown.heads.index("gap [90 %]")
        assert "in each class); a shift of P(x|y) is not predicted" in shown.note
        assert "repaired: stage loo, the biases" in shown.note
    names = [row[0] for row in classes.rows if row]
    assert names[:4] == [
        "inverse, 0", "inverse, 1", "inverse, 2", "inverse, repaired, 0",
    ]  # fmt: skip
    for shown in (joint_grid(multi), gap_grid(grid)):
        assert [row[0] for row in shown.rows] == ["inverse", "inverse, repaired"]
    assert "bias gradient of repaired fits: of their left-out predictions" in joint_grid(multi).note
    repaired = [row for row in classes.rows if row and "repaired" in row[0]]
    assert {row[classes.heads.index("predicted, %")] for row in repaired} == {"-"}
    ((name, predicted),) = predicted_grid(grid).rows
    row = grid.split("test").query("`class` == 0").iloc[0]
    assert name == "inverse"
    assert float(predicted.split("±")[0]) == pytest.approx(100 * row["gap_predicted"], abs=0.05)


def test_overfitting_predicted_stands_beside_observed_at_80_columns(reported):
    multi, grid = (reported(name)[2] for name in ("multiclass", "explore"))
    for terms, table in ((terms_grid(multi), multi), (overfitting_grid(grid), grid)):
        rows = table.split("test") if table is grid else table.on_test()
        (shown,) = fit(terms, 80).pieces
        for cells, (_, row) in zip(shown.rows, rows.iterrows(), strict=False):
            line = " ".join(cells).replace(" / ", " ").split()
            numbers = [float(word.split("±")[0]) for word in line if "±" in word]
            wanted = [100 * row["overfitting"], 100 * row["overfitting_predicted"]]
            np.testing.assert_allclose(numbers[:2], wanted, atol=0.06)


def test_the_console_says_of_how_many_runs_too_few_are_predicted():
    def evidence(n, converged):
        return SimpleNamespace(
            fits=SimpleNamespace(has_model=np.ones(10, bool)), usable=True,
            counts={"runs_converged": converged}, split=lambda _: range(n),
        )  # fmt: skip

    assert not_predicted_note([("equal", evidence(10, 10))]) == []
    assert not_predicted_note([("equal", evidence(8, 8)), ("inverse", evidence(0, 0))]) == [
        "equal: predicted of 8 of 10 runs only, which is too few",
        "overfitting not predicted: no output layer is at its minimum",
    ]


def test_a_terminal_wraps_once_what_a_page_breaks():
    grid = Grid(("a", "b"), (("1", "2"),), note="a note of two lines;\vits second")
    lines = [line for line, _ in console_lines([Titled("", grid)], 24)]
    assert lines[-2:] == ["a note of two lines; its", "second"]
    latex = to_latex(grid)
    assert "two lines;}" in latex
    assert "{its second}" in latex


@needs_latex
@pytest.mark.parametrize("name", DESIGNS)
def test_tables_fit_and_compile_and_figures_are_drawn(reported, name, tmp_path):
    contents = report_of(name).contents(reported(name)[2])
    check_console(contents)
    for table in contents.tables:
        (tmp_path / f"{table.name}.tex").write_text(to_latex(table.grid(LATEX)))
    tables = [path.name for path in tmp_path.glob("*.tex")]
    (tmp_path / "compiled").mkdir()
    compile_tables(tmp_path, tmp_path / "compiled", tables)


def test_figures_have_a_mark_for_each_prediction_and_each_repaired_gap(reported):
    """In per cent, beside the gap, of each class."""
    summary = {name: reported(name)[2].summary.query("split == 'test'") for name in DESIGNS}
    figure = multiclass_figures.draw_sides(reported("multiclass")[2])
    drawn = [line.get_ydata() for line in figure.axes[1].lines]
    of_stage = dict(list(summary["multiclass"].groupby("stage")))
    for stage, column in (("raw", "gap"), ("raw", "gap_predicted"), ("loo", "gap")):
        wanted = 100 * of_stage[stage][column]
        assert any(len(y) == 3 and np.allclose(y, wanted) for y in drawn)
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert {"gap", "predicted gap", "repaired gap"} <= set(said)
    with house_style():
        bottom = draw_sides(reported("explore")[2]).axes[1]
    (mark,) = (line for line in bottom.lines if line.get_marker() == "_" and len(line.get_ydata()))
    predicted = summary["explore"].query("stage == 'raw' and `class` == 0")["gap_predicted"]
    np.testing.assert_allclose(mark.get_ydata(), 100 * predicted)
    (cross,) = (line for line in bottom.lines if line.get_marker() == "x" and len(line.get_ydata()))
    gap = summary["explore"].query("stage == 'loo' and `class` == 0")["gap"]
    np.testing.assert_allclose(cross.get_ydata(), 100 * gap)
    (of_ratio,) = (
        line for line in bottom.lines if line.get_marker() == "o" and len(line.get_xdata())
    )
    for line in (mark, cross):
        np.testing.assert_array_equal(line.get_color(), of_ratio.get_color())


@pytest.mark.parametrize("name", DESIGNS)
def test_protocols_say_how_it_is_predicted_and_what_is_not(reported, name):
    protocol = " ".join(report_of(name).protocol(reported(name)[1]).split())
    assert "leave-one-out formula (docs/explanation/fresh.md)" in protocol
    assert "a shift of P(x|y) between training and fresh data is not predicted" in protocol
    assert "Stage loo (`repaired`)" in protocol
    network = study_module(name).make_study(options_type(name)(fitter="mlp"))
    protocol = " ".join(report_of(name).protocol(network).split())
    assert "is the output layer's share of the overfitting" in protocol
    assert "Stage loo" not in protocol


@pytest.mark.parametrize("name", DESIGNS)
def test_a_store_of_before_has_no_prediction_and_all_else(reported, name, tmp_path, cli):
    """No left-out rows, no stage in its design; raw numbers are the same bit for bit."""
    folder = tmp_path / "before"
    shutil.copytree(reported(name)[0], folder)
    connection = sqlite3.connect(folder / "records.sqlite")
    with connection:
        connection.execute("DELETE FROM measurement WHERE split = ? OR stage = 'loo'", [LEFT_OUT])
        connection.execute("DELETE FROM fit WHERE stage = 'loo'")
        (design,) = connection.execute("SELECT value FROM study WHERE key = 'design'").fetchone()
        kept = {k: v for k, v in json.loads(design).items() if k != "stage"}
        connection.execute("UPDATE study SET value = ? WHERE key = 'design'", [json.dumps(kept)])
    connection.close()
    without = study_module(name).make_study(
        options_type(name)(runs=25, **DESIGNS[name] | {"test_size": 50, "weights": ("inverse",)})
    )
    with read_store(folder) as store:
        table = report_of(name).summarise(without, store)
    summary, now = table.summary, reported(name)[2].summary.query("stage == 'raw'")
    gone = {*now.columns} - {*summary.columns}
    assert gone == {
        "overfitting_predicted", "overfitting_predicted_mcse", "unpredicted", "unpredicted_mcse",
        "gap_predicted", "gap_predicted_low", "gap_predicted_high", "gap_predicted_mcse",
    }  # fmt: skip
    pd.testing.assert_frame_equal(
        summary, now[summary.columns].reset_index(drop=True), check_exact=True
    )
    shown = report_of(name).contents(table).tables
    heads = (f"{t.name} {t.title} {t.grid(LATEX).heads}" for t in shown)
    assert not any("predicted" in head for head in heads)
    why = "not predicted: measured before left-out predictions were stored"
    assert why in shown[0].grid(LATEX).note
    status, out, _ = cli("status", folder)
    assert (status, "done" in out) == (0, True)


def test_separated_runs_have_nothing_predicted(tmp_path):
    """The control: without a minimum there is nothing to leave a sample out of."""
    module = study_module("multiclass")
    study = module.make_study(
        options_type("multiclass")(
            runs=25, sizes=(8, 6, 4), separation=3.0, test_size=20, stage=("loo",),
            weights=("equal",),
        )
    )  # fmt: skip
    table, measured, fits = report(study, tmp_path)
    separated = set(select(fits, stage="raw").run[~select(fits, stage="raw").has_model].tolist())
    assert len(separated) > 5
    assert not separated & set(select(measured, split=LEFT_OUT).run.tolist())
    at_loo = select(fits, stage="loo")
    assert set(at_loo.run[~at_loo.has_model].tolist()) == separated
    assert (table.joint["runs_failed"] == len(separated)).all()
    assert "separated" in class_grid(table).note


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"stage": ("bias",)}, "^stage must be one of raw, loo, got 'bias'$"),
        ({"stage": ("loo", "loo")}, "^stage must be distinct, got loo,loo$"),
    ],
)
def test_a_stage_that_cannot_be_is_refused(name, chosen, problem):
    chosen = {"stage": ("loo",)} | chosen
    with pytest.raises(ValueError, match=problem):
        study_module(name).make_study(options_type(name)(**chosen))


def test_a_users_estimator_has_no_left_out_predictions():
    mine = Chosen("estimator", "learnprop.simulations.fitters.estimator:FITTER")
    with pytest.raises(ValueError, match=r"^stage loo is of the fitters .*mlp, got estimator$"):
        check_stages(("loo",), mine)


def test_of_a_network_the_output_layer_is_repaired(tmp_path):
    study = study_module("multiclass").make_study(
        options_type("multiclass")(
            runs=3, sizes=(60, 30, 15), test_size=50, weights=("inverse",), fitter="mlp",
            hidden=4, epochs=3, stage=("loo",),
        )
    )  # fmt: skip
    table, measured, _ = report(study, tmp_path)
    assert set(table.summary["stage"]) == {"head", "loo"}
    balanced = select(measured, split=LEFT_OUT, stage="loo")
    w = study.cells[0].class_mass("inverse")
    assert len(balanced) == 3
    np.testing.assert_allclose(residual(balanced.mean_proba, w / w.sum()), 0, atol=1e-12)
    assert "the output layer's share only" in class_grid(table).note


def test_a_class_of_one_sample_cannot_be_left_out():
    problem = "^stage loo takes two training samples of every class, got "
    with pytest.raises(ValueError, match=f"{problem}9,1$"):
        study_module("multiclass").make_study(
            options_type("multiclass")(sizes=(9, 1), stage=("loo",))
        )
    with pytest.raises(ValueError, match=f"{problem}1,100 at ratio 100$"):
        study_module("explore").make_study(
            options_type("explore")(ratios=(100.0,), train_size=100, stage=("loo",))
        )
