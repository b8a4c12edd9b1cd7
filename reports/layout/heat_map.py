"""Mean predicted probabilities as annotated heat maps, with the residual of each class below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.layout.style import Figure, plain, subplots


@dataclass(frozen=True)
class Panel:
    """One heat map: P (n_classes, n_classes) and r_j / w_j (n_classes,), means over runs."""

    title: str
    mean_proba: FloatArray
    residual: FloatArray


def setting_title(setting: str) -> str:
    """Write a λ setting above a panel.

    Examples
    --------
    >>> setting_title("sqrt-inverse"), setting_title("1,2,3")
    ('sqrt-inverse weights', '1,2,3')
    """
    return f"{setting} weights" if setting.isalpha() or "-" in setting else setting


def draw_heat_maps(
    panels: Sequence[Panel], labels: Sequence[str] = (), per_row: int = 4
) -> Figure | None:
    """Draw heat maps beside each other.

    Parameters
    ----------
    panels : sequence of Panel
        Of the same classes; without any nothing is written.
    labels : sequence of str
        Names of the classes; by default their numbers.
    per_row : int
        Panels beside each other; more go below.
    """
    if not panels:
        return None
    n_classes = len(panels[0].mean_proba)
    names = [plain(label) for label in labels] or [str(k) for k in range(n_classes)]
    side = max(2.3, (0.42 if n_classes <= 6 else 0.34) * n_classes)
    n_rows = -(-len(panels) // per_row)
    n = min(len(panels), per_row)
    figure, axes = subplots(
        2 * n_rows, n, figsize=(side * n + 0.8, n_rows * (1.32 * side + 0.5)), squeeze=False,
        height_ratios=(n_classes, 1) * n_rows, sharex="col",
    )  # fmt: skip
    for ax in axes.flat:
        ax.set_visible(False)
    for i, panel in enumerate(panels):
        top, bottom = axes[2 * (i // n) : 2 * (i // n) + 2, i % n]
        r = panel.residual
        picture = top.imshow(panel.mean_proba, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        _annotate(top, panel.mean_proba, "{:.2f}", dark=0.55)
        top.set_title(panel.title)
        bottom.imshow(r[None], cmap="PuOr", vmin=-0.2, vmax=0.2, aspect="auto")
        _annotate(bottom, r[None], "{:+.3f}" if n_classes <= 6 else "{:+.2f}", dark=0.15)
        top.set_yticks(range(n_classes), names if i % n == 0 else [])
        bottom.set_xticks(range(n_classes), names, rotation=90 if labels else 0)
        bottom.set_yticks([])
        bottom.tick_params(labelbottom=True)
        bottom.set_xlabel("predicted class $j$")
        for ax in (top, bottom):
            ax.set_visible(True)
            ax.tick_params(length=0)
            ax.spines[:].set_visible(False)
        if i % n == 0:
            top.set_ylabel("true class $i$")
            bottom.set_ylabel("$r_j/w_j$", rotation=0, ha="right", va="center")
    bar = figure.colorbar(picture, ax=axes[::2, -1].tolist(), shrink=0.9 / n_rows, aspect=30)
    bar.set_label(r"$\bar p_{i \to j}$ on test data")
    bar.outline.set_visible(False)
    return figure


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
