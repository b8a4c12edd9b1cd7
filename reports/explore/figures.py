"""Figures of a grid: both sides of the equation, and what λ does to each class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.explore.summary import Explore
from reports.explore.text import weighting_name
from reports.formatting import LATEX
from reports.style import (
    COLUMN,
    HOUSE_STYLE,
    OBSERVED,
    PREDICTED,
    THEORY,
    plain,
    pyplot,
    save_figure,
    sequence,
)
from simulations.studies.options import is_lambda0

if TYPE_CHECKING:
    import pandas as pd

_MARKERS = "osD^vPX<>"
_NORMAL_90 = 1.645


def draw_sides(table: Explore, paths: list[Path]) -> None:
    """Draw the left side against the right side on test data, on log axes, and below it the gap.

    For two classes those of Eq. (10), else those of Eq. (9) as shares of the total mass.

    Parameters
    ----------
    table : Explore
    paths : list of Path
        Where to save it; the suffix gives the format.
    """
    test = _shown(table)
    if test is None:
        return
    binary = table.n_classes == 2
    if binary:
        test = test[test["class"] == 0]
        share = test["mass_share"]
        right = (1 - share) / share
    else:
        right = test["right"]
    plt = pyplot()
    with plt.rc_context(HOUSE_STYLE):
        figure, (top, bottom) = plt.subplots(
            2, 1, figsize=(COLUMN, 4.2), sharex=True, height_ratios=(5, 3)
        )
        for ratio, colour, marker in _by_ratio(table):
            rows = (test["ratio"] == ratio).to_numpy()
            part, x = test[rows], right[rows].to_numpy()
            gap, low, high = (part[name].to_numpy() for name in ("gap", "gap_low", "gap_high"))
            finite = np.isfinite(low) & np.isfinite(high)
            style = {"fmt": marker, "ms": 3, "lw": 0.8, "color": colour, "label": f"{ratio:g}"}
            y = x * (1 + gap)
            below = np.minimum(x * (gap - low), y * (1 - 1e-3))  # a log axis ends above zero
            top.errorbar(x[finite], y[finite], [below[finite], (x * (high - gap))[finite]], **style)
            top.plot(x[~finite], y[~finite], marker, ms=3, mfc="white", color=colour)
            errors = [100 * (gap - low)[finite], 100 * (high - gap)[finite]]
            bottom.errorbar(x[finite], 100 * gap[finite], errors, **style)
            bottom.plot(x[~finite], 100 * gap[~finite], marker, ms=3, mfc="white", color=colour)
        ends = np.array([right.min() / 2, right.max() * 2])
        top.plot(ends, ends, color=THEORY, lw=0.8, ls="--", zorder=0)
        top.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
        bottom.axhline(0, color=THEORY, lw=0.8, ls="--", zorder=0)
        bottom.axhspan(-100 * table.margin, 100 * table.margin, color="0.92", zorder=-1)
        bottom.set_ylim(_limits_of_gaps(test, table.margin))
        if binary:
            top.set_ylabel(r"$(1-\bar p_{0 \to 0})\,/\,\bar p_{1 \to 0}$ on test data")
            bottom.set_xlabel(r"$\lambda_1 N_1\,/\,(\lambda_0 N_0)$")
        else:
            top.set_ylabel(r"$w_j (1-\bar p_{j \to j})\,/\,\Sigma w$ on test data")
            bottom.set_xlabel(r"$\sum_{k \neq j} w_k \bar p_{k \to j}\,/\,\Sigma w$ on test data")
        bottom.set_ylabel("gap, per cent")
        _legend_of_ratios(figure, top)
        save_figure(figure, paths)


def draw_mean_proba(table: Explore, paths: list[Path]) -> None:
    """Draw the mean probability of each class against λ_0, per ratio.

    Points are measured on test data, lines the population's; of more than four classes, the rarest
    and the largest.

    Parameters
    ----------
    table : Explore
    paths : list of Path
    """
    test = _shown(table)
    if test is None:
        return
    plt = pyplot()
    with plt.rc_context(HOUSE_STYLE):
        classes = range(table.n_classes) if table.n_classes <= 4 else (0, table.n_classes - 1)
        figure, axes = plt.subplots(
            len(classes), 1, figsize=(COLUMN, 0.8 + 1.8 * len(classes)), sharex=True
        )
        for ax, k in zip(axes, classes, strict=True):
            for ratio, colour, marker in _by_ratio(table):
                rows = test[(test["ratio"] == ratio) & (test["class"] == k)]
                rows = _with_lambda0(rows, test)
                curve = table.curve
                if len(curve):
                    curve = curve[(curve["ratio"] == ratio) & (curve["class"] == k)]
                    ax.plot(curve["lambda0"], curve["mean_proba"], color=colour, lw=0.9, zorder=0)
                on_curve = _on_curve(rows, table.n_classes)
                for part, face in ((rows[on_curve], colour), (rows[~on_curve], "white")):
                    ax.errorbar(
                        part["lambda0"], part["mean_proba"],
                        _NORMAL_90 * part["mean_proba_mcse"], fmt=marker, ms=3, lw=0.8, mfc=face,
                        color=colour, label=f"{ratio:g}" if face is colour else None,
                    )  # fmt: skip
            ax.set_ylim(-0.03, 1.03)
            ax.set_ylabel(rf"$\bar p_{{{k} \to {k}}}$" + _class_name(table, k))
        _lambda0_axis(axes[-1], test)
        _legend_of_ratios(figure, axes[0])
        save_figure(figure, paths)


def draw_accuracy(table: Explore, paths: list[Path]) -> None:
    """Draw balanced and overall accuracy against λ_0, a panel per ratio, with Markov's bounds.

    Parameters
    ----------
    table : Explore
    paths : list of Path
    """
    test = _shown(table)
    if test is None:
        return
    plt = pyplot()
    n_rows = (len(table.ratios) + 1) // 2
    kinds = (
        ("balanced_accuracy", "balanced", OBSERVED, "o"),
        ("overall_accuracy", "at training priors", PREDICTED, "s"),
    )
    with plt.rc_context(HOUSE_STYLE):
        figure, axes = plt.subplots(
            n_rows, 2, figsize=(COLUMN, 0.8 + 1.05 * n_rows), sharex=True, sharey=True,
            squeeze=False,
        )  # fmt: skip
        spare = list(axes.flat)[: 2 * n_rows - len(table.ratios)]  # of an odd number the first
        panels = list(axes.flat)[len(spare) :]
        for ax, ratio in zip(panels, table.ratios, strict=True):
            rows = test[(test["ratio"] == ratio) & (test["class"] == 0)]
            rows = _with_lambda0(rows, test)
            curve = rows[_on_curve(rows, table.n_classes)]
            for name, label, colour, marker in kinds:
                ax.errorbar(
                    rows["lambda0"], rows[name], _NORMAL_90 * rows[f"{name}_mcse"], fmt=marker,
                    ms=2.5, lw=0.8, color=colour, label=label,
                )  # fmt: skip
                if f"{name}_low" in rows:
                    # A band between many points, bars at few.
                    many = len(curve) > 4
                    draw, at = (ax.fill_between, curve) if many else (ax.vlines, rows)
                    draw(
                        at["lambda0"], at[f"{name}_low"], at[f"{name}_high"], color=colour,
                        alpha=0.18, lw=0 if many else 4, label=f"{label}: bounds",
                    )  # fmt: skip
            ax.set_title(f"ratio {ratio:g}", pad=2, fontsize=7.5)
            ax.set_ylim(-0.03, 1.03)
        for ax in axes[-1]:
            _lambda0_axis(ax, test, few=True)
        handles, labels = panels[0].get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda i: (labels[i][0] != "b", labels[i]))
        where = {"loc": "outside lower center", "ncols": 2}
        if spare:
            spare[0].set_axis_off()
            where = {"loc": "center", "bbox_to_anchor": (0.5, 0.5)}
        (spare[0] if spare else figure).legend(
            [handles[i] for i in order], [labels[i] for i in order], fontsize=6.5, **where
        )
        figure.supylabel("accuracy on test data", fontsize=9)
        save_figure(figure, paths)


def draw_gap(table: Explore, paths: list[Path]) -> None:
    """Draw the gap on test data as a heat map, λ by ratio, with the verdicts.

    Parameters
    ----------
    table : Explore
    paths : list of Path
    """
    from matplotlib.colors import Normalize

    test = _shown(table)
    if test is None:
        return
    plt = pyplot()
    n_rows, n_columns = len(table.settings), len(table.ratios)
    reach = 300 * table.margin
    with plt.rc_context(HOUSE_STYLE):
        figure, ax = plt.subplots(figsize=(COLUMN, max(2.0, 0.75 + 0.19 * n_rows)))
        gaps = np.full((n_rows, n_columns), np.nan)
        cells = table.split("test").groupby(["weighting", "ratio"], sort=False)
        colours, norm = plt.get_cmap("PuOr"), Normalize(-reach, reach)
        for (setting, ratio), rows in cells:
            at = table.settings.index(setting), table.ratios.index(ratio)
            row = _worst(rows, table.n_classes)
            gaps[at] = 100 * row["gap"]
            _annotate(ax, at, gaps[at], str(row["verdict"]), colours(norm(gaps[at])))
        picture = ax.imshow(gaps, cmap=colours, norm=norm, aspect="auto")
        ax.set_xticks(range(n_columns), [f"{ratio:g}" for ratio in table.ratios])
        ax.set_yticks(range(n_rows), [weighting_name(s, LATEX) for s in table.settings])
        ax.tick_params(length=0, labelsize=7)
        ax.spines[:].set_visible(False)
        ax.set_xlabel("imbalance ratio\nplain: holds; ?: inconclusive; bold: fails", fontsize=7.5)
        bar = figure.colorbar(picture, ax=ax, shrink=0.8, aspect=25, extend="both")
        bar.set_label("gap on test data, per cent", fontsize=7.5)
        bar.ax.tick_params(labelsize=7)
        bar.outline.set_visible(False)
        save_figure(figure, paths)


def _worst(rows: pd.DataFrame, n_classes: int) -> Any:
    """Row of class 0 of two classes, which have one equation; else of the largest gap."""
    if n_classes == 2 or not rows["gap"].notna().any():
        return rows.iloc[0]
    return rows.loc[rows["gap"].abs().idxmax()]


def _annotate(ax: Any, at: tuple[int, int], gap: float, verdict: str, colour: Any) -> None:
    if not np.isfinite(gap):
        text = {"separated": "sep.", "interpolated": "int."}.get(verdict, "-")
    elif verdict in ("holds", "fails", "inconclusive"):
        digits = 1 if abs(gap) < 9.95 else 0
        gap = round(gap, digits) + 0.0  # no negative zero
        text = f"{gap:+.{digits}f}" if abs(gap) < 1000 else f"{gap:+.0e}"
        text += "?" if verdict == "inconclusive" else ""
    else:
        text = "n.c."
    red, green, blue, _ = colour
    dark = np.isfinite(gap) and 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
    ax.text(
        at[1], at[0], text, ha="center", va="center", fontsize=5.5,
        color="white" if dark else "black", fontweight="bold" if verdict == "fails" else "normal",
    )  # fmt: skip


def _shown(table: Explore) -> pd.DataFrame | None:
    """Rows of test data that have numbers; None where there are none."""
    test = table.split("test")
    if "gap" not in test:
        return None
    test = test[test["gap"].notna()]
    return test if len(test) else None


def _limits_of_gaps(test: pd.DataFrame, margin: float) -> tuple[float, float]:
    """Ends of the panel of gaps, in per cent: all gaps, and of their intervals what fits beside."""

    def reach(gaps: pd.Series, ends: pd.Series) -> float:
        finite = ends[np.isfinite(ends)]
        furthest = float(finite.max()) if len(finite) else 0.0
        return 105 * max(3 * margin, min(furthest, 1.5 * float(gaps.max())), float(gaps.max()))

    return -reach(-test["gap"], -test["gap_low"]), reach(test["gap"], test["gap_high"])


def _by_ratio(table: Explore) -> list[tuple[float, Any, str]]:
    """Ratio, colour and marker."""
    colours = sequence(len(table.ratios))
    return [
        (ratio, colours[i], _MARKERS[i % len(_MARKERS)]) for i, ratio in enumerate(table.ratios)
    ]


def _with_lambda0(rows: pd.DataFrame, test: pd.DataFrame) -> pd.DataFrame:
    """Rows of one ratio with λ_0 of their setting, in its order."""
    first = test[test["class"] == 0].set_index(["ratio", "weighting"])["weight"]
    keys = zip(rows["ratio"], rows["weighting"], strict=True)
    return rows.assign(lambda0=[first[key] for key in keys]).sort_values("lambda0")


def _on_curve(rows: pd.DataFrame, n_classes: int) -> np.ndarray:
    """Which rows belong to one family in λ_0: for two classes all of them."""
    if n_classes == 2:
        return np.ones(len(rows), dtype=bool)
    return np.array([is_lambda0(setting) for setting in rows["weighting"]], dtype=bool)


def _class_name(table: Explore, k: int) -> str:
    """Label of a class, where it has one that says more than its number."""
    label = table.labels[k]
    return "" if label == str(k) else f"\n{plain(label)}"


def _lambda0_axis(ax: Any, test: pd.DataFrame, *, few: bool = False) -> None:
    weight = test[test["class"] == 0]["weight"]
    ax.set_xscale("logit")
    ticks = (0.001, 0.01, 0.1, 0.5, 0.9, 0.99, 0.999)
    inside = [t for t in ticks if weight.min() * 0.99 <= t <= weight.max() * 1.0001] or [0.5]
    if few:  # two or three labels have room
        middle = [0.5] if inside[0] <= 0.1 and inside[-1] >= 0.9 else []
        inside = sorted({inside[0], *middle, inside[-1]})
    ax.set_xticks(inside, [f"{t:g}" for t in inside])
    ax.set_xticks([], minor=True)
    ax.set_xlabel(r"$\lambda_0$")


def _legend_of_ratios(figure: Any, ax: Any) -> None:
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(4, len(labels)), fontsize=7,
        title="imbalance ratio", title_fontsize=7, handletextpad=0.2, columnspacing=1.0,
    )  # fmt: skip
