"""Figures of the comparison of losses: accuracy over epochs (2), confusion matrices (1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from learnprop.equations.losses import LOSSES, chosen_loss
from learnprop.reports.layout.style import (
    COLUMN,
    OBSERVED,
    PAGE,
    PAPER,
    PREDICTED,
    SMALLEST,
    VALIDATED,
    Figure,
    house_style,
    plain,
    sequence,
    subplots,
)
from learnprop.reports.losses.summary import Comparison
from learnprop.reports.losses.text import loss_name, short_title
from learnprop.reports.protocols.networks import NETWORK_NAMES
from learnprop.simulations.dataset_catalogue import dataset_named

COLOURS = (PREDICTED, OBSERVED, PAPER, VALIDATED)
"""Of the losses, in the order of `LOSSES`."""

MARKERS = ("o", "s", "^", "v", "D", "P")
"""Of the values of a loss's parameters, in their order."""

PER_ROW = 3
"""Panels of curves beside each other."""

MATRICES_PER_ROW = 2
"""Of ten classes more would have no room for their numbers."""

EARLY = 0.15
"""Share of the epochs below whose accuracies an axis need not reach."""


def draw_curves(table: Comparison) -> Figure | None:
    """Draw test accuracy over the training, least to largest run as a band."""
    if table.epochs.empty:
        return None
    panels = [p for p in table.panels if not _of(table.epochs, p).empty]
    n = min(len(panels), PER_ROW)
    n_rows = -(-len(panels) // n)
    variants = {
        loss: sorted(mine[_parameters(loss)].drop_duplicates().itertuples(index=False, name=None))
        for loss, mine in table.epochs.groupby("loss")
    }
    with house_style():
        size = (COLUMN if n == 1 else PAGE, 2.3 * n_rows + (1.0 if n == 1 else 0.5))
        figure, axes = subplots(n_rows, n, figsize=size, squeeze=False)
        for ax in axes.flat[len(panels) :]:
            ax.set_visible(False)
        for ax, panel in zip(axes.flat, panels, strict=False):
            mine = _of(table.epochs, panel)
            mine = mine[mine["epoch"] > 0]
            for _, curve in mine.groupby("setting", sort=False):
                _draw_curve(ax, curve, variants)
            late = mine[(mine["epoch"] > EARLY * mine["epoch"].max()) & ~mine["matched"]]
            low, high = 100 * late["least"].min(), 100 * mine["largest"].max()
            room = 0.05 * max(high - low, 0.1)
            ax.set_ylim(low - room, high + room)
            ax.set_title(_title(panel), fontsize=8.5)
            ax.set_xlabel("epoch")
            ax.xaxis.get_major_locator().set_params(integer=True)
        for ax in axes[:, 0]:
            ax.set_ylabel("test accuracy, %")
        handles: dict[str, Any] = {}
        for ax in axes.flat:
            handles |= dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
        figure.legend(
            handles.values(), handles, loc="outside lower center", fontsize=7, handlelength=3,
            ncols=2 if n == 1 else 4, title="mean over runs; band: least to largest",
            title_fontsize=7,
        )  # fmt: skip
        return figure


def _draw_curve(ax: Any, curve: Any, variants: Mapping[Any, list[tuple[float, ...]]]) -> None:
    first = curve.iloc[0]
    loss, parameters = first["loss"], _parameters(first["loss"])
    colour, marker = COLOURS[list(LOSSES).index(loss) % len(COLOURS)], ""
    if parameters:
        i, n = variants[loss].index(tuple(first[parameters])), len(variants[loss])
        marker = MARKERS[i % len(MARKERS)]
        if n > 1:
            colour = sequence(n)[i]
    style = "--" if first["matched"] else "-"
    ax.plot(
        curve["epoch"], 100 * curve["accuracy"], style, color=colour, lw=1.1, marker=marker,
        ms=2.5, label=loss_name(first),
    )  # fmt: skip
    if curve["runs"].max() > 1 and not first["matched"]:
        ends = (100 * curve["least"], 100 * curve["largest"])
        ax.fill_between(curve["epoch"], *ends, color=colour, alpha=0.1, lw=0)


def _parameters(loss: str) -> list[str]:
    return [p.name for p in LOSSES[loss].parameters]


def confusion_panels(table: Comparison) -> list[tuple[str, str]]:
    """Data sets and networks with confusion matrices to draw."""
    return [] if table.confusion.empty else [
        p for p in table.panels if not _of(table.confusion, p).empty
    ]  # fmt: skip


def draw_confusion(table: Comparison, panel: tuple[str, str]) -> Figure | None:
    """Draw the losses' confusion matrices side by side, with the accuracy of each class.

    At the shared learning rate; a loss with parameters at its own, as in Fig. 1, or at its first
    ones where those were not run.
    """
    mine = _of(table.confusion, panel)
    mine = _of_fig_1(mine[~mine["matched"]])
    labels = dataset_named(panel[0]).labels
    n_classes = len(labels)
    first = mine.drop_duplicates("loss").set_index("loss", drop=False).to_dict("index")
    matrices = {
        loss: rows["images"].to_numpy().reshape(n_classes, n_classes)
        for loss, rows in mine.groupby("loss", sort=False)
    }
    if not matrices:
        return None
    wrong = max(float(_off_diagonal(m).max()) for m in matrices.values())
    single = all((m == np.round(m)).all() for m in matrices.values())
    names = [plain(label) for label in labels]
    with house_style():
        n = min(len(matrices), MATRICES_PER_ROW)
        n_rows = -(-len(matrices) // n)
        longest = 0.06 * max(map(len, names))  # inches
        width = COLUMN if n == 1 else PAGE
        height = ((width - 1.3 - longest) / n + 0.6 + longest) * n_rows + 0.4
        figure, axes = subplots(n_rows, n, figsize=(width, height), squeeze=False)
        for ax in axes.flat[len(matrices) :]:
            ax.set_visible(False)
        for i, (ax, (loss, matrix)) in enumerate(zip(axes.flat, matrices.items(), strict=False)):
            picture = ax.imshow(_off_diagonal(matrix), cmap="Oranges", vmin=0, vmax=wrong)
            _annotate(ax, matrix, wrong, single=single)
            accuracy = matrix.trace() / matrix.sum()
            ax.set_title(f"{loss_name(first[loss])}: {100 * accuracy:.2f} %")
            ax.set_xticks(range(n_classes), names, rotation=90 if max(map(len, names)) > 2 else 0)
            ax.set_yticks(range(n_classes), names if i % n == 0 else [])
            ax.set_xlabel("predicted class")
            if i % n == 0:
                ax.set_ylabel("true class")
            ax.tick_params(labelsize=7.5)
            ax.tick_params(length=0)
            ax.spines[:].set_visible(False)
        bar = figure.colorbar(picture, ax=list(axes.flat), shrink=0.8 / n_rows, aspect=30)
        bar.set_label("test images, mean over runs" if not single else "test images")
        bar.outline.set_visible(False)
        apart = "\n" if len(matrices) == 1 else "; "  # a single matrix is narrower than the title
        title = f"{_title(panel)}{apart}on the diagonal: accuracy of the class, %"
        figure.suptitle(title, fontsize=9)
        return figure


def _of_fig_1(frame: Any) -> Any:
    """One setting of each loss."""
    settings = {loss: list(rows["setting"].unique()) for loss, rows in frame.groupby("loss")}
    chosen = [
        own if (own := chosen_loss(loss).setting) in of_loss else of_loss[0]
        for loss, of_loss in settings.items()
    ]
    return frame[frame["setting"].isin(chosen)]


def _annotate(ax: Any, matrix: np.ndarray, wrong: float, *, single: bool) -> None:
    """Accuracy of each class on the diagonal, images beside it; of a mean below 10 a decimal."""
    from matplotlib.patches import Rectangle

    for (i, j), value in np.ndenumerate(matrix):
        if i == j:
            text = f"{100 * value / matrix[i].sum():.1f}"
            ax.add_patch(Rectangle((i - 0.5, i - 0.5), 1, 1, color="0.92", lw=0))
        elif value == 0:
            continue
        else:
            text = f"{value:.0f}" if single or value >= 9.95 else f"{value:.1f}"
        colour = "white" if i != j and value > 0.6 * wrong else "black"
        ax.text(j, i, text, ha="center", va="center", fontsize=SMALLEST, color=colour)


def _off_diagonal(matrix: np.ndarray) -> np.ndarray:
    off = matrix.astype(float)
    np.fill_diagonal(off, 0.0)
    return off


def _of(frame: Any, panel: tuple[str, str]) -> Any:
    if frame.empty:
        return frame
    return frame[(frame["dataset"] == panel[0]) & (frame["model"] == panel[1])]


def _title(panel: tuple[str, str]) -> str:
    return f"{short_title(panel[0])}, {NETWORK_NAMES[panel[1]]}"
