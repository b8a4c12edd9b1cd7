"""Figures of a K-class study: P as a heat map, and both sides per class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.reports.layout.cells import has_predicted
from learnprop.reports.layout.heat_map import Panel, draw_heat_maps, setting_title
from learnprop.reports.layout.style import (
    COLUMN,
    MARGIN,
    OBSERVED,
    PAGE,
    PAPER,
    PREDICTED,
    THEORY,
    VALIDATED,
    Figure,
    subplots,
)
from learnprop.reports.multiclass.summary import Multiclass
from learnprop.reports.statistics.runs import half_width

if TYPE_CHECKING:
    import pandas as pd


def draw_mean_proba(table: Multiclass) -> Figure | None:
    """Draw P on test data for every λ setting, and below it the residual of each class."""
    test = table.on_test()
    panels = [
        Panel(
            setting_title(setting),
            P,
            test.loc[test["setting"] == setting, "residual"].to_numpy(),
        )
        for setting, P in table.mean_proba.items()
    ]
    return draw_heat_maps(panels)


def draw_sides(table: Multiclass) -> Figure | None:
    """Draw both sides of Eq. (9) on test data per class, with intervals, and their gap.

    Beside a gap is what left-out samples predicted, and the gap of the stages besides.
    """
    test = table.on_test()
    if not len(test.dropna(subset=["left"])):
        return None
    settings = list(dict.fromkeys(test["setting"]))
    figure, axes = subplots(
        2, len(settings), figsize=(COLUMN if len(settings) == 1 else PAGE, 4.0), squeeze=False,
        sharex=True, height_ratios=(3, 2),
    )  # fmt: skip
    for column, setting in enumerate(settings):
        rows = test[test["setting"] == setting]
        top, bottom = axes[:, column]
        k = rows["class"].to_numpy()
        n_runs = rows["runs_attempted"] - rows["runs_failed"]
        marks = (("left", -0.13, OBSERVED, "o"), ("right", 0.13, PREDICTED, "s"))
        for name, move, colour, marker in marks:
            top.errorbar(
                k + move, 100 * rows[name], yerr=100 * half_width(rows[f"{name}_mcse"], n_runs),
                fmt=marker, ms=4, lw=1, capsize=2, color=colour, label=f"{name} side",
            )  # fmt: skip
        if "limit_left" in rows:
            top.hlines(
                100 * rows["limit_left"], k - 0.3, k + 0.3, color=THEORY, lw=0.9,
                label=rows["limit_basis"].iloc[0],
            )  # fmt: skip
        top.set_yscale("log")
        for axis_formatter in (top.yaxis.set_major_formatter, top.yaxis.set_minor_formatter):
            axis_formatter("{x:g}")
        top.set_title(setting)
        bottom.axhline(0, color=THEORY, lw=0.8, ls="--")
        ends = -100 * table.margin, 100 * table.margin
        bottom.axhspan(*ends, color=MARGIN, lw=0, zorder=0, label=f"margin, {ends[1]:g} %")
        _draw_gaps(bottom, rows, 0.0, fmt="o", color=THEORY, label="gap")
        if has_predicted(rows):
            predicted = {"fmt": "D", "mfc": "white", "color": VALIDATED, "label": "predicted gap"}
            _draw_gaps(bottom, rows, 0.2, "gap_predicted", **predicted)
        for stage in table.stages[1:]:
            repaired = table.on_test(stage)
            repaired = repaired[repaired["setting"] == setting]
            _draw_gaps(bottom, repaired, -0.2, fmt="^", color=PAPER, label="repaired gap")
        bottom.set_xlabel("class")
        bottom.set_xticks(k)
    axes[0, 0].set_ylabel("per cent of the total mass")
    axes[1, 0].set_ylabel("gap, per cent")
    _share_limits(axes)
    handles = [handle for ax in axes[:, 0] for handle in ax.get_legend_handles_labels()[0]]
    columns = len(handles) if len(settings) > 2 else len(settings) + 1
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, fontsize=7)
    return figure


def _draw_gaps(ax: Any, rows: pd.DataFrame, move: float, name: str = "gap", **how: Any) -> None:
    """Draw gaps by class in per cent, those that have an interval."""
    gap, low, high = (100 * rows[f"{name}{end}"].to_numpy() for end in ("", "_low", "_high"))
    finite = np.isfinite(low) & np.isfinite(high)
    errors = [(gap - low)[finite], (high - gap)[finite]]
    at = rows["class"].to_numpy()[finite] + move
    ax.errorbar(at, gap[finite], yerr=errors, ms=4, lw=1, capsize=2, **how)


def _share_limits(axes: Any) -> None:
    """One scale per row, so that λ settings can be compared."""
    for row in axes:
        ends = np.array([ax.get_ylim() for ax in row])
        for ax in row:
            ax.set_ylim(ends[:, 0].min(), ends[:, 1].max())
            ax.label_outer()
