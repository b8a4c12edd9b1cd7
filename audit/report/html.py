"""What an audit found as HTML that stands alone, for notebooks with a light or a dark page."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

from learnprop.audit.report.console import report_sentences, report_tables
from learnprop.audit.report.grids import shown_classes
from learnprop.audit.report.scale import limits, log_ratio
from learnprop.equations.arguments import Worded
from learnprop.equations.inference.estimates import Estimate
from learnprop.reports.layout.grid import Grid

if TYPE_CHECKING:
    from learnprop.audit.report.record import BalanceReport

_COLOURS = {"holds": "#0072b2", "fails": "#b34700", "inconclusive": "#6b6b6b"}
"""Of verdicts, each with white letters on it; words tell them apart as well."""

STYLE = """
.learnprop-report{font-family:inherit;line-height:1.4}
.learnprop-report p{margin:.3em 0;max-width:60em}
.learnprop-report table{border-collapse:collapse;margin:.6em 0;font-variant-numeric:tabular-nums}
.learnprop-report caption{text-align:left;font-style:italic;white-space:nowrap}
.learnprop-report th,.learnprop-report td{padding:.15em .6em;text-align:right;border:0;
 background:none;color:inherit;white-space:nowrap}
.learnprop-report th{border-bottom:1px solid rgba(128,128,128,.6);font-weight:600}
.learnprop-report .name{text-align:left;max-width:24em;overflow:hidden;text-overflow:ellipsis}
.learnprop-report small{opacity:.75;white-space:pre-line}
.learnprop-report .verdict{color:#fff;border-radius:.3em;padding:0 .4em}
"""

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


def grid_html(title: str, grid: Grid, pictures: Sequence[str] = ()) -> str:
    """Write a grid, in the classes of `STYLE`; pictures stand in a last column, one for each row.

    Examples
    --------
    >>> print(grid_html("Gaps", Grid(("class", "gap"), (("<a>", "0.1"),))))
    <table><caption>Gaps</caption>
    <tr><th class="name">class</th><th>gap</th></tr>
    <tr><td class="name">&lt;a&gt;</td><td>0.1</td></tr>
    </table><small></small>
    """
    names = {0, *grid.verbatim}
    heads = [_cell("th", escape(head), j in names) for j, head in enumerate(grid.heads)]
    heads += ["<th></th>"] if pictures else []
    lines = [f"<table><caption>{escape(title)}</caption>", f"<tr>{''.join(heads)}</tr>"]
    rows = [row for row in grid.rows if row is not None]
    for i, row in enumerate(rows):
        cells = [
            _cell("td", escape(cell) if j in names else _marked(cell), j in names)
            for j, cell in enumerate(row)
        ]
        cells += [f"<td>{pictures[i]}</td>"] if pictures else []
        lines.append(f"<tr>{''.join(cells)}</tr>")
    note = escape(str(Worded(grid.note.replace("\v", " "))))
    return "\n".join([*lines, f"</table><small>{note}</small>"])


def _cell(tag: str, content: str, is_name: bool) -> str:
    kind = ' class="name"' if is_name else ""
    return f"<{tag}{kind}>{content}</{tag}>"


def _marked(cell: str) -> str:
    colour = _COLOURS.get(cell)
    if colour is None:
        return escape(cell)
    return f'<span class="verdict" style="background:{colour}">{escape(cell)}</span>'


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
    colour = _COLOURS.get(verdict, "currentColor")
    middle = _HEIGHT // 2
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" aria-hidden="true">{ground}'
        f'<path d="M{low} {middle}H{high}" stroke="{colour}" stroke-width="2"/>'
        f'<circle cx="{value}" cy="{middle}" r="3.5" fill="{colour}"/></svg>'
    )
