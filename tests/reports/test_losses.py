"""Reports of the comparison of losses: from a small study, and from rows made up to be read."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from learnprop.equations.losses import chosen_loss
from learnprop.reports.layout.grid import to_latex
from learnprop.reports.layout.numbers import LATEX
from learnprop.reports.losses import figures
from learnprop.reports.losses.differences import difference_over_runs, error_of_test_set
from learnprop.reports.losses.paper import TABLE_3, TABLE_4, TABLE_5, binomial_error, paper_accuracy
from learnprop.reports.losses.paper_tables import table3_grid, table4_grid, table5_grid
from learnprop.reports.losses.report import balance_fails, losses_contents
from learnprop.reports.losses.summary import summarise
from learnprop.reports.losses.text import differences_grid, overview_grid
from learnprop.reports.study_report import report_of, write_contents
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.losses.study import Options, make_study
from tests.latex import compile_tables, needs_latex
from tests.trained import few_digits

SMALL = Options(runs=2, epochs=1, match_step=True, device="cpu")
SUPPLY = dict.fromkeys(("mnist", "fashion-mnist", "kmnist", "cifar10"), (6000,) * 10)


@pytest.fixture(scope="module", autouse=True)
def few():
    with pytest.MonkeyPatch.context() as patch:
        yield few_digits(patch)


def summarised(options, folder, blocks=None, supply=None):
    study = make_study(options, supply)
    with open_store(folder, study.name, study.design) as store:
        steps = run_study(study, store)
        for _ in range(blocks) if blocks is not None else [0]:
            next(steps)
        if blocks is None:
            list(steps)
        return study, summarise(study, store)


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("losses")
    study, table = summarised(SMALL, folder)
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
    _, table = summarised(options, tmp_path)
    (row,) = table.differences.to_dict("records")
    assert (row["verdict"], row["low"], row["high"]) == ("inconclusive", -np.inf, np.inf)
    assert table.summary["accuracy_sd"].isna().all()
    assert "verdict" not in table.balance
    assert np.isnan(row["test_error"])  # digits: every run draws its own test sample
    assert overview_grid(table).rows[0][2].endswith("(-)")
    assert "[" not in differences_grid(table).rows[0][3]


def test_what_was_not_run_yet_is_empty(tmp_path):
    options = replace(SMALL, runs=1, match_step=False)
    _, table = summarised(options, tmp_path, blocks=1)
    assert table.summary["verdict"].tolist() == ["-", "-", *["not run"] * 4]
    assert table.summary["runs_attempted"].tolist() == [1, 1, 0, 0, 0, 0]
    grid = overview_grid(table)
    assert [row[2] == "" for row in grid.rows] == [False, True, True]
    assert table.differences.empty
    write_contents(losses_contents(table), tmp_path)
    assert (tmp_path / "accuracy.png").exists()
    _, nothing = summarised(options, tmp_path / "empty", blocks=0)
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
    _, table = summarised(replace(SMALL, match_step=False), tmp_path)
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
    cells = make_study(Options(dataset=("mnist",), device="cpu"), SUPPLY).cells[:2]
    rows = [
        {"dataset": "mnist", "model": "cnn2c", "setting": cell.setting, "true": "0",
         "predicted": p, "images": n}
        for cell, right in zip(cells, (9500, 9000), strict=True)
        for p, n in (("0", right), ("1", 10_000 - right))
    ]  # fmt: skip
    found = error_of_test_set(*cells, rows)
    assert found == pytest.approx(np.sqrt((0.95 * 0.05 + 0.9 * 0.1) / 10_000))


def made_up(dataset, model, **accuracies):
    """A comparison with given accuracies by loss, of three runs."""
    rows = []
    for name, accuracy in accuracies.items():
        loss, _, beta = name.partition("_")
        loss = loss.replace("inr", "lgl-inr")
        rows.append(
            {
                "dataset": dataset, "model": model, "loss": loss, "matched": False,
                "beta": float(beta) if loss == "lgl-inr" else np.nan,
                "setting": name, "split": "test", "accuracy": accuracy, "accuracy_sd": 0.001,
                "accuracy_mcse": 0.0006, "n": 10_000,
                "binomial_error": binomial_error(accuracy, 10_000), "runs_attempted": 3,
                "runs_converged": 0, "runs_failed": 0,
            }
        )  # fmt: skip
    panels = [(dataset, model)]
    return SimpleNamespace(summary=pd.DataFrame(rows), as_paper=set(panels), panels=panels)


def test_the_papers_tables_with_what_was_run_beside_what_is_printed():
    table = made_up("kmnist", "cnn2c", lgl=0.94, sml=0.951, inr_1=0.9642, inr_2=0.96)
    grid = table3_grid(table)
    assert grid.heads[2:4] == ("MNIST, %", "MNIST, paper")
    rows = [row for row in grid.rows if row is not None]
    assert [row[1] for row in rows] == [
        "LGL", "SML", "LGL-INR", "LGL-INR, β = 2", "LGL", "SML", "LGL-INR"
    ]  # fmt: skip
    assert rows[2][6:] == ("96.42 (0.10)", "96.43±0.19")
    assert rows[3][6:] == ("96.00 (0.10)", "")
    assert [cell for row in rows for cell in (row[2], row[4])] == [""] * 14
    assert "--dataset mnist,fashion-mnist,kmnist --model cnn2c,cnn5c" in grid.note
    five = table5_grid(table)
    assert [row[0] for row in five.rows] == ["1", "2", "4"]
    assert five.rows[2][1:] == ("", "-", "96.43±0.19")
    assert "--dataset kmnist --model cnn2c --loss lgl-inr --inr-beta 1,2,4" in five.note
    four = table4_grid(made_up("cifar10", "resnet18", lgl=0.9, sml=0.9, inr_1=0.91))
    rows = [row for row in four.rows if row is not None]
    assert rows[0] == ("MobileNetV2", "LGL", "", "92.40±0.26")
    assert "--dataset cifar10 --model mobilenetv2,resnet18 --out" in four.note
    unfinished = made_up("cifar10", "resnet18", lgl=0.9, sml=0.9, inr_1=0.91)
    other = unfinished.summary.assign(model="mobilenetv2", accuracy=np.nan, runs_attempted=0)
    unfinished.summary = pd.concat([unfinished.summary, other], ignore_index=True)
    unfinished.as_paper = set(TABLE_4)
    assert "the command that began this study resumes" in table4_grid(unfinished).note


def test_a_full_table_says_of_no_command():
    full = pd.concat(
        [made_up(*panel, lgl=0.9, sml=0.9, inr_1=0.9).summary for panel in TABLE_4],
        ignore_index=True,
    )
    assert "learnprop" not in table4_grid(SimpleNamespace(summary=full, as_paper=set(TABLE_4))).note


def test_the_papers_numbers():
    """As in the paper: its best of each column, and Table 5 repeats one of Table 3."""
    best = {p: max(of, key=of.get) for p, of in (TABLE_3 | TABLE_4).items()}
    assert set(best.values()) == {"lgl-inr", "sml"}  # SML and LGL-INR tie on Fashion-MNIST
    tied = TABLE_3["fashion-mnist", "cnn2c"]
    assert tied["sml"] == tied["lgl-inr"]
    assert TABLE_5[1.0] / 100 == paper_accuracy("kmnist", "cnn2c", chosen_loss("lgl-inr"))
    assert np.isnan(paper_accuracy("mnist", "cnn2c", chosen_loss("lgl-inr", beta=2.0)))


def test_the_paper_stands_beside_what_is_trained_as_it_says(tmp_path):
    """Not beside other epochs, and not beside a matched step."""
    for epochs, shown in ((None, True), (19, False)):
        options = replace(SMALL, dataset=("mnist",), epochs=epochs)
        _, table = summarised(options, tmp_path / str(epochs), blocks=0, supply=SUPPLY)
        assert (("mnist", "cnn2c") in table.as_paper) == shown
        paper = table.summary.query("split == 'test'").set_index("setting")["paper"]
        assert paper.notna().tolist() == [shown, shown, shown, False, False]
        names = {t.name for t in losses_contents(table).tables}
        assert ("table3" in names) == shown


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


def test_figures_are_drawn(reported):
    folder = reported[0]
    for name in ("accuracy", "confusion_digits_cnn2c"):
        for suffix in ("png", "pdf"):
            assert (folder / f"{name}.{suffix}").stat().st_size > 5000
    assert figures.confusion_panels(reported[2]) == [("digits", "cnn2c")]


@needs_latex
def test_tables_compile(reported, tmp_path):
    full = made_up("kmnist", "cnn2c", lgl=0.94, sml=0.951, inr_1=0.9642, inr_2=0.96)
    names = [f"{t.name}.tex" for t in losses_contents(reported[2]).tables]
    source = tmp_path / "tables"
    source.mkdir()
    for name in names:
        (source / name).write_text((reported[0] / name).read_text())
    for grid in (table3_grid, table4_grid, table5_grid):
        names.append(f"{grid.__name__}.tex")
        (source / names[-1]).write_text(to_latex(grid(full, LATEX)))
    compile_tables(source, tmp_path, names)
