"""Figures of trained networks: residuals over epochs, sides by stage, P as heat maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.reports.cnn.summary import Networks
from learnprop.reports.cnn.text import STAGE_NAMES
from learnprop.reports.layout.heat_map import Panel, draw_heat_maps
from learnprop.reports.layout.style import (
    OBSERVED,
    PAPER,
    PREDICTED,
    THEORY,
    VALIDATED,
    Figure,
    sequence,
    subplots,
)
from learnprop.reports.statistics.runs import half_width
from learnprop.simulations.records.rows import NOT_CONVERGED
from learnprop.simulations.refinement.stages import OF_WHOLE_LAYERS

if TYPE_CHECKING:
    import pandas as pd

PER_ROW = 3
"""Panels beside each other."""

EPOCHS_PER_ROW = 6
"""Pairs of panels over epochs beside each other."""

FAR = 4.0
"""Beyond the farthest mark, as a factor: of few runs intervals may go on for decades."""

APART = 0.6
"""First class from the last at an epoch, so that their intervals do not hide each other."""


def draw_epochs(table: Networks) -> Figure | None:
    """Draw the residual of each class after the measured epochs, on train and on test."""
    if table.epochs.empty:
        return None
    epochs = sorted(table.epochs["epoch"].unique().tolist())
    n = min(len(table.panels), EPOCHS_PER_ROW)
    n_rows = -(-len(table.panels) // n)
    figure, axes = subplots(
        2 * n_rows, n, figsize=(2.3 * n + 1.5, 4.6 * n_rows), squeeze=False, sharey=True
    )
    for ax in axes.flat:
        ax.set_visible(False)
    for i, (imbalance, setting) in enumerate(table.panels):
        mine = table.epochs.query("imbalance == @imbalance and setting == @setting")
        pair = axes[2 * (i // n) : 2 * (i // n) + 2, i % n]
        for ax, split in zip(pair, ("train", "test"), strict=True):
            ax.set_visible(True)
            _draw_residuals(ax, mine[mine["split"] == split], table.labels, epochs)
            if i % n == 0:
                ax.set_ylabel(f"$r_j/w_j$ on {split}")
        pair[0].set_title(_title(imbalance, setting), fontsize=8)
        pair[0].tick_params(labelbottom=False)
        pair[1].set_xlabel("epoch")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside right center", fontsize=7, title="class", title_fontsize=7
    )
    return figure


def _draw_residuals(ax: Any, mine: pd.DataFrame, labels: Sequence[str], epochs: list[int]) -> None:
    """Residual of each class over the epochs, beside each other at each of them."""
    ax.axhline(0, color=THEORY, lw=0.8, ls="--")
    for k, colour in enumerate(sequence(len(labels))):
        rows = mine[mine["class"] == k]
        beside = APART * (k / max(len(labels) - 1, 1) - 0.5)
        ax.errorbar(
            [epochs.index(e) + beside for e in rows["epoch"]], rows["residual"],
            yerr=half_width(rows["residual_mcse"], rows["runs"]),
            fmt="o-", ms=2.2, lw=0.5, elinewidth=0.8, color=colour, label=labels[k],
        )  # fmt: skip
    ax.set_xticks(range(len(epochs)), [f"{e}" for e in epochs])
    ax.set_yscale("symlog", linthresh=0.1)
    ax.yaxis.set_major_formatter("{x:g}")


MARKS: dict[tuple[str, str], dict[str, Any]] = {
    ("raw", "train"): {"marker": "o", "mfc": "white", "color": PREDICTED},
    ("raw", "test"): {"marker": "o", "color": PREDICTED},
    ("bias", "train"): {"marker": "s", "mfc": "white", "color": OBSERVED},
    ("bias", "test"): {"marker": "s", "color": OBSERVED},
    ("heldout", "test"): {"marker": "D", "color": VALIDATED},
    ("head", "test"): {"marker": "^", "color": PAPER},
    ("loo", "test"): {"marker": "v", "color": VALIDATED},
}
"""Stage and split to how they are drawn: filled on test data."""


def draw_stages(table: Networks) -> Figure | None:
    """Draw left over right side of each class at every stage, with intervals over runs."""
    if "gap" not in table.summary:
        return None
    panels = table.panels
    n = min(len(panels), PER_ROW)
    n_rows = -(-len(panels) // n)
    for_legend = 0.7 if n > 1 else 1.2
    figure, axes = subplots(
        n_rows, n, figsize=(2.9 * n + 0.6, 2.6 * n_rows + for_legend), squeeze=False, sharey=True,
        sharex=True,
    )  # fmt: skip
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    for ax, (imbalance, setting) in zip(axes.flat, panels, strict=False):
        ax.axhline(1, color=THEORY, lw=0.8, ls="--")
        marks = [key for key in MARKS if key[0] in table.stages]
        for i, (stage, split) in enumerate(marks):
            rows = table.summary.query(
                "imbalance == @imbalance and setting == @setting and stage == @stage "
                "and split == @split"
            ).dropna(subset=["gap"])
            if (
                stage in OF_WHOLE_LAYERS
            ):  # elsewhere the output layer is none that training would reach
                rows = rows[rows["verdict"] != NOT_CONVERGED]
            if rows.empty:
                continue
            _draw_stage(ax, rows, (stage, split), move=0.16 * (i - (len(marks) - 1) / 2))
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:.0e}"[0] in "25" else "")
        ax.set_title(_title(imbalance, setting), fontsize=8.5)
        upright = max(map(len, table.labels)) <= 2
        ax.set_xticks(
            range(len(table.labels)), table.labels, rotation=0 if upright else 90, fontsize=7
        )
        ax.set_xlabel("class")
        ax.label_outer()
    marked = np.array([y for ax in axes.flat for line in _marks_of(ax) for y in line.get_ydata()])
    if marked.size:
        low, high = axes[0, 0].get_ylim()
        axes[0, 0].set_ylim(max(low, marked.min() / FAR), min(high, marked.max() * FAR))
    for ax in axes[:, 0]:
        ax.set_ylabel("left / right side")
    best = max(axes.flat, key=lambda ax: len(ax.get_legend_handles_labels()[0]))
    handles, labels = best.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=n, fontsize=7.5)
    return figure


def _marks_of(ax: Any) -> list[Any]:
    """Lines of a panel that are marks, and no axes and interval ends."""
    return [line for line in ax.lines if line.get_marker() in {m["marker"] for m in MARKS.values()}]


def _draw_stage(ax: Any, rows: pd.DataFrame, key: tuple[str, str], move: float) -> None:
    """One stage on one split: intervals of each class, of the raw network the range of runs too."""
    colour = MARKS[key]["color"]
    ratio = 1 + rows["gap"].to_numpy()
    low, high = (1 + rows[f"gap_{end}"].to_numpy() for end in ("low", "high"))
    bounded = np.isfinite(low) & np.isfinite(high)
    shown = ratio > 0
    at = rows["class"].to_numpy()[shown] + move
    for x in at[~bounded[shown]]:
        ax.axvline(x, color=colour, lw=0.8, ls=":")
    arms = np.stack([ratio - np.maximum(low, 1e-3 * ratio), high - ratio])
    arms = np.where(bounded, arms, 0.0)[:, shown]
    ax.errorbar(
        at, ratio[shown], yerr=arms,
        ls="", ms=3.5, lw=0.8, label=f"{STAGE_NAMES[key[0]]}, {key[1]}", **MARKS[key],
    )  # fmt: skip
    if key[0] == "head" and "gap_predicted" in rows:
        ax.plot(
            rows["class"] + move, 1 + rows["gap_predicted"], ls="", marker="_", ms=7, mew=1.4,
            color=THEORY, label=f"{STAGE_NAMES['head']}, predicted",
        )  # fmt: skip
    if key[0] == "raw":  # of single runs: the scale is that of the intervals, which they exceed
        limits = ax.dataLim.frozen()
        ends = (rows[f"{end}_ratio"].to_numpy()[shown] for end in ("least", "largest"))
        ax.vlines(at, *ends, color=colour, lw=2.5, alpha=0.2)
        ax.dataLim.set(limits)


def draw_mean_proba(table: Networks) -> Figure | None:
    """Draw P on test data at the headline's stage, and the residual of each class."""
    panels = []
    for (imbalance, setting), P in table.mean_proba.items():
        rows = table.summary.query(
            "imbalance == @imbalance and setting == @setting and stage == @table.headline "
            "and split == 'test'"
        )
        panels.append(Panel(_title(imbalance, setting), P, rows["residual"].to_numpy()))
    numbers = [str(k) for k in range(len(table.labels))]
    named = () if list(table.labels) == numbers else table.labels
    return draw_heat_maps(panels, labels=named, per_row=2 if len(panels) == 4 else PER_ROW)


def _title(imbalance: float, setting: str) -> str:
    return f"imbalance {imbalance:g}, {setting}"
