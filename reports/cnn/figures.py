"""Figures of trained networks: residuals over epochs, sides by stage, P as heat maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.reports.cnn.summary import Networks
from learnprop.reports.cnn.text import STAGE_NAMES
from learnprop.reports.layout.heat_map import Panel, draw_heat_maps
from learnprop.reports.layout.style import (
    COLUMN,
    OBSERVED,
    PAGE,
    PAPER,
    PREDICTED,
    SMALLEST,
    THEORY,
    VALIDATED,
    Figure,
    as_strips,
    plain,
    subplots,
)
from learnprop.reports.statistics.runs import half_width
from learnprop.simulations.records.rows import NOT_CONVERGED
from learnprop.simulations.refinement.stages import OF_WHOLE_LAYERS

if TYPE_CHECKING:
    import pandas as pd

MAPS_PER_ROW, PER_ROW = 3, 2
"""Heat maps, and panels of sides, beside each other."""

CROWDED = 5
"""Above so many marks a class a panel of sides has the page's width for itself."""

EPOCHS_PER_ROW = 5
"""Columns of residuals over epochs beside each other."""

FAR = 4.0
"""Beyond the farthest mark, as a factor: of few runs intervals may go on for decades."""

SPLITS: dict[str, dict[str, Any]] = {
    "train": {"marker": "o", "mfc": "white", "color": PREDICTED},
    "test": {"marker": "s", "color": OBSERVED},
}
"""How residuals over epochs are drawn: filled on test data."""

APART = 0.12
"""From an epoch to the marks on both splits beside it."""


