"""The K-class study as text: both sides per class, and all equations at once."""

from __future__ import annotations

from learnprop.reports.layout.cells import (
    at_stage,
    gap_with_interval,
    has_predicted,
    models_rejected,
    percent_of_limit,
    percent_with_mcse,
    predicted_gap,
    predicted_note,
    repaired_note,
    term_columns,
    untested_note,
)
from learnprop.reports.layout.grid import COUNTED, Column, Grid, Row, counts, lay_out, runs_note
from learnprop.reports.layout.numbers import TEXT, Markup, small
from learnprop.reports.multiclass.summary import Multiclass
from learnprop.reports.statistics.runs import few_runs_note, n_models


def class_grid(table: Multiclass, markup: Markup = TEXT) -> Grid:
    """Lay out Eq. (9) on test data, one row per λ setting, stage and class."""
    records = table.summary.to_dict("records")
    key = ("setting", "stage", "class")
    train = {tuple(r[k] for k in key): r for r in records if r["split"] == "train"}
    percent = markup.percent
    predicted: list[Column] = [(f"predicted,{percent}", lambda r: predicted_gap(r, markup))]
    columns: list[Column] = [
        (f"{_lambda(markup)}, class", lambda r: f"{_name(r)}, {r['class']}"),
        ("N", lambda r: f"{r['n_train']}"),
        (f"left,{percent}", lambda r: percent_with_mcse(r, "left", markup)),
        (f"right,{percent}", lambda r: percent_with_mcse(r, "right", markup)),
        (f"limit,{percent}", lambda r: percent_of_limit(r, "left", markup)),
        (f"gap [90{percent}]", lambda r: gap_with_interval(r, markup)),
        *(predicted if has_predicted(table.summary) else []),
        ("verdict", lambda r: str(r["verdict"])),
        ("train", lambda r: _difference(train[tuple(r[k] for k in key)], markup)),
    ]
    test = [r | {"first": r["class"] == 0} for r in records if r["split"] == "test"]
    notes = [
        runs_note(table.summary),
        *few_runs_note(n_models(table.summary)),
        *predicted_note(table.summary),
        *table.not_predicted,
        *repaired_note(table.summary),
        *([table.separated] if table.separated else []),
    ]
    sides = tuple(f"{name},{percent}" for name in ("limit", "right", "left"))
    minor = ("train", "N", *sides)
    return lay_out(test, columns, first="first", minor=minor, note="\n".join(notes))


def terms_grid(table: Multiclass, markup: Markup = TEXT) -> Grid:
    """Lay out the residual on test by its terms, one row per λ setting and class."""
    test = table.on_test()
    records = [r | {"first": r["class"] == 0} for r in test.to_dict("records")]
    name: Column = (f"{_lambda(markup)}, class", lambda r: f"{_name(r)}, {r['class']}")
    columns = [name, *term_columns(table.summary, markup)]
    notes = [runs_note(test), *predicted_note(test), *table.not_predicted]
    minor = ("optimisation", "sampling", "difference")
    return lay_out(records, columns, first="first", minor=minor, note="\n".join(notes))


def joint_grid(table: Multiclass, markup: Markup = TEXT) -> Grid:
    """Lay out what is said of all equations at once, one row per λ setting and stage."""
    records = table.joint.to_dict("records")
    columns: list[Column] = [
        (_lambda(markup), _name),
        ("verdict on all", lambda r: str(r["verdict"])),
        ("joint test: p", lambda r: _joint_test(r, markup)),
        ("models rejected", lambda r: models_rejected(r, markup)),
        ("bias gradient", lambda r: small(r.get("max_bias_gradient", float("nan")), markup)),
        ("runs", counts),
    ]
    notes = [COUNTED, *few_runs_note(n_models(table.joint)), *untested_note(records)]
    if "loo" in table.stages:
        notes.append("bias gradient of repaired fits: of their left-out predictions")
    return lay_out(records, columns, minor=("bias gradient",), note="\n".join(notes))


def _joint_test(row: Row, markup: Markup) -> str:
    p = row.get("p_value", float("nan"))
    if p != p:
        return "-"
    text = f"{p:.3f}" if p >= 0.001 else markup.math.format("<0.001")
    return f"{text} ({row['df']:.0f})"


def _name(row: Row) -> str:
    return at_stage(row["setting"], row["stage"])


def _lambda(markup: Markup) -> str:
    return markup.either("λ", r"\lambda")


def _difference(row: Row, markup: Markup) -> str:
    return small(row.get("max_relative_difference", float("nan")), markup)
