"""Tables 3 to 5 beside the paper: from rows made up to be read, and from studies not yet run."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd

from learnprop.equations.losses import chosen_loss
from learnprop.reports.layout.grid import to_latex
from learnprop.reports.layout.numbers import LATEX, TEXT
from learnprop.reports.losses.paper import TABLE_3, TABLE_4, TABLE_5, binomial_error, paper_accuracy
from learnprop.reports.losses.paper_tables import table3_grid, table4_grid, table5_grid
from learnprop.reports.losses.report import losses_contents
from learnprop.simulations.studies.losses.study import Options
from tests.latex import compile_tables, needs_latex
from tests.trained import SUPPLY, compared

SMALL = Options(runs=2, epochs=1, match_step=True, device="cpu")


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
    summary = pd.DataFrame(rows)
    return SimpleNamespace(summary=summary, as_paper=set(panels), panels=panels, images="")


def together(*tables):
    """Of several comparisons one."""
    summary = pd.concat([table.summary for table in tables], ignore_index=True)
    as_paper = set.union(*(table.as_paper for table in tables))
    return SimpleNamespace(summary=summary, as_paper=as_paper, images="")


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
    full = together(*(made_up(*panel, lgl=0.9, sml=0.9, inr_1=0.9) for panel in TABLE_4))
    assert "learnprop" not in table4_grid(full).note


def shown(grid):
    """Networks of a table's rows, and its command."""
    rows = [row for row in grid.rows if row is not None]
    (command,) = [line for line in grid.note.splitlines() if line.startswith("empty")]
    return [row[0] for row in rows if row[0]], command.partition("--model ")[2].split()[0]


def test_a_network_that_may_be_the_papers_stands_beside_the_same_numbers_where_it_is():
    ours = {"lgl": 0.94, "sml": 0.95, "inr_1": 0.96}
    alone = made_up("kmnist", "cnn2c-500", **ours)
    assert shown(table3_grid(alone)) == (["CNN2C-500"], "cnn2c-500")
    rows = table3_grid(alone).rows
    assert [row[6:] for row in rows] == [
        ("94.00 (0.10)", "94.37±0.23"), ("95.00 (0.10)", "95.13±0.22"),
        ("96.00 (0.10)", "96.43±0.19"),
    ]  # fmt: skip
    assert "beside CNN2C-500: the paper's numbers of CNN2C" in table3_grid(alone).note
    both = together(made_up("kmnist", "cnn2c", **ours), alone)
    assert shown(table3_grid(both)) == (
        ["CNN2C", "CNN2C-500", "CNN5C"], "cnn2c,cnn2c-500,cnn5c"
    )  # fmt: skip
    without = table3_grid(made_up("kmnist", "cnn2c", **ours))
    assert shown(without) == (["CNN2C", "CNN5C"], "cnn2c,cnn5c")
    assert "500" not in without.note
    other = made_up("digits", "cnn2c-500", **ours)  # has no part in the table
    assert shown(table3_grid(together(made_up("kmnist", "cnn2c", **ours), other)))[0] == [
        "CNN2C", "CNN5C"
    ]  # fmt: skip


def test_the_papers_numbers():
    """As in the paper: its best of each column, and Table 5 repeats one of Table 3."""
    best = {p: max(of, key=of.get) for p, of in (TABLE_3 | TABLE_4).items()}
    assert set(best.values()) == {"lgl-inr", "sml"}  # SML and LGL-INR tie on Fashion-MNIST
    tied = TABLE_3["fashion-mnist", "cnn2c"]
    assert tied["sml"] == tied["lgl-inr"]
    assert TABLE_5[1.0] / 100 == paper_accuracy("kmnist", "cnn2c", chosen_loss("lgl-inr"))
    assert np.isnan(paper_accuracy("mnist", "cnn2c", chosen_loss("lgl-inr", beta=2.0)))


def test_the_paper_stands_beside_what_is_trained_as_it_says(tmp_path):
    """Not beside other epochs or another rate, and not beside a matched step.

    Of how images are standardised it says nothing.
    """
    for name, changes, stands in (
        ("as it says", {}, True),
        ("epochs", {"epochs": 19}, False),
        ("rate", {"lr": 0.001}, False),
        ("constants", {"standardise": "mnist"}, True),
        ("variant", {"model": ("cnn2c-500",)}, True),
    ):
        options = replace(SMALL, dataset=("mnist",), **{"epochs": None} | changes)
        _, table = compared(options, tmp_path / name, blocks=0, supply=SUPPLY)
        model = options.model[0] if options.model else "cnn2c"
        assert (("mnist", model) in table.as_paper) == stands, name
        paper = table.summary.query("split == 'test'").set_index("setting")["paper"]
        assert paper.notna().tolist() == [stands, stands, stands, False, False], name
        tables = {t.name: t for t in losses_contents(table).tables}
        assert ("table3" in tables) == stands, name
        by_mnist = "images standardised by the mean and SD of MNIST"
        for table_ in ("losses", "table3") if stands else ():
            assert (by_mnist in tables[table_].grid(TEXT).note) == (name == "constants")


@needs_latex
def test_tables_compile(tmp_path):
    full = together(
        made_up("kmnist", "cnn2c", lgl=0.94, sml=0.951, inr_1=0.9642, inr_2=0.96),
        made_up("kmnist", "cnn2c-500", lgl=0.94, sml=0.951, inr_1=0.9642),
    )
    colour = made_up("cifar10", "resnet18", lgl=0.9, sml=0.9, inr_1=0.91)
    source = tmp_path / "tables"
    source.mkdir()
    names = []
    for grid, table in ((table3_grid, full), (table4_grid, colour), (table5_grid, full)):
        names.append(f"{grid.__name__}.tex")
        (source / names[-1]).write_text(to_latex(grid(table, LATEX)))
    compile_tables(source, tmp_path, names)
