import numpy as np
import pandas as pd
import pytest
from scipy import stats

from learnprop.equations.balance import class_mass
from learnprop.reports.explore.report import explore_contents
from learnprop.reports.explore.summary import Explore
from learnprop.reports.explore.text import accuracy_grid, gap_grid, predicted_grid, ratio_grid
from learnprop.reports.layout.numbers import LATEX
from learnprop.simulations.records.rows import select
from learnprop.simulations.studies.explore.study import Options
from tests.console import check_console
from tests.explored import NAMES, reported
from tests.latex import compile_tables, needs_latex


def test_one_row_per_ratio_weighting_split_and_class(grid):
    summary = pd.read_csv(grid[0] / "summary.csv")
    first = ["ratio", "weighting", "stage", "split", "class", "label"]
    assert list(summary.columns[:6]) == first
    keys = summary[["ratio", "weighting", "split", "class"]]
    assert len(keys.drop_duplicates()) == len(summary) == 2 * 14 * 3 * 2
    for column in ("left", "right", "gap", "gap_low", "gap_high", "mean_proba", "accuracy",
                   "balanced_accuracy", "verdict", "runs_attempted", "runs_failed"):  # fmt: skip
        assert summary[column].notna().all()
    assert (summary["runs_attempted"] == 40).all()


def test_train_is_an_identity(grid):
    train = grid[2].split("train")
    assert train["gap"].abs().max() <= 1e-9
    assert set(train["verdict"]) == {"holds"}


def test_summary_is_what_numpy_makes_of_the_measurements(grid):
    _, study, table, measured = grid
    row = table.split("test").query("ratio == 10 and weighting == 'inverse'").iloc[0]
    part = select(measured["ratio 10"], setting="inverse", split="test")
    w = class_mass([row["weight"], 1 - row["weight"]], [200, 2000])
    assert row["left"] == pytest.approx((w[0] * part.mean_proba[:, 0, 1]).mean() / w.sum())
    assert row["right"] == pytest.approx((w[1] * part.mean_proba[:, 1, 0]).mean() / w.sum())
    hits = np.einsum("rkk->rk", part.confusion) / 1000
    assert row["balanced_accuracy"] == pytest.approx(hits.mean())
    left, right = w[0] * part.mean_proba[:, 0, 1], w[1] * part.mean_proba[:, 1, 0]
    without = np.array([np.delete(left, i).sum() / np.delete(right, i).sum() for i in range(40)])
    assert row["gap_mcse"] == pytest.approx(without.std() * np.sqrt(39))
    assert row["gap_jackknife"] == pytest.approx(40 * row["gap"] - 39 * (without.mean() - 1))
    assert row["overall_accuracy"] == pytest.approx((hits @ [1 / 11, 10 / 11]).mean())
    assert row["overall_accuracy_mcse"] == pytest.approx(pd.Series(hits @ [1 / 11, 10 / 11]).sem())
    assert study.cells[1].train_size == (200, 2000)


def test_population_lies_around_its_limit(grid):
    rows = grid[2].split("population").query("ratio == 1 and weighting == 'equal'")
    for row in rows.to_dict("records"):
        # At order 1/N the fitted models are off by less than this many MCSEs of 40 runs.
        assert abs(row["mean_proba"] - row["limit_mean_proba"]) <= 4 * row["mean_proba_mcse"]


def test_limits_lie_on_the_curve(grid):
    table = grid[2]
    for wanted in ("ratio == 1 and `class` == 0", "ratio == 10 and `class` == 0"):
        curve = table.curve.query(wanted)
        assert (curve["mean_proba_mcse"] == 0).all()  # by quadrature
        assert curve["mean_proba"].is_monotonic_increasing
        rows = table.split("test").query(wanted)
        found = np.interp(rows["weight"], curve["lambda0"], curve["mean_proba"])
        # Linear between points 0.3 apart in log odds: p'' h² / 8 <= 0.1 * 0.09 / 8 = 0.0011.
        np.testing.assert_allclose(found, rows["limit_mean_proba"], atol=0.0025)


def test_bounds_hold(grid):
    test = grid[2].split("test")
    for name in ("accuracy", "balanced_accuracy", "overall_accuracy"):
        assert (test[f"{name}_low"] <= test[name]).all()
        assert (test[name] <= test[f"{name}_high"]).all()


def test_residual_splits_into_its_terms(grid, own_data):
    test = grid[2].split("test")
    parts = test[["optimisation", "overfitting", "sampling"]].sum(axis=1)
    np.testing.assert_allclose(parts, test["residual"], atol=1e-12)
    test = own_data[2].split("test")
    assert "overfitting" not in test
    parts = test[["optimisation", "overfitting_and_sampling"]].sum(axis=1)
    np.testing.assert_allclose(parts, test["residual"], atol=1e-12)


