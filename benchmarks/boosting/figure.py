"""The figure of the residual by rounds."""

from __future__ import annotations

import pandas as pd

from benchmarks.boosting.decay import STARTS
from learnprop.reports.layout.style import OBSERVED, PREDICTED, THEORY, Figure, subplots

LOOKS = {"LightGBM": (OBSERVED, "o"), "XGBoost": (PREDICTED, "s")}
FILLED = dict(zip(STARTS, (True, False), strict=True))
ASIDE = {"LightGBM": -0.4, "XGBoost": 0.4}
"""Rounds by which marks of one T stand beside each other."""

RATE = 0.1


def draw(rows: pd.DataFrame) -> Figure:
    """Draw what is left of the residual against rounds, a panel per number of classes."""
    rows = rows[rows["rate"] == RATE]
    figure, axes = subplots(1, 2, figsize=(7.0, 2.9), sharey=True)
    for ax, (n_classes, of_classes) in zip(axes, rows.groupby("classes"), strict=True):
        for (library, begins), group in of_classes.groupby(["library", "start"]):
            colour, marker = LOOKS[library]
            ax.plot(
                group["rounds"] + ASIDE[library], group["observed"], ls="", marker=marker, ms=5,
                color=colour, mfc=colour if FILLED[begins] else "none", zorder=3,
            )  # fmt: skip
            if n_classes > 2 or library == "LightGBM":
                ax.plot(
                    [0, *group["rounds"]], [1, *group["first_order"]], lw=0.9,
                    color=THEORY if n_classes == 2 else colour, ls="--", zorder=1,
                )  # fmt: skip
        ax.set(yscale="log", title=f"{n_classes} classes", xlabel="rounds, $T$", xlim=(0, 42))
        ax.set_yticks([1, 0.5, 0.2, 0.1, 0.05, 0.02], ["1", "0.5", "0.2", "0.1", "0.05", "0.02"])
        ax.minorticks_off()
    axes[0].set_ylabel("residual over that of the start")
    figure.legend(
        handles=_legend(), loc="outside lower center", ncols=5, fontsize=7.5, handlelength=2.2
    )
    return figure


def _legend() -> list[object]:
    from matplotlib.lines import Line2D

    looks = [
        Line2D([], [], ls="", marker=marker, color=colour, label=library)
        for library, (colour, marker) in LOOKS.items()
    ]
    said = {"prior": "shares without the weights", "zero": "equal shares"}
    starts = [
        Line2D([], [], ls="", marker="D", ms=4, color="0.4", mfc="0.4" if fill else "none",
               label=f"from {said[begins]}")
        for begins, fill in FILLED.items()
    ]  # fmt: skip
    return [*looks, *starts, Line2D([], [], ls="--", lw=0.9, color=THEORY, label="first order")]
