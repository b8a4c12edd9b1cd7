"""The gap on fresh data as it is reported: predicted, observed, repaired, and shifted."""

from dataclasses import replace

import numpy as np
import pytest

import learnprop as lp
from learnprop.api import StudyResult
from learnprop.equations.balance import left_side, right_side
from learnprop.equations.inference.estimates import Estimate
from learnprop.reports.fresh.claims import BEST_FIRST, every, low, near_zero
from learnprop.reports.fresh.compared import of_ratios
from learnprop.reports.fresh.report import REPORT
from learnprop.reports.fresh.text import claims_grid, gap_grid, shifted_grid, shown
from learnprop.reports.layout.numbers import LATEX
from learnprop.reports.statistics.precision import headline_precision
from learnprop.reports.study_report import write_contents
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.rows import select
from learnprop.simulations.records.store import read_measurements
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.fresh.study import Options, make_study
from learnprop.simulations.studies.recording import LEFT_OUT
from tests.console import check_console
from tests.latex import compile_tables, needs_latex


def reported_of(folder, **options):
    study = make_study(Options(**options))
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store))
        table = REPORT.summarise(study, store)
        measured = {cell: read_measurements(store, cell.name) for cell in study.cells}
    write_contents(REPORT.contents(table), folder)
    return folder, table, measured


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """Two and three classes, few samples; beyond separability too."""
    folder = tmp_path_factory.mktemp("fresh")
    return reported_of(folder, runs=10, train_size=200, kappa=(0.05, 0.4), quick=True)


def row_of(table, **wanted):
    rows = table.summary
    for name, value in wanted.items():
        rows = rows[rows[name] == value]
    (row,) = rows.to_dict("records")
    return row


def test_the_differences_are_those_of_the_jackknife_over_runs(reported):
    """Against the public function, which deletes run by run and knows no closed form."""
    _, table, measured = reported
    cell = next(c for c in measured if len(c.train_size) == 3 and c.kappa == 0.05)
    row = row_of(table, classes=3, kappa=0.05, setting="inverse", **{"class": 2})
    w = cell.class_mass("inverse") / cell.class_mass("inverse").sum()
    sides = []
    for split in ("population", LEFT_OUT):
        P = select(measured[cell], setting="inverse", stage="raw", split=split).mean_proba
        sides += [left_side(P, w)[:, 2], right_side(P, w)[:, 2]]
    expected, _ = lp.jackknife(
        lambda a, b, c, d: (a.mean() / b.mean()) / (c.mean() / d.mean()) - 1, *sides
    )
    found = [row[f"difference{end}"] for end in ("", "_low", "_high")]
    np.testing.assert_allclose(found, [expected.value, expected.low, expected.high], rtol=1e-9)
    gaps = [sides[i].mean() / sides[i + 1].mean() - 1 for i in (0, 2)]
    np.testing.assert_allclose([row["gap"], row["gap_left_out"]], gaps)


def test_state_evolution_stands_beside_it_and_is_put_to_the_observed_gap(reported):
    row = row_of(reported[1], classes=2, kappa=0.05, setting="inverse", **{"class": 1})
    state = lp.state_evolution(0.05, class_share=[0.9, 0.1], class_weight=[1, 9], separation=2.0)
    assert row["gap_state"] == pytest.approx(state.gap[1])
    for end in ("", "_low", "_high"):
        by_hand = (1 + row[f"gap{end}"]) / (1 + state.gap[1]) - 1
        assert row[f"difference_state{end}"] == pytest.approx(by_hand)


def test_a_shift_is_not_predicted_and_the_report_says_so(reported):
    folder, table, _ = reported
    near = table.summary.query("kappa == 0.05 and `class` == classes - 1")
    assert near["verdict_shifted"].tolist() == ["fails"] * 4
    assert (near["verdict"] != "fails").all()  # the control: without a shift it is not refuted
    control = table.claims[table.claims["claim"].str.contains("control that must fail")]
    assert control["verdict"].tolist() == ["fails", "fails"]
    assert "not predicted, as it must be" in (folder / "fresh_shifted.tex").read_text()
    assert "knows of overfitting only" in (folder / "fresh_shifted.tex").read_text()


