"""The files of a K-class study."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reports.formatting import LATEX
from reports.grid import to_console, to_latex
from reports.multiclass.figures import draw_mean_proba, draw_sides
from reports.multiclass.summary import Multiclass
from reports.multiclass.text import class_grid, joint_grid
from reports.provenance import write_text


def write_multiclass(table: Multiclass, out: Path) -> list[Any]:
    """Write ``summary.csv``, ``joint.csv``, the LaTeX tables and both figures.

    Parameters
    ----------
    table : Multiclass
    out : Path
        Existing folder.

    Returns
    -------
    list of rich renderables
        The same tables for the console.
    """
    write_text(out / "summary.csv", table.summary.to_csv(index=False))
    write_text(out / "joint.csv", table.joint.to_csv(index=False))
    write_text(out / "multiclass.tex", to_latex(class_grid(table, LATEX)))
    write_text(out / "multiclass_joint.tex", to_latex(joint_grid(table, LATEX)))
    draw_mean_proba(table, [out / "mean_proba.pdf", out / "mean_proba.png"])
    draw_sides(table, [out / "sides.pdf", out / "sides.png"])
    return [
        to_console(
            class_grid(table),
            "Eq. (9) on test data, in per cent of the total mass; train: largest difference",
        ),
        to_console(joint_grid(table), "All equations at once"),
    ]
