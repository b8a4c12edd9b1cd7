"""What the figures of a grid share: their rows, and a colour and a marker for every ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from learnprop.reports.explore.summary import Explore
from learnprop.reports.layout.style import sequence
from learnprop.reports.statistics.runs import half_width

if TYPE_CHECKING:
    import pandas as pd

_MARKERS = "osD^vPX<>hp*dH8"


def rows_with_numbers(table: Explore) -> pd.DataFrame | None:
    """Rows of test data that have numbers; None where there are none."""
    test = table.split("test")
    if "gap" not in test:
        return None
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


def legend_of_ratios(figure: Any, ax: Any) -> None:
    """Put a legend of the ratios that a panel shows under a figure."""
    handles, labels = ax.get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside lower center", ncols=min(4, len(labels)), fontsize=7,
        title="imbalance ratio", title_fontsize=7, handletextpad=0.2, columnspacing=1.0,
    )  # fmt: skip


def log_ticks(axis: Any, ends: np.ndarray) -> None:
    """Label a log axis: powers of ten, and 2 and 5 between them where these are fewer than two."""
    from matplotlib.ticker import LogLocator, NullFormatter

    powers = np.floor(np.log10(ends[1])) - np.ceil(np.log10(ends[0])) + 1
    if powers < 2:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())