def test_beyond_separability_there_are_no_numbers_and_it_is_said(reported):
    folder, table, _ = reported
    beyond = table.summary[table.summary["kappa"] == 0.4]
    assert len(beyond) == 2 * (2 + 3)
    verdicts = ["verdict", "verdict_state", "verdict_repaired", "verdict_shifted"]
    assert (beyond[verdicts] == "separated").all(axis=None)
    assert beyond[["gap", "gap_state", "gap_left_out", "gap_repaired"]].isna().all(axis=None)
    assert (beyond["runs_failed"] == 10).all()
    expected = lp.separability_threshold(class_share=[0.9, 0.1], separation=2.0)
    assert table.threshold[2] == pytest.approx(expected)
    assert "samples are separable, of N" in (folder / "fresh.tex").read_text()


def test_the_bias_is_at_its_minimum_on_train(reported):
    found = reported[1].claims
    found = found[found["claim"].str.contains("refit the bias")]
    assert found["verdict"].tolist() == ["holds", "holds"]
    assert (found["observed"] < 1e-9).all()


def test_tables_show_the_rarest_class_and_the_control_the_one_that_moved(reported):
    table = reported[1]
    for n_classes in (2, 3):
        assert {row["class"] for row in shown(table, n_classes, n_classes - 1)} == {n_classes - 1}
        row = row_of(table, classes=n_classes, kappa=0.05, setting="inverse", **{"class": 0})
        cells = next(
            row for row in shifted_grid(table).rows
            if row is not None and row[:4] == (f"{n_classes}", "0.05", "10", "inverse")
        )  # fmt: skip
        value = f"{100 * row['gap_shifted']:+.0f}"
        assert cells[5].startswith(value) or abs(row["gap_shifted"]) < 0.1
        assert cells[6] == row["verdict_shifted"]
        grid = gap_grid(table, n_classes)
        assert "the rarer class" in grid.note or "the rarest class" in grid.note
        assert not grid.minor  # no width leaves a verdict out


def test_notes_are_of_their_table_and_runs_without_model_are_counted(reported):
    """One run in ten has no model: more than 5 %, so that there are no numbers."""
    table = reported[1]
    without = table.summary["classes"].eq(2) & table.summary["kappa"].eq(0.4)
    summary = table.summary.copy()
    summary.loc[without, "runs_failed"] = 1
    summary.loc[summary["classes"] == 3, "runs_failed"] = 0
    changed = replace(table, summary=summary, separated=table.separated | {3: ""})
    two, three = gap_grid(changed, 2), gap_grid(changed, 3)
    assert "1 of 10 separated" in two.rows[-1]
    assert "10 of 10 separated" in gap_grid(table, 2).rows[-1]
    assert "at least 95 % of those attempted" in two.note
    assert "separated" in two.note
    assert "95 %" not in three.note
    assert "separated" not in three.note
    assert max(map(len, two.note.splitlines())) > 90  # not broken by hand; in LaTeX it is
    assert max(map(len, gap_grid(changed, 2, LATEX).note.splitlines())) <= 90


def test_statements_say_what_they_were_put_to(reported):
    claims = reported[1].claims["claim"].tolist()
    assert sum("κ = 0.05" in claim for claim in claims) == 8
    assert [c for c in claims if "under inverse" in c and "not at κ = 0.4 (separated)" in c]


@pytest.mark.parametrize(("end", "seen"), [(-0.1, False), (0.03, True)])
def test_a_difference_from_the_limit_is_told_only_where_it_is_seen(reported, end, seen):
    table = reported[1]
    summary = table.summary.copy()
    at = summary["classes"].eq(2) & summary["kappa"].eq(0.05)
    summary.loc[at, ["kappa", "difference_state", "difference_state_low"]] = (0.06, 0.05, end)
    summary.loc[at, "difference_state_high"] = 0.07
    note = gap_grid(replace(table, summary=summary), 2).note
    assert ("it differs by up to +5" in note) == seen
    assert ("no difference is seen" in note) != seen


def test_a_target_of_precision_is_for_the_gap_on_the_population(reported):
    """It has no test sample; the least precise class counts."""
    _, table, measured = reported
    for cell, found in measured.items():
        for precision in headline_precision(cell, found, 10):
            wanted = len(cell.train_size), cell.kappa, precision.setting
            rows = table.summary[["classes", "kappa", "setting"]].apply(tuple, axis=1) == wanted
            expected = table.summary.loc[rows, "gap_mcse"].max()
            if precision.n_models:
                assert precision.mcse == pytest.approx(expected)
            else:
                assert (precision.mcse, np.isnan(expected)) == (np.inf, True)


