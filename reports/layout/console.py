"""Grids as lines for the console: one style for every table, within the width of the terminal."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from learnprop.reports.layout.fitting import GAP, Cells, fit, is_heading, widths_of, wrapped
from learnprop.reports.layout.grid import Grid
from learnprop.reports.layout.spelling import spelt

TITLE, HEAD, BODY, NOTE = "italic", "bold", "", "dim"
"""Styles of lines, as rich has them."""

Line = tuple[str, str]
"""Text without trailing blanks, and its style."""


@dataclass(frozen=True)
class Titled:
    """A table for the console: a grid made with `TEXT` markup, and its title."""

    title: str
    grid: Grid


def console_lines(
    tables: Iterable[Titled], width: float = math.inf, *, encoding: str = "utf-8", more: str = ""
) -> list[Line]:
    """Lay tables out for a terminal, one below the other.

    Parameters
    ----------
    tables : iterable of Titled
    width : float
        Columns of the terminal: no line is longer; infinite where there is none.
    encoding : str
        Characters that it lacks are spelt.
    more : str
        What shows the columns that are left out.

    Returns
    -------
    list of (text, style)

    Examples
    --------
    >>> grid = Grid(("λ", "gap", "N"), (("inverse", "+0.1±0.2", "300"),), minor=("N",))
    >>> for line, _ in console_lines([Titled("Gaps", grid)], 20, encoding="ascii"):
    ...     print(line)
    Gaps
    <BLANKLINE>
    lambda          gap
    -------------------
    inverse  +0.1+/-0.2
    <BLANKLINE>
    columns left out at
    this width: N
    """
    lines: list[Line] = []
    for table in tables:
        lines += [("", BODY)] if lines else []
        lines += _lines(_spelt(table, encoding), width, encoding, more)
    return lines


def _spelt(table: Titled, encoding: str) -> Titled:
    """The table as it will be written, so that its columns stay below each other."""

    def write(row: Cells) -> Cells:
        return tuple(spelt(" ".join(c.splitlines()) if "\n" in c else c, encoding) for c in row)

    grid = table.grid
    spelt_grid = replace(
        grid,
        heads=write(grid.heads),
        rows=tuple(row and write(row) for row in grid.rows),
        minor=write(grid.minor),
        note=spelt(grid.note, encoding),
    )
    return Titled(spelt(table.title, encoding), spelt_grid)


def _lines(table: Titled, width: float, encoding: str, more: str) -> Iterator[Line]:
    ellipsis, rule = spelt("…", encoding), spelt("─", encoding)
    for line in wrapped(table.title, width, ellipsis):
        yield line, TITLE
    fitted = fit(table.grid, width, ellipsis)
    for piece in fitted.pieces:
        yield "", BODY
        yield from _body(piece, width, rule, ellipsis)
    notes = table.grid.note.replace("\v", " ").splitlines()
    if fitted.left_out:
        names = "; ".join(head.strip() for head in fitted.left_out)
        notes.append(f"columns left out at this width: {names}" + (f" ({more})" if more else ""))
    yield from [("", BODY)] if notes else []
    for note in notes:
        for line in wrapped(note, width, ellipsis):
            yield line, NOTE


def _body(grid: Grid, width: float, rule: str, ellipsis: str) -> Iterator[Line]:
    widths = widths_of(grid)
    left = {0, *grid.verbatim}
    for line in _side_by_side(grid.heads, widths, left, at_top=False):
        yield line, HEAD
    headings = [cell_len(row[0]) for row in grid.rows if row and is_heading(row)]
    yield rule * int(min(max([sum(widths) + GAP * (len(widths) - 1), *headings]), width)), BODY
    for row in grid.rows:
        if row is None:
            yield "", BODY
        elif is_heading(row):
            yield from ((line, BODY) for line in wrapped(row[0], width, ellipsis))
        else:
            yield from ((line, BODY) for line in _side_by_side(row, widths, left))


def _side_by_side(
    row: Cells, widths: Sequence[int], left: set[int], *, at_top: bool = True
) -> Iterator[str]:
    """Lines of a row of cells, which may each have several."""
    parts = [cell.split("\n") for cell in row]
    height = max(map(len, parts))
    filled = [
        part + [""] * (height - len(part)) if at_top else [""] * (height - len(part)) + part
        for part in parts
    ]
    for line in zip(*filled, strict=True):
        cells = [
            text + " " * (w - cell_len(text)) if j in left else " " * (w - cell_len(text)) + text
            for j, (text, w) in enumerate(zip(line, widths, strict=True))
        ]
        yield (" " * GAP).join(cells).rstrip()