def test_the_largest_term_that_is_not_noise_is_named(grid, own_data):
    def critical(row):  # of 99 %, over so many runs
        return stats.t.isf(0.005, row["runs_attempted"] - row["runs_failed"] - 1)

    for table, names in (
        (grid[2], ["optimisation", "overfitting", "sampling"]),
        (own_data[2], ["optimisation", "overfitting and sampling"]),
    ):
        named = set()
        for row in table.split("test").to_dict("records"):
            columns = {name: name.replace(" ", "_") for name in names}
            sizes = {
                name: abs(row[column])
                for name, column in columns.items()
                if abs(row[column]) > max(critical(row) * row[f"{column}_mcse"], 1e-6)
            }
            assert row["due_to"] == (max(sizes, key=lambda name: sizes[name]) if sizes else "")
            named.add(row["due_to"])
        assert "" in named


def test_the_verdict_on_all_classes_follows_from_theirs(own_data):
    table = own_data[2]
    found = set()
    for _, rows in table.summary.groupby(["split", "ratio", "weighting"]):
        low, high = rows["gap_low_simultaneous"], rows["gap_high_simultaneous"]
        assert ((low <= rows["gap_low"]) & (high >= rows["gap_high"])).all()
        expected = "inconclusive"
        if (rows["verdict"] == "holds").all():
            expected = "holds"
        elif ((low > table.margin) | (high < -table.margin)).any():
            expected = "fails"
        assert set(rows["verdict_together"]) == {expected}
        found.add((expected, *sorted(set(rows["verdict"]))))
    assert len(found) > 1


def test_every_grid_has_a_cell_per_ratio(grid, own_data):
    for _, _, table, _ in (grid, own_data):
        grids = [gap_grid(table, LATEX), accuracy_grid(table, "balanced_accuracy", LATEX)]
        assert {len(row) for g in grids for row in g.rows} == {1 + len(table.ratios)}
        for ratio in table.ratios:
            rows = [row for row in ratio_grid(table, ratio, LATEX).rows if row]
            assert len(rows) == len(table.settings) * table.n_classes
            assert not any("nan" in cell for row in rows for cell in row)


def test_names_of_labels_reach_the_tables(own_data):
    folder, _, table, _ = own_data
    assert table.labels == (NAMES[2], NAMES[1], NAMES[0])
    assert set(pd.read_csv(folder / "summary.csv")["label"]) == set(NAMES)
    latex = (folder / "explore_ratio_4.tex").read_text()
    assert r"a\_b \& 50 \%" in latex
    assert r"\textless{}=50K \$x\$ \#1" in latex


@needs_latex
def test_latex_compiles(own_data, tmp_path):
    names = [p.name for p in own_data[0].glob("*.tex")]
    assert len(names) == 8
    compile_tables(own_data[0], tmp_path, names)


def row(gap, low, high, together, verdict="holds", width=2.0):
    """A row of the summary whose simultaneous interval is `width` times as wide."""
    ends = [gap - width * (gap - low), gap + width * (high - gap)]
    return {
        "ratio": 1.0, "weighting": "equal", "stage": "raw", "split": "test", "runs_attempted": 9,
        "runs_converged": 9, "runs_failed": 0, "gap": gap, "gap_low": low, "gap_high": high,
        "gap_low_simultaneous": ends[0], "gap_high_simultaneous": ends[1], "verdict": verdict,
        "verdict_together": together,
    }  # fmt: skip


def grid_of(*rows):
    """Text of the one cell of a grid with these rows, one per class."""
    table = Explore(
        summary=pd.DataFrame(rows), curve=pd.DataFrame(), ratios=(1.0,), settings=("equal",),
        labels=tuple(map(str, range(len(rows)))), margin=0.05, limit_basis="",
    )  # fmt: skip
    return gap_grid(table).rows[0][1]


def test_a_cell_of_two_classes_is_eq_10():
    other = row(-0.03, -0.06, 0.0, "holds", "inconclusive")
    assert grid_of(row(0.02, 0.0, 0.04, "holds"), other) == "+2.0±2.0"


def test_a_cell_of_many_classes_is_all_of_them():
    # The largest gap with its simultaneous interval, and no class that fails is hidden by it.
    small, large = row(0.3, 0.2, 0.4, "fails", "fails"), row(-0.4, -0.7, 0.1, "fails")
    assert grid_of(small, large, small) == "-40 % [-100, +60]!"


