"""The zip plot of Table 1: every run's own interval of the gap, and which of them miss zero."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.reports.layout.numbers import LATEX, weight_formula
from learnprop.reports.layout.style import (
    COLUMN,
    COVERED,
    MARGIN,
    OBSERVED,
    PREDICTED,
    SMALLEST,
    THEORY,
    Figure,
    matplotlib,
    subplots,
)
from learnprop.reports.table1.intervals import LEVEL, RunIntervals
from learnprop.reports.table1.summary import FRESH, Table1
from learnprop.simulations.studies.table1.study import SIMULATIONS

if TYPE_CHECKING:
    import pandas as pd

FLOOR, WORD, BELOW = -32.0, -31.0, -9.0
"""Lower end of a panel, and where below the runs verdict and gap of all are; per cent of runs."""

FARTHEST = 0.98
"""Share of a row's ends of intervals that are within its panels."""


def draw_zip(table: Table1) -> Figure | None:
    """Draw the runs' intervals of the gap, the farthest from zero at the top, as a zip is open.

    A panel per λ and per simulation and split: the height at which the colour changes is the
    coverage. A line is where theory expects it, dotted where the intervals' level is.
    """
    if table.coverage.empty or not table.coverage["intervals"].gt(1).any():
        return None
    coverage = table.coverage.set_index(["simulation", "setting", "split"])
    summary = table.summary.set_index(["simulation", "setting", "split"])
    settings = list(dict.fromkeys(table.coverage["setting"]))
    names = list(dict.fromkeys(table.coverage["simulation"]))
    strips = [(name, split) for split in FRESH for name in names]
    figure, axes = subplots(
        len(strips), len(settings), figsize=(COLUMN, 0.5 + 1.3 * len(strips)), squeeze=False,
        sharey=True,
    )  # fmt: skip
    reach = {split: _reach(table, split) for split in FRESH}
    for (name, split), row in zip(strips, axes, strict=True):
        for ax, setting in zip(row, settings, strict=True):
            key = name, setting, split
            if key not in table.intervals:
                ax.set_axis_off()
                continue
            _draw_panel(ax, table.intervals[key], coverage.loc[key])
            _draw_gap(ax, summary.loc[key], table.margin)
            ax.set_xlim(-reach[split], reach[split])
        row[0].set_ylabel(f"{SIMULATIONS[name].title}, {split}", fontsize=7.5, labelpad=1)
    for ax, setting in zip(axes[0], settings, strict=True):
        formula = weight_formula(setting, LATEX).strip("$")
        ax.set_title(f"$\\lambda_0 = {formula}$\n{ax.get_title()}", fontsize=7, pad=3)
    axes[-1, len(settings) // 2].set_xlabel("gap of Eq. (10), per cent", fontsize=7.5)
    figure.supylabel(
        "runs, ranked by how many arms of its interval the gap is from zero, per cent", fontsize=7.5
    )
    figure.legend(
        handles=_handles(table), loc="outside lower center", ncols=2, fontsize=6.5,
        handlelength=1.6, columnspacing=1.0,
    )  # fmt: skip
    return figure


def _draw_panel(ax: Any, runs: RunIntervals, row: pd.Series) -> None:
    """Draw one zip with its coverage above it."""
    order = np.argsort(runs.distance, kind="stable")
    height = 100 * (np.arange(len(order)) + 0.5) / max(len(order), 1)
    misses = runs.misses[order]
    gap, low, high = (100 * of_runs[order] for of_runs in (runs.gap, runs.low, runs.high))
    for which, colour in ((~misses, COVERED), (misses, OBSERVED)):
        ax.hlines(height[which], low[which], high[which], color=colour, lw=0.6)
    ax.plot(gap, height, ls="", marker=".", ms=0.9, mew=0, color="white")
    ax.axvline(0, color=THEORY, lw=0.7, ls="--")
    ax.axhline(100 * LEVEL, color=THEORY, lw=0.6, ls=":")
    said = f"{100 * row['coverage']:.0f} ± {100 * row['coverage_mcse']:.0f} %"
    if not row["coverage_mcse"] > 0:  # all or none: of few runs that is no certainty
        n = int(row["intervals"])
        said = f"{round(row['coverage'] * n)} of {n}"
    predicted = row.get("coverage_predicted", np.nan)
    if np.isfinite(predicted):
        ax.axhline(100 * predicted, color=PREDICTED, lw=1.0)
        said += f" ({100 * predicted:.0f})"
    ax.set_title(said, fontsize=6.5, pad=2)
    ax.set_ylim(FLOOR, 101)
    ax.set_yticks([0, 50, 100 * LEVEL], ["0", "50", f"{100 * LEVEL:.0f}"])
    ax.tick_params(labelsize=SMALLEST, length=2, pad=1.5)


def _draw_gap(ax: Any, row: pd.Series, margin: float) -> None:
    """Draw the gap of all runs with its 90 % interval, the margin and the verdict, below them."""
    from matplotlib.patches import Rectangle

    gap, low, high = (100 * row[name] for name in ("gap", "gap_low", "gap_high"))
    corner, size = (-100 * margin, 2 * BELOW), (200 * margin, -2 * BELOW)
    ax.add_patch(Rectangle(corner, *size, color=MARGIN, lw=0))
    if np.isfinite([gap, low, high]).all():
        ends = [[gap - low], [high - gap]]
        ax.errorbar(gap, BELOW, xerr=ends, fmt="D", ms=1.8, lw=1.0, color=THEORY)
    left = gap > 0
    ax.text(
        0.02 if left else 0.99, WORD, row["verdict"], transform=ax.get_yaxis_transform(),
        ha="left" if left else "right", va="bottom", fontsize=SMALLEST,
        fontweight="bold" if row["verdict"] == "fails" else "normal",
    )  # fmt: skip


def _reach(table: Table1, split: str) -> float:
    """Half the width of the panels of a split, in per cent."""
    ends = [
        np.abs([runs.low, runs.high])
        for (_, _, of_split), runs in table.intervals.items()
        if of_split == split
    ]
    of_all = np.concatenate([end.ravel() for end in ends])
    return 100 * float(np.quantile(of_all[np.isfinite(of_all)], FARTHEST))


def _handles(table: Table1) -> list[Any]:
    matplotlib()
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Any] = [
        Line2D([], [], color=COVERED, lw=2, label="zero inside"),
        Line2D([], [], color=OBSERVED, lw=2, label="zero outside"),
        Line2D(
            [], [], color=THEORY, lw=0.6, ls=":", label=f"{100 * LEVEL:.0f} %, fixed true model"
        ),
        Line2D([], [], color=THEORY, ls="", marker="D", ms=1.8, label="gap of all runs, 90 %"),
        Patch(color=MARGIN, lw=0, label=f"margin, {100 * table.margin:g} %"),
    ]
    if "coverage_predicted" in table.coverage:
        label = "predicted, fitted models"
        handles.append(Line2D([], [], color=PREDICTED, lw=1, label=label))
    return handles
