"""A table of strings, and how it becomes a booktabs ``tabular``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from learnprop.equations.arguments import Worded
from learnprop.reports.layout.latex import escaped, escaped_words

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Grid:
    """A table of strings: column heads (the first over the row names) and rows; None is a rule.

    ``verbatim`` says which columns, not the first, hold names from outside, to be shown as they
    are; everything else is in the markup of its medium. The first ``keys`` columns name a row. On a
    narrow terminal columns are left out by their heads in ``minor``, in that order. ``note`` stands
    below, of one line or more, which a page breaks at vertical tabs and a terminal where its own
    lines end; options that it names are marked by backticks.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...] | None, ...]
    verbatim: tuple[int, ...] = ()
    keys: int = 1
    minor: tuple[str, ...] = ()
    note: str = ""


Row = dict[str, Any]

Column = tuple[str, Callable[[Row], str]]
"""Head of a column, and what writes its cell of a row."""


def lay_out(
    rows: Iterable[Row], columns: Sequence[Column], *, first: str = "", **more: Any
) -> Grid:
    """Lay rows out, column by column.

    Parameters
    ----------
    rows : iterable of dict
    columns : sequence of (head, write)
    first : str
        A key that is true of the rows that begin a group: a rule stands between groups.
    **more
        Further fields of the grid.

    Returns
    -------
    Grid

    Examples
    --------
    >>> lay_out([{"a": 1}, {"a": 2}], [("twice", lambda row: f"{2 * row['a']}")]).rows
    (('2',), ('4',))
    """
    laid_out: list[tuple[str, ...] | None] = []
    for row in rows:
        laid_out += [None] if laid_out and row.get(first) else []
        laid_out.append(tuple(write(row) for _, write in columns))
    return Grid(tuple(head for head, _ in columns), tuple(laid_out), **more)


_COUNTS = "attempted / converged / failed"
COUNTED = f"runs: {_COUNTS}"
"""Below a table with a column of `counts`."""


def counts(row: Mapping[str, Any]) -> str:
    """Runs attempted / converged / failed.

    Examples
    --------
    >>> counts({"runs_attempted": 100, "runs_converged": 97, "runs_failed": 3})
    '100 / 97 / 3'
    """
    return f"{row['runs_attempted']} / {row['runs_converged']} / {row['runs_failed']}"


def runs_note(frame: pd.DataFrame) -> str:
    """Say how many runs the rows of a table rest on, zeros included.

    Parameters
    ----------
    frame : DataFrame
        With columns ``runs_attempted``, ``runs_converged`` and ``runs_failed``; rows without any
        do not count.

    Returns
    -------
    str

    Examples
    --------
    >>> import pandas as pd
    >>> counts = {"runs_attempted": 100, "runs_converged": [100, 97], "runs_failed": [0, 3]}
    >>> runs_note(pd.DataFrame(counts))
    'runs attempted / converged / failed: 100 / 97 to 100 / 0 to 3'
    """
    counts = []
    for name in ("runs_attempted", "runs_converged", "runs_failed"):
        column = frame[name].dropna()
        low, high = int(column.min()), int(column.max())
        counts.append(f"{low} to {high}" if low < high else f"{low}")
    return f"runs {_COUNTS}: {' / '.join(counts)}"


def to_latex(grid: Grid) -> str:
    """Write a grid as a booktabs ``tabular`` that can be input anywhere.

    Parameters
    ----------
    grid : Grid
        Made with `LATEX` markup.

    Returns
    -------
    str
    """
    import pandas as pd

    body = [row for row in grid.rows if row is not None]
    named = [
        (
            _latex_name(row[0]),
            *(escaped(c) if j in grid.verbatim else c for j, c in enumerate(row) if j),
        )
        for row in body
    ]
    frame: pd.DataFrame = pd.DataFrame(named, columns=[grid.heads[0], *grid.heads[1:]])
    latex = frame.style.hide(axis="index").to_latex(
        hrules=True, column_format="l" + "c" * (len(grid.heads) - 1)
    )
    lines = latex.splitlines()
    start = lines.index(r"\midrule") + 1
    position = 0
    out = lines[:start]
    for row in grid.rows:
        if row is None:
            out.append(r"\addlinespace")
        else:
            out.append(lines[start + position])
            position += 1
    out += lines[start + position :]
    if grid.note:
        notes = [
            rf"\multicolumn{{{len(grid.heads)}}}{{l}}{{{escaped_words(line)}}} \\"
            for line in str(Worded(grid.note)).splitlines()
        ]
        out[-2:-2] = [
            *([r"\midrule"] if body else []),
            *notes,
        ]  # before \bottomrule and \end{tabular}
    return "\n".join(out) + "\n"


def _latex_name(name: str) -> str:
    indent = r"\quad " if name.startswith("  ") else ""
    return indent + name.strip().replace("|gap|", r"$|\mathrm{gap}|$").replace(" %", r"\,\%")
