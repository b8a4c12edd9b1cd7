"""The files of the controls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reports.controls.figure import draw_controls
from reports.controls.summary import Controls
from reports.controls.text import controls_grid
from reports.formatting import LATEX
from reports.grid import to_console, to_latex
from reports.provenance import write_text


def write_controls(table: Controls, out: Path) -> list[Any]:
    """Write ``summary.csv``, ``classes.csv``, ``controls.tex`` and the figure.

    Parameters
    ----------
    table : Controls
    out : Path
        Existing folder.

    Returns
    -------
    list of rich renderables
        The same table for the console.
    """
    write_text(out / "summary.csv", table.summary.to_csv(index=False))
    write_text(out / "classes.csv", table.classes.to_csv(index=False))
    write_text(out / "controls.tex", to_latex(controls_grid(table, LATEX)))
    draw_controls(table, [out / "controls.pdf", out / "controls.png"])
    return [
        to_console(
            controls_grid(table),
            "Controls: residual r_j/w_j on test data, of the class where it is largest",
        )
    ]
