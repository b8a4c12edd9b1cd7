"""Figures of few weights, by the name of each: mean probabilities and accuracies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.reports.explore.panels import (
    ACCURACIES,
    BOUNDS,
    by_ratio,
    class_title,
    error_bars,
    legend_of_ratios,
    panels_by_ratio,
    shown_classes,
)
from learnprop.reports.explore.summary import Explore
from learnprop.reports.explore.text import weighting_name
from learnprop.reports.layout.numbers import LATEX
from learnprop.reports.layout.style import COLUMN, THEORY, Figure, plain, subplots
from learnprop.simulations.studies.checks import is_lambda0

if TYPE_CHECKING:
    import pandas as pd

FEW = 4
"""So many weights make no line: they are drawn by name."""

APART = 0.6
"""First mark from the last at a name."""

LONGEST = 24
"""Letters of a name; K numbers may be more."""


def are_few(table: Explore) -> bool:
    """Whether so few weights differ in λ_0 alone that there is nothing to draw over it."""
    alike = [s for s in table.settings if table.n_classes == 2 or is_lambda0(s)]
    return len(alike) <= FEW


def draw_named_mean_proba(table: Explore, test: pd.DataFrame) -> Figure:
    """Draw the mean probability of each class by the name of the weights, per ratio.

    Parameters
    ----------
    table : Explore
    test : DataFrame
        Its rows of test data that have numbers.
    """
    classes = shown_classes(table)
    figure, axes = subplots(
        len(classes), 1, figsize=(COLUMN, 1.3 + 1.3 * len(classes)), sharex=True
    )
    for ax, k in zip(axes, classes, strict=True):
        for ratio, move, (_, colour, marker) in zip(
            table.ratios, _beside(len(table.ratios)), by_ratio(table), strict=True
        ):
            rows = test[(test["ratio"] == ratio) & (test["class"] == k)]
            at = _place(rows, table) + move
            ax.errorbar(
                at, rows["mean_proba"], error_bars(rows, "mean_proba"), fmt=marker, ms=3.5,
                lw=0.8, color=colour,
            )  # fmt: skip
            if "limit_mean_proba" in rows:
                half = 0.4 * APART / len(table.ratios)
                ax.hlines(rows["limit_mean_proba"], at - half, at + half, color=THEORY, lw=0.9)
        ax.set_ylim(-0.03, 1.03)
        ax.set_ylabel(rf"$\bar p_{{{k} \to {k}}}$")
        ax.set_title(class_title(table, k), fontsize=7.5, pad=2)
    _name_axis(axes[-1], table, room=40)
    legend_of_ratios(figure, table, test["ratio"], limit="limit_mean_proba" in test)
    return figure


def draw_named_accuracy(table: Explore, test: pd.DataFrame) -> Figure:
    """Draw both accuracies by the name of the weights, a panel per ratio, with Markov's bounds.

    Parameters
    ----------
    table : Explore
    test : DataFrame
        Its rows of test data that have numbers.
    """
    figure, panels, add_legend = panels_by_ratio(table, height=1.35)
    for ax, ratio in zip(panels, table.ratios, strict=True):
        rows = test[(test["ratio"] == ratio) & (test["class"] == 0)]
        for move, (name, label, colour, marker, _) in zip(_beside(2), ACCURACIES, strict=True):
            at = _place(rows, table) + move / 2
            ax.errorbar(
                at, rows[name], error_bars(rows, name), fmt=marker, ms=3.5, lw=1.6,
                color=colour, label=label,
            )  # fmt: skip
            if f"{name}_low" in rows:
                low, high = rows[f"{name}_low"], rows[f"{name}_high"]
                ax.errorbar(
                    at, (low + high) / 2, (high - low) / 2, fmt="none", capsize=3, lw=0.8,
                    ecolor=colour, alpha=0.6, label=BOUNDS.format(label),
                )  # fmt: skip
        _name_axis(ax, table, room=40 if len(table.ratios) == 1 else 18)
    add_legend()
    return figure


def _beside(n: int) -> np.ndarray:
    """Places of n marks beside each other at a name."""
    return APART * (np.arange(n) - (n - 1) / 2) / max(n - 1, 1)


def _place(rows: pd.DataFrame, table: Explore) -> np.ndarray:
    return np.array([table.settings.index(s) for s in rows["weighting"]], dtype=np.float64)


def _name_axis(ax: Any, table: Explore, room: int) -> None:
    """Names below an axis that has room for so many letters; else upright."""
    names = [plain(s if len(s) <= LONGEST else s[: LONGEST - 1] + "…") for s in table.settings]
    upright = (1 + max(map(len, names))) * len(names) > room
    shown = [weighting_name(s, LATEX) if is_lambda0(s) else s for s in names]
    ax.set_xticks(range(len(names)), shown, rotation=90 if upright else 0, fontsize=7)
    ax.set_xlim(-0.5, len(names) - 0.5)
