"""The paper's statements about its losses as text."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

from learnprop.reports.layout.grid import Column, Grid, Row, lay_out
from learnprop.reports.layout.numbers import TEXT, Markup
from learnprop.reports.losses.readings import CLASSES
from learnprop.reports.losses.statements import OVERALL
from learnprop.reports.losses.summary import Comparison
from learnprop.reports.losses.text import (
    GIVEN_SETS,
    corrected_ends,
    in_markup,
    in_points,
    points,
    resplit_notes,
    short_title,
)
from learnprop.reports.protocols.networks import NETWORK_NAMES
from learnprop.reports.statistics.resplit import CORRECTED, VERDICT, corrected_verdict
from learnprop.reports.statistics.runs import few_runs_note
from learnprop.simulations.dataset_catalogue import DATASETS


def statements_grid(table: Comparison, markup: Markup = TEXT) -> Grid:
    """Lay the statements out, each above what it is put to."""
    frame = table.statements
    shared = bool(frame["test_error"].notna().any())
    columns: list[Column] = [
        ("quantity", lambda r: in_markup(r["quantity"], markup)),
        ("claimed", lambda r: _claimed(r["claimed"], markup)),
        (f"observed [90{markup.percent}]", lambda r: _observed(r, markup)),
        ("verdict", lambda r: str(r["verdict"])),
    ]
    if "corrected_verdict" in frame:
        columns.append((f"{CORRECTED} [90{markup.percent}]", lambda r: corrected_ends(r, markup)))
        columns.append((VERDICT, corrected_verdict))
    if shared:
        columns.append(("error of the test set", lambda r: points(r["test_error"], markup)))
    columns.append(("runs", lambda r: str(r["runs"])))
    names: Column = ("statement", lambda r: in_markup(r["name"], markup))
    columns = [names, *((head, partial(_below_name, write)) for head, write in columns)]
    notes = [
        "percentage points with intervals over runs, or numbers of classes; LGL-INR as in Table 3 "
        "unless something else is said"
    ]
    if frame["claimed"].eq("0").any():
        notes.append("claimed 0: inside the margin; the largest: within the hull of all intervals")
    if frame["unit"].eq(CLASSES).any():
        notes.append(
            "classes: of the mean confusion matrices; from those that are surely ahead to those "
            "that may be, by intervals that hold together"
        )
    if frame["design"].str.startswith(OVERALL).any():
        notes.append(f"{OVERALL}: mean over the data sets of Table 3 that there are, run by run")
    if shared:
        notes.append(GIVEN_SETS)
    notes += resplit_notes(table, "intervals")
    notes += few_runs_note(frame["runs"])
    notes.append("each row is a comparison of its own")
    minor = (f"{CORRECTED} [90{markup.percent}]", VERDICT, "error of the test set")
    rows = _under_claims(frame)
    return lay_out(rows, columns, first="is_claim", minor=minor, note="\n".join(notes))


def _under_claims(frame: Any) -> list[Row]:
    """Rows, and above those of one claim a row that has its name only."""
    found: list[Row] = []
    for claim, rows in groupby(frame.to_dict("records"), key=lambda r: r["claim"]):
        found.append({"name": claim, "is_claim": True})
        found += [row | {"name": f"  {_where(row['design'])}", "is_claim": False} for row in rows]
    return found


def _below_name(write: Callable[[Row], str], row: Row) -> str:
    return "" if row["is_claim"] else write(row)


def _where(design: str) -> str:
    """Write the words of a design as tables do.

    Examples
    --------
    >>> _where("kmnist cnn2c matched"), _where("overall cnn5c")
    ('Kuzushiji-MNIST, CNN2C, matched', 'overall, CNN5C')
    """
    titles = {name: short_title(name) for name in DATASETS} | NETWORK_NAMES
    return ", ".join(titles.get(word, word) for word in design.split())


def _claimed(claimed: str, markup: Markup) -> str:
    return markup.either(claimed, claimed.replace(">=", r"\geq"))


def _observed(row: Row, markup: Markup) -> str:
    if row["unit"] != CLASSES:
        return in_points(row, "observed", markup)
    ends = f"[{row['low']:.0f}, {row['high']:.0f}]"
    return markup.math.format(f"{row['observed']:.0f}{markup.space}{ends}")
