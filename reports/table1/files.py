"""The files of Table 1, written from its summary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reports.formatting import LATEX
from reports.grid import to_console, to_latex
from reports.provenance import write_text
from reports.table1.figure import draw_table1
from reports.table1.summary import Table1
from reports.table1.text import depth_grid, main_grid


def write_table1(table: Table1, out: Path) -> list[Any]:
    """Write ``summary.csv``, ``depth.csv``, ``table1.tex``, ``table1_depth.tex`` and the figure.

    Parameters
    ----------
    table : Table1
    out : Path
        Existing folder.

    Returns
    -------
    list of rich renderables
        The same tables for the console.
    """
    write_text(out / "summary.csv", table.summary.to_csv(index=False))
    write_text(out / "table1.tex", to_latex(main_grid(table, LATEX)))
    shown = [to_console(main_grid(table), "Table 1: Eq. (10), left side: mean (SD) over runs")]
    depth = depth_grid(table)
    if depth is not None:
        write_text(out / "depth.csv", table.depth.to_csv(index=False))
        latex = depth_grid(table, LATEX)
        assert latex is not None
        write_text(out / "table1_depth.tex", to_latex(latex))
        shown.append(to_console(depth, "Sim2's gap by training depth, output layer refined"))
    draw_table1(table, [out / "table1.pdf", out / "table1.png"])
    return shown
