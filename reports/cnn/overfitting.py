"""What a refined output layer's overfitting is, and what its training images predict of it."""

from __future__ import annotations

from itertools import product
from typing import Any

from learnprop.reports.cnn.summary import Networks
from learnprop.reports.cnn.text import corner, panel_name
from learnprop.reports.layout.cells import percent_with_mcse
from learnprop.reports.layout.grid import Column, Grid, Row, lay_out, runs_note
from learnprop.reports.layout.numbers import TEXT, Markup

OBSERVED = "test - train: overfitting, and the error of the test sample"


def overfitting_grid(table: Networks, markup: Markup = TEXT) -> Grid:
    """Lay the residual of stage "head" out, observed and predicted, and that of stage "loo".

    Parameters
    ----------
    table : Networks
        With left-out predictions.
    markup : Markup

    Returns
    -------
    Grid
        One row per imbalance, λ setting and class, in per cent of the class mass.
    """
    test = table.summary[table.summary["split"] == "test"]
    by_key = {
        (r["imbalance"], r["setting"], r["stage"], r["class"]): r for r in test.to_dict("records")
    }
    percent = markup.percent
    columns: list[Column] = [
        (corner(markup), panel_name),
        ("class", lambda r: str(r["label"])),
        ("N", lambda r: f"{r['n_train']}"),
        (
            f"head, test {markup.either('-', '-')} train,{percent}",
            lambda r: percent_with_mcse(r, "overfitting_and_sampling", markup),
        ),
        (
            f"predicted,{percent}",
            lambda r: percent_with_mcse(r, "overfitting_predicted", markup),
        ),
    ]
    if "loo" in table.stages:
        columns.append((f"repaired, test,{percent}", lambda r: _at_loo(r, markup)))
    rows: list[Row] = []
    for (imbalance, setting), k in product(table.panels, range(len(table.labels))):
        row: dict[str, Any] = by_key[imbalance, setting, "head", k] | {"first": k == 0}
        rows.append(row | {"loo": by_key.get((imbalance, setting, "loo", k), {})})
    head = table.summary[table.summary["stage"] == "head"]
    notes = [runs_note(head), *_fewer(rows), OBSERVED, *SHARE]
    return lay_out(
        rows, columns, first="first", verbatim=(1,), keys=2, minor=("N",), note="\n".join(notes)
    )


SHARE = (
    "predicted: each training image by a layer without it, one fewer in its class",
    "the output layer's share only, too small for the network: features have seen it",
)
"""Two lines below a table."""


def _fewer(rows: list[Row]) -> list[str]:
    """Say that not all runs are predicted."""
    fewer = [r for r in rows if r["first"] and r["runs_predicted"] < r["runs_attempted"]]
    return [
        f"{panel_name(r)}: predicted in {r['runs_predicted']:.0f} of {r['runs_attempted']} runs"
        for r in fewer
    ]


def _at_loo(row: Row, markup: Markup) -> str:
    return percent_with_mcse(row["loo"], "residual", markup)