def test_digits_of_a_cell_are_those_of_its_interval():
    other = row(0.0, 0.0, 0.0, "holds")
    assert grid_of(row(0.002, -0.0014, 0.0054, "holds"), other) == "+0.20±0.34"
    assert grid_of(row(0.2, 0.03, 0.37, "inconclusive"), other) == "+20±17?"
    assert grid_of(row(2.0, 0.5, 5.0, "fails"), other) == "+200 % [+50, +500]!"
    assert grid_of(row(0.46, -np.inf, np.inf, "inconclusive"), other) == "+46 % [-inf, +inf]?"
    assert grid_of(row(0.46, 0.4, 0.5, "interpolated"), other) == "interpolated"


@pytest.mark.slow
def test_one_vs_all_has_a_limit_and_no_bounds(tmp_path):
    options = Options(
        runs=25, generator="gaussian", fitter="one-vs-all", ratios=(3,), train_size=3000,
        weights=("inverse",), covariance="per-class",
    )  # fmt: skip
    _, table, _ = reported(options, tmp_path)
    rows = table.split("population")
    assert set(rows["limit_basis"]) == {"population minimiser"}
    z = (rows["mean_proba"] - rows["limit_mean_proba"]) / rows["mean_proba_mcse"]
    assert np.abs(z).max() <= 4
    assert "accuracy_low" not in rows
    titles = " ".join(figure.title for figure in explore_contents(table).figures)
    assert "bounds" not in titles


@pytest.mark.slow
def test_runs_without_spread_are_reported(tmp_path):
    # Of two runs on the training sample both sides can be equal to the last bit.
    for seed in range(8):
        options = Options(
            runs=2, seed=seed, ratios=(1, 2), train_size=200, test_size=50,
            weights=("equal", "0.97", "0.3"),
        )  # fmt: skip
        reported(options, tmp_path / str(seed))


def test_extreme_ratios_end_separated_and_counted(tmp_path):
    # Eight features and ten minority samples: nearly every replication is separated.
    options = Options(
        runs=25, generator="gaussian", classes=2, dimension=8, separation=4, means="random",
        ratios=(50,), train_size=500, weights=("equal", "inverse"),
    )  # fmt: skip
    _, table, _ = reported(options, tmp_path)
    assert set(table.summary["verdict"]) == {"separated"}
    assert (table.summary["runs_failed"] > 1).all()
    assert table.summary["gap"].isna().all()
    assert gap_grid(table).rows[0][1] == "separated"
    assert not (tmp_path / "gap.pdf").exists()


@pytest.mark.usefixtures("without_figures")
def test_few_failures_are_counted_and_the_rest_is_shown(tmp_path):
    options = Options(runs=100, ratios=(50,), train_size=250, weights=("equal",), test_size=100)
    _, table, _ = reported(options, tmp_path)
    (failed,) = set(table.summary["runs_failed"])
    assert 0 < failed <= 5
    assert table.summary["gap"].notna().all()


@pytest.mark.usefixtures("without_figures")
def test_ten_minority_samples_are_overfitted_and_the_report_says_so(tmp_path):
    options = Options(runs=50, ratios=(1000,), weights=("inverse",))
    _, table, _ = reported(options, tmp_path)
    row = table.split("test").iloc[0]
    assert row["gap_high"] - row["gap_low"] > 0.2
    assert row["due_to"] == "overfitting"


@pytest.mark.parametrize("data", ["grid", "own_data"])
def test_tables_fit_the_terminal_and_are_spelt_in_ascii(data, request):
    check_console(explore_contents(request.getfixturevalue(data)[2]))


def test_grids_of_own_data_name_the_labels(own_data, grid):
    """The rarest of the fixture's labels is class 0, λ0 is its weight."""
    table = own_data[2]
    rarest = pd.read_csv(own_data[0] / "data.csv")["kind"].value_counts().index[-1]
    for laid_out in (
        gap_grid(table),
        accuracy_grid(table, "balanced_accuracy"),
        ratio_grid(table, 4),
    ):
        assert laid_out.note.startswith(f"λ0: {rarest}; λ1: ")
    assert r"$\lambda_{0}$: " in (own_data[0] / "explore.tex").read_text()
    assert "λ0" not in gap_grid(grid[2]).note


def test_of_several_classes_the_largest_predicted_gap_is_shown_and_named(own_data):
    table = own_data[2]
    gaps = table.split("test").groupby(["weighting", "ratio"], sort=False)["gap_predicted"]
    cells = [cell for _, *row in predicted_grid(table).rows for cell in row]
    wanted = {(at[0], at[1]): gap.to_numpy() for at, gap in gaps}
    of_cells = [wanted[name, ratio] for name in table.settings for ratio in table.ratios]
    for cell, gap in zip(cells, of_cells, strict=True):
        k = int(np.abs(gap).argmax())
        assert cell.endswith(f" ({k})")
        assert float(cell.split("±")[0]) == pytest.approx(100 * gap[k], abs=0.5)
    assert "of seeds and splits" in predicted_grid(table).note
