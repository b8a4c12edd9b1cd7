"""Tables 3, 4 and 5 as the paper lays them out; what was not run is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from learnprop.equations.losses import LOSSES, chosen_loss
from learnprop.equations.losses.loss import ChosenLoss
from learnprop.reports.layout.grid import Grid, runs_note
from learnprop.reports.layout.numbers import LATEX, TEXT, Markup
from learnprop.reports.losses.paper import (
    TABLE_3,
    TABLE_4,
    TABLE_5,
    TABLE_5_LOSS,
    TABLE_5_PANEL,
    TEST_SIZE,
    binomial_error,
    printed_beside,
    variant_notes,
)
from learnprop.reports.losses.summary import Comparison
from learnprop.reports.losses.text import (
    in_markup,
    loss_name,
    points,
    with_binomial_error,
    with_sd,
)
from learnprop.reports.protocols.networks import NETWORK_NAMES
from learnprop.simulations.dataset_catalogue import dataset_named

_NAN = float("nan")

RESUMES = "empty: not run yet; the command that began this study resumes"

Kind = tuple[ChosenLoss, bool]
"""A loss, and whether its step is matched."""


def table3_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay Table 3 out: MNIST-type data, ours beside the paper's."""
    return _paper_grid(table, TABLE_3, markup)


def table4_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay Table 4 out: CIFAR-10, ours beside the paper's."""
    return _paper_grid(table, TABLE_4, markup)


def table5_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay Table 5 out: β of LGL-INR on KMNIST, ours beside the paper's."""
    mine = table5_rows(table).set_index("beta")
    rows = []
    for beta in sorted({*TABLE_5, *mine.index}):
        row = mine.loc[beta].to_dict() if beta in mine.index else {}
        printed = TABLE_5.get(beta, _NAN) / 100
        rows.append(
            (
                f"{beta:g}",
                with_sd(row, markup),
                points(row.get("binomial_error", _NAN), markup),
                with_binomial_error(printed, binomial_error(printed, TEST_SIZE), markup),
            )
        )
    heads = (
        "$\\beta$" if markup is LATEX else "β",
        f"ours (SD),{markup.percent}",
        "binomial error",
        f"paper,{markup.percent}",
    )
    run = set(mine.index[mine["runs_attempted"] > 0])
    command = _command(*TABLE_5_PANEL, f" --loss {TABLE_5_LOSS} --inr-beta 1,2,4")
    if {*TABLE_5, *mine.index} <= run:
        command = ""
    elif set(TABLE_5) <= set(mine.index):
        command = RESUMES
    return Grid(heads, tuple(rows), note=_notes(table, mine.reset_index(), command))


def table5_rows(table: Comparison) -> Any:
    """Those of the summary that Table 5 has: its loss on test, on its data and network."""
    mine = table.summary
    where = (mine["dataset"] == TABLE_5_PANEL[0]) & (mine["model"] == TABLE_5_PANEL[1])
    return mine[
        where & (mine["loss"] == TABLE_5_LOSS) & (mine["split"] == "test") & ~mine["matched"]
    ]


def _paper_grid(
    table: Comparison, printed: Mapping[tuple[str, str], Mapping[str, float]], markup: Markup
) -> Grid:
    """One row per network and loss, two columns per data set; what was not run is empty."""
    printed = printed_beside(printed, table.as_paper)
    datasets = list(dict.fromkeys(dataset for dataset, _ in printed))
    models = list(dict.fromkeys(model for _, model in printed))
    in_paper: list[Kind] = [(chosen_loss(name), False) for name in next(iter(printed.values()))]
    mine = table.summary.query("split == 'test'")
    panels = zip(mine["dataset"], mine["model"], strict=True)
    mine = mine[[panel in printed and panel in table.as_paper for panel in panels]]
    by_key = {(r["dataset"], r["model"], _kind(r)): r for r in mine.to_dict("records")}
    others = [k for k in dict.fromkeys(map(_kind, mine.to_dict("records"))) if k not in in_paper]
    rows: list[tuple[str, ...] | None] = []
    missing = []
    for model in models:
        rows += [None] if rows else []
        kinds = [*in_paper, *(k for k in others if any((d, model, k) in by_key for d in datasets))]
        for i, kind in enumerate(kinds):
            cells = []
            for dataset in datasets:
                row = by_key.get((dataset, model, kind), {})
                if kind in in_paper and not row.get("runs_attempted"):
                    missing.append((dataset, model, kind))
                number = printed[dataset, model][kind[0].name] / 100 if kind in in_paper else _NAN
                paper = with_binomial_error(number, binomial_error(number, TEST_SIZE), markup)
                cells += [with_sd(row, markup), paper]
            loss, matched = kind
            at_default = loss == chosen_loss(loss.name)
            about = {"loss": loss.name, "matched": matched}
            name = loss_name(about if at_default else about | loss.parameters)
            rows.append((NETWORK_NAMES[model] if i == 0 else "", in_markup(name, markup), *cells))
    heads = ["network", "loss"]
    for dataset in datasets:
        title = dataset_named(dataset).title
        heads += [f"{title},{markup.percent}", f"{title}, paper"]
    command = _command(",".join(datasets), ",".join(models))
    if all(key in by_key for key in missing):
        command = RESUMES if missing else ""
    return Grid(tuple(heads), tuple(rows), note=_notes(table, mine, command))


def _kind(row: Mapping[str, Any]) -> Kind:
    parameters = {p.name: row[p.name] for p in LOSSES[row["loss"]].parameters}
    return chosen_loss(row["loss"], **parameters), bool(row["matched"])


def _notes(table: Comparison, frame: Any, command: str) -> str:
    """Say how many runs there are, and how to fill what is empty."""
    done = frame[frame["runs_attempted"] > 0]
    lines = ["ours: mean (SD over runs); paper: one run, ± binomial error"]
    lines += [*variant_notes(frame["model"]), *filter(None, [table.images])]
    if len(done):
        lines.append(runs_note(done).replace("converged", "converged as trained"))
    if command:
        lines.append(
            f"empty: not run; the whole table: {command}" if command != RESUMES else RESUMES
        )
    return "\n".join(lines)


def _command(datasets: str, models: str, options: str = "") -> str:
    return f"learnprop losses --dataset {datasets} --model {models}{options} --out A_NEW_FOLDER"
