"""The paper's statements about its losses, put to numbers made by hand."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from learnprop.equations.inference.resampling import mean_over_splits
from learnprop.reports.layout.grid import to_latex
from learnprop.reports.layout.numbers import LATEX
from learnprop.reports.losses.differences import class_differences
from learnprop.reports.losses.readings import Trained
from learnprop.reports.losses.statements import number_ahead, statements
from learnprop.reports.losses.statements_text import statements_grid
from learnprop.simulations.studies.losses.study import Options, make_study
from tests.latex import compile_tables, needs_latex
from tests.trained import SUPPLY

THREE = ("mnist", "fashion-mnist", "kmnist")
K, COUNT, MARGIN = 10, 1000, 0.005
NOISE = np.array([-0.001, 0.0, 0.0005, 0.0015, -0.0005])
BASE = 0.95 + np.array([0.001, -0.001, 0.0, 0.002, 0.0005])
"""Of five runs."""
WORSE = "LGL is worse than SML on MNIST-type data"


def cells_of(**options):
    """Cells by data set, network and setting."""
    study = make_study(Options(device="cpu", **options), SUPPLY | {"digits": (119,) * K})
    return {(c.dataset, c.model, c.setting): c for c in study.cells}


def measured(accuracy, runs=None, count=COUNT):
    """Test measurements with accuracies (n_runs,), or of each class (n_runs, n_classes)."""
    accuracy = np.asarray(accuracy)
    of_class = accuracy if accuracy.ndim == 2 else np.repeat(accuracy[:, None], K, axis=1)
    return SimpleNamespace(
        run=np.arange(len(accuracy)) if runs is None else np.array(runs),
        confusion=np.stack([np.diag(p * count) for p in of_class]),
        class_count=np.full((len(accuracy), K), count),
    )


def trained(accuracies, **options):
    """Tests by cell; `accuracies` by data set, network and setting."""
    cells = cells_of(**options)
    return {cells[key]: measured(accuracy) for key, accuracy in accuracies.items()}


def put(tests, failed=()):
    """Rows by design and quantity, those of one claim if there is one."""
    rows = statements(Trained(tests, failed, MARGIN))
    found = {(r["design"], r["quantity"]): r for r in rows}
    assert len(found) == len(rows)
    return found


def lgl_less_sml(difference, dataset="mnist"):
    base = BASE[: len(difference)]
    of = {(dataset, "cnn2c", "lgl"): base + difference, (dataset, "cnn2c", "sml"): base}
    return trained(of, dataset=(dataset,))


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        (-0.005 + NOISE, "holds"),
        (0.005 + NOISE, "fails"),  # the wrong sign
        (-0.0002 + NOISE, "inconclusive"),
        (np.full(5, -0.005), "inconclusive"),  # the same few images in every run
        (-0.005 + NOISE[:1], "inconclusive"),  # one run
    ],
)
def test_an_order_holds_fails_or_neither(difference, verdict):
    (row,) = put(lgl_less_sml(difference)).values()
    assert (row["claim"], row["design"], row["claimed"]) == (WORSE, "mnist cnn2c", "< 0")
    assert (row["verdict"], row["runs"]) == (verdict, len(difference))
    assert row["observed"] == pytest.approx(difference.mean())
    if len(difference) == 1:
        assert (row["low"], row["high"]) == (-np.inf, np.inf)
        assert np.isnan(row["mcse"])
    elif verdict != "inconclusive":
        low, high = stats.ttest_1samp(difference, 0).confidence_interval(0.9)
        assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-12)
        assert row["mcse"] == pytest.approx(stats.sem(difference))
    base = BASE[: len(difference)].mean()
    variance = sum(p * (1 - p) / 10_000 for p in (base, base + difference.mean()))
    assert row["test_error"] == pytest.approx(np.sqrt(variance))
    assert "runs share training and test images" in row["remark"]
    assert "corrected_low" not in row


def test_overall_is_the_mean_over_the_papers_data_sets_run_by_run():
    rng = np.random.default_rng(0)
    d = dict(zip((*THREE, "digits"), rng.normal(0.004, 0.001, (4, 5)), strict=True))
    of = {}
    for name, difference in d.items():
        of |= {(name, "cnn2c", "lgl-inr beta=1"): BASE + difference, (name, "cnn2c", "sml"): BASE}
    tests = trained(of, dataset=tuple(d))
    found = put(tests)
    designs = [design for design, quantity in found if quantity == "LGL-INR less SML"]
    assert designs == [f"{name} cnn2c" for name in (*d, "overall")]
    row = found["overall cnn2c", "LGL-INR less SML"]
    mean = np.mean([d[name] for name in THREE], axis=0)
    low, high = stats.ttest_1samp(mean, 0).confidence_interval(0.9)
    assert (row["low"], row["high"]) == pytest.approx((low, high), abs=1e-12)
    assert row["verdict"] == "holds"
    assert "mean over mnist, fashion-mnist, kmnist, run by run" in row["remark"]
    errors = [found[f"{name} cnn2c", "LGL-INR less SML"]["test_error"] for name in THREE]
    assert row["test_error"] == pytest.approx(np.sqrt(np.square(errors).sum()) / 3)
    cells = cells_of(dataset=THREE)
    late = cells["kmnist", "cnn2c", "sml"]
    tests[late] = measured(BASE[:2], runs=(3, 9))  # of its runs one is the others' too
    assert put(tests)["overall cnn2c", "LGL-INR less SML"]["runs"] == 1
    tests[late] = measured(BASE[:2], runs=(8, 9))
    assert not {"kmnist cnn2c", "overall cnn2c"} & {design for design, _ in put(tests)}


def test_runs_that_split_one_data_set_have_the_corrected_interval_beside():
    difference = -0.0015 + NOISE
    cells = cells_of(dataset=("digits",))
    tests = {
        cells["digits", "cnn2c", "lgl"]: measured(BASE + difference, count=60),
        cells["digits", "cnn2c", "sml"]: measured(BASE, count=60),
    }
    (row,) = put(tests).values()
    expected = mean_over_splits(difference, 60 / 119)
    assert (row["corrected_low"], row["corrected_high"]) == pytest.approx(
        (expected.low, expected.high), abs=1e-12
    )
    assert (row["verdict"], row["corrected_verdict"]) == ("holds", "inconclusive")
    assert np.isnan(row["test_error"])
    assert "of seeds and splits" in row["remark"]


def test_a_loss_with_failed_runs_and_another_training_are_said():
    tests = lgl_less_sml(-0.005 + NOISE)
    (row,) = put(tests, failed=[next(iter(tests))]).values()
    assert row["verdict"] == "inconclusive"
    assert "too many runs have no model" in row["remark"]
    of = {("mnist", "cnn2c", "lgl"): BASE - 0.005 + NOISE, ("mnist", "cnn2c", "sml"): BASE}
    (row,) = put(trained(of, dataset=("mnist",), lr=0.001)).values()
    assert row["verdict"] == "holds"
    assert "not trained as the paper says" in row["remark"]


def test_matched_steps_are_rows_of_their_own():
    of = {
        ("kmnist", "cnn2c", "lgl"): BASE - 0.01 + NOISE,
        ("kmnist", "cnn2c", "sml"): BASE,
        ("kmnist", "cnn2c", "lgl matched"): BASE + 0.01 + NOISE,
    }
    found = put(trained(of, dataset=("kmnist",), match_step=True))
    assert {design: row["verdict"] for (design, _), row in found.items()} == {
        "kmnist cnn2c": "holds", "kmnist cnn2c matched": "fails"
    }  # fmt: skip


def test_colour_is_the_other_way_round():
    of = {
        ("cifar10", "resnet18", "lgl"): BASE + 0.01 + NOISE, ("cifar10", "resnet18", "sml"): BASE
    }  # fmt: skip
    (row,) = put(trained(of, dataset=("cifar10",))).values()
    assert (row["claim"], row["verdict"]) == ("LGL is better than SML on CIFAR10", "holds")


def figure_1(shift, spread=0.004):
    """LGL-INR and SML on KMNIST whose classes differ by `shift`, in five runs."""
    noise = np.random.default_rng(1).normal(0, spread, (5, K))
    of = {
        ("kmnist", "cnn2c", "lgl-inr beta=1"): 0.9 + np.asarray(shift) + noise,
        ("kmnist", "cnn2c", "sml"): np.full((5, K), 0.9),
    }
    found = put(trained(of, dataset=("kmnist",)))
    return found["kmnist cnn2c", "classes ahead of SML"], 0.9 + shift + noise - 0.9


@pytest.mark.parametrize(
    ("shift", "observed", "verdict"),
    [
        ([0.05] * 10, 10, "holds"),
        ([0.05] * 9 + [-0.05], 9, "holds"),
        ([0.05] * 8 + [-0.05] * 2, 8, "fails"),
        ([-0.05] * 10, 0, "fails"),  # the wrong sign
        ([0.05] * 8 + [0.003, -0.005], 9, "inconclusive"),
    ],
)
def test_figure_1_counts_classes(shift, observed, verdict):
    row, d = figure_1(np.array(shift))
    assert (row["observed"], row["verdict"]) == (observed, verdict)
    together = [stats.ttest_1samp(c, 0).confidence_interval(1 - 0.1 / K) for c in d.T]
    assert row["low"] == sum(ends.low > 0 for ends in together)
    assert row["high"] == sum(ends.high > 0 for ends in together)
    first = f"o {100 * d[:, 0].mean():+.1f} [{100 * together[0].low:+.1f}, "
    assert first in row["remark"]
    assert row["unit"] == "classes"


def test_figure_1_of_one_run_or_of_equal_differences_says_nothing():
    one, two = measured(np.full((1, K), 0.9)), measured(np.full((1, K), 0.8))
    found = number_ahead(class_differences(one, two))
    assert (found.value, found.low, found.high) == (10, 0, 10)
    alike = number_ahead(class_differences(*(measured(np.full((3, K), p)) for p in (0.8, 0.9))))
    assert (alike.value, alike.low, alike.high) == (0, 0, 10)


def test_intervals_of_classes_hold_together_and_one_by_one_they_would_not():
    """Ten equal classes, five runs: all ten intervals cover zero in 90 % of studies or more."""
    rng = np.random.default_rng(2)
    n, together, alone = 500, 0, 0
    for _ in range(n):
        d = rng.normal(size=(5, K))
        tests = measured(d), measured(np.zeros((5, K)))
        together += all(e.low <= 0 <= e.high for e in class_differences(*tests))
        half = stats.t.ppf(0.95, 4) * stats.sem(d)
        alone += bool((np.abs(d.mean(axis=0)) <= half).all())
    assert together / n >= 0.9 - 4 * np.sqrt(0.9 * 0.1 / n)
    assert alone / n < 0.9 - 4 * np.sqrt(0.9 * 0.1 / n)


@pytest.mark.parametrize(
    ("shift", "verdicts"),
    [
        ((0.0, 0.001, -0.001), ["holds", "holds", "holds", "holds"]),
        ((0.0, 0.001, 0.02), ["holds", "fails", "fails", "fails"]),
        ((0.0, 0.0005, 0.0045), ["holds", "inconclusive", "holds", "inconclusive"]),
    ],
)
def test_every_two_beta_differ_by_less_than_the_margin(shift, verdicts):
    noise = (NOISE - NOISE.mean(), -(NOISE - NOISE.mean()) / 2, np.zeros(5))
    of = {
        ("kmnist", "cnn2c", f"lgl-inr beta={beta}"): BASE + s + e
        for beta, s, e in zip((1, 2, 4), shift, noise, strict=True)
    }
    of["kmnist", "cnn2c", "lgl-inr beta=0"] = BASE + 0.3  # not of the range
    tests = trained(of, dataset=("kmnist",), inr_beta=(0.0, 1.0, 2.0, 4.0))
    rows = list(put(tests).values())
    assert [r["quantity"] for r in rows] == [
        "β = 2 less β = 1", "β = 4 less β = 1", "β = 4 less β = 2", "the largest of these"
    ]  # fmt: skip
    assert [r["verdict"] for r in rows] == verdicts
    assert rows[3]["low"] == min(r["low"] for r in rows[:3])
    assert rows[3]["high"] == max(r["high"] for r in rows[:3])
    assert abs(rows[3]["observed"]) == max(abs(r["observed"]) for r in rows[:3])
    two = {cell: test for cell, test in tests.items() if cell.setting[-1] in "12"}
    assert len(put(two)) == 1


def test_cnn5c_against_cnn2c_as_printed_and_with_its_hidden_layer():
    of = {}
    for name, shift in (("lgl", 0.02), ("sml", -0.02)):
        of |= {
            ("kmnist", "cnn5c", name): BASE + shift + NOISE,
            ("kmnist", "cnn2c", name): BASE,
            ("kmnist", "cnn2c-500", name): BASE + 0.0195,
        }
    tests = trained(of, dataset=("kmnist",), model=("cnn2c", "cnn2c-500", "cnn5c"))
    found = {key: row["verdict"] for key, row in put(tests).items() if ": less" in key[1]}
    assert found == {
        ("kmnist cnn5c", "LGL: less CNN2C"): "holds",
        ("kmnist cnn5c", "SML: less CNN2C"): "fails",  # the wrong sign
        ("kmnist cnn5c", "LGL: less CNN2C-500"): "inconclusive",
        ("kmnist cnn5c", "SML: less CNN2C-500"): "fails",
    }
    designs = {design for design, quantity in put(tests) if quantity == "LGL less SML"}
    assert designs == {"kmnist cnn2c", "kmnist cnn2c-500", "kmnist cnn5c"}


def full_table():
    """Statements of all kinds, as a table."""
    settings = ("lgl", "sml", "lgl-inr beta=1", "lgl-inr beta=2", "lgl matched")
    of = {
        (dataset, model, setting): BASE + 0.004 * i + NOISE * (i % 2)
        for dataset in THREE
        for model in ("cnn2c", "cnn5c")
        for i, setting in enumerate(settings)
    }
    options = {"dataset": THREE, "model": ("cnn2c", "cnn5c"), "inr_beta": (1.0, 2.0)}
    rows = statements(Trained(trained(of, match_step=True, **options), (), MARGIN))
    return SimpleNamespace(statements=pd.DataFrame(rows), summary=pd.DataFrame())


def test_the_table_says_each_statement_once_above_what_it_is_put_to():
    table = full_table()
    grid = statements_grid(table)
    rows = [row for row in grid.rows if row is not None]
    said = [row[0] for row in rows if not any(row[1:])]
    assert said == table.statements["claim"].drop_duplicates().tolist()
    assert len(rows) == len(table.statements) + len(said)
    assert rows[0][0] == WORSE
    assert rows[4][:5] == ("  overall, CNN2C", "LGL less SML", "< 0", rows[4][3], "holds")
    assert "  Kuzushiji-MNIST, CNN2C, matched" in [row[0] for row in rows]
    (classes,) = {row[3] for row in rows if row[1] == "classes ahead of SML"}
    assert classes == "10 [10, 10]"
    for words in ("claimed 0: inside the margin", "overall: mean over", "the training images too"):
        assert words in grid.note


@needs_latex
def test_the_table_compiles(tmp_path):
    source = tmp_path / "tables"
    source.mkdir()
    table = full_table()
    table.statements = table.statements.groupby("claim", sort=False).head(4)  # to fit a page
    (source / "statements.tex").write_text(to_latex(statements_grid(table, LATEX)))
    compile_tables(source, tmp_path, ["statements.tex"])
