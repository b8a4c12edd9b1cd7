"""Pictures of an audit: one of them in axes that are given, or all of them on a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.audit.report.forest import NAME, Row, draw_ranks, draw_rows
from learnprop.audit.report.grids import MOST, class_of_group, shown_groups
from learnprop.audit.report.scale import log_ratio
from learnprop.audit.report.weights import reference, relative_weights, shown_weights
from learnprop.audit.report.words import label_text, percent
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.inference.estimates import Estimate
from learnprop.reports.layout.fitting import shortened
from learnprop.reports.layout.fonts import use_fonts_of_scripts
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

ROW, FRAME = 0.24, 1.25
"""Inches of a row of a picture, and of what is around it."""

RING = 3.0
"""Points by which the marks of a cause are larger than those of the one before."""

LEGEND_LINE = 14
"""Points of a line of a legend."""


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
    use_fonts_of_scripts(ax.figure)
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
    if len(report.labels) <= MOST:
        axes[0, 1].tick_params(labelleft=False)  # the same classes are beside it
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
    n_rows = {"groups": len(shown_groups(report)), "causes": 8}.get(kind, len(report.labels))
    return FRAME + ROW * (min(max(n_rows, 4), MOST) if n_rows <= MOST else 9)


def _draw_gaps(report: BalanceReport, ax: Any) -> None:
    rows = [
        Row(label_text(label), _logs(gap, 1.0), verdict)
        for label, gap, verdict in zip(report.labels, report.gaps, report.verdicts, strict=True)
    ]
    draw = draw_rows if len(rows) <= MOST else draw_ranks
    draw(rows, ax, f"gap in % {_level(report.gaps[0])}", report.margin)
    ax.set_title(f"balance within {percent(report.margin)}: {report.verdict}")


def _draw_weights(report: BalanceReport, ax: Any) -> None:
    names = [label_text(label) for label in report.labels]
    if len(names) > MOST:
        relative = relative_weights(report)
        rows = [Row(n, _logs(r), "") for n, r in zip(names, relative, strict=True)]
        draw_ranks(rows, ax, f"weight acted upon / stated {_level(relative[0])}")
        ax.set_title("weights that it acts upon")
        return
    stated, effective = shown_weights(report)
    rows = [
        Row(n, _logs(e), "", float(np.log(s)))
        for n, e, s in zip(names, effective, stated, strict=True)
    ]
    lightest = f"class {plain(shortened(names[reference(report)], NAME))}"
    unit = f"over that of {lightest}" if len(names) == 2 else "against all others, lightest = 1"
    draw_rows(rows, ax, f"weight {unit}")
    ax.plot([], [], "o", ms=4, color=OBSERVED, label=f"acts upon {_level(effective[0])}")
    _legend_above(ax, 2, "weights that it acts upon")


def _draw_groups(report: BalanceReport, ax: Any) -> None:
    shown = [(report.groups[i], class_of_group(report.groups[i])) for i in shown_groups(report)]
    one = len({k for _, k in shown}) == 1  # its name need not stand in every row
    rows = []
    for group, k in shown:
        of_class = "" if one else f", {label_text(report.labels[k])}"
        rows.append(
            Row(f"{label_text(group.name)}{of_class}", _logs(group.gaps[k], 1.0), group.verdicts[k])
        )
    label = plain(shortened(label_text(report.labels[shown[0][1]]), NAME))
    whose = f", class {label}" if one else ""
    draw_rows(rows, ax, f"gap in % {_level(report.groups[0].gaps[0])}", report.margin)
    folded = f"; {len(rows)} of {len(report.groups)}" if len(rows) < len(report.groups) else ""
    ax.set_title(f"balance within groups{whose}{folded}")


def _legend_above(ax: Any, n_columns: int, title: str) -> None:
    """Put the legend between the axes and their title."""
    legend = ax.legend(
        fontsize="small", loc="lower left", bbox_to_anchor=(0, 1), ncols=n_columns,
        frameon=False, borderaxespad=0.2, handletextpad=0.3,
    )  # fmt: skip
    n_lines = -(-len(legend.get_texts()) // n_columns)
    ax.set_title(title, pad=6 + LEGEND_LINE * n_lines)


def _level(estimate: Estimate) -> str:
    return f"[{100 * estimate.level:g} %]"


def _draw_causes(report: BalanceReport, ax: Any) -> None:
    """Draw predicted against observed residuals of the causes that predict any.

    Those that predict the same are seen within each other.
    """
    causes = [c for c in report.causes if np.isfinite(c.predicted).any()][:4]
    many = len(report.labels) > MOST
    drawn = zip(causes, sequence(len(causes)), "osD^", strict=False)
    for i, (cause, colour, marker) in enumerate(drawn):
        error = np.where(np.isfinite(cause.error), cause.error, 0.0)
        name = f"{plain(shortened(cause.name, 2 * NAME))} ({cause.split})"
        ax.errorbar(
            100 * cause.predicted, 100 * cause.observed, yerr=100 * error, fmt=marker, lw=1,
            color=colour, label=f"{name}: {cause.consistency}", mfc=colour if i == 0 else "none",
            ms=(2.5 if many else 4) + RING * i, alpha=0.5 if many else 1.0,
        )  # fmt: skip
    seen = np.concatenate([np.r_[c.predicted, c.observed] for c in causes])
    ends = [100 * np.nanmin(seen), 100 * np.nanmax(seen)]
    ax.plot(ends, ends, color=THEORY, lw=0.8, ls="--", zorder=0)
    ax.set_xlabel("predicted imbalance, % of the class's mass")
    ax.set_ylabel("observed, %")
    _legend_above(ax, 1, "imbalance that causes predict")


def _logs(estimate: Estimate, more: float = 0.0) -> tuple[float, float, float]:
    """Logarithms of a ratio and of its ends; of a gap one more."""
    ends = np.array([estimate.value, estimate.low, estimate.high])
    value, low, high = log_ratio(ends + more - 1).tolist()
    return value, low, high


_PICTURES: dict[str, Callable[[Any, Any], None]] = {
    "weights": _draw_weights,
    "gaps": _draw_gaps,
    "causes": _draw_causes,
    "groups": _draw_groups,
}
