"""The grid of imbalance ratios and λ as text: gaps, accuracies, and every class at one ratio."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from learnprop.reports.explore.summary import Explore, decided_by, shown_row
from learnprop.reports.layout.cells import (
    at_stage,
    gap_with_interval,
    has_predicted,
    observed_overfitting,
    percent_of_limit,
    percent_with_mcse,
    predicted_gap,
    predicted_note,
    repaired_note,
    signed_percent,
)
from learnprop.reports.layout.fold import fold
from learnprop.reports.layout.grid import Column, Grid, lay_out, runs_note
from learnprop.reports.layout.numbers import TEXT, Markup, decimals, percent_interval
from learnprop.reports.statistics.resplit import (
    CORRECTED,
    CORRECTED_FOR_GAPS,
    IN_PARENTHESES,
    VERDICT,
    corrected_interval,
    corrected_verdict,
    percent_with_errors,
    resplit_note,
)
from learnprop.reports.statistics.runs import few_runs_note, n_models
from learnprop.simulations.studies.checks import is_lambda0

_LAMBDA = r"\lambda"
_INTERVALS_FOR_NEW_DATA = f"intervals {CORRECTED_FOR_GAPS}"

LOPSIDED = 1.3
"""Arms of an interval as unequal as this are printed both."""

MARKS = {"holds": "", "inconclusive": "?", "fails": "!"}
"""What follows a gap by its verdict."""


def weighting_name(setting: str, markup: Markup = TEXT) -> str:
    r"""Write the name of a λ setting: a scheme, a list of numbers, or λ_0.

    Examples
    --------
    >>> from learnprop.reports.layout.numbers import LATEX
    >>> weighting_name("inverse"), weighting_name("0.01"), weighting_name("0.01", LATEX)
    ('inverse', 'λ0 = 0.01', '$\\lambda_0 = 0.01$')
    """
    if is_lambda0(setting):
        return markup.either(f"λ0 = {setting}", rf"\lambda_0 = {setting}")
    return setting


def gap_grid(table: Explore, markup: Markup = TEXT, *, corrected: bool = False) -> Grid:
    """Lay the gap on test data out, λ by ratio, ± the longer arm of its interval, or with both.

    Parameters
    ----------
    table : Explore
    markup : Markup
    corrected : bool
        Whether with the intervals that are corrected for new data.

    Returns
    -------
    Grid
    """

    def write(rows: list[dict[str, Any]]) -> str:
        decision = decided_by(rows, corrected=corrected)
        if decision.gap is None:
            return decision.verdict
        gap, low, high = decision.gap
        arms = gap - low, high - gap
        if max(arms) > LOPSIDED * min(arms) or not math.isfinite(max(arms)):
            text = percent_interval(gap, low, high, markup)
        else:
            arm = 100 * max(arms)
            n = decimals(arm, least=0)
            text = f"{round(100 * gap, n) + 0.0:+.{n}f}{markup.plus_minus}{arm:.{n}f}"
            text = markup.math.format(text)
        return text + MARKS.get(decision.verdict, f" {decision.verdict}")

    decided = table.summary[table.summary["verdict_together"].isin(MARKS)]
    intervals = few_runs_note(n_models(decided))
    intervals += [_INTERVALS_FOR_NEW_DATA] if corrected else _over_runs(table)
    notes = [*repaired_note(table.summary), *table.not_predicted, *intervals]
    return _by_ratio(table, write, markup, notes, first=not corrected)


def predicted_grid(table: Explore, markup: Markup = TEXT) -> Grid:
    """Lay out the gaps that left-out training samples predict, λ by ratio.

    Of more than two classes that of the class where it is largest, which is named.

    Parameters
    ----------
    table : Explore
    markup : Markup

    Returns
    -------
    Grid
    """
    return _predictions(table, lambda row: predicted_gap(row, markup), markup)


def overfitting_grid(table: Explore, markup: Markup = TEXT) -> Grid:
    """Lay out the overfitting, observed / predicted, of the classes of `predicted_grid`.

    Parameters
    ----------
    table : Explore
    markup : Markup

    Returns
    -------
    Grid
    """
    names = observed_overfitting(table.summary), "overfitting_predicted"
    return _predictions(
        table, lambda row: " / ".join(signed_percent(row, name, markup) for name in names), markup
    )


def _predictions(table: Explore, write: Callable[[dict[str, Any]], str], markup: Markup) -> Grid:
    """Lay out what is predicted of fits as they are, and of which class where it is not clear."""

    def cell(rows: list[dict[str, Any]]) -> str:
        row = shown_row(rows, "gap_predicted")
        if row is None:
            return "-" if rows[0]["verdict"] in MARKS else str(rows[0]["verdict"])
        return write(row) + (f" ({row['class']})" if table.n_classes > 2 else "")

    first = replace(table, stages=table.stages[:1])
    notes = [*predicted_note(table.summary), *table.not_predicted, *_over_runs(table)]
    if table.n_classes > 2:
        notes.append("in parentheses: the class of the largest predicted gap, numbered as λ is")
    return _by_ratio(first, cell, markup, notes, first=False)


def accuracy_grid(table: Explore, name: str, markup: Markup = TEXT) -> Grid:
    """Lay an accuracy over all classes on test data out, λ by ratio, with its MCSE.

    Parameters
    ----------
    table : Explore
    name : {"balanced_accuracy", "overall_accuracy"}
    markup : Markup

    Returns
    -------
    Grid
    """

    def write(rows: list[dict[str, Any]]) -> str:
        text = percent_with_errors(rows[0], name, markup)
        return str(rows[0]["verdict"]) if text == "-" else text

    errors = repaired_note(table.summary)
    errors += [*_over_runs(table), IN_PARENTHESES] if table.n_samples else []
    return _by_ratio(table, write, markup, errors, first=False)


def _by_ratio(
    table: Explore,
    write: Callable[[list[dict[str, Any]]], str],
    markup: Markup,
    notes: list[str],
    *,
    first: bool,
) -> Grid:
    """Lay cells out, λ by ratio; what is long and the same is said of the console's first only."""
    cells: dict[tuple[str, str, float], list[dict[str, Any]]] = {}
    for row in table.on_test().to_dict("records"):
        cells.setdefault((row["weighting"], row["stage"], row["ratio"]), []).append(row)
    of_settings = [[cells[*row, ratio][0] for ratio in table.ratios] for row in table.rows]
    kept, folded = fold(of_settings, _folded_name)
    rows = [
        (_row_name(row, markup), *(write(cells[*_at(row), ratio]) for ratio in table.ratios))
        for row, *_ in kept
    ]
    heads = (f"{markup.either('λ', _LAMBDA)}, ratio", *(f"{ratio:g}" for ratio in table.ratios))
    about = [*folded, *_whose_lambda(table), runs_note(table.summary)]
    about += _separated(table) if first or markup is not TEXT else []
    return Grid(heads, tuple(rows), note="\n".join([*about, *notes]))


