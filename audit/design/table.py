"""A design as a table: a row for each number, a column for each road."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from learnprop.audit.design.record import DesignReport
from learnprop.audit.design.roads import Road
from learnprop.audit.design.words import WHAT, asked_of, sentences_of, with_interval
from learnprop.audit.report.console import WIDTH
from learnprop.equations.inference.estimates import Estimate
from learnprop.reports.layout.console import Titled, console_lines
from learnprop.reports.layout.fitting import HANGING, wrapped
from learnprop.reports.layout.grid import Grid
from learnprop.reports.layout.html import STYLE, grid_html
from learnprop.reports.layout.latex import escaped
from learnprop.reports.layout.numbers import LATEX, TEXT, Markup

if TYPE_CHECKING:
    import pandas as pd

OF_CLASSES = ("mean_proba", "recall")
OF_ALL = {
    "accuracy": "accuracy", "log_loss": "mean log-loss", "auc": "area under the curve",
    "cost": WHAT["cost"],
}  # fmt: skip


def frame_of(report: DesignReport) -> pd.DataFrame:
    """Numbers of a design as a tidy table; see `DesignReport.to_frame`."""
    import pandas as pd

    rows = []
    for road in report.roads:
        for quantity, label, k, found in _numbers(report, road):
            rows.append(
                {
                    "road": road.name,
                    "quantity": quantity,
                    "label": label,
                    "asked": _asked(report, quantity, k),
                    "value": found.value,
                    "low": found.low,
                    "high": found.high,
                    "class_weight": np.nan if k is None else _weight(report, road, k),
                    "bias": np.nan if k is None else _bias(report, road, k),
                }
            )
    return pd.DataFrame(rows)


def grid_of(report: DesignReport, markup: Markup = TEXT) -> Grid:
    """Lay a design out.

    Parameters
    ----------
    report : DesignReport
    markup : Markup

    Returns
    -------
    Grid
    """

    def name(label: object) -> str:
        return escaped(str(label)) if markup is LATEX else str(label)

    rows: list[tuple[str, ...]] = []
    weights = ["1" for _ in report.labels], [f"{w:.4g}" for w in report.class_weight]
    for k, label in enumerate(report.labels):
        rows.append((f"weight of {name(label)}", "", weights[0][k], weights[1][k], weights[0][k]))
    if report.bias.any():
        for k, label in enumerate(report.labels):
            rows.append((f"bias of {name(label)}", "", "0", "0", f"{report.bias[k]:+.4g}"))
    columns = [list(_numbers(report, road)) for road in report.roads]
    for of_quantity in zip(*columns, strict=True):
        quantity, label, k, _ = of_quantity[0]
        what = OF_ALL[quantity] if k is None else f"{WHAT[quantity]} of {name(report.labels[k])}"
        asked = _asked(report, quantity, k)
        cells = [with_interval(found) for *_, found in of_quantity]
        rows.append((what, "" if np.isnan(asked) else f"{asked:g}", *cells))
    heads = ("", "asked", *(road.name for road in report.roads))
    return Grid(heads, tuple(rows), minor=("equal weights",))


def titled(report: DesignReport) -> Titled:
    """The table and its title, for the console."""
    title = f"Design for {asked_of(report)}: {report.fitter}, {report.level:.0%} intervals"
    return Titled(title, grid_of(report))


def text_of(report: DesignReport, width: float = WIDTH) -> str:
    """Write a design as text: the table with all its columns, and sentences within a width.

    Parameters
    ----------
    report : DesignReport
    width : float

    Returns
    -------
    str
    """
    lines = [line for line, _ in console_lines([titled(report)])]
    said = [part for one in sentences_of(report) for part in wrapped(one, width, hanging=HANGING)]
    return "\n".join([*lines, "", *said])


def html_of(report: DesignReport) -> str:
    """Write a design as HTML that stands alone, for a notebook; labels are escaped.

    Parameters
    ----------
    report : DesignReport

    Returns
    -------
    str
    """
    table = titled(report)
    first, *others = (escape(one) for one in sentences_of(report))
    said = [f"<p><strong>{first}</strong></p>", *(f"<p>{one}</p>" for one in others)]
    start = f'<div class="learnprop-report"><style>{STYLE}</style>'
    return "\n".join([start, *said, grid_html(table.title, table.grid), "</div>"])


def _numbers(
    report: DesignReport, road: Road
) -> Iterator[tuple[str, object, int | None, Estimate]]:
    """Quantity, label and number of the class, and the estimate."""
    for quantity in OF_CLASSES:
        for k, found in enumerate(getattr(road, quantity)):
            yield quantity, report.labels[k], k, found
    for quantity in OF_ALL:
        found = getattr(road, quantity)
        if not np.isnan(found.value):
            yield quantity, None, None, found


def _asked(report: DesignReport, quantity: str, k: int | None) -> float:
    target = report.target
    if k is None or target.kind != quantity or target.values is None or k not in target.classes:
        return np.nan
    return float(target.values[target.classes == k][0])


def _weight(report: DesignReport, road: Road, k: int) -> float:
    return float(report.class_weight[k]) if road is report.weights else 1.0


def _bias(report: DesignReport, road: Road, k: int) -> float:
    return float(report.bias[k]) if road is report.alone else 0.0
