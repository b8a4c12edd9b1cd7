"""Figures of a grid against the weight of class 0: mean probabilities and accuracies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.reports.explore.named_weight_figures import (
    are_few,
    draw_named_accuracy,
    draw_named_mean_proba,
)
from learnprop.reports.explore.panels import (
    ACCURACIES,
    BOUNDS,
    by_ratio,
    class_title,
    error_bars,
    legend_of_ratios,
    panels_by_ratio,
    rows_with_numbers,
    shown_classes,
)
from learnprop.reports.explore.summary import Explore
from learnprop.reports.layout.style import COLUMN, Figure, subplots
from learnprop.simulations.studies.checks import is_lambda0

if TYPE_CHECKING:
    import pandas as pd


def draw_mean_proba(table: Explore) -> Figure | None:
    """Draw the mean probability of each class against λ_0, per ratio.

    Points are measured on test data, lines the population's; of more than four classes, the rarest
    and the largest.
    """
    test = rows_with_numbers(table)
    if test is None:
        return None
    if are_few(table):
        return draw_named_mean_proba(table, test)
    classes = shown_classes(table)
    figure, axes = subplots(
        len(classes), 1, figsize=(COLUMN, 0.8 + 1.8 * len(classes)), sharex=True
    )
    for ax, k in zip(axes, classes, strict=True):
        for ratio, colour, marker in by_ratio(table):
            rows = test[(test["ratio"] == ratio) & (test["class"] == k)]
            rows = _with_lambda0(rows, table)
            curve = table.curve
            if len(curve):
                curve = curve[(curve["ratio"] == ratio) & (curve["class"] == k)]
                ax.plot(curve["lambda0"], curve["mean_proba"], color=colour, lw=0.9, zorder=0)
            on_curve = _on_curve(rows, table.n_classes)
            for part, face in ((rows[on_curve], colour), (rows[~on_curve], "white")):
                ax.errorbar(
                    part["lambda0"], part["mean_proba"],
                    error_bars(part, "mean_proba"), fmt=marker, ms=3, lw=0.8, mfc=face,
                    color=colour,
                )  # fmt: skip
        ax.set_ylim(-0.03, 1.03)
        ax.set_ylabel(rf"$\bar p_{{{k} \to {k}}}$")
        ax.set_title(class_title(table, k), fontsize=7.5, pad=2)
    _lambda0_axis(axes[-1], test)
    on_curve = _on_curve(test, table.n_classes)
    legend_of_ratios(
        figure, table, test["ratio"][on_curve], open_=test["ratio"][~on_curve],
        open_means="other classes not alike", curves=len(table.curve) > 0,
    )  # fmt: skip
    return figure


def draw_accuracy(table: Explore) -> Figure | None:
    """Draw balanced and overall accuracy against λ_0, a panel per ratio, with Markov's bounds."""
    test = rows_with_numbers(table)
    if test is None:
        return None
    if are_few(table):
        return draw_named_accuracy(table, test)
    figure, panels, add_legend = panels_by_ratio(table, height=1.05)
    for ax, ratio in zip(panels, table.ratios, strict=True):
        rows = test[(test["ratio"] == ratio) & (test["class"] == 0)]
        rows = _with_lambda0(rows, table)
        curve = rows[_on_curve(rows, table.n_classes)]
        for name, label, colour, marker, line in ACCURACIES:
            ax.errorbar(
                rows["lambda0"], rows[name], error_bars(rows, name), fmt=marker,
                ms=2.5, lw=0.8, color=colour, label=label,
            )  # fmt: skip
            if f"{name}_low" in rows:
                for end in ("low", "high"):
                    ax.plot(
                        curve["lambda0"], curve[f"{name}_{end}"], color=colour, lw=0.8, ls=line,
                        zorder=0, label=BOUNDS.format(label) if end == "low" else None,
                    )  # fmt: skip
        _lambda0_axis(ax, test, few=True)
        ax.label_outer()
    panels[0].tick_params(labelleft=True)  # where the panel beside it is spare
    add_legend()
    return figure


def _with_lambda0(rows: pd.DataFrame, table: Explore) -> pd.DataFrame:
    """Rows of one ratio with λ_0 of their setting, in its order."""
    test = table.split("test")
    first = test[test["class"] == 0].set_index(["ratio", "weighting"])["weight"]
    keys = zip(rows["ratio"], rows["weighting"], strict=True)
    return rows.assign(lambda0=[first[key] for key in keys]).sort_values("lambda0")


def _on_curve(rows: pd.DataFrame, n_classes: int) -> np.ndarray:
    """Which rows belong to one family in λ_0: for two classes all of them."""
    if n_classes == 2:
        return np.ones(len(rows), dtype=bool)
    return np.array([is_lambda0(setting) for setting in rows["weighting"]], dtype=bool)


def _lambda0_axis(ax: Any, test: pd.DataFrame, *, few: bool = False) -> None:
    weight = test[test["class"] == 0]["weight"]
    ax.set_xscale("logit")
    ticks = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
    low, high = weight.min(), weight.max()
    inside = [t for t in ticks if low * 0.99 <= t <= high * 1.0001]
    if len(inside) < 2:  # a narrow range: its ends
        inside = sorted({float(f"{low:.2g}"), float(f"{high:.2g}")})
    if few:  # two or three labels have room
        middle = [0.5] if inside[0] <= 0.1 and inside[-1] >= 0.9 else []
        inside = sorted({inside[0], *middle, inside[-1]})
    ax.set_xticks(inside, [f"{t:g}" for t in inside])
    ax.set_xticks([], minor=True)
    ax.set_xlabel(r"$\lambda_0$")
