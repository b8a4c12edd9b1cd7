"""A table of strings as HTML, for notebooks and for pages, light or dark."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from learnprop.equations.arguments import Worded
from learnprop.reports.layout.fitting import Cells, is_heading
from learnprop.reports.layout.grid import Grid

VERDICT_COLOURS = {"holds": "#0072b2", "fails": "#b34700", "inconclusive": "#6b6b6b"}
"""Of verdicts, each with white letters on it; words tell them apart as well."""

_OTHERS = ("not converged", "not minimised", "interpolated")
"""Verdicts that decide nothing, in the colour of `inconclusive`."""

_VERDICT = re.compile(rf"({'|'.join([*VERDICT_COLOURS, *_OTHERS])})(?=$| \()")

STYLE = """
.learnprop-report{font-family:inherit;line-height:1.4}
.learnprop-report p{margin:.3em 0;max-width:60em}
.learnprop-report figure{margin:.8em 0}
.learnprop-report figcaption{font-style:italic}
.learnprop-report .scroll{overflow-x:auto}
.learnprop-report table{border-collapse:collapse;margin:.4em 0;font-variant-numeric:tabular-nums}
.learnprop-report th,.learnprop-report td{padding:.15em .6em;text-align:right;border:0;
 background:none;color:inherit;white-space:nowrap;font-weight:inherit}
.learnprop-report thead th{border-bottom:1px solid rgba(128,128,128,.6);font-weight:600;
 vertical-align:bottom}
.learnprop-report tbody+tbody>:first-child>*{border-top:1px solid rgba(128,128,128,.35)}
.learnprop-report .name{text-align:left;white-space:pre;max-width:24em;overflow:hidden;
 text-overflow:ellipsis}
.learnprop-report [colspan].name{max-width:none}
.learnprop-report small{opacity:.75;white-space:pre-line}
.learnprop-report .verdict{color:#fff;background:#6b6b6b;border-radius:.3em;padding:0 .4em;
 -webkit-print-color-adjust:exact;print-color-adjust:exact}
""" + "".join(
    f".learnprop-report .{verdict}{{background:{colour}}}\n"
    for verdict, colour in VERDICT_COLOURS.items()
)
"""Of what is within an element of class ``learnprop-report``."""


def grid_html(title: str, grid: Grid, pictures: Sequence[str] = ()) -> str:
    """Write a grid with its caption; see `table_html`.

    Examples
    --------
    >>> print(grid_html("Gaps", Grid(("class",), (("<a>",),))).splitlines()[0])
    <figure><figcaption>Gaps</figcaption>
    """
    caption = f"<figcaption>{escape(title)}</figcaption>"
    return f"<figure>{caption}\n{table_html(title, grid, pictures)}\n</figure>"


def table_html(title: str, grid: Grid, pictures: Sequence[str] = ()) -> str:
    """Write a grid in the classes of `STYLE`, in a box that it scrolls within, its note below.

    Parameters
    ----------
    title : str
        What a screen reader calls it.
    grid : Grid
        Made with `TEXT` markup: everything in it is escaped. Rules part groups of rows, which are
        bodies of the table.
    pictures : sequence of str
        HTML that stands in a last column, one for each row.

    Returns
    -------
    str

    Examples
    --------
    >>> grid = Grid(("class", "verdict"), (("<a>", "holds"), None, ("b", "1±2")), note="of 2 runs")
    >>> print(table_html("Gaps", grid))
    <div class="scroll" role="region" aria-label="Gaps" tabindex="0"><table>
    <thead><tr><th scope="col" class="name">class</th><th scope="col">verdict</th></tr></thead>
    <tbody>
    <tr><th scope="row" class="name">&lt;a&gt;</th><td><span class="verdict holds">holds</span></td></tr>
    </tbody>
    <tbody>
    <tr><th scope="row" class="name">b</th><td>1±2</td></tr>
    </tbody>
    </table></div>
    <small>of 2 runs</small>
    """  # noqa: E501
    names = {0, *grid.verbatim}
    heads = [_cell('th scope="col"', head, j in names) for j, head in enumerate(grid.heads)]
    heads += ["<td></td>"] if pictures else []
    box = f'<div class="scroll" role="region" aria-label="{escape(title)}" tabindex="0">'
    note = escape(str(Worded(grid.note.replace("\v", " "))))
    return "\n".join(
        [
            f"{box}<table>",
            f"<thead><tr>{''.join(heads)}</tr></thead>",
            "<tbody>",
            *_rows(grid, names, pictures),
            "</tbody>",
            "</table></div>",
            *([f"<small>{note}</small>"] if note else []),
        ]
    )


def _rows(grid: Grid, names: set[int], pictures: Sequence[str]) -> Iterator[str]:
    drawn = iter(pictures)
    width = len(grid.heads) + bool(pictures)
    for row in grid.rows:
        if row is None:
            yield "</tbody>\n<tbody>"
        elif is_heading(row):
            whole = f'th scope="rowgroup" colspan="{width}"'
            yield f"<tr>{_cell(whole, row[0], is_name=True)}</tr>"
        else:
            picture = f"<td>{next(drawn)}</td>" if pictures else ""
            yield f"<tr>{''.join(_cells(row, names))}{picture}</tr>"


def _cells(row: Cells, names: set[int]) -> Iterator[str]:
    for j, cell in enumerate(row):
        yield _cell("td" if j else 'th scope="row"', cell, j in names)


def _cell(tag: str, text: str, is_name: bool) -> str:
    line = " ".join(text.splitlines())
    found = None if is_name else _VERDICT.match(line)
    content = escape(line)
    if found:
        verdict = found[1]
        kind = f" {verdict}" if verdict in VERDICT_COLOURS else ""
        content = f'<span class="verdict{kind}">{verdict}</span>{escape(line[found.end() :])}'
    kind = ' class="name"' if is_name else ""
    return f"<{tag}{kind}>{content}</{tag.partition(' ')[0]}>"
