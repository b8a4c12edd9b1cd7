"""Mean predicted probabilities as annotated heat maps, with the residual of each class below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.layout.style import PAGE, Figure, plain, subplots

FEW_CLASSES, MANY_CLASSES = 6, 12
"""Up to so many classes cells have room for decimals; for whole per cent; beyond for none."""


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
    n_rows = -(-len(panels) // per_row)
    n = min(len(panels), per_row)
    names_at = 0.06 * max(map(len, names))  # inches
    width = min(PAGE, 1.2 + names_at + 0.42 * max(n_classes, 5) * n)
    side = (width - 1.2 - names_at) / n
    figure, axes = subplots(
        2 * n_rows, n, figsize=(width, n_rows * ((1 + 1 / n_classes) * side + 0.85 + names_at)),
        squeeze=False, height_ratios=(n_classes, 1) * n_rows, sharex="col",
    )  # fmt: skip
    few = n_classes <= FEW_CLASSES
    unit, percent = (1, "") if few else (100, ", %")
    for ax in axes.flat:
        ax.set_visible(False)
    for i, panel in enumerate(panels):
        top, bottom = axes[2 * (i // n) : 2 * (i // n) + 2, i % n]
        r = panel.residual
        picture = top.imshow(panel.mean_proba, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        _annotate(top, unit * panel.mean_proba, "{:.2f}" if few else "{:.0f}", dark=0.55 * unit)
        top.set_title(panel.title, fontsize=8)
        bottom.imshow(r[None], cmap="PuOr", vmin=-0.2, vmax=0.2, aspect="auto")
        _annotate(
            bottom, unit * r[None], "{:+.3f}" if few else "{:+.0f}", dark=0.15 * unit, size=6.5
        )
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
            bottom.set_ylabel(f"$r_j/w_j${percent}", rotation=0, ha="right", va="center")
    bar = figure.colorbar(picture, ax=axes[::2, -1].tolist(), shrink=0.9 / n_rows, aspect=30)
    if not few:
        bar.set_ticks([0, 0.2, 0.4, 0.6, 0.8, 1], labels=["0", "20", "40", "60", "80", "100"])
    bar.set_label(rf"$\bar p_{{i \to j}}$ on test data{percent}")
    bar.outline.set_visible(False)
    return figure


def _annotate(ax: Any, values: np.ndarray, form: str, *, dark: float, size: float = 7.5) -> None:
    if values.shape[1] > MANY_CLASSES:
        return
    for (i, j), value in np.ndenumerate(values):
        text = form.format(value)
        if float(text) == 0:
            text = text.replace("-", "").replace("+", "")
        text = text.replace("-", "\N{MINUS SIGN}")
        colour = "white" if abs(value) > dark else "black"
        ax.text(j, i, text, ha="center", va="center", fontsize=size, color=colour)
