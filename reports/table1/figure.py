"""The figure of Table 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from learnprop.reports.layout.numbers import LATEX, percent_interval, weight_formula
from learnprop.reports.layout.style import (
    OBSERVED,
    PAGE,
    PAPER,
    PREDICTED,
    THEORY,
    Figure,
    subplots,
)
from learnprop.reports.table1.summary import Table1
from learnprop.reports.table1.text import predicted_basis
from learnprop.simulations.studies.table1.study import SIMULATIONS


def draw_table1(table: Table1) -> Figure | None:
    """Draw the distribution of the left side of Eq. (10) over runs, one panel per cell."""
    test = table.summary[table.summary["split"] == "test"].set_index(["simulation", "setting"])
    simulations = list(dict.fromkeys(key[0] for key in table.ratios))
    settings = list(dict.fromkeys(key[1] for key in table.ratios))
    if not any(np.isfinite(ratios).sum() > 1 for ratios in table.ratios.values()):
        return None
    figure, axes = subplots(
        len(simulations), len(settings), figsize=(PAGE, 2.4 * len(simulations)), squeeze=False
    )
    for i, name in enumerate(simulations):
        for j, setting in enumerate(settings):
            row = test.loc[(name, setting)]
            _draw_panel(axes[i, j], table.ratios[name, setting], row)
            if i == 0:
                formula = weight_formula(setting, LATEX).strip("$")
                axes[i, j].set_title(rf"$\lambda_0 = {formula}$,  RHS = {row['rhs']:g}", pad=8)
        basis = predicted_basis([test.loc[(name, setting)] for setting in settings])
        axes[i, 0].set_ylabel(
            f"{SIMULATIONS[name].title}: {SIMULATIONS[name].fitter}\n(predicted: {basis})",
            fontsize=7.5,
        )
    axes[-1, len(settings) // 2].set_xlabel(
        r"left side of Eq. (10) on test data, "
        r"$(1-\bar p_{0 \to 0})/\bar p_{1 \to 0}$, over runs"
    )
    handles: dict[str, Any] = {}
    for ax in axes.flat:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(
        handles=list(handles.values()),
        labels=list(handles),
        loc="outside lower center",
        ncols=max(1, len(handles)),
        fontsize=7.5,
    )
    return figure


def _draw_panel(ax: Any, ratios: np.ndarray, row: Any) -> None:
    """Histogram of the runs, predicted density, right side, and mean ± SD of us and the paper."""
    from scipy import stats

    ratio = ratios[np.isfinite(ratios)]
    if len(ratio) < 2:
        ax.set_axis_off()
        return
    heights, _, _ = ax.hist(
        ratio, bins="auto", density=True, color=OBSERVED, alpha=0.35, label="observed"
    )
    peak = float(heights.max())
    if row.get("predicted_sd", 0) > 0:
        x = row["predicted_mean"] + row["predicted_sd"] * np.linspace(-4, 4, 200)
        density = stats.norm.pdf(x, row["predicted_mean"], row["predicted_sd"])
        ax.plot(x, density, color=PREDICTED, lw=1.3, label="predicted")
        peak = max(peak, float(density.max()))
    marks = [("lhs", OBSERVED, "o", "observed mean ± SD")]
    if np.isfinite(row.get("paper_mean", np.nan)):
        marks.append(("paper", PAPER, "s", "paper's mean ± SD"))
    for i, (prefix, colour, marker, label) in enumerate(marks):
        ax.errorbar(
            row[f"{prefix}_mean"],
            (1.10 + 0.11 * i) * peak,
            xerr=row[f"{prefix}_sd"],
            fmt=marker,
            ms=4,
            lw=1.2,
            capsize=2.5,
            color=colour,
            label=label,
        )
    top = 1.04 + 0.11 * len(marks)
    line = {"color": THEORY, "lw": 1.0, "ls": "--", "label": "RHS of Eq. (10)"}
    ax.vlines(row["rhs"], 0, top * peak, **line)
    ax.set_ylim(0, (top + 0.27) * peak)
    ax.text(
        0.5,
        0.985,
        f"gap {percent_interval(row['gap'], row['gap_low'], row['gap_high'])}\n{row['verdict']}",
        transform=ax.transAxes,
        ha="center",
        va="top",
        fontsize=7,
        fontweight="bold" if row["verdict"] == "fails" else "normal",
    )
    ax.set_yticks([])
    ax.spines["left"].set_visible(False)
