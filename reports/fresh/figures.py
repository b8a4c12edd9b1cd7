"""The figure of the gap on fresh data: curves of theory, and what was observed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.reports.fresh.summary import Fresh
from learnprop.reports.fresh.text import without_model
from learnprop.reports.layout.style import (
    COLUMN,
    OBSERVED,
    PAPER,
    PREDICTED,
    THEORY,
    VALIDATED,
    Figure,
    matplotlib,
    plain,
    subplots,
)

if TYPE_CHECKING:
    import pandas as pd

LOOKS = (
    (OBSERVED, "o", "-"), (PREDICTED, "s", "--"), (PAPER, "^", "-."), (VALIDATED, "D", ":")
)  # fmt: skip
"""Colour, marker and line of a λ setting: told apart in grey too."""

TICKS = np.array([-0.9, -0.8, -0.5, -0.2, 0, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100])
"""Gaps at which the axis is labelled."""

KAPPA_TICKS = 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5

ASIDE = 1.05
"""Factor by which marks of one κ stand beside each other."""


def draw_gaps(table: Fresh) -> Figure | None:
    """Draw the rarest class's factor 1 + gap against κ, a panel per number of classes."""
    observed = table.summary.dropna(subset=["gap"])
    if observed.empty:
        return None
    numbers = list(table.threshold)
    figure, axes = subplots(
        len(numbers), 1, figsize=(COLUMN, 2.0 * len(numbers) + 0.9), squeeze=False, sharex=True
    )
    settings = list(dict.fromkeys(table.summary["setting"]))
    kappa = table.summary["kappa"]
    for n_classes, ax in zip(numbers, axes[:, 0], strict=True):
        for setting, look in zip(settings, _looks(len(settings)), strict=True):
            _draw_setting(ax, table, n_classes, setting, look)
        ax.axhline(1, color=THEORY, lw=0.6, ls=":", zorder=0)
        if kappa.min() < table.threshold[n_classes] < kappa.max():
            ax.axvline(table.threshold[n_classes], color=THEORY, lw=0.8)
        _mark_without_model(ax, table.summary[table.summary["classes"] == n_classes])
        ax.set(xscale="log", yscale="log", title=f"{n_classes} classes: the rarest")
        ax.set_xlim(kappa.min() / 1.25, kappa.max() * 1.25)
        _label(ax)
    axes[-1, 0].set_xlabel("features per training sample, $\\kappa$")
    figure.supylabel("gap left/right $-$ 1 on fresh data", fontsize=9)
    figure.legend(
        handles=_legend(settings), loc="outside lower center", ncols=2, fontsize=7.5,
        handlelength=2.4,
    )  # fmt: skip
    return figure


def _looks(n: int) -> list[tuple[str, str, str]]:
    return [LOOKS[i % len(LOOKS)] for i in range(n)]


def _draw_setting(
    ax: Any, table: Fresh, n_classes: int, setting: str, look: tuple[str, str, str]
) -> None:
    """One setting's curve, and marks of what was observed, predicted and repaired."""
    colour, marker, line = look
    wanted = {"classes": n_classes, "setting": setting, "class": n_classes - 1}
    curve = _rows(table.theory, wanted)
    ax.plot(curve["kappa"], 1 + curve["gap"], color=colour, ls=line, lw=1, zorder=1)
    rows = _rows(table.summary, wanted).dropna(subset=["gap"])
    style = {"ls": "", "color": colour, "lw": 0.8, "ms": 3.5}
    for name, at, mark in (
        ("gap", 1.0, {"marker": marker}),
        ("gap_left_out", ASIDE, {"marker": "x", "ms": 4, "mew": 1}),
        ("gap_repaired", 1 / ASIDE, {"marker": marker, "mfc": "white", "mew": 0.8}),
    ):
        y, low, high = (1 + rows[f"{name}{end}"].to_numpy() for end in ("", "_low", "_high"))
        low, high = np.maximum(low, y / 100), np.minimum(high, y * 100)  # unbounded: off the axis
        ax.errorbar(rows["kappa"] * at, y, [y - low, high - y], **(style | mark))


def _rows(frame: pd.DataFrame, wanted: Mapping[str, Any]) -> pd.DataFrame:
    return frame[(frame[list(wanted)] == list(wanted.values())).all(axis=1)]


def _mark_without_model(ax: Any, rows: pd.DataFrame) -> None:
    """Say why there are no marks at a κ under any setting."""
    for kappa, cell in rows.groupby("kappa"):
        if cell["gap"].isna().all():
            ax.text(
                kappa, 0.5, without_model(cell.iloc[0].to_dict()),
                transform=ax.get_xaxis_transform(), rotation=90, va="center", ha="center",
                fontsize=7, bbox={"fc": "white", "ec": "none", "pad": 1.5},
            )  # fmt: skip


def _label(ax: Any) -> None:
    """Ticks at round gaps, in per cent; κ as plain numbers."""
    low, high = ax.get_ylim()
    shown = [tick for tick in TICKS if low <= 1 + tick <= high]
    ax.set_yticks(
        [1 + t for t in shown],
        [(f"{100 * t:+.0f} %" if t else "0 %").replace("-", "\N{MINUS SIGN}") for t in shown],
    )
    ax.minorticks_off()
    left, right = ax.get_xlim()
    inside = [t for t in KAPPA_TICKS if left <= t <= right]
    ax.set_xticks(inside, [f"{t:g}" for t in inside])


def _legend(settings: list[str]) -> list[Any]:
    matplotlib()
    from matplotlib.lines import Line2D

    looks = _looks(len(settings))
    of_settings = [
        Line2D([], [], color=colour, marker=marker, ls=line, ms=3.5, lw=1, label=plain(setting))
        for setting, (colour, marker, line) in zip(settings, looks, strict=True)
    ]
    marks = [
        Line2D([], [], color="0.3", lw=1, label="state evolution"),
        Line2D([], [], color="0.3", marker="o", ls="", ms=3.5, label="observed, 90 %"),
        Line2D([], [], color="0.3", marker="x", ls="", ms=4, label="leave-one-out"),
        Line2D([], [], color="0.3", marker="o", mfc="white", ls="", ms=3.5, label="repaired"),
    ]
    return [*of_settings, *marks]
