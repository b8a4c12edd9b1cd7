"""The K-class study as text: both sides per class, and all equations at once."""

from __future__ import annotations

from typing import Any

from reports.class_text import (
    gap_with_interval,
    models_rejected,
    percent_of_limit,
    percent_with_mcse,
    untested_note,
)
from reports.formatting import LATEX, TEXT, Markup, small
from reports.grid import Grid, runs_note
from reports.multiclass.summary import Multiclass


def class_grid(table: Multiclass, markup: Markup = TEXT) -> Grid:
    """Lay out Eq. (9) on test data, one row per λ setting and class.

    Parameters
    ----------
    table : Multiclass
    markup : Markup

    Returns
    -------
    Grid
    """
    by_key = {(r["setting"], r["split"], r["class"]): r for r in table.summary.to_dict("records")}
    settings = list(dict.fromkeys(table.summary["setting"]))
    classes = list(dict.fromkeys(table.summary["class"]))
    percent = markup.percent
    heads = (
        f"{_lambda(markup)}, class",
        "N",
        f"left,{percent}",
        f"right,{percent}",
        f"limit,{percent}",
        f"gap [90{percent}]",
        "verdict",
        "due to",
        "train",
    )
    rows: list[tuple[str, ...] | None] = []
    for setting in settings:
        rows += [None] if rows else []
        for k in classes:
            test, train = by_key[setting, "test", k], by_key[setting, "train", k]
            rows.append(
                (
                    f"{setting}, {k}",
                    f"{test['n_train']}",
                    percent_with_mcse(test, "left", markup),
                    percent_with_mcse(test, "right", markup),
                    percent_of_limit(test, "left", markup),
                    gap_with_interval(test, markup),
                    str(test["verdict"]),
                    _due_to(test),
                    small(train.get("max_relative_difference", float("nan")), markup),
                )
            )
    return Grid(heads, tuple(rows), note=runs_note(table.summary))


def joint_grid(table: Multiclass, markup: Markup = TEXT) -> Grid:
    """Lay out what is said of all equations at once, one row per λ setting.

    Parameters
    ----------
    table : Multiclass
    markup : Markup

    Returns
    -------
    Grid
    """
    heads = (
        _lambda(markup),
        "verdict on all",
        "joint test: p (df)",
        "models rejected",
        "bias gradient",
        "attempted / converged / failed",
    )
    rows = []
    laid_out = table.joint.to_dict("records")
    for row in laid_out:
        p = row.get("p_value", float("nan"))
        test = "-" if p != p else f"{_p_value(p, markup)} ({row['df']:.0f})"
        rows.append(
            (
                str(row["setting"]),
                str(row["verdict"]),
                test,
                models_rejected(row, markup),
                small(row.get("max_bias_gradient", float("nan")), markup),
                counts(row),
            )
        )
    return Grid(heads, tuple(rows), note="\n".join(untested_note(laid_out)))


def _p_value(p: float, markup: Markup) -> str:
    return f"{p:.3f}" if p >= 0.001 else markup.math.format("<0.001")


def counts(row: dict[str, Any]) -> str:
    """Runs attempted / converged / failed."""
    return f"{row['runs_attempted']} / {row['runs_converged']} / {row['runs_failed']}"


def _lambda(markup: Markup) -> str:
    return r"$\lambda$" if markup is LATEX else "λ"


def _due_to(row: dict[str, Any]) -> str:
    name = row.get("due_to")
    return name if isinstance(name, str) and name else "-"
