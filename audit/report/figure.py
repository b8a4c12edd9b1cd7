"""Pictures of an audit: one of them in axes that are given, or all of them on a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.audit.report.forest import Row, draw_ranks, draw_rows
from learnprop.audit.report.grids import MOST, class_of_group, shown_groups
from learnprop.audit.report.scale import log_ratio
from learnprop.audit.report.weights import reference, relative_weights, shown_weights
from learnprop.audit.report.words import label_text, percent
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.inference.estimates import Estimate
from learnprop.reports.layout.style import (
    OBSERVED,
    PAGE,
    THEORY,
    Figure,
    house_style,
    matplotlib,
    plain,
    sequence,
    subplots,
)

if TYPE_CHECKING:
    from learnprop.audit.report.record import BalanceReport

ROW, FRAME = 0.24, 1.15
"""Inches of a row of a picture, and of what is around it."""


def plot_report(report: BalanceReport, kind: str, ax: Any) -> Any:
    """Draw one picture of a report (`BalanceReport.plot`)."""
    if not isinstance(kind, str) or kind not in _PICTURES:
        raise BadArgument("kind", f"must be one of {', '.join(_PICTURES)}, got {shown(kind)}")
    if kind not in pictures_of(report):
        raise BadArgument("kind", f"is {kind!r}, of which the report has none to draw")
    if ax is not None:
        if not hasattr(ax, "errorbar"):
            raise BadArgument("ax", f"must be Axes of matplotlib, got {shown(ax)}")
        _PICTURES[kind](report, ax)
        return ax
    matplotlib()
    from matplotlib import pyplot

    with house_style():
        _, ax = pyplot.subplots(figsize=(4.5, _height(report, kind)))
        _PICTURES[kind](report, ax)
    return ax


def draw_report(report: BalanceReport) -> Figure:
    """Draw every picture that there is of a report, on one page without pyplot.

    Parameters
    ----------
    report : BalanceReport

    Returns
    -------
    matplotlib.figure.Figure
        To be drawn within `learnprop.reports.layout.style.house_style`, as `draw_to` does.
    """
    kinds = pictures_of(report)
    n_rows = -(-len(kinds) // 2)
    heights = [
        max(_height(report, kind) for kind in kinds[2 * i : 2 * i + 2]) for i in range(n_rows)
    ]
    figure, axes = subplots(
        n_rows, 2, figsize=(PAGE + 1, sum(heights)), squeeze=False, height_ratios=heights
    )
    for ax, kind in zip(axes.flat, kinds, strict=False):
        _PICTURES[kind](report, ax)
    for ax in axes.flat[len(kinds) :]:
        ax.set_visible(False)
    return figure


def pictures_of(report: BalanceReport) -> list[str]:
    """Names of the pictures that there are of a report.

    Examples
    --------
    >>> from learnprop import check
    >>> rng = np.random.default_rng(0)
    >>> p = rng.beta(2, 6, 40_000)
    >>> pictures_of(check((rng.random(40_000) < p).astype(int), p))
    ['weights', 'gaps']
    """
    predicts = any(np.isfinite(cause.predicted).any() for cause in report.causes)
    there = {"causes": predicts, "groups": len(report.groups) > 0}
    return [kind for kind in _PICTURES if there.get(kind, True)]


def _height(report: BalanceReport, kind: str) -> float:
    rows = {"groups": len(shown_groups(report)), "causes": MOST}.get(kind, len(report.labels))
    return FRAME + ROW * min(max(rows, 4), MOST) if rows <= MOST else FRAME + 2.4


def _draw_gaps(report: BalanceReport, ax: Any) -> None:
    rows = [
        Row(label_text(label), log_gap(gap), verdict)
        for label, gap, verdict in zip(report.labels, report.gaps, report.verdicts, strict=True)
    ]
    level = 100 * report.gaps[0].level
    name = f"gap, left / right − 1, with {level:g} % intervals"
    _draw(rows, ax, name, report.margin, as_gaps=True)
    ax.set_title(f"balance, margin {percent(report.margin)}: {report.verdict}")


def _draw_weights(report: BalanceReport, ax: Any) -> None:
    n_classes = len(report.labels)
    names = [label_text(label) for label in report.labels]
    relative = relative_weights(report)
    level = 100 * relative[0].level
    ax.set_title(f"weights that it acts upon, {level:g} % intervals")
    if n_classes > MOST:
        rows = [Row(n, _logs(r), "") for n, r in zip(names, relative, strict=True)]
        _draw(rows, ax, "weight acted upon / stated", None, as_gaps=False)
        return
    stated, effective = shown_weights(report)
    rows = [
        Row(n, _logs(e), "", float(np.log(s)))
        for n, e, s in zip(names, effective, stated, strict=True)
    ]
    unit = reference(report) if n_classes == 2 else int(np.argmin(stated))
    draw_rows(rows, ax, _weight_axis(names[unit], n_classes), as_gaps=False)


def _weight_axis(unit: str, n_classes: int) -> str:
    if n_classes == 2:
        return f"weight, that of class {plain(unit)} being 1"
    return "weight against all others, the lightest as stated being 1"


def _draw_groups(report: BalanceReport, ax: Any) -> None:
    chosen = [(report.groups[i], class_of_group(report.groups[i])) for i in shown_groups(report)]
    rows = []
    for group, k in chosen:
        of_class = "" if len(report.labels) == 2 else f": {label_text(report.labels[k])}"
        rows.append(
            Row(f"{label_text(group.name)}{of_class}", log_gap(group.gaps[k]), group.verdicts[k])
        )
    level = 100 * report.groups[0].gaps[0].level
    if len(report.labels) == 2:
        whose = f"of class {plain(label_text(report.labels[1]))}"
    else:
        whose = "of the class that is furthest off"
    draw_rows(rows, ax, f"gap {whose}, {level:g} % intervals", report.margin, as_gaps=True)
    left_out = len(report.groups) - len(rows)
    more = f"; {len(rows)} of {len(report.groups)}, furthest off" if left_out else ""
    ax.set_title(f"balance within groups{more}")


def _draw_causes(report: BalanceReport, ax: Any) -> None:
    """Draw predicted against observed residuals of the causes that predict any."""
    causes = [c for c in report.causes if np.isfinite(c.predicted).any()][:4]
    markers = "osD^"
    for cause, colour, marker in zip(causes, sequence(len(causes)), markers, strict=False):
        error = np.where(np.isfinite(cause.error), cause.error, 0.0)
        ax.errorbar(
            100 * cause.predicted, 100 * cause.observed, yerr=100 * error, fmt=marker, ms=4, lw=1,
            color=colour, label=f"{plain(cause.name)} ({cause.split}): {cause.consistency}",
            alpha=1.0 if len(report.labels) <= MOST else 0.5,
        )  # fmt: skip
    seen = np.concatenate([np.r_[c.predicted, c.observed] for c in causes])
    ends = [100 * np.nanmin(seen), 100 * np.nanmax(seen)]
    ax.plot(ends, ends, color=THEORY, lw=0.8, ls="--", zorder=0)
    ax.set_xlabel("residual r / w that is predicted, %")
    ax.set_ylabel("observed, %")
    ax.set_title("causes")
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(0, -0.18), frameon=False)


def _draw(rows: list[Row], ax: Any, name: str, margin: float | None, *, as_gaps: bool) -> None:
    draw = draw_rows if len(rows) <= MOST else draw_ranks
    draw(rows, ax, name, margin, as_gaps=as_gaps)


def log_gap(gap: Estimate) -> tuple[float, float, float]:
    """Value and ends of a gap as logarithms of left / right."""
    value, low, high = log_ratio([gap.value, gap.low, gap.high]).tolist()
    return value, low, high


def _logs(ratio: Estimate) -> tuple[float, float, float]:
    value, low, high = log_ratio([ratio.value - 1, ratio.low - 1, ratio.high - 1]).tolist()
    return value, low, high


_PICTURES: dict[str, Callable[[Any, Any], None]] = {
    "weights": _draw_weights,
    "gaps": _draw_gaps,
    "causes": _draw_causes,
    "groups": _draw_groups,
}