def draw_epochs(table: Networks) -> Figure | None:
    """Draw the residual of each class after the measured epochs, on train and on test.

    A strip per class, so that of ten classes no curve hides another.
    """
    if table.epochs.empty:
        return None
    epochs = sorted(table.epochs["epoch"].unique().tolist())
    n = min(len(table.panels), EPOCHS_PER_ROW)
    n_classes, n_blocks = len(table.labels), -(-len(table.panels) // n)
    figure, axes = subplots(
        n_classes * n_blocks, n, squeeze=False, sharex=True, sharey=True,
        figsize=(COLUMN if n == 1 else PAGE, 0.45 * n_classes * n_blocks + 1.0),
    )  # fmt: skip
    for ax in axes.flat:
        ax.set_visible(False)
    for i, (imbalance, setting) in enumerate(table.panels):
        mine = table.epochs.query("imbalance == @imbalance and setting == @setting")
        block = axes[n_classes * (i // n) : n_classes * (i // n + 1), i % n]
        for k, ax in enumerate(block):
            ax.set_visible(True)
            _draw_residuals(ax, mine[mine["class"] == k], epochs)
            if i % n == 0:
                ax.set_ylabel(
                    plain(table.labels[k]), rotation=0, ha="right", va="center", fontsize=7.5
                )
        title = _title(imbalance, setting)
        block[0].set_title(title.replace(", ", "\n", 1) if n > 3 else title, fontsize=7.5)
        block[-1].set_xlabel("epoch", fontsize=7.5)
        block[-1].tick_params(labelbottom=True)
        as_strips(figure, block)
    figure.supylabel("residual $r_j/w_j$ of class", fontsize=8)
    figure.legend(
        *axes[0, 0].get_legend_handles_labels(), loc="outside lower center", fontsize=7, ncols=2
    )
    return figure


def _draw_residuals(ax: Any, mine: pd.DataFrame, epochs: list[int]) -> None:
    """Residual of one class over the epochs, on both splits beside each other."""
    ax.axhline(0, color=THEORY, lw=0.7, ls="--")
    for (split, how), side in zip(SPLITS.items(), (-1, 1), strict=True):
        rows = mine[mine["split"] == split]
        ax.errorbar(
            [epochs.index(e) + side * APART for e in rows["epoch"]], rows["residual"],
            yerr=half_width(rows["residual_mcse"], rows["runs"]),
            ls="-", ms=2.5, mew=0.7, lw=0.5, elinewidth=0.8, label=f"{split}, 90 %", **how,
        )  # fmt: skip
    ax.set_xticks(range(len(epochs)), [f"{e}" for e in epochs])
    ax.set_yscale("symlog", linthresh=0.1)
    ax.set_yticks([-0.1, 0, 0.1], ["\N{MINUS SIGN}0.1", "", "0.1"])
    ax.set_yticks([], minor=True)
    ax.tick_params(labelsize=SMALLEST, length=2)


MARKS: dict[tuple[str, str], dict[str, Any]] = {
    ("raw", "train"): {"marker": "o", "mfc": "white", "color": PREDICTED},
    ("raw", "test"): {"marker": "o", "color": PREDICTED},
    ("bias", "train"): {"marker": "s", "mfc": "white", "color": OBSERVED},
    ("bias", "test"): {"marker": "s", "color": OBSERVED},
    ("heldout", "test"): {"marker": "D", "color": VALIDATED},
    ("head", "test"): {"marker": "^", "color": PAPER},
    ("loo", "test"): {"marker": "v", "mfc": "white", "color": VALIDATED},
}
"""Stage and split to how they are drawn: filled on test data."""

PREDICTED_HEAD = "head", "predicted"

ALL_RUNS, UNBOUNDED = "as trained, range of runs", "interval unbounded"
"""What a legend says of bars and of dotted lines."""


def draw_stages(table: Networks) -> Figure | None:
    """Draw left over right side of each class at every stage, with intervals over runs."""
    if "gap" not in table.summary:
        return None
    panels = table.panels
    marks = [key for key in MARKS if key[0] in table.stages]
    n = min(len(panels), PER_ROW if len(marks) <= CROWDED else 1)
    n_rows = -(-len(panels) // n)
    figure, axes = subplots(
        n_rows, n, figsize=(PAGE, 1.9 * n_rows + 0.9), squeeze=False, sharey=True, sharex=True
    )
    for ax in axes.flat[len(panels) :]:
        ax.set_visible(False)
    for ax, (imbalance, setting) in zip(axes.flat, panels, strict=False):
        ax.axhline(1, color=THEORY, lw=0.8, ls="--")
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
            _draw_stage(
                ax, rows, (stage, split), move=0.8 / len(marks) * (i - (len(marks) - 1) / 2)
            )
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(lambda x, _: f"{x:g}" if f"{x:.0e}"[0] in "25" else "")
        ax.set_title(_title(imbalance, setting), fontsize=8.5)
        upright = max(map(len, table.labels)) <= 2
        ax.set_xticks(
            range(len(table.labels)), table.labels, rotation=0 if upright else 90, fontsize=7
        )
        ax.label_outer()
    for ax in axes.flat[max(0, len(panels) - n) : len(panels)]:  # with none below
        ax.set_xlabel("class")
        ax.tick_params(labelbottom=True)
    marked = np.array([y for ax in axes.flat for line in _marks_of(ax) for y in line.get_ydata()])
    if marked.size:
        low, high = axes[0, 0].get_ylim()
        axes[0, 0].set_ylim(max(low, marked.min() / FAR), min(high, marked.max() * FAR))
    for ax in axes[:, 0]:
        ax.set_ylabel("left / right side")
    _add_legend_of_stages(figure, list(axes.flat))
    return figure


def _add_legend_of_stages(figure: Figure, panels: list[Any]) -> None:
    """Put what any panel shows below them, the marks as they are from left to right."""
    handles: dict[str, Any] = {}
    for ax in panels:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    order = [*(_label(key) for key in (*MARKS, PREDICTED_HEAD)), ALL_RUNS, UNBOUNDED]
    labels = sorted(handles, key=order.index)
    figure.legend(
        [handles[label] for label in labels], labels, loc="outside lower center", ncols=3,
        fontsize=7, title="left over right side with 90 % interval", title_fontsize=7,
    )  # fmt: skip


def _label(key: tuple[str, str]) -> str:
    return f"{STAGE_NAMES[key[0]]}, {key[1]}"


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
        ax.axvline(x, color=colour, lw=0.8, ls=":", label=UNBOUNDED)
    arms = np.stack([ratio - np.maximum(low, 1e-3 * ratio), high - ratio])
    arms = np.where(bounded, arms, 0.0)[:, shown]
    ax.errorbar(
        at, ratio[shown], yerr=arms,
        ls="", ms=3.5, lw=0.8, label=_label(key), **MARKS[key],
    )  # fmt: skip
    if key[0] == "head" and "gap_predicted" in rows:
        ax.plot(
            rows["class"] + move, 1 + rows["gap_predicted"], ls="", marker="_", ms=7, mew=1.4,
            color=THEORY, label=_label(PREDICTED_HEAD),
        )  # fmt: skip
    if key[0] == "raw":  # of single runs: the scale is that of the intervals, which they exceed
        limits = ax.dataLim.frozen()
        ends = (rows[f"{end}_ratio"].to_numpy()[shown] for end in ("least", "largest"))
        ax.vlines(at, *ends, color=colour, lw=2.5, alpha=0.2, label=ALL_RUNS)
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
    return draw_heat_maps(panels, labels=named, per_row=2 if len(panels) == 4 else MAPS_PER_ROW)


def _title(imbalance: float, setting: str) -> str:
    return f"imbalance {imbalance:g}, {setting}"
