"""The gap on fresh data as text: predicted, observed, repaired; the control; the statements."""

from __future__ import annotations

import math
from collections.abc import Iterable

from learnprop.reports.fresh.claims import LARGE_ENOUGH_UP_TO
from learnprop.reports.fresh.summary import Fresh
from learnprop.reports.layout.grid import Column, Grid, Row, lay_out, runs_note
from learnprop.reports.layout.numbers import TEXT, Markup, percent_interval, small
from learnprop.reports.statistics.runs import few_runs_note, n_models


def gap_grid(table: Fresh, n_classes: int, markup: Markup = TEXT) -> Grid:
    """Lay out what was predicted, observed and repaired, one row per κ and λ setting."""
    columns: list[Column] = [
        *_key(n_classes, markup),
        ("state ev.", lambda r: _theory(r, markup)),
        ("leave-one-out", lambda r: _gap(r, "gap_left_out", markup)),
        ("observed", lambda r: _gap(r, "gap", markup)),
        ("repaired", lambda r: _gap(r, "gap_repaired", markup)),
        ("predicted", lambda r: str(r["verdict"])),
        ("by state ev.", lambda r: str(r["verdict_state"])),
        ("no gap left", lambda r: str(r["verdict_repaired"])),
    ]
    rows = shown(table, n_classes)
    said = _class_said(n_classes)
    notes = [
        f"gap left/right - 1 of {said}, with 90 % intervals; predicted: by leave-one-out",
        *_threshold_note(table, n_classes),
        *_finite_note(rows),
        *_below(table),
    ]
    minor = ("d", "by state ev.", "no gap left")
    return lay_out(rows, columns, first="first", minor=minor, note="\n".join(notes), keys=3)


def shifted_grid(table: Fresh, markup: Markup = TEXT) -> Grid:
    """Lay the control out: a population that is not that of training."""
    columns: list[Column] = [
        ("K", lambda r: f"{r['classes']}"),
        *_key(3, markup),
        ("leave-one-out", lambda r: _gap(r, "gap_left_out", markup)),
        ("observed, shifted", lambda r: _gap(r, "gap_shifted", markup)),
        ("predicted", lambda r: _not_predicted(r["verdict_shifted"])),
    ]
    rows = [r for k in sorted(table.threshold) for r in shown(table, k)]
    notes = [
        "class 0 has moved towards the others: leave-one-out knows of overfitting only,",
        "not of data that differ from those of training",
        *_below(table),
    ]
    return lay_out(rows, columns, first="first", minor=("d",), note="\n".join(notes), keys=4)


def claims_grid(table: Fresh, markup: Markup = TEXT) -> Grid:
    """Lay the statements out, one row each."""
    columns: list[Column] = [
        ("statement", lambda r: _words(str(r["claim"]), markup)),
        (f"worst [90{markup.percent}]", lambda r: _observed(r, markup)),
        ("verdict", lambda r: str(r["verdict"])),
        ("tests", lambda r: str(r["remark"])),
    ]
    records = table.claims.to_dict("records")
    return lay_out(records, columns, minor=("tests",), note="\n".join(_below(table)))


def shown(table: Fresh, n_classes: int) -> list[Row]:
    """Rows of a table: of two classes the rarer, of more the one whose gap is largest.

    Without an observed gap it is the predicted one that counts, without either the rarest class.
    """
    rows: list[Row] = []
    frame = table.summary[table.summary["classes"] == n_classes]
    for (kappa, _), group in frame.groupby(["kappa", "setting"], sort=False):
        records = group.to_dict("records")
        row = records[-1] if n_classes == 2 else max(records, key=_size)
        rows.append(row | {"first": not rows or rows[-1]["kappa"] != kappa})
    return rows


def _size(row: Row) -> tuple[float, int]:
    gaps = (row["gap"], row["gap_state"])
    factor = next((1 + gap for gap in gaps if gap == gap), 1.0)
    return abs(math.log(factor)), row["class"]


def _key(n_classes: int, markup: Markup) -> list[Column]:
    columns: list[Column] = [
        (markup.either("κ", r"\kappa"), lambda r: f"{r['kappa']:g}"),
        ("d", lambda r: f"{r['n_features']}"),
        ("weights", lambda r: str(r["setting"])),
    ]
    return columns + ([("class", lambda r: f"{r['class']}")] if n_classes > 2 else [])


def _class_said(n_classes: int) -> str:
    return "the rarer class" if n_classes == 2 else "the class where it is largest"


def _gap(row: Row, name: str, markup: Markup) -> str:
    value = row[name]
    if value != value:
        return "-"
    return percent_interval(value, row[f"{name}_low"], row[f"{name}_high"], markup)


def _theory(row: Row, markup: Markup) -> str:
    value = row["gap_state"]
    if value != value:
        return "-"
    return markup.math.format(f"{100 * value:+.1f}{markup.percent}")


def _not_predicted(verdict: str) -> str:
    return {"holds": "predicted", "fails": "not predicted"}.get(verdict, verdict)


def _threshold_note(table: Fresh, n_classes: int) -> list[str]:
    at = table.threshold[n_classes]
    if at != at:
        return []
    return [f"beyond κ = {at:.3g} training samples are separable: no minimum"]


def _finite_note(rows: Iterable[Row]) -> list[str]:
    """How far the limit of many samples is from samples of this size, where κ is large."""
    beyond = [
        r
        for r in rows
        if r["kappa"] > LARGE_ENOUGH_UP_TO and r["difference_state"] == r["difference_state"]
    ]
    if not beyond:
        return []
    worst = max(beyond, key=lambda r: abs(r["difference_state"]))
    value, low, high = (worst[f"difference_state{end}"] for end in ("", "_low", "_high"))
    by = percent_interval(value, low, high)
    return [
        f"state evolution is of N to infinity: beyond κ = {LARGE_ENOUGH_UP_TO:g} left/right at "
        f"N = {worst['n_samples']} differs from it",
        f"by up to {by} (κ = {worst['kappa']:g}, {worst['setting']} weights)",
    ]


def _below(table: Fresh) -> list[str]:
    return [
        runs_note(table.summary),
        *few_runs_note(n_models(table.summary)),
        *([table.separated] if table.separated else []),
    ]


def _observed(row: Row, markup: Markup) -> str:
    value = row["observed"]
    if value != value:
        return "-"
    if row["low"] == row["high"]:
        return small(value, markup)
    return percent_interval(value, row["low"], row["high"], markup)


def _words(text: str, markup: Markup) -> str:
    if markup is TEXT:
        return text
    for plain, formula in (
        ("κ <= ", r"$\kappa \leq$ "),
        ("κ >= ", r"$\kappa \geq$ "),
        ("K = ", "$K$ = "),
        (" %", r"\,\%"),
    ):
        text = text.replace(plain, formula)
    return text
