"""Grids brought to the width of a terminal: no line wraps, and what is left out is named.

What costs least is tried first: names shortened or on several lines, names of groups on lines of
their own, columns left out that matter least, intervals below their values; at last the columns in
several grids, one below the other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len, set_cell_size

from learnprop.reports.layout.grid import Grid

GAP = 2
"""Blanks between columns."""

NAME, LABEL = 20, 16
"""Widths that names of rows, and names from outside, keep however little room there is."""

HANGING = "  "
"""Before what goes on on the next line."""

_INTERVAL = re.compile(r"(?<=\S) (?=\[[^\[]*\]\S*$)")

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Fitted:
    """A grid as it is shown: in one piece or several, some columns left out, cells of lines."""

    pieces: tuple[Grid, ...]
    left_out: Cells = ()


def fit(grid: Grid, width: float = math.inf, ellipsis: str = "…") -> Fitted:
    """Bring a grid to a width.

    Parameters
    ----------
    grid : Grid
    width : float
        Columns of the terminal; infinite where there is none.
    ellipsis : str
        In the middle of names that are shortened.

    Returns
    -------
    Fitted

    Examples
    --------
    >>> grid = Grid(("λ", "gap", "N"), (("inverse", "+0.1", "300"),), minor=("N",))
    >>> fit(grid).pieces[0].heads, fit(grid, 13)
    (('λ', 'gap', 'N'), Fitted(pieces=(Grid(heads=('λ', 'gap'), rows=(('inverse', '+0.1'),), \
verbatim=(), keys=1, minor=('N',), note=''),), left_out=('N',)))
    """
    for candidate, left_out in _candidates(grid):
        fitting = _with_names_in(candidate, width, ellipsis)
        if fitting is not None:
            return Fitted((fitting,), left_out)
    barest, left_out = list(_candidates(grid))[-1]
    fitting = _with_names_in(_with_labels_in(barest, width, ellipsis), width, ellipsis)
    if fitting is not None:
        return Fitted((fitting,), left_out)
    return Fitted(tuple(_stacked(_folded(_lifted(grid)), width, ellipsis)))


def is_heading(row: Cells | None) -> bool:
    """Whether a row has a name only, which may take all of its line."""
    return row is not None and len(row) > 1 and not any(row[1:])


def widths_of(grid: Grid) -> list[int]:
    """Width that each column takes, headings of groups left aside."""
    rows = [grid.heads, *(row for row in grid.rows if row and not is_heading(row))]
    return [max(map(_width, column)) for column in zip(*rows, strict=True)]


def wrapped(text: str, width: float, ellipsis: str = "…", hanging: str = "") -> list[str]:
    """Lines of a text, broken at blanks; words that are longer still are shortened.

    Examples
    --------
    >>> wrapped("  intervals of few runs are wide", 16, hanging="  ")
    ['  intervals of', '    few runs are', '    wide']
    """
    if cell_len(text) <= width:
        return [text]
    indent = _indent(text)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else ""
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
        else:
            indent += hanging if len(lines) == 1 else ""
            room = width - len(indent)
            lines.append(
                indent + (word if cell_len(word) <= room else shortened(word, room, ellipsis))
            )
    return lines or [""]


def shortened(text: str, width: float, ellipsis: str = "…") -> str:
    """Text without its middle, where it is too long.

    Examples
    --------
    >>> shortened("a name that goes on and on", 11), shortened("a name", 11)
    ('a nam…nd on', 'a name')
    """
    if cell_len(text) <= width:
        return text
    room = max(int(width) - cell_len(ellipsis), 1)
    end = room // 2
    start = set_cell_size(text, room - end).rstrip()
    return start + ellipsis + (text[-end:] if end else "")


def _indent(text: str) -> str:
    return " " * (len(text) - len(text.lstrip()))


def _width(cell: str) -> int:
    return max(map(cell_len, cell.split("\n")))


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _candidates(grid: Grid) -> Iterator[tuple[Grid, Cells]]:
    """What a grid may look like, and the columns left out, from what loses least."""
    yield grid, ()
    lifted = _lifted(grid)
    n_minor = [head for head in grid.minor if head in lifted.heads]
    for change in (lambda g: g, _folded):
        for n in range(len(n_minor) + 1):
            left_out = tuple(head for head in lifted.heads if head in n_minor[:n])
            yield change(_without(lifted, left_out)), left_out


def _without(grid: Grid, left_out: Cells) -> Grid:
    kept = [j for j, head in enumerate(grid.heads) if head not in left_out]
    return _columns(grid, kept)


def _columns(grid: Grid, kept: Sequence[int]) -> Grid:
    """Some columns of a grid, the first among them."""
    return replace(
        grid,
        heads=tuple(grid.heads[j] for j in kept),
        rows=tuple(row and tuple(row[j] for j in kept) for row in grid.rows),
        verbatim=tuple(kept.index(j) for j in grid.verbatim if j in kept),
    )


def _lifted(grid: Grid) -> Grid:
    """Names of groups, which only the first row of a group has, on lines of their own above it."""
    body = [row for row in grid.rows if row and not is_heading(row)]
    if len(grid.heads) < 3 or all(row[0] for row in body):
        return grid
    rows: list[Cells | None] = []
    for row in grid.rows:
        if row and row[0]:
            rows.append((row[0], *("" for _ in row[2:])))
        rows.append(row and (f"  {row[1]}", *row[2:]))
    return replace(
        grid,
        heads=(f"{grid.heads[0]}\n  {grid.heads[1]}", *grid.heads[2:]),
        rows=tuple(rows),
        verbatim=tuple(j - 1 for j in grid.verbatim if j),
        keys=max(1, grid.keys - 1),
    )


def _folded(grid: Grid) -> Grid:
    """Intervals below their values."""

    def fold(row: Cells | None) -> Cells | None:
        if row is None or is_heading(row):
            return row
        folded = tuple(_INTERVAL.sub("\n", cell) for cell in row[1:])
        below = f"\n{_indent(row[0])}{HANGING}"
        return (_INTERVAL.sub(below, row[0]) if folded != row[1:] else row[0], *folded)

    heads = (grid.heads[0], *(_INTERVAL.sub("\n", head) for head in grid.heads[1:]))
    return replace(grid, heads=heads, rows=tuple(map(fold, grid.rows)))


def _with_names_in(grid: Grid, width: float, ellipsis: str) -> Grid | None:
    """The grid with its names on several lines, if it then fits."""
    widths = widths_of(grid)
    excess = _total(widths) - width
    if excess <= 0:
        return grid
    if widths[0] - excess < NAME:
        return None
    return _named_within(grid, int(widths[0] - excess), ellipsis)


def _with_labels_in(grid: Grid, width: float, ellipsis: str) -> Grid:
    """The grid with names from outside as short as need be, and no shorter than that."""
    widths = widths_of(grid)
    for j in sorted(grid.verbatim, key=lambda j: -widths[j]):
        excess = _total(widths) - width
        if excess > 0 and widths[j] > LABEL:
            widths[j] = max(LABEL, widths[j] - int(excess))
            grid = _shortened_column(grid, j, widths[j], ellipsis)
    return grid


def _named_within(grid: Grid, width: int, ellipsis: str) -> Grid:
    """The grid with names of rows on as many lines as they need."""

    def name(cell: str) -> str:
        lines = [
            line for part in cell.split("\n") for line in wrapped(part, width, ellipsis, HANGING)
        ]
        return "\n".join(lines)

    rows = (
        row if row is None or is_heading(row) else (name(row[0]), *row[1:]) for row in grid.rows
    )
    return replace(grid, heads=(name(grid.heads[0]), *grid.heads[1:]), rows=tuple(rows))


def _shortened_column(grid: Grid, j: int, width: int, ellipsis: str) -> Grid:
    def cut(row: Cells) -> Cells:
        return (*row[:j], shortened(row[j], width, ellipsis), *row[j + 1 :])

    rows = (row if row is None or is_heading(row) else cut(row) for row in grid.rows)
    return replace(grid, heads=cut(grid.heads), rows=tuple(rows))


def _broken_column(grid: Grid, j: int, width: int, ellipsis: str) -> Grid:
    """The grid with a column of numbers broken at blanks: a number is never shortened."""

    def broken(row: Cells, width: float) -> Cells:
        lines = [line for part in row[j].split("\n") for line in wrapped(part, width, ellipsis)]
        return (*row[:j], "\n".join(lines), *row[j + 1 :])

    body = [row for row in grid.rows if row and not is_heading(row)]
    longest = max((cell_len(word) for row in body for word in row[j].split()), default=0)
    rows = (
        row if row is None or is_heading(row) else broken(row, max(width, longest))
        for row in grid.rows
    )
    return replace(grid, heads=broken(grid.heads, max(width, longest)), rows=tuple(rows))


def _stacked(grid: Grid, width: float, ellipsis: str) -> Iterator[Grid]:
    """The columns in several grids, each with the names of the rows."""
    most = max(int(width), 1)
    whole, named = grid, _named_within(grid, min(NAME, max(most // 2, 1)), ellipsis)
    n_keys = min(grid.keys, max(len(grid.heads) - 1, 1))
    keys, rest = range(n_keys), range(n_keys, len(grid.heads))
    room = most - sum(widths_of(named)[j] + GAP for j in keys)
    for j in rest:
        cut = _shortened_column if j in grid.verbatim else _broken_column
        whole = cut(whole, j, max(room, LABEL // 2), ellipsis)
    widths = widths_of(whole)
    chunks = _chunks([widths[j] for j in rest], room)
    largest = max((_total([widths[rest[i]] for i in chunk]) for chunk in chunks), default=0)
    for_name = most - largest - GAP - sum(widths[j] + GAP for j in keys[1:])
    if widths[0] > for_name:
        whole = _named_within(whole, max(for_name, 1), ellipsis)
    for chunk in chunks:
        yield _columns(whole, [*keys, *(rest[i] for i in chunk)])


def _chunks(widths: Sequence[int], room: int) -> list[list[int]]:
    """Columns that fit side by side, in as few groups as need be, of one size if that fits too.

    Examples
    --------
    >>> _chunks([4, 4, 4, 4], 16), _chunks([9, 4, 4, 4], 16)
    ([[0, 1], [2, 3]], [[0, 1], [2, 3]])
    """

    def fits(columns: Sequence[int]) -> bool:
        return len(columns) == 1 or _total([widths[j] for j in columns]) <= room

    chunks: list[list[int]] = []
    for j in range(len(widths)):
        if chunks and fits([*chunks[-1], j]):
            chunks[-1].append(j)
        else:
            chunks.append([j])
    size = math.ceil(len(widths) / max(len(chunks), 1)) or 1
    even = [list(range(i, min(i + size, len(widths)))) for i in range(0, len(widths), size)]
    return even if all(map(fits, even)) else chunks
