"""Figures, drawn from summaries."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reports.formatting import LATEX, percent_interval, weight_formula
from reports.style import HOUSE_STYLE, OBSERVED, PAPER, PREDICTED, THEORY
from reports.table1 import Table1
from reports.table1_text import FITTERS, TITLES


def draw_table1(table: Table1, paths: list[Path]) -> None:
    """Draw the distribution of the left side of Eq. (10) over runs, one panel per cell.

    Parameters
    ----------
    table : Table1
    paths : list of Path
        Where to save it; the suffix gives the format.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from scipy import stats

    test = table.summary[table.summary["split"] == "test"].set_index(["simulation", "setting"])
    simulations = list(dict.fromkeys(key[0] for key in table.ratios))
    settings = list(dict.fromkeys(key[1] for key in table.ratios))
    if not simulations:
        return
    with plt.rc_context(HOUSE_STYLE):
        figure, axes = plt.subplots(
            len(simulations), len(settings), figsize=(7.2, 2.45 * len(simulations)), squeeze=False
        )
        for (name, setting), ratio in table.ratios.items():
            row = test.loc[(name, setting)]
            ax = axes[simulations.index(name), settings.index(setting)]
            ratio = ratio[np.isfinite(ratio)]
            if len(ratio) < 2:
                ax.set_axis_off()
                continue
            _, _, bars = ax.hist(
                ratio, bins="auto", density=True, color=OBSERVED, alpha=0.35, label="observed"
            )
            top = 1.0
            heights = [bar.get_height() for bar in bars]
            if row["predicted_sd"] > 0:
                half = 4 * row["predicted_sd"]
                x = np.linspace(row["predicted_mean"] - half, row["predicted_mean"] + half, 200)
                density = stats.norm.pdf(x, row["predicted_mean"], row["predicted_sd"])
                ax.plot(x, density, color=PREDICTED, lw=1.3, label="predicted")
                heights.append(float(density.max()))
            peak = max(heights)
            marks = [("lhs", OBSERVED, "o", "observed mean ± SD")]
            if np.isfinite(row.get("paper_mean", np.nan)):
                marks.append(("paper", PAPER, "s", "paper's mean ± SD"))
            for i, (prefix, colour, marker, label) in enumerate(marks):
                top = 1.10 + 0.11 * i
                ax.errorbar(
                    row[f"{prefix}_mean"],
                    top * peak,
                    xerr=row[f"{prefix}_sd"],
                    fmt=marker,
                    ms=4,
                    lw=1.2,
                    capsize=2.5,
                    color=colour,
                    label=label,
                )
            line = {"color": THEORY, "lw": 1.0, "ls": "--", "label": "RHS of Eq. (10)"}
            ax.vlines(row["rhs"], 0, (top + 0.05) * peak, **line)
            gap = percent_interval(row["gap"], row["gap_low"], row["gap_high"])
            ax.set_ylim(0, (top + 0.32) * peak)
            ax.text(
                0.5,
                0.985,
                f"gap {gap}\n{row['verdict']}",
                transform=ax.transAxes,
                ha="center",
                va="top",
                fontsize=7,
            )
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
            if name == simulations[0]:
                formula = weight_formula(setting, LATEX).strip("$")
                ax.set_title(rf"$\lambda_0 = {formula}$,  RHS = {row['rhs']:g}", pad=8)
        for i, name in enumerate(simulations):
            basis = test.loc[(name, settings[0])]["predicted_basis"]
            axes[i, 0].set_ylabel(
                f"{TITLES[name]}: {FITTERS[name]}\n(predicted: {basis})", fontsize=7.5
            )
        axes[-1, len(settings) // 2].set_xlabel(
            r"left side of Eq. (10) on test data, $(1-\bar p_{0 \to 0})/\bar p_{1 \to 0}$, over runs"
        )
        handles: dict[str, object] = {}
        for ax in axes.flat:
            for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
                handles.setdefault(label, handle)
        figure.legend(
            list(handles.values()),  # type: ignore[arg-type]
            list(handles),
            loc="outside lower center",
            ncols=len(handles),
            fontsize=7.5,
        )
        for path in paths:
            figure.savefig(path, metadata={} if path.suffix == ".png" else {"CreationDate": None})
        plt.close(figure)
