"""The figure of the controls: predicted against observed residuals, class by class."""

from __future__ import annotations

import numpy as np

from learnprop.reports.controls.summary import Controls
from learnprop.reports.layout.style import OBSERVED, PAGE, PREDICTED, THEORY, Figure, subplots


def draw_controls(table: Controls) -> Figure | None:
    """Draw the residual of every class under every control, with what was predicted."""
    if table.classes.empty:
        return None
    verdicts = table.summary.set_index("control")
    expected, found = verdicts["expected"], verdicts["verdict"]
    kinds = ("holds", "fails", "not converged")
    order = [c for kind in kinds for c in expected.index[expected == kind]]
    figure, ax = subplots(figsize=(PAGE, 0.27 * len(order) + 1.1))
    ax.axvline(0, color=THEORY, lw=0.8, ls="--")
    for i, control in enumerate(order):
        rows = table.classes[table.classes["control"] == control]
        y = i + np.linspace(-0.28, 0.28, len(rows))
        mean = rows["observed"]
        error = [mean - rows["observed_low"], rows["observed_high"] - mean]
        ax.errorbar(
            mean, y, xerr=error, fmt="o", ms=3, lw=1, color=OBSERVED,
            label="observed on test, 90 %; classes 0 to 4 from the top" if i == 0 else None,
        )  # fmt: skip
        ax.plot(
            rows["predicted"], y, ls="", marker="|", ms=7, mew=1.4, color=PREDICTED,
            label="predicted" if i == 0 else None,
        )  # fmt: skip
    as_expected = found == expected
    head = "verdict, all as expected" if as_expected.all() else "verdict"
    ax.text(1.01, -0.9, head, transform=ax.get_yaxis_transform(), fontsize=7.5, va="center")
    for i in range(1, len(order)):
        if expected[order[i]] != expected[order[i - 1]]:
            ax.axhline(i - 0.5, color=THEORY, lw=0.5)
    ax.set_yticks(range(len(order)), order, fontsize=7.5)
    for i, control in enumerate(order):
        said = found[control]
        if not as_expected[control]:
            said += f", not {expected[control]}"
        ax.text(
            1.01, i, said, transform=ax.get_yaxis_transform(), fontsize=7, va="center",
            fontweight="normal" if as_expected[control] else "bold",
        )  # fmt: skip
    ax.set_ylim(len(order) - 0.4, -0.6)
    ax.set_xlabel("residual $r_j/w_j$")
    figure.legend(loc="outside lower center", ncols=2, fontsize=7.5)
    return figure
