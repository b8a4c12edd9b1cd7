"""The controls as text: predicted, observed, verdict, power."""

from __future__ import annotations

from typing import Any

from reports.class_text import models_rejected, untested_note
from reports.controls.summary import Controls
from reports.formatting import TEXT, Markup
from reports.grid import Grid, runs_note


def controls_grid(table: Controls, markup: Markup = TEXT) -> Grid:
    """Lay the controls out, one row each: the class that its residual is largest of.

    Parameters
    ----------
    table : Controls
    markup : Markup

    Returns
    -------
    Grid
    """
    heads = (
        "control",
        "class",
        "predicted",
        f"observed [90{markup.percent}]",
        "verdict",
        "without it",
        "power",
        "rejected",
    )
    of_classes: dict[str, list[dict[str, Any]]] = {}
    for c in table.classes.to_dict("records"):
        of_classes.setdefault(c["control"], []).append(c)
    laid_out: list[tuple[str, ...] | None] = []
    for kind in ("holds", "fails", "not converged"):
        laid_out += [None] if laid_out else []
        laid_out += [
            _row(control, of_classes.get(control["control"], []), markup)
            for control in table.summary.to_dict("records")
            if control["expected"] == kind
        ]
    notes = [runs_note(table.summary), *untested_note(table.summary.to_dict("records"))]
    return Grid(heads, tuple(laid_out), note="\n".join(notes))


def _row(control: dict[str, Any], classes: list[dict[str, Any]], markup: Markup) -> tuple[str, ...]:
    name, without = str(control["control"]), str(control["verdict_without"])
    if not classes:
        return (name, "-", "-", "-", str(control["verdict"]), without, "-", "-")
    worst = max(classes, key=lambda c: abs(c["observed"]))
    predicted = worst.get("predicted", float("nan"))
    interval = (
        f"{worst['observed']:+.3f}{markup.space}"
        f"[{worst['observed_low']:+.3f}, {worst['observed_high']:+.3f}]"
    )
    return (
        name,
        str(worst["class"]),
        "-" if predicted != predicted else markup.math.format(f"{_zero(predicted)}"),
        markup.math.format(interval),
        str(control["verdict"])
        + ("" if control["as_expected"] else f" (expected: {control['expected']})"),
        without,
        f"{control['power']:.2f}",
        models_rejected(control, markup),
    )


def _zero(value: float) -> str:
    text = f"{value:+.3f}"
    return "0" if float(text) == 0 else text
