"""The controls as text: predicted, observed, verdict, power."""

from __future__ import annotations

from learnprop.reports.controls.summary import Controls
from learnprop.reports.layout.cells import models_rejected, untested_note
from learnprop.reports.layout.grid import Column, Grid, Row, lay_out, runs_note
from learnprop.reports.layout.numbers import TEXT, Markup
from learnprop.reports.statistics.runs import few_runs_note, n_models


def controls_grid(table: Controls, markup: Markup = TEXT) -> Grid:
    """Lay the controls out, one row each: the class that its residual is largest of."""
    columns: list[Column] = [
        ("control", lambda r: str(r["control"])),
        ("class", lambda r: str(r.get("class", "-"))),
        ("predicted", lambda r: _predicted(r, markup)),
        (f"observed [90{markup.percent}]", lambda r: _observed(r, markup)),
        ("verdict", _verdict),
        ("without it", lambda r: str(r["verdict_without"])),
        ("power", lambda r: f"{r['power']:.2f}" if "class" in r else "-"),
        ("rejected", lambda r: models_rejected(r, markup) if "class" in r else "-"),
    ]
    worst: dict[str, Row] = {}
    for c in table.classes.to_dict("records"):
        largest = worst.setdefault(c["control"], c)
        if abs(c["observed"]) > abs(largest["observed"]):
            worst[c["control"]] = c
    records = table.summary.to_dict("records")
    rows: list[Row] = []
    for kind in ("holds", "fails", "not converged"):
        of_kind = [worst.get(r["control"], {}) | r for r in records if r["expected"] == kind]
        rows += [r | {"first": i == 0} for i, r in enumerate(of_kind)]
    notes = [
        runs_note(table.summary),
        *few_runs_note(n_models(table.summary)),
        *untested_note(records),
    ]
    minor = ("rejected", "class", "without it", "predicted", "power")
    return lay_out(rows, columns, first="first", minor=minor, note="\n".join(notes))


def _predicted(row: Row, markup: Markup) -> str:
    value = row.get("predicted", float("nan"))
    return "-" if value != value else markup.math.format(_zero(value))


def _observed(row: Row, markup: Markup) -> str:
    if "class" not in row:
        return "-"
    ends = f"[{row['observed_low']:+.3f}, {row['observed_high']:+.3f}]"
    return markup.math.format(f"{row['observed']:+.3f}{markup.space}{ends}")


def _verdict(row: Row) -> str:
    expected = "class" not in row or row["as_expected"]
    return str(row["verdict"]) + ("" if expected else f" (expected: {row['expected']})")


def _zero(value: float) -> str:
    text = f"{value:+.3f}"
    return "0" if float(text) == 0 else text