def _at(row: dict[str, Any]) -> tuple[str, str]:
    return row["weighting"], row["stage"]


def _row_name(row: dict[str, Any], markup: Markup) -> str:
    return at_stage(weighting_name(row["weighting"], markup), row["stage"])


def _folded_name(row: dict[str, Any]) -> str:
    """Name of a λ setting in a note."""
    return _row_name(row, TEXT)


def _separated(table: Explore) -> list[str]:
    return [table.separated] if table.separated else []


def _whose_lambda(table: Explore) -> list[str]:
    """Which label each λ is of, where the labels are a user's."""
    if not table.n_samples:
        return []
    return ["; ".join(f"λ{k}: {' '.join(name.split())}" for k, name in enumerate(table.labels))]


def _over_runs(table: Explore) -> list[str]:
    """What intervals over runs contain where all runs split one file."""
    return [resplit_note(table.n_samples, "samples")] if table.n_samples else []


def ratio_grid(table: Explore, ratio: float, markup: Markup = TEXT) -> Grid:
    """Lay everything at one ratio out, one row per λ and class, on test data."""
    percent, resplit = markup.percent, table.n_samples > 0
    predicts = has_predicted(table.summary)
    test = table.on_test()
    test = test[test["ratio"] == ratio]
    p_kk = markup.either("p̄(k→k)", r"\bar p_{k \to k}")
    corrected: list[Column] = [
        (CORRECTED, lambda r: corrected_interval(r, markup)),
        (VERDICT, corrected_verdict),
    ]
    limit: Column = (f"limit,{percent}", lambda r: percent_of_limit(r, "mean_proba", markup))
    right: Column = (f"right,{percent}", lambda r: percent_with_mcse(r, "right", markup))
    predicted: Column = (f"predicted,{percent}", lambda r: predicted_gap(r, markup))
    failed: Column = ("failed", lambda r: f"{r['runs_failed']} / {r['runs_attempted']}")
    columns: list[Column] = [
        (
            markup.either("λ", _LAMBDA),
            lambda r: _row_name(r, markup) if r["first"] else "",
        ),
        ("class", lambda r: str(r["label"])),
        ("N", lambda r: f"{r['n_train']}"),
        (markup.either("λk", r"\lambda_k"), lambda r: f"{r['weight']:.{3 if resplit else 4}g}"),
        (f"left,{percent}", lambda r: percent_with_mcse(r, "left", markup)),
        *([] if resplit and predicts else [right]),  # for a page's width
        (f"gap [90{percent}]", lambda r: gap_with_interval(r, markup)),
        *([predicted] if predicts else []),
        ("verdict", lambda r: str(r["verdict"])),
        *(corrected if resplit else []),
        (f"{p_kk},{percent}", lambda r: percent_with_mcse(r, "mean_proba", markup)),
        *([] if resplit else [limit]),  # a file has none
        (f"accuracy,{percent}", lambda r: percent_with_mcse(r, "accuracy", markup)),
        *([failed] if test["runs_failed"].any() and not resplit else []),  # else in the note
    ]
    groups = test.groupby(["weighting", "stage"], sort=False)
    of_settings = [rows.to_dict("records") for _, rows in groups]
    kept, folded = fold(of_settings, _folded_name)
    notes = [
        *folded,
        *_whose_lambda(table),
        runs_note(test),
        *few_runs_note(n_models(test[test["verdict"].isin(MARKS)])),
        *predicted_note(test),
        *repaired_note(test),
        *(_separated(table) if test["runs_failed"].any() else []),
        *_over_runs(table),
        *([CORRECTED_FOR_GAPS] if resplit else []),
    ]
    rows = [r | {"first": r["class"] == 0} for group in kept for r in group]
    return lay_out(rows, columns, first="first", verbatim=(1,), note="\n".join(notes))
