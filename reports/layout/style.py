"""The house style of every figure, and how a figure is made and saved, in one place.

It starts from matplotlib's defaults, not from the user's `matplotlibrc`, and it needs no pyplot:
rcParams, backend and open figures of the session around are left as they are.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from learnprop.reports.layout.files import write_bytes
from learnprop.reports.layout.fonts import use_fonts_of_scripts

# Hues of Okabe and Ito's colour-blind safe palette, each in a lightness of its own: in grey theirs
# are one. Their L* are 0, 29, 41, 51 and 61; beyond, a line on white is hard to see.
THEORY, OBSERVED, VALIDATED, PREDICTED, PAPER = (
    "#000000", "#00467A", "#A43D7C", "#C75600", "#1EA77D"
)  # fmt: skip

COVERED, MARGIN = "#B4B4B4", "#E6E6E6"
"""Greys: of the many that are as they should be, and of the margin of the verdicts behind all."""

Figure = Any
"""A `matplotlib.figure.Figure`: matplotlib is imported where something is drawn."""

COLUMN, PAGE = 3.3, 7.0
"""Widths of a figure in inches: one column of a two-column paper, and its page.

No figure is wider, since it would be scaled down with its words: the smallest are of `SMALLEST`.
"""

SMALLEST = 6.0
"""Size of the smallest words of a figure, in points, as printed."""

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


def matplotlib() -> Any:
    """Matplotlib, imported whatever the user's settings are.

    Its import reads `MPLBACKEND` and `matplotlibrc`, and fails if it can make nothing of them.
    Then it is imported from the folder of its own `matplotlibrc`, which comes first.
    """
    try:
        import matplotlib
    except (ValueError, OSError):
        for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
            del sys.modules[name]  # the halves that were imported do not fit a second import
        folder = find_spec("matplotlib").submodule_search_locations[0]  # type: ignore[union-attr, index]
        backend = os.environ.pop("MPLBACKEND", None)
        try:
            with chdir(Path(folder) / "mpl-data"):
                import matplotlib
        finally:
            if backend is not None:
                os.environ["MPLBACKEND"] = backend
    return matplotlib


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's defaults with ours on top, in whose place the user's settings come again."""
    mpl = matplotlib()
    with mpl.rc_context():  # all but the backend, which we neither read nor set
        mpl.rcParams.update({k: mpl.rcParamsDefault[k] for k in mpl.rcParams if k != "backend"})
        mpl.rcParams.update(HOUSE_STYLE)
        yield


def subplots(
    n_rows: int = 1, n_columns: int = 1, *, figsize: tuple[float, float], **how: Any
) -> tuple[Any, Any]:
    """Figure and axes, as those of `matplotlib.pyplot.subplots`, which pyplot does not know of."""
    matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=figsize)
    return figure, figure.subplots(n_rows, n_columns, **how)


def as_strips(figure: Figure, strips: Sequence[Any]) -> None:
    """Let axes below each other be one picture: an x axis under the last alone, no gaps."""
    figure.get_layout_engine().set(h_pad=0.02, hspace=0.0)
    for ax in strips[:-1]:
        ax.spines["bottom"].set_visible(False)
        ax.tick_params(axis="x", which="both", length=0)


def sequence(n: int) -> list[Any]:
    """Colours for n ordered values, dark to light, told apart without hue and with any eyes."""
    at = [0.85 * i / max(n - 1, 1) for i in range(n)]
    colours: list[Any] = matplotlib().colormaps["viridis"](at)
    return colours


def plain(name: str) -> str:
    r"""Write a name from outside so that no formula is read in it.

    Examples
    --------
    >>> plain("a_b & $5")
    'a_b & \\$5'
    """
    return " ".join(name.split()).replace("$", r"\$")


def save_figure(figure: Any, paths: list[Path]) -> str:
    """Save a figure in every format asked for, the same bytes for the same picture.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    paths : list of Path
        The suffix gives the format.

    Returns
    -------
    str
        Characters of its words that no font of this machine has.
    """
    missing = use_fonts_of_scripts(figure)
    for path in paths:
        picture = BytesIO()
        metadata = {} if path.suffix == ".png" else {"CreationDate": None}
        with warnings.catch_warnings():  # those that are returned
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            figure.savefig(picture, format=path.suffix[1:], metadata=metadata)
        write_bytes(path, picture.getvalue())
    return missing


def draw_to(draw: Callable[[], Figure | None], paths: list[Path]) -> str:
    """Draw a figure in the house style and save it; nothing where there is nothing to draw.

    Parameters
    ----------
    draw : callable ``() -> Figure or None``
    paths : list of Path

    Returns
    -------
    str
        Characters of its words that no font of this machine has.
    """
    with house_style():
        figure = draw()
        return "" if figure is None else save_figure(figure, paths)
