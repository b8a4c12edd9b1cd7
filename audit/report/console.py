"""What an audit found as text: sentences, and tables that fit a terminal."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from learnprop.audit.report.decision import decision_line
from learnprop.audit.report.grids import cause_grid, class_grid, group_grid
from learnprop.audit.report.words import cause_line, headline, likely_cause
from learnprop.equations.arguments import Worded
from learnprop.reports.layout.console import Titled, console_lines
from learnprop.reports.layout.fitting import HANGING, wrapped

if TYPE_CHECKING:
    from learnprop.audit.report.record import BalanceReport

WIDTH = 100
"""Letters of a line of the sentences and notes of `report_text`, if it is not told another."""


def report_sentences(report: BalanceReport) -> list[str]:
    """What stands before the tables: what it acts upon, what would decide, causes, and warnings.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    list of str
        Arguments that they name are marked by backticks (`Worded`).
    """
    warnings = [f"Warning: {warning}" for warning in report.warnings]
    said = (headline(report), decision_line(report), cause_line(report))
    return [*filter(None, said), *warnings]


def report_tables(report: BalanceReport) -> list[Titled]:
    """Tables of a report for the console: its classes, and the causes and groups that there are.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    list of Titled

    Examples
    --------
    >>> import numpy as np
    >>> from learnprop import check
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(2, 6, 40_000)
    >>> report = check((rng.random(40_000) < p).astype(int), p)
    >>> [table.title for table in report_tables(report)]
    ['Weights and balance of 2 classes, 40000 samples']
    """
    n, n_classes = int(report.count.sum()), len(report.labels)
    tables = [
        Titled(f"Weights and balance of {n_classes} classes, {n} samples", class_grid(report))
    ]
    if report.causes:
        title = "Causes, the most likely first" if likely_cause(report) else "Possible causes"
        tables.append(Titled(title, cause_grid(report.causes, report.labels)))
    if report.groups:
        tables.append(Titled("Balance within groups", group_grid(report)))
    return tables


def report_text(report: BalanceReport, width: float | None = None) -> str:
    """Write a report as text.

    Parameters
    ----------
    report : BalanceReport
    width : float, optional
        No line is longer. By default tables have all of their columns, however long their rows are,
        and sentences `WIDTH` letters a line.

    Returns
    -------
    str
    """
    sentences = [
        line
        for said in report_sentences(report)
        for line in wrapped(str(Worded(said)), width or WIDTH, hanging=HANGING)
    ]
    tables = [
        replace(
            table, grid=replace(table.grid, note=_wrapped_note(table.grid.note, width or WIDTH))
        )
        for table in report_tables(report)
    ]
    lines = console_lines(tables, width or math.inf, more="to_frame() has all")
    return "\n".join([*sentences, "", *(line for line, _ in lines)])


def _wrapped_note(note: str, width: float) -> str:
    """Break the lines of a note, so that they do not follow the width of its table."""
    lines = str(Worded(note)).replace("\v", " ").splitlines()
    return "\n".join(part for line in lines for part in wrapped(line, width))
