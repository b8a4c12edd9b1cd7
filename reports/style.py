"""The house style of every figure, and how a figure is saved, in one place."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from reports.provenance import write_bytes

# Okabe and Ito's colour-blind safe palette.
OBSERVED, PREDICTED, PAPER, THEORY = "#0072B2", "#D55E00", "#009E73", "#000000"

HOUSE_STYLE: Any = {
    "figure.dpi": 150,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.hashsalt": "learnprop",
}


def pyplot() -> Any:
    """Pyplot without a screen."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def save_figure(figure: Any, paths: list[Path]) -> None:
    """Save a figure in every format asked for, the same bytes for the same picture, and close it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    paths : list of Path
        The suffix gives the format.
    """
    for path in paths:
        picture = BytesIO()
        metadata = {} if path.suffix == ".png" else {"CreationDate": None}
        figure.savefig(picture, format=path.suffix[1:], metadata=metadata)
        write_bytes(path, picture.getvalue())
    pyplot().close(figure)
