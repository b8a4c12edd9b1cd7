"""Ratios with their intervals, one below the other or, where there are many, by rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from learnprop.audit.report.scale import limits, log_ratio, percent_ticks, ratio_ticks
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

_LAST = "inconclusive holds fails"
"""Verdicts in the order in which many are drawn over each other."""

NAME, SHORT_NAME = 22, 14
"""Letters of a name beside a row, and of one of several on a line."""

NAMED = 3
"""Of many classes so many at either end are named."""

LEAST = 0.1
"""An axis of ratios reaches at least so far around one."""

WIDE = math.log(1e4)
"""Axes that reach over more than this ratio have ticks at round ratios, not at round gaps."""

SIDES = "← too much   {}   too little →"
"""What a class gets on either side of a gap of zero."""


@dataclass(frozen=True)
class Row:
    """A ratio with its interval, as logarithms: what is drawn of a class or a group."""

    name: str
    interval: tuple[float, float, float]
    verdict: str
    stated: float | None = None


def draw_rows(rows: Sequence[Row], ax: Any, name: str, margin: float | None = None) -> None:
    """Draw ratios one below the other.

    Parameters
    ----------
    rows : sequence of Row
    ax : matplotlib Axes
    name : str
        Of the axis.
    margin : float, optional
        Of gaps, which are shaded within it, and the ends of their axis named; without one they are
        ratios.
    """
    low, high = _limits(rows, margin)
    stated = [(row.stated, y) for y, row in enumerate(rows) if row.stated is not None]
    if not stated:
        _ground(ax.axvspan, ax.axvline, margin)
    for y, row in enumerate(rows):
        _draw_row(ax, y, row, low, high)
    if stated:
        ax.plot(
            *zip(*stated, strict=True), ls="", marker="|", ms=11, mew=1.6, color=PREDICTED,
            label="stated", zorder=1.5,
        )  # fmt: skip
    ax.set_yticks(range(len(rows)), [plain(shortened(row.name, NAME)) for row in rows])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(low, high)
    ax.set_xticks(*_ticks(low, high, as_gaps=margin is not None))
    ax.set_xlabel(name if margin is None else SIDES.format(name))


def draw_ranks(rows: Sequence[Row], ax: Any, name: str, margin: float | None = None) -> None:
    """Draw many ratios by rank, with the names of those at either end; as `draw_rows`."""
    known = [row for row in rows if not math.isnan(row.interval[0])]
    known.sort(key=lambda row: row.interval[0])
    low, high = _limits(known, margin)
    _ground(ax.axhspan, ax.axhline, margin)
    many = len(known) > 200
    for verdict in sorted({row.verdict for row in known}, key=_LAST.find):
        x = np.array([i + 1 for i, row in enumerate(known) if row.verdict == verdict])
        found = np.array([row.interval for row in known if row.verdict == verdict])
        value, bottom, top = np.clip(found, low, high).T
        bounded = (found[:, 1] > low) | (found[:, 2] < high)
        colour, marker = _MARKS.get(verdict, _OTHER)
        ax.vlines(
            x[bounded],
            bottom[bounded],
            top[bounded],
            color=colour,
            lw=0.25 if many else 0.8,
            alpha=0.4,
        )
        ax.plot(
            x, value, ls="", marker=marker, ms=2.0 if many else 3.0, mew=0.5, color=colour,
            label=f"{len(x)} {verdict}" if verdict else None,
        )  # fmt: skip
    unbounded = sum(row.interval[1] <= low and row.interval[2] >= high for row in known)
    counts = {"without interval": unbounded, "cannot be told": len(rows) - len(known)}
    said = [f"{n} {what}" for what, n in counts.items() if n]
    ax.set_xlabel("; ".join(["classes by rank", *said]))
    ax.set_xlim(0, len(known) + 1)
    ax.set_ylim(low, high)
    ax.set_yticks(*_ticks(low, high, as_gaps=margin is not None))
    ax.set_ylabel(name if margin is None else SIDES.format(name))
    ax.text(
        0.99, 0.02, _ends(known), transform=ax.transAxes, fontsize="x-small", ha="right",
        va="bottom",
    )  # fmt: skip
    if any(row.verdict for row in known):
        ax.legend(fontsize="small", loc="upper left", handletextpad=0.2)


def _ends(known: Sequence[Row]) -> str:
    """Names of the lowest and of the highest."""
    names = [plain(shortened(row.name, SHORT_NAME)) for row in known]
    return f"highest: {', '.join(names[: -NAMED - 1 : -1])}\nlowest: {', '.join(names[:NAMED])}"


def _limits(rows: Sequence[Row], margin: float | None) -> tuple[float, float]:
    shown = LEAST if margin is None else 2 * margin
    always = log_ratio([-shown, shown]).tolist()
    always += [row.stated for row in rows if row.stated is not None]
    return limits((row.interval for row in rows), always)


def _ground(span: Any, line: Any, margin: float | None) -> None:
    if margin is not None:
        span(*log_ratio([-margin, margin]).tolist(), color=THEORY, alpha=0.08, lw=0)
    line(0.0, color=THEORY, lw=0.8, ls="--")


def _draw_row(ax: Any, y: int, row: Row, low: float, high: float) -> None:
    value, start, end = row.interval
    colour, marker = _MARKS.get(row.verdict, _OTHER)
    if math.isnan(value):
        ax.text(0.99, y, "cannot be told", transform=ax.get_yaxis_transform(), va="center",
                ha="right", fontsize="small", color=_OTHER[0])  # fmt: skip
        return
    ax.hlines(y, max(start, low), min(end, high), color=colour, lw=1.4)
    for beyond, edge, arrow in ((start < low, low, "<"), (end > high, high, ">")):
        if beyond:
            ax.plot(edge, y, arrow, ms=5, color=colour, clip_on=False)
    if low <= value <= high:
        ax.plot(value, y, marker, ms=4.5, color=colour, zorder=3)


def _ticks(low: float, high: float, *, as_gaps: bool) -> tuple[FloatArray, list[str]]:
    """Where ticks are, and what stands there."""
    if not as_gaps:
        ratios = ratio_ticks(low, high)
        return np.log(ratios), [f"{ratio:.6g}" for ratio in ratios]
    gaps = percent_ticks(low, high)
    if high - low > WIDE:
        gaps = [ratio - 1 for ratio in ratio_ticks(low, high)]
    return np.log1p(gaps), [f"{100 * gap:+.6g}" if gap else "0" for gap in gaps]
