"""The paper's other statements as text."""

from __future__ import annotations

import math

from reports.claims.summary import Claims
from reports.formatting import LATEX, TEXT, Markup, small
from reports.grid import Grid, runs_note


def claims_grid(table: Claims, markup: Markup = TEXT) -> Grid:
    """Lay the claims out, one row each.

    Parameters
    ----------
    table : Claims
    markup : Markup

    Returns
    -------
    Grid
    """
    rows: list[tuple[str, ...] | None] = []
    for row in table.summary.to_dict("records"):
        observed = row["observed"]
        if row["low"] < row["high"]:
            interval = f"[{row['low']:.4f}, {row['high']:.4f}]"
            text = markup.math.format(f"{observed:.4f}{markup.space}{interval}")
        elif math.isnan(observed):
            text = "-"
        elif abs(observed) < 1e-6:
            text = small(observed, markup)
        else:
            text = markup.math.format(f"{observed:.4f}")
        claimed = row["claimed"]
        if markup is LATEX:
            claimed = markup.math.format(claimed.replace(">=", r"\geq"))
        rows.append((_words(row["claim"], markup), claimed, text, str(row["verdict"])))
    heads = ("statement", "claimed", f"observed [90{markup.percent}]", "verdict")
    return Grid(heads, tuple(rows), note=runs_note(table.summary))


def _words(text: str, markup: Markup) -> str:
    if markup is TEXT:
        return text
    for plain, formula in (
        ("p̄00", r"$\bar p_{0 \to 0}$"),
        ("p̄11", r"$\bar p_{1 \to 1}$"),
        ("N0 = 10 N1", "$N_0 = 10 N_1$"),
        ("p̄ ", r"$\bar p$ "),
        ("β = ", r"$\beta$ = "),
        (" > ", " $>$ "),
    ):
        text = text.replace(plain, formula)
    return text
