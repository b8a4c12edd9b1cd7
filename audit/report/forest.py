"""Ratios with their intervals, one below the other or, where there are many, by rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from learnprop.audit.report.scale import limits, log_ratio, percent_ticks, ratio_ticks
from learnprop.audit.report.words import number
from learnprop.equations.arrays import FloatArray
from learnprop.reports.layout.fitting import shortened
from learnprop.reports.layout.style import OBSERVED, PREDICTED, THEORY, plain

_MARKS = {
    "holds": (OBSERVED, "o"),
    "fails": (PREDICTED, "D"),
    "inconclusive": ("#6b6b6b", "s"),
    "": (OBSERVED, "o"),
}
_OTHER = ("#6b6b6b", "x")

NAME = 28
"""Letters of a name beside a row."""

NAMED = 3
"""Of many classes so many at either end are named."""


@dataclass(frozen=True)
class Row:
    """A ratio with its interval, as logarithms: what is drawn of a class or a group."""

    name: str
    interval: tuple[float, float, float]
    verdict: str
    stated: float | None = None


def draw_rows(
    rows: Sequence[Row], ax: Any, name: str, margin: float | None = None, *, as_gaps: bool
) -> None:
    """Draw ratios one below the other.

    Parameters
    ----------
    rows : sequence of Row
    ax : matplotlib Axes
    name : str
        Of the horizontal axis.
    margin : float, optional
        Gaps within it are shaded.
    as_gaps : bool
        Whether the axis is of gaps in per cent, or of ratios.
    """
    low, high = _limits(rows, margin)
    _ground(ax.axvspan, ax.axvline, margin)
    for y, row in enumerate(rows):
        _draw_row(ax, y, row, low, high)
    stated = [(row.stated, y) for y, row in enumerate(rows) if row.stated is not None]
    if stated:
        ax.plot(
            *zip(*stated, strict=True), ls="", marker="|", ms=11, mew=1.6, color=PREDICTED,
            label="stated", zorder=1.5,
        )  # fmt: skip
        ax.plot([], [], "o", ms=4, color=OBSERVED, label="acts upon")
        ax.legend(fontsize="small", loc="best")
    ax.set_yticks(range(len(rows)), [plain(shortened(row.name, NAME)) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(low, high)
    at, words = _ticks(low, high, as_gaps=as_gaps)
    ax.set_xticks(at, words)
    ax.set_xlabel(name)


def draw_ranks(
    rows: Sequence[Row], ax: Any, name: str, margin: float | None = None, *, as_gaps: bool
) -> None:
    """Draw many ratios by rank, with the names of those at either end; as `draw_rows`."""
    known = [row for row in rows if not math.isnan(row.interval[0])]
    known.sort(key=lambda row: row.interval[0])
    low, high = _limits(known, margin)
    _ground(ax.axhspan, ax.axhline, margin)
    size = 3.0 if len(known) <= 200 else 1.6
    for verdict in dict.fromkeys(row.verdict for row in known):
        x = np.array([i + 1 for i, row in enumerate(known) if row.verdict == verdict])
        found = np.array([row.interval for row in known if row.verdict == verdict])
        value, bottom, top = np.clip(found, low, high).T
        colour, marker = _MARKS.get(verdict, _OTHER)
        ax.vlines(x, bottom, top, color=colour, lw=0.8, alpha=0.35)
        label = f"{len(x)} {verdict}" if verdict else None
        ax.plot(x, value, ls="", marker=marker, ms=size, mew=0.5, color=colour, label=label)
    _name_ends(ax, known, low, high)
    unknown = len(rows) - len(known)
    ax.set_xlabel("classes by rank" + (f"; {unknown} without a number" if unknown else ""))
    ax.set_xlim(0, len(known) + 1)
    ax.set_ylim(low, high)
    at, words = _ticks(low, high, as_gaps=as_gaps)
    ax.set_yticks(at, words)
    ax.set_ylabel(name)
    if any(row.verdict for row in known):
        ax.legend(fontsize="small", loc="upper left", handletextpad=0.2)


def _limits(rows: Sequence[Row], margin: float | None) -> tuple[float, float]:
    always = [0.0] if margin is None else log_ratio([-2 * margin, 2 * margin]).tolist()
    always += [row.stated for row in rows if row.stated is not None]
    low, high = limits(
        (row.interval[0] for row in rows),
        chain.from_iterable(row.interval[1:] for row in rows),
        always,
    )
    return (low, high) if high - low > 1e-6 else (low - 0.05, high + 0.05)


def _ground(span: Any, line: Any, margin: float | None) -> None:
    if margin is not None:
        span(*log_ratio([-margin, margin]).tolist(), color=THEORY, alpha=0.08, lw=0)
    line(0.0, color=THEORY, lw=0.8, ls="--")


def _draw_row(ax: Any, y: int, row: Row, low: float, high: float) -> None:
    value, start, end = row.interval
    colour, marker = _MARKS.get(row.verdict, _OTHER)
    if math.isnan(value):
        ax.text(0.5, y, "cannot be told", transform=ax.get_yaxis_transform(), va="center",
                ha="center", fontsize="small", color=_OTHER[0])  # fmt: skip
        return
    ax.hlines(y, max(start, low), min(end, high), color=colour, lw=1.4)
    for beyond, edge, arrow in ((start < low, low, "<"), (end > high, high, ">")):
        if beyond:
            ax.plot(edge, y, arrow, ms=5, color=colour, clip_on=False)
    if low <= value <= high:
        ax.plot(value, y, marker, ms=4.5, color=colour, zorder=3)


def _name_ends(ax: Any, known: Sequence[Row], low: float, high: float) -> None:
    """Write the names of the lowest to the right of them, of the highest to the left."""
    n = len(known)
    for i in [*range(NAMED), *range(n - NAMED, n)]:
        is_low = i < NAMED
        ax.annotate(
            plain(shortened(known[i].name, NAME)),
            (i + 1, min(max(known[i].interval[0], low), high)),
            xytext=(6 if is_low else -6, 0), textcoords="offset points", fontsize="x-small",
            ha="left" if is_low else "right", va="center",
        )  # fmt: skip


def _ticks(low: float, high: float, *, as_gaps: bool) -> tuple[FloatArray, list[str]]:
    if as_gaps:
        gaps = percent_ticks(low, high)
        return np.log1p(gaps), [f"{100 * gap:+.6g} %" if gap else "0" for gap in gaps]
    ratios = ratio_ticks(low, high)
    return np.log(ratios), [number(ratio) for ratio in ratios]
