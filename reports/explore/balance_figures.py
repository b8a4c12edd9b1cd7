"""Figures of a grid: both sides of the equation, and the gap between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.reports.explore.panels import (
    CROSS,
    DASH,
    by_ratio,
    legend_of_marks,
    log_ticks,
    rows_with_numbers,
)
from learnprop.reports.explore.summary import Explore, decided_by
from learnprop.reports.explore.text import weighting_name
from learnprop.reports.layout.cells import at_stage, has_predicted
from learnprop.reports.layout.numbers import LATEX
from learnprop.reports.layout.style import (
    COLUMN,
    MARGIN,
    PAGE,
    SMALLEST,
    THEORY,
    Figure,
    as_strips,
    matplotlib,
    subplots,
)

if TYPE_CHECKING:
    import pandas as pd

TOP, STRIP = 2.0, 0.36
"""Heights of the panel of sides and of a ratio's strip of gaps, in inches."""


def draw_sides(table: Explore) -> Figure | None:
    """Draw the left side against the right side on test data, on log axes, and below it the gaps.

    A strip per ratio: on one axis the intervals of all ratios would hide each other. For two
    classes those of Eq. (10), else those of Eq. (9) as shares of the total mass.
    """
    test = rows_with_numbers(table)
    if test is None:
        return None
    binary = table.n_classes == 2
    test, right = _against(test, binary=binary)
    repaired = table.on_test()
    repaired = repaired[(repaired["stage"] == "loo") & repaired["gap"].notna()]
    repaired, at = _against(repaired, binary=binary)
    predicted = has_predicted(test)  # a line more in the legend
    n = len(table.ratios)
    figure, (top, *strips) = subplots(
        1 + n, 1, figsize=(COLUMN, 2.9 + STRIP * n), sharex=True,
        height_ratios=(TOP, *[STRIP] * n),
    )  # fmt: skip
    limits = _limits_of_gaps(test, table.margin)
    for strip, (ratio, colour, marker) in zip(strips, by_ratio(table), strict=True):
        rows = (test["ratio"] == ratio).to_numpy()
        part, x = test[rows], right[rows].to_numpy()
        _draw_ratio((top, strip), part, x, {"color": colour, "marker": marker})
        mine = repaired["ratio"] == ratio
        strip.plot(at[mine], 100 * repaired["gap"][mine], color=colour, **CROSS)
        strip.axhline(0, color=THEORY, lw=0.8, ls="--", zorder=0)
        strip.axhspan(-100 * table.margin, 100 * table.margin, color=MARGIN, lw=0, zorder=-1)
        strip.set_ylim(limits)
        strip.locator_params(axis="y", nbins=3)
        strip.tick_params(axis="y", labelsize=SMALLEST, length=2)
        strip.text(1.02, 0.5, f"{ratio:g}", transform=strip.transAxes, va="center", fontsize=7)
    as_strips(figure, strips)
    strips[0].text(
        1.0, 1.0, "ratio", transform=strips[0].transAxes, va="bottom", ha="left", fontsize=7
    )
    left = right * (1 + test["gap"])
    both = np.concatenate([right, left[left > 0]])
    middle = np.sqrt(both.min() * both.max())
    ends = np.array([min(both.min() / 1.6, middle / 3.2), max(both.max() * 1.6, middle * 3.2)])
    top.plot(ends, ends, color=THEORY, lw=0.8, ls="--", zorder=0)
    top.set(xscale="log", yscale="log", xlim=ends, ylim=ends)
    for axis in (top.yaxis, strips[-1].xaxis):
        log_ticks(axis, ends)
    if binary:
        top.set_ylabel(r"$(1-\bar p_{0 \to 0})\,/\,\bar p_{1 \to 0}$ on test")
        strips[-1].set_xlabel(r"$\lambda_1 N_1\,/\,(\lambda_0 N_0)$")
    else:
        top.set_ylabel(r"$w_j (1-\bar p_{j \to j})\,/\,\Sigma w$ on test")
        strips[-1].set_xlabel(r"$\sum_{k \neq j} w_k \bar p_{k \to j}\,/\,\Sigma w$ on test data")
    strips[n // 2].set_ylabel("gap, %")
    bounded = np.isfinite(test[["gap_low", "gap_high"]]).all(axis=1)
    legend_of_marks(
        figure, unbounded=not bounded.all(), predicted=predicted, repaired=len(repaired) > 0,
        margin=table.margin,
    )  # fmt: skip
    return figure


def _against(rows: pd.DataFrame, *, binary: bool) -> tuple[pd.DataFrame, pd.Series]:
    """Rows that a figure shows, and their right sides: of two classes those of class 0."""
    if not binary:
        return rows, rows["right"]
    rows = rows[rows["class"] == 0]
    return rows, (1 - rows["mass_share"]) / rows["mass_share"]


def _draw_ratio(
    axes: tuple[Any, Any], part: pd.DataFrame, x: np.ndarray, mark: dict[str, Any]
) -> None:
    """One ratio's left sides at right sides `x`, and gaps; open where unbounded."""
    top, bottom = axes
    gap, low, high = (part[name].to_numpy() for name in ("gap", "gap_low", "gap_high"))
    finite = np.isfinite(low) & np.isfinite(high)
    style = {"ls": "", "ms": 3, "lw": 0.8, **mark}
    open_ = {"ls": "", "ms": 3, "mfc": "white", **mark}
    small = {"ms": 2, "mew": 0.5}  # intervals of a strip are short
    y = x * (1 + gap)
    below = np.minimum(x * (gap - low), y * (1 - 1e-3))  # a log axis ends above zero
    top.errorbar(x[finite], y[finite], [below[finite], (x * (high - gap))[finite]], **style)
    top.plot(x[~finite], y[~finite], **open_)
    errors = [100 * (gap - low)[finite], 100 * (high - gap)[finite]]
    bottom.errorbar(x[finite], 100 * gap[finite], errors, **(style | small))
    bottom.plot(x[~finite], 100 * gap[~finite], **(open_ | small))
    if has_predicted(part):
        bottom.plot(x, 100 * part["gap_predicted"], color=mark["color"], **(DASH | {"ms": 5}))


def draw_gap(table: Explore) -> Figure | None:
    """Draw the gap on test data as a heat map, λ by ratio, with the verdicts."""
    test = rows_with_numbers(table)
    if test is None:
        return None
    n_rows, n_columns = len(table.rows), len(table.ratios)
    width = COLUMN if n_columns <= 8 else min(PAGE, 1.0 + 0.34 * n_columns)
    reach, mpl = 300 * table.margin, matplotlib()
    figure, ax = subplots(figsize=(width, 1.2 + 0.19 * n_rows))
    gaps = np.full((n_rows, n_columns), np.nan)
    cells = table.on_test().groupby(["weighting", "stage", "ratio"], sort=False)
    colours, norm = mpl.colormaps["PuOr"], mpl.colors.Normalize(-reach, reach)
    for (setting, stage, ratio), rows in cells:
        at = table.rows.index((setting, stage)), table.ratios.index(ratio)
        decision = decided_by(rows.to_dict("records"))
        gaps[at] = 100 * decision.gap[0] if decision.gap else np.nan
        _annotate(ax, at, gaps[at], decision.verdict, colours(norm(gaps[at])))
    picture = ax.imshow(gaps, cmap=colours, norm=norm, aspect="auto")
    ax.set_xticks(range(n_columns), [f"{ratio:g}" for ratio in table.ratios])
    ax.set_yticks(range(n_rows), [at_stage(weighting_name(s, LATEX), of) for s, of in table.rows])
    ax.tick_params(length=0, labelsize=7)
    ax.spines[:].set_visible(False)
    ax.set_xlabel("imbalance ratio\nplain: holds; ?: inconclusive; bold: fails", fontsize=7.5)
    bar = figure.colorbar(picture, ax=ax, location="bottom", shrink=0.8, aspect=30, extend="both")
    bar.set_label("gap on test data, per cent", fontsize=7.5)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
    return figure


def _annotate(ax: Any, at: tuple[int, int], gap: float, verdict: str, colour: Any) -> None:
    if not np.isfinite(gap):
        text = {"separated": "sep.", "interpolated": "int."}.get(verdict, "-")
    elif verdict in ("holds", "fails", "inconclusive"):
        digits = 1 if abs(gap) < 9.95 else 0
        gap = round(gap, digits) + 0.0  # no negative zero
        text = f"{gap:+.{digits}f}" if abs(gap) < 1000 else f"{gap:+.0e}"
        text = text.replace("-", "−") + ("?" if verdict == "inconclusive" else "")
    else:
        text = "n.c."
    red, green, blue, _ = colour
    dark = np.isfinite(gap) and 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
    ax.text(
        at[1], at[0], text, ha="center", va="center", fontsize=6.5,
        color="white" if dark else "black", fontweight="bold" if verdict == "fails" else "normal",
    )  # fmt: skip


def _limits_of_gaps(test: pd.DataFrame, margin: float) -> tuple[float, float]:
    """Ends of the panel of gaps, in per cent: all gaps; of intervals and predictions what fits."""

    def reach(gaps: pd.Series, ends: pd.Series, predicted: pd.Series) -> float:
        finite = [*ends[np.isfinite(ends)], *predicted.dropna()]
        furthest = float(max(finite, default=0.0))
        return 105 * max(3 * margin, min(furthest, 1.5 * float(gaps.max())), float(gaps.max()))

    predicted = test.get("gap_predicted", test["gap"])
    return (
        -reach(-test["gap"], -test["gap_low"], -predicted),
        reach(test["gap"], test["gap_high"], predicted),
    )
