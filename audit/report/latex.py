"""What an audit found as LaTeX."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from learnprop.audit.report.frame import writer_of
from learnprop.audit.report.grids import cause_grid, class_grid, group_grid
from learnprop.reports.layout.grid import to_latex
from learnprop.reports.layout.numbers import LATEX

if TYPE_CHECKING:
    from learnprop.audit.report.record import BalanceReport

_GRIDS: dict[str, Any] = {
    "classes": class_grid,
    "causes": lambda report, markup: cause_grid(report.causes, report.labels, markup),
    "groups": group_grid,
}


def latex_of(report: BalanceReport, table: str = "classes") -> str:
    """Return one of the tables of a report in LaTeX (`BalanceReport.to_latex`)."""
    return to_latex(writer_of(table, _GRIDS)(report, LATEX))
