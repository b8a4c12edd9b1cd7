"""The paper's other statements as text."""

from __future__ import annotations

import math

from learnprop.reports.claims.summary import Claims
from learnprop.reports.layout.grid import Column, Grid, Row, lay_out, runs_note
from learnprop.reports.layout.numbers import TEXT, Markup, small
from learnprop.reports.statistics.runs import few_runs_note, n_models


def claims_grid(table: Claims, markup: Markup = TEXT) -> Grid:
    """Lay the claims out, one row each."""
    columns: list[Column] = [
        ("statement", lambda r: _words(r["claim"], markup)),
        (
            "claimed",
            lambda r: markup.either(r["claimed"], r["claimed"].replace(">=", r"\geq")),
        ),
        (f"observed [90{markup.percent}]", lambda r: _observed(r, markup)),
        ("verdict", lambda r: str(r["verdict"])),
    ]
    note = "\n".join([runs_note(table.summary), *few_runs_note(n_models(table.summary))])
    return lay_out(table.summary.to_dict("records"), columns, note=note)


def _observed(row: Row, markup: Markup) -> str:
    observed = row["observed"]
    if row["low"] < row["high"]:
        interval = f"[{row['low']:.4f}, {row['high']:.4f}]"
        return markup.math.format(f"{observed:.4f}{markup.space}{interval}")
    if math.isnan(observed):
        return "-"
    if abs(observed) < 1e-6:
        return small(observed, markup)
    return markup.math.format(f"{observed:.4f}")


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
