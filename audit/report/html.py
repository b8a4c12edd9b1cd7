"""What an audit found as HTML that stands alone, for notebooks with a light or a dark page."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING

from learnprop.audit.report.console import report_sentences, report_tables
from learnprop.audit.report.grids import shown_classes
from learnprop.audit.report.scale import limits, log_ratio
from learnprop.equations.arguments import Worded
from learnprop.equations.inference.estimates import Estimate
from learnprop.reports.layout.html import STYLE, VERDICT_COLOURS, grid_html

if TYPE_CHECKING:
    from learnprop.audit.report.record import BalanceReport

_WIDTH, _HEIGHT = 130, 14


def html_of(report: BalanceReport) -> str:
    """Return a report as HTML: words, and the tables of the console with the gaps drawn.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    str
        Labels, names and sentences are escaped.
    """
    first, *others = (escape(str(Worded(said))) for said in report_sentences(report))
    said = [f"<p><strong>{first}</strong></p>", *(f"<p>{one}</p>" for one in others)]
    tables = report_tables(report)
    drawn = _pictures(report, shown_classes(report))
    written = [
        grid_html(table.title, table.grid, drawn if i == 0 else [])
        for i, table in enumerate(tables)
    ]
    return "\n".join(
        [f'<div class="learnprop-report"><style>{STYLE}</style>', *said, *written, "</div>"]
    )


def _pictures(report: BalanceReport, classes: list[int]) -> list[str]:
    """Draw the gap of each class with its interval, the margin shaded, on one scale."""
    margin = log_ratio([-report.margin, 0.0, report.margin]).tolist()
    shown = [
        log_ratio([g.value, g.low, g.high]).tolist() for g in (report.gaps[k] for k in classes)
    ]
    low, high = limits(shown, margin)

    def at(position: float) -> float:
        share = (min(max(position, low), high) - low) / (high - low)
        return round(_WIDTH * share, 1)

    band = at(margin[0]), at(margin[2])
    ground = (
        f'<rect x="{band[0]}" y="0" width="{band[1] - band[0]:.1f}" height="{_HEIGHT}" '
        'fill="currentColor" opacity=".13"/>'
        f'<path d="M{at(0.0)} 0V{_HEIGHT}" stroke="currentColor" opacity=".5"/>'
    )
    return [_picture(report.gaps[k], at, ground, report.verdicts[k]) for k in classes]


def _picture(gap: Estimate, at: Callable[[float], float], ground: str, verdict: str) -> str:
    if math.isnan(gap.value):
        return ""
    value, low, high = (at(float(x)) for x in log_ratio([gap.value, gap.low, gap.high]))
    colour = VERDICT_COLOURS.get(verdict, "currentColor")
    middle = _HEIGHT // 2
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" aria-hidden="true">{ground}'
        f'<path d="M{low} {middle}H{high}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{value}" cy="{middle}" r="3.5" fill="{colour}"/></svg>'
    )