def test_a_result_without_a_test_split_says_all_its_verdicts(reported):
    study = make_study(Options(runs=10, train_size=200, kappa=(0.05, 0.4), quick=True))
    said = repr(StudyResult(study, REPORT.contents(reported[1])))
    assert said.startswith("<fresh, quick look: 10 runs; ")
    assert "10 separated: a hyperplane parts the classes" in said


def test_ratios_with_two_runs_are_unbounded_and_equal_ones_have_no_difference():
    a, b = np.array([1.0, 2.0]), np.array([2.0, 3.0])
    assert of_ratios(lambda x: x, (a, b)) == Estimate(0.6, -np.inf, np.inf, 0.9)
    rng = np.random.default_rng(0)
    sides = rng.uniform(1, 2, (2, 9))
    same = of_ratios(lambda x, y: x / y - 1, tuple(sides), tuple(3 * sides))
    np.testing.assert_allclose([same.value, same.low, same.high], 0, atol=1e-13)


@pytest.mark.parametrize(
    ("verdicts", "expected", "at"),
    [
        (("holds", "holds"), "holds", "b"),
        (("holds", "inconclusive"), "inconclusive", "b"),
        (("fails", "inconclusive"), "fails", "a"),
        (("not converged", "holds"), "not converged", "a"),
    ],
)
def test_a_statement_on_every_cell_is_as_strong_as_its_weakest(verdicts, expected, at):
    tests = [
        ("a", Estimate(0.01, 0.0, 0.02, 0.9), verdicts[0]),
        ("b", Estimate(-0.03, -0.04, -0.02, 0.9), verdicts[1]),
    ]
    found = every("it is small", "gap", "0", tests)
    assert (found.verdict, found.design) == (expected, at)
    assert every("it is small", "gap", "0", []).verdict == "inconclusive"


def test_what_is_shown_of_a_statement_is_the_test_that_speaks_most_against_it():
    weak, strong = Estimate(0.2, 0.1, 0.3, 0.9), Estimate(1.6, 1.4, 1.8, 0.9)
    tests = [("a", weak, "holds"), ("b", strong, "holds")]
    assert every("it is positive", "gap", "> 0", tests, against=low).design == "a"
    assert every("it is small", "gap", "0", tests).design == "b"


@pytest.mark.parametrize(
    ("verdicts", "expected", "at"),
    [
        (("fails", "fails"), "fails", "a"),
        (("holds", "fails"), "holds", "a"),
        (("fails", "holds"), "holds", "b"),
        (("fails", "inconclusive"), "inconclusive", "b"),
    ],
)
def test_a_control_fails_only_where_it_fails_in_every_cell(verdicts, expected, at):
    near, far = Estimate(0.2, 0.1, 0.3, 0.9), Estimate(-1.6, -1.8, -1.4, 0.9)
    tests = [("a", near, verdicts[0]), ("b", far, verdicts[1])]
    found = every("it fails", "gap", "0", tests, against=near_zero, first=BEST_FIRST)
    assert (found.verdict, found.design) == (expected, at)


def test_the_tables_fit_a_console(reported):
    table = reported[1]
    check_console(REPORT.contents(table))
    assert [len(gap_grid(table, k).rows) for k in (2, 3)] == [5, 5]
    assert len(shifted_grid(table).rows) == 11
    assert len(claims_grid(table).rows) == len(table.claims) == 12


@needs_latex
def test_the_tables_are_valid_latex(reported, tmp_path):
    names = ["fresh.tex", "fresh_3_classes.tex", "fresh_shifted.tex", "fresh_claims.tex"]
    compile_tables(reported[0], tmp_path, names)


def test_a_cell_without_any_model_is_reported_alone(tmp_path):
    """And no curve and no figure comes of it."""
    folder, table, _ = reported_of(tmp_path, runs=2, train_size=60, kappa=(0.8,), classes=(2,))
    assert table.theory.empty
    assert not (folder / "gap.png").exists()
    assert (table.summary["verdict"] == "separated").all()
    assert table.claims["verdict"].unique().tolist() == ["inconclusive"]


@pytest.mark.slow
def test_claims_at_moderate_size(tmp_path):
    """Predictions and repair within the margin where the minimum's own gap is up to +50 %."""
    _, table, _ = reported_of(tmp_path, runs=400, kappa=(0.02, 0.05), classes=(2,))
    verdicts = dict(zip(table.claims["claim"], table.claims["verdict"], strict=True))
    control = next(claim for claim in verdicts if "control that must fail" in claim)
    assert verdicts.pop(control) == "fails"
    assert set(verdicts.values()) == {"holds"}, verdicts
