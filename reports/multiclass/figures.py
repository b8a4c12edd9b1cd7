"""Figures of a K-class study: P as an annotated heat map, and both sides per class."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from equations.balance import residual
from reports.multiclass.summary import Multiclass
from reports.statistics import half_width
from reports.style import HOUSE_STYLE, OBSERVED, PREDICTED, THEORY, pyplot, save_figure


def draw_mean_proba(table: Multiclass, paths: list[Path]) -> None:
    """Draw P on test data for every λ setting, and below it the residual of each class.

    Parameters
    ----------
    table : Multiclass
    paths : list of Path
        Where to save it; the suffix gives the format.
    """
    if not table.mean_proba:
        return
    plt = pyplot()
    n_classes = len(next(iter(table.mean_proba.values())))
    side = max(2.3, 0.42 * n_classes)
    with plt.rc_context(HOUSE_STYLE):
        n = len(table.mean_proba)
        figure, axes = plt.subplots(
            2, n, figsize=(side * n + 0.8, 1.32 * side + 0.5), squeeze=False,
            height_ratios=(n_classes, 1), sharex="col",
        )  # fmt: skip
        for column, (setting, P) in enumerate(table.mean_proba.items()):
            r = residual(P, table.mass[setting]) / table.mass[setting]
            if abs(P.sum(axis=1) - 1).max() > 1e-6:  # one-vs-all: the table's own residuals
                test = table.summary.query("split == 'test' and setting == @setting")
                r = test["residual"].to_numpy()
            top, bottom = axes[:, column]
            picture = top.imshow(P, cmap="Blues", vmin=0, vmax=1, aspect="auto")
            _annotate(top, P, "{:.2f}", dark=0.55)
            top.set_title(f"{setting} weights" if setting.isalpha() or "-" in setting else setting)
            bottom.imshow(r[None], cmap="PuOr", vmin=-0.2, vmax=0.2, aspect="auto")
            _annotate(bottom, r[None], "{:+.3f}", dark=0.15)
            top.set_yticks(range(n_classes))
            bottom.set_xticks(range(n_classes))
            bottom.set_yticks([])
            bottom.set_xlabel("predicted class $j$")
            for ax in (top, bottom):
                ax.tick_params(length=0)
                ax.spines[:].set_visible(False)
        axes[0, 0].set_ylabel("true class $i$")
        axes[1, 0].set_ylabel("$r_j/w_j$", rotation=0, ha="right", va="center")
        bar = figure.colorbar(picture, ax=axes[0, -1], shrink=0.9, aspect=30)
        bar.set_label(r"$\bar p_{i \to j}$ on test data")
        bar.outline.set_visible(False)
        save_figure(figure, paths)


def _annotate(ax: Any, values: np.ndarray, form: str, *, dark: float) -> None:
    size = 7.5 if values.shape[1] <= 6 else 5.5 if values.shape[1] <= 12 else 0
    if not size:
        return
    for (i, j), value in np.ndenumerate(values):
        text = form.format(value)
        if float(text) == 0:
            text = text.replace("-", "").replace("+", "")
        colour = "white" if abs(value) > dark else "black"
        ax.text(j, i, text, ha="center", va="center", fontsize=size, color=colour)


def draw_sides(table: Multiclass, paths: list[Path]) -> None:
    """Draw both sides of Eq. (9) on test data per class, with intervals, and their gap.

    Parameters
    ----------
    table : Multiclass
    paths : list of Path
    """
    test = table.summary[table.summary["split"] == "test"]
    if "left" not in test or not len(test.dropna(subset=["left"])):
        return
    plt = pyplot()
    settings = list(dict.fromkeys(test["setting"]))
    with plt.rc_context(HOUSE_STYLE):
        figure, axes = plt.subplots(
            2, len(settings), figsize=(2.4 * len(settings) + 0.4, 4.0), squeeze=False,
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
            gap = 100 * rows["gap"].to_numpy()
            low, high = (100 * rows[f"gap_{end}"].to_numpy() for end in ("low", "high"))
            finite = np.isfinite(low) & np.isfinite(high)
            bottom.axhline(0, color=THEORY, lw=0.8, ls="--")
            bottom.errorbar(
                k[finite], gap[finite], yerr=[(gap - low)[finite], (high - gap)[finite]],
                fmt="o", ms=4, lw=1, capsize=2, color=OBSERVED,
            )  # fmt: skip
            bottom.set_xlabel("class")
            bottom.set_xticks(k)
        axes[0, 0].set_ylabel("per cent of the total mass")
        axes[1, 0].set_ylabel("gap, per cent")
        _share_limits(axes)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=7.5)
        save_figure(figure, paths)


def _share_limits(axes: Any) -> None:
    """One scale per row, so that λ settings can be compared."""
    for row in axes:
        ends = np.array([ax.get_ylim() for ax in row])
        for ax in row:
            ax.set_ylim(ends[:, 0].min(), ends[:, 1].max())
            ax.label_outer()
