"""The house style of every figure, and how a figure is saved, in one place."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import Any

from reports.provenance import write_bytes

# Okabe and Ito's colour-blind safe palette.
OBSERVED, PREDICTED, PAPER, THEORY = "#0072B2", "#D55E00", "#009E73", "#000000"

COLUMN, PAGE = 3.3, 7.0
"""Widths of a figure in inches: one column of a two-column paper, and its page."""

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


def sequence(n: int) -> list[Any]:
    """Colours for n ordered values, dark to light, told apart without hue and with any eyes."""
    colours: list[Any] = pyplot().get_cmap("viridis")([0.85 * i / max(n - 1, 1) for i in range(n)])
    return colours


def plain(name: str) -> str:
    r"""Write a name from outside so that no formula is read in it.

    Examples
    --------
    >>> plain("a_b & $5")
    'a_b & \\$5'
    """
    return " ".join(name.split()).replace("$", r"\$")


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
        with warnings.catch_warnings():  # names of classes in a script that the font has not
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(picture, format=path.suffix[1:], metadata=metadata)
        write_bytes(path, picture.getvalue())
    pyplot().close(figure)
