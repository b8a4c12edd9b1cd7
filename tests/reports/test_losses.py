"""Reports of the comparison of losses: from a small study, and from rows made up to be read."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from learnprop.reports.losses import figures
from learnprop.reports.losses.differences import (
    difference_over_runs,
    error_of_test_set,
    largest_class_error,
)
from learnprop.reports.losses.report import balance_fails, losses_contents
from learnprop.reports.losses.text import differences_grid, overview_grid
from learnprop.reports.statistics.evidence import read_cell
from learnprop.reports.study_report import report_of, write_contents
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.losses.study import Options, make_study
from tests.console import check_console
from tests.latex import compile_tables, needs_latex
from tests.trained import SUPPLY, compared, few_digits

SMALL = Options(runs=2, epochs=1, match_step=True, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def few():
    with pytest.MonkeyPatch.context() as patch:
        yield few_digits(patch)


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("losses")
    study, table = compared(SMALL, folder)
    shown = write_contents(losses_contents(table), folder)
    return folder, study, table, shown


def test_one_row_per_loss_and_split(reported):
    summary = reported[2].summary
    assert len(summary) == 5 * 2
    assert summary["runs_attempted"].tolist() == [2] * 10
    assert summary["runs_converged"].tolist() == [0] * 10  # of SGD as it is
    assert summary["runs_failed"].tolist() == [0] * 10
    softmax = summary.query("setting == 'sml'")
    assert softmax["verdict"].tolist() == ["reference"] * 2
    assert softmax["gradient_at_start"].tolist() == [1.0, 1.0]
    assert summary["paper"].isna().all()


def test_accuracies_are_those_of_the_confusion_matrices(reported):
    table = reported[2]
    for row in table.summary.query("split == 'test'").to_dict("records"):
        cells = table.confusion.query("setting == @row['setting']")
        right = cells.query("true == predicted")["images"].sum()
        assert row["accuracy"] == pytest.approx(right / cells["images"].sum())
        last = table.epochs.query("setting == @row['setting'] and epoch == 1").iloc[0]
        assert last["accuracy"] == row["accuracy"]
        assert last["least"] <= last["accuracy"] <= last["largest"]
        expected = np.sqrt(row["accuracy"] * (1 - row["accuracy"]) / row["n"])
        assert row["binomial_error"] == pytest.approx(expected)
    starts = table.epochs.query("epoch == 0")
    assert starts["accuracy"].nunique() == 1  # every loss starts from the same networks


def test_pairs_are_of_one_step_size_or_of_one_loss(reported):
    pairs = list(reported[2].differences[["loss", "other"]].itertuples(index=False, name=None))
    inr, matched = "lgl-inr beta=1", "lgl-inr beta=1 matched"
    assert pairs == [
        (inr, "lgl"), (inr, "sml"), ("lgl", "sml"),
        (matched, "lgl matched"), (matched, "sml"), ("lgl matched", "sml"),
        (matched, inr), ("lgl matched", "lgl"),
    ]  # fmt: skip


def test_differences_are_scipys_paired_t():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.95, 0.01, 8), rng.normal(0.94, 0.01, 8)
    found = difference_over_runs(dict(enumerate(a)), dict(enumerate(b)), 0.005)
    low, high = stats.ttest_rel(a, b).confidence_interval(0.9)
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=1e-14)
    assert found["difference_mcse"] == pytest.approx(stats.sem(a - b))
    missing = difference_over_runs(dict(enumerate(a)), {3: b[3], 9: 0.0}, 0.005)
    assert (missing["runs"], missing["difference"]) == (1, pytest.approx(a[3] - b[3]))


@pytest.mark.parametrize(
    ("shift", "spread", "verdict"),
    [
        (0.02, 0.001, "higher"),
        (-0.02, 0.001, "lower"),
        (0.0, 0.001, "equivalent"),
        (0.002, 0.001, "equivalent"),  # beyond zero, and within what counts as none
        (0.002, 0.0, "inconclusive"),  # the same few images in every run
        (0.0, 0.02, "inconclusive"),
    ],
)
def test_verdicts_on_differences(shift, spread, verdict):
    d = spread * np.array([1, -1, 1, -1, 0.5, -0.5])
    one = {i: 0.9 + shift + x for i, x in enumerate(d)}
    assert difference_over_runs(one, dict.fromkeys(range(6), 0.9), 0.005)["verdict"] == verdict


def test_equal_losses_are_told_apart_as_often_as_the_level_says():
    """Nominal size of `higher` or `lower`: one in ten, both sides together."""
    rng = np.random.default_rng(1)
    n = 2000
    wrong = sum(
        difference_over_runs(
            dict(enumerate(rng.normal(size=5))), dict(enumerate(rng.normal(size=5))), 1e-9
        )["verdict"] in ("higher", "lower")
        for _ in range(n)
    )  # fmt: skip
    assert abs(wrong / n - 0.1) <= 4 * np.sqrt(0.1 * 0.9 / n)


def test_balance_holds_on_train_with_the_bias_refined_and_not_as_trained(reported):
    balance = reported[2].balance
    train = balance.query("split == 'train'").groupby("stage")
    assert set(train.get_group("bias")["verdict"]) == {"holds"}
    assert set(train.get_group("raw")["verdict"]) == {"not converged"}
    assert train.get_group("bias")["largest_difference"].max() < 1e-10
    assert train.get_group("raw")["largest_difference"].max() > 1e-2
    assert not balance_fails(losses_contents(reported[2]))
    broken = balance.assign(verdict="fails")
    assert balance_fails(SimpleNamespace(frames={"balance": broken}))


def test_one_run_has_no_interval_and_no_verdict(tmp_path):
    options = replace(SMALL, runs=1, loss=("sml", "lgl"), match_step=False)
    _, table = compared(options, tmp_path)
    (row,) = table.differences.to_dict("records")
    assert (row["verdict"], row["low"], row["high"]) == ("inconclusive", -np.inf, np.inf)
    assert table.summary["accuracy_sd"].isna().all()
    assert "verdict" not in table.balance
    assert np.isnan(row["test_error"])  # digits: every run draws its own test sample
    assert overview_grid(table).rows[0][2].endswith("(-)")
    assert "[" not in differences_grid(table).rows[0][3]


def test_what_was_not_run_yet_is_empty(tmp_path):
    options = replace(SMALL, runs=1, match_step=False)
    _, table = compared(options, tmp_path, blocks=1)
    assert table.summary["verdict"].tolist() == ["-", "-", *["not run"] * 4]
    assert table.summary["runs_attempted"].tolist() == [1, 1, 0, 0, 0, 0]
    grid = overview_grid(table)
    assert [row[2] == "" for row in grid.rows] == [False, True, True]
    assert table.differences.empty
    write_contents(losses_contents(table), tmp_path)
    assert (tmp_path / "accuracy.png").exists()
    _, nothing = compared(options, tmp_path / "empty", blocks=0)
    contents = losses_contents(nothing)
    assert [t.name for t in contents.tables] == ["losses"]
    write_contents(contents, tmp_path / "empty")


def test_losses_that_fail_are_said_to_and_compared_with_nothing(tmp_path, monkeypatch):
    """One training diverges altogether; of another one run in two raises."""
    from learnprop.simulations.networks import block

    plain = block.train_networks

    def train(model, pool, groups, recipe, **options):
        first = groups[0].members[0]
        if first.setting == "lgl" and first.run == 0:
            raise ValueError("broken")
        if first.setting.startswith("lgl-inr"):
            recipe = replace(recipe, lr=1e9)
        return plain(model, pool, groups, recipe, **options)

    monkeypatch.setattr(block, "train_networks", train)
    _, table = compared(replace(SMALL, match_step=False), tmp_path)
    test = table.summary.query("split == 'test'").set_index("setting")
    assert test["verdict"].to_dict() == {
        "lgl": "failed", "sml": "reference", "lgl-inr beta=1": "failed"
    }  # fmt: skip
    assert test["runs_failed"].to_dict() == {"lgl": 1, "sml": 0, "lgl-inr beta=1": 2}
    assert table.differences["verdict"].tolist() == ["failed"]
    assert table.differences["runs"].tolist() == [1]
    rows = overview_grid(table).rows
    assert [row[2] for row in rows][2] == "failed"
    refined = table.balance.query("setting == 'sml' and stage == 'bias' and split == 'train'")
    assert "not converged" not in set(refined["verdict"])


def test_a_shared_test_set_has_an_error_of_its_own():
    """Two accuracies of 0.95 and 0.9 on 10,000 images, as if independent."""
    cell = make_study(Options(dataset=("mnist",), device="cpu"), SUPPLY).cells[0]
    of_class = np.full(10, 1000)
    tests = [
        SimpleNamespace(
            run=np.arange(2),
            confusion=np.stack([np.diag(of_class * p) for p in accuracies]),
            class_count=np.stack([of_class] * 2),
        )
        for accuracies in ((0.94, 0.96), (0.9, 0.9))
    ]
    found = error_of_test_set(cell, tests)
    assert found == pytest.approx(np.sqrt((0.95 * 0.05 + 0.9 * 0.1) / 10_000))
    assert largest_class_error(tests) == pytest.approx(found * np.sqrt(10))


def test_the_best_epoch_is_each_runs_own_and_no_verdict_is_on_it(reported, tmp_path):
    one_epoch = reported[2].summary.query("split == 'test'")
    assert one_epoch["best_epoch_accuracy"].tolist() == one_epoch["accuracy"].tolist()
    assert one_epoch["best_epoch_accuracy_mcse"].tolist() == one_epoch["accuracy_mcse"].tolist()
    assert reported[2].summary.query("split == 'train'")["best_epoch_accuracy"].isna().all()
    options = replace(SMALL, epochs=4, loss=("lgl-inr",), match_step=False, lr=0.1)
    study, table = compared(options, tmp_path)
    (cell,) = study.cells
    with open_store(tmp_path, study.name, study.design) as store:
        _, measured = read_cell(study, store, cell)
    best = [
        max(
            np.trace(measured.confusion[i]) / measured.class_count[i].sum()
            for i in range(len(measured))
            if measured.run[i] == run and measured.epoch[i] > 0
            and (measured.stage[i], measured.split[i]) == ("raw", "test")
        )
        for run in range(2)
    ]  # fmt: skip
    (row,) = table.summary.query("split == 'test'").to_dict("records")
    assert row["best_epoch_accuracy"] == pytest.approx(np.mean(best))
    assert row["best_epoch_accuracy_mcse"] == pytest.approx(stats.sem(best))
    assert row["best_epoch_accuracy"] > row["accuracy"]
    largest = table.epochs.query("epoch > 0")["accuracy"].max()
    assert row["best_epoch_accuracy"] >= largest - 1e-12  # the best of the mean is at most that
    assert "best" not in "".join(overview_grid(table).heads)


def test_statements_are_put_to_the_same_numbers_as_the_pairs(reported):
    folder, _, table, _ = reported
    written = pd.read_csv(folder / "statements.csv")
    assert written["claim"].nunique() == 2
    assert written["design"].unique().tolist() == ["digits cnn2c", "digits cnn2c matched"]
    by_pair = table.differences.set_index(["loss", "other"])
    names = {"LGL": "lgl", "SML": "sml", "LGL-INR": "lgl-inr beta=1"}
    for row in written.to_dict("records"):
        matched = " matched" if row["design"].endswith("matched") else ""
        one, other = (names[word] for word in row["quantity"].split(" less "))
        other += matched if other != "sml" else ""
        pair = by_pair.loc[one + matched, other]
        for name, of_pair in (
            ("observed", "difference"), ("mcse", "difference_mcse"), ("low", "low"),
            ("high", "high"), ("corrected_low", "corrected_low"), ("runs", "runs"),
        ):  # fmt: skip
            assert row[name] == pytest.approx(pair[of_pair], rel=1e-12)
        assert "of seeds and splits" in row["remark"]
        assert "not trained as the paper says" in row["remark"]  # one epoch
    assert "losses_statements" in {t.name for t in losses_contents(table).tables}
    assert "statements about its losses" in reported[3][-1].title


def test_protocol_says_what_was_decided_beforehand(reported):
    text = report_of("losses").protocol(reported[1]).replace("\n  ", " ")
    assert "inside ±0.5 percentage points" in text
    assert "the first 20 minibatches" in text
    assert "never at the best one" in text
    study = make_study(Options(dataset=("cifar10",), inr_beta=(1.0, 2.0), device="cpu"), SUPPLY)
    text = report_of("losses").protocol(study).replace("\n  ", " ")
    assert "β of LGL-INR: 1, 2" in text
    assert "random crop and horizontal flip" in text
    assert "the published test set, the same for all runs" in text
    assert "`matched`: each loss" not in text
    assert "put to the runs (`statements.csv`)" in text
    alone = make_study(
        Options(loss=("sml",), model=("cnn2c-500",), device="cpu"), {"digits": (120,) * 10}
    )
    text = report_of("losses").protocol(alone).replace("\n  ", " ")
    assert "statements.csv" not in text
    assert "CNN2C of the paper's Table 2 with a hidden layer of 500" in text
    assert "Beside CNN2C-500: the paper's numbers of CNN2C" in text


def test_figures_are_drawn(reported):
    folder = reported[0]
    for name in ("accuracy", "confusion_digits_cnn2c"):
        for suffix in ("png", "pdf"):
            assert (folder / f"{name}.{suffix}").stat().st_size > 5000
    assert figures.confusion_panels(reported[2]) == [("digits", "cnn2c")]


def confusion_of(table, settings):
    """Title, page and panels of the figure, as if of these settings and of the longest name."""
    one = table.confusion[table.confusion["setting"] == "lgl-inr beta=1"]
    rows = [one.assign(setting=f"lgl-inr beta={beta}", beta=float(beta)) for beta in settings]
    made_up = pd.concat(rows, ignore_index=True).assign(dataset="kmnist", model="cnn2c-500")
    figure = figures.draw_confusion(SimpleNamespace(confusion=made_up), ("kmnist", "cnn2c-500"))
    figure.canvas.draw()
    title = figure._suptitle.get_window_extent()
    return title, figure.bbox, [ax.get_title() for ax in figure.axes if ax.get_title()]


def test_the_title_of_a_single_confusion_matrix_is_within_its_figure(reported):
    title, page, shown = confusion_of(reported[2], [1])
    assert len(shown) == 1
    assert page.x0 < title.x0 < title.x1 < page.x1


@pytest.mark.parametrize(
    ("run", "shown"), [([0, 1, 4], 1), ([4, 1], 1), ([2, 4], 2)], ids=["first", "later", "neither"]
)
def test_confusion_is_of_the_parameters_of_fig_1_where_they_were_run(reported, run, shown):
    (title,) = confusion_of(reported[2], run)[2]
    assert title.startswith(f"LGL-INR, β = {shown}: ")


@needs_latex
def test_tables_compile(reported, tmp_path):
    names = [f"{t.name}.tex" for t in losses_contents(reported[2]).tables]
    compile_tables(reported[0], tmp_path, names)


def test_tables_fit_the_terminal_and_are_spelt_in_ascii(reported):
    check_console(losses_contents(reported[2]))
