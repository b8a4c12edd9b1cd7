"""What the figures of a grid share: rows, panels, and a colour and a marker for every ratio."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.reports.explore.summary import Explore
from learnprop.reports.layout.style import (
    COLUMN,
    MARGIN,
    OBSERVED,
    PREDICTED,
    THEORY,
    Figure,
    plain,
    sequence,
    subplots,
)
from learnprop.reports.statistics.runs import half_width

if TYPE_CHECKING:
    import pandas as pd

_MARKERS = "osD^vPX<>hp*dH8"

DASH: dict[str, Any] = {"ls": "", "marker": "_", "ms": 7, "mew": 1.2}
CROSS: dict[str, Any] = {"ls": "", "marker": "x", "ms": 3.5, "mew": 0.8}
"""Marks of predicted gaps, and of those of repaired fits, in the colour of the ratio."""

GREY = "0.4"
"""Of marks in a legend that stand for those of every ratio."""

ACCURACIES = (
    ("balanced_accuracy", "balanced", OBSERVED, "o", "-"),
    ("overall_accuracy", "at training priors", PREDICTED, "s", "--"),
)
"""Columns of accuracies over all classes, and how they are drawn."""

BOUNDS = r"{}: bounds by $\bar p$"
"""What is said of where an accuracy must be by the mean probabilities, with its name."""


def rows_with_numbers(table: Explore) -> pd.DataFrame | None:
    """Rows of test data that have numbers, at the headline's stage; None where there are none."""
    test = table.split("test")
    test = test[test["gap"].notna()]
    return test if len(test) else None


def by_ratio(table: Explore) -> list[tuple[float, Any, str]]:
    """Ratio, colour and marker."""
    colours = sequence(len(table.ratios))
    return [
        (ratio, colours[i], _MARKERS[i % len(_MARKERS)]) for i, ratio in enumerate(table.ratios)
    ]


def error_bars(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Half the width of a mean's 90 % interval over runs, shape (n_rows,)."""
    return half_width(rows[f"{name}_mcse"], rows["runs_attempted"] - rows["runs_failed"])


def shown_classes(table: Explore) -> Sequence[int]:
    """Classes with a panel of their own: of more than four the rarest and the largest."""
    return range(table.n_classes) if table.n_classes <= 4 else (0, table.n_classes - 1)


def class_title(table: Explore, k: int) -> str:
    """Label of a class, where it has one that says more than its number; as long as a column."""
    label = table.labels[k]
    if label == str(k):
        return ""
    return plain(label if len(label) <= 48 else label[:47] + "…")


def legend_of_ratios(
    figure: Figure,
    table: Explore,
    filled: Collection[float],
    *,
    open_: Collection[float] = (),
    open_means: str = "",
    limit: bool = False,
    curves: bool = False,
) -> None:
    """Put a legend of what a figure shows under it: each ratio as it is drawn.

    Parameters
    ----------
    figure : Figure
    table : Explore
    filled, open_ : collection of float
        Ratios that have filled, and open, marks.
    open_means : str
        What open marks are.
    limit : bool
        Whether black lines are limits.
    curves : bool
        Whether lines in the colour of a ratio are the population's.
    """
    filled, open_ = set(filled), set(open_)
    handles = [
        _mark(marker, colour, f"{ratio:g}", full=ratio in filled)
        for ratio, colour, marker in by_ratio(table)
        if ratio in filled | open_
    ]
    if open_:
        handles.append(_mark("o", GREY, open_means, full=False))
    if limit:
        handles.append(_line(color=THEORY, lw=0.9, label="limit"))
    title = "imbalance ratio" + ("; lines: population" if curves else "")
    _place_legend(figure, handles, min(4, len(handles)), title)


def legend_of_marks(
    figure: Figure, *, unbounded: bool, predicted: bool, repaired: bool, margin: float
) -> None:
    """Put a legend under a figure of gaps whose ratios are named where they are drawn.

    Parameters
    ----------
    figure : Figure
    unbounded : bool
        Whether open marks are gaps whose interval is unbounded.
    predicted : bool
        Whether dashes are predicted gaps.
    repaired : bool
        Whether crosses are gaps of repaired fits.
    margin : float
        Of the band.
    """
    from matplotlib.patches import Patch

    handles = [_mark("o", GREY, "observed, 90 %")]
    if unbounded:
        handles.append(_mark("o", GREY, "unbounded", full=False))
    for shown, style, label in ((predicted, DASH, "predicted"), (repaired, CROSS, "repaired")):
        if shown:
            handles.append(_line(color=GREY, label=label, **style))
    handles.append(Patch(color=MARGIN, lw=0, label=f"margin, {100 * margin:g} %"))
    _place_legend(figure, handles, 3 if len(handles) == 3 else 2)


def _mark(marker: str, colour: Any, label: str, *, full: bool = True) -> Any:
    face = colour if full else "white"
    return _line(ls="", marker=marker, ms=4, color=colour, mfc=face, label=label)


def _line(**how: Any) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], **how)


def _place_legend(figure: Figure, handles: list[Any], n_columns: int, title: str = "") -> None:
    figure.legend(
        handles=handles, loc="outside lower center", ncols=n_columns, fontsize=7,
        title=title or None, title_fontsize=7, handletextpad=0.3, columnspacing=1.0,
    )  # fmt: skip


def panels_by_ratio(table: Explore, height: float) -> tuple[Figure, list[Any], Callable[[], None]]:
    """Make a figure of accuracies with a panel per ratio.

    Parameters
    ----------
    table : Explore
    height : float
        Of a panel, in inches.

    Returns
    -------
    figure : Figure
    panels : list of Axes
    add_legend : callable
        To call when all is drawn: where a panel is spare, else below.
    """
    n_columns = min(2, len(table.ratios))
    n_rows = -(-len(table.ratios) // n_columns)
    figure, axes = subplots(
        n_rows, n_columns, figsize=(COLUMN, 0.8 + height * n_rows), sharex=True, sharey=True,
        squeeze=False,
    )  # fmt: skip
    spare = list(axes.flat)[: n_rows * n_columns - len(table.ratios)]  # of an odd number the first
    panels = list(axes.flat)[len(spare) :]
    for ax, ratio in zip(panels, table.ratios, strict=True):
        ax.set_title(f"ratio {ratio:g}", pad=2, fontsize=7.5)
        ax.set_ylim(-0.03, 1.03)
    panels[0].tick_params(labelleft=True)  # where the panel beside it is spare
    figure.supylabel("test accuracy", fontsize=9)

    def add_legend() -> None:
        handles, labels = panels[0].get_legend_handles_labels()
        order = sorted(range(len(labels)), key=lambda i: (labels[i][0] != "b", labels[i]))
        where: dict[str, Any] = {"loc": "outside lower center", "ncols": 2}
        if spare:
            spare[0].set_axis_off()
            where = {"loc": "center", "bbox_to_anchor": (0.5, 0.5)}
        (spare[0] if spare else figure).legend(
            [handles[i] for i in order], [labels[i] for i in order], fontsize=6.5, **where
        )

    return figure, panels, add_legend


def log_ticks(axis: Any, ends: np.ndarray) -> None:
    """Label a log axis: powers of ten, and 2 and 5 between them where these are fewer than two."""
    from matplotlib.ticker import LogLocator, NullFormatter

    powers = np.floor(np.log10(ends[1])) - np.ceil(np.log10(ends[0])) + 1
    if powers < 2:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
