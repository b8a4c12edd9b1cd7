"""Whether a figure can be read as it is printed: in a column or on a page, and in grey."""

import warnings
from io import BytesIO
from itertools import combinations

import numpy as np
from matplotlib.offsetbox import DrawingArea
from matplotlib.text import Text
from PIL import Image

from learnprop.reports.layout.style import PAGE, SMALLEST

SEEN = 24
"""Levels of grey, of 255, by which pixels differ to the eye."""

SHARE = 0.15
"""Share of the ink in which two entries of a legend must differ."""


def check_readable(figure):
    """No wider than a page, no words smaller than the smallest, no two entries alike in grey."""
    assert figure.get_figwidth() <= PAGE, f"{figure.get_figwidth()} inches are scaled down"
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip():
            assert text.get_fontsize() >= SMALLEST, (text.get_text(), text.get_fontsize())
    for legend in [*figure.legends, *(ax.get_legend() for ax in figure.axes)]:
        if legend is not None:
            check_legend(figure, legend)


def check_legend(figure, legend):
    """What a printer makes of the entries' marks."""
    page = in_grey(figure)
    box, whole = legend.get_window_extent(), figure.bbox
    assert whole.x0 <= box.x0 < box.x1 <= whole.x1, "a legend is cut off"
    assert whole.y0 <= box.y0 < box.y1 <= whole.y1, "a legend is cut off"
    words = [text.get_text() for text in legend.get_texts()]
    marks = [_cut(page, area) for area in legend.findobj(DrawingArea)]
    assert len(marks) == len(words)
    for (one, first), (other, second) in combinations(zip(words, marks, strict=True), 2):
        rows, columns = np.minimum(first.shape, second.shape)
        first, second = first[:rows, :columns], second[:rows, :columns]
        ink = (np.minimum(first, second) < 255 - SEEN).sum()
        apart = (np.abs(first - second) >= SEEN).sum()
        assert apart >= SHARE * ink > 0, f"{one!r} and {other!r} are alike in grey"


def in_grey(figure):
    """Pixels of the figure by the luma of ITU-R 601, which Pillow computes; (rows, columns)."""
    picture = BytesIO()
    with warnings.catch_warnings():  # a script without a font is a matter of saving
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(picture, format="png", dpi=figure.dpi)
    with Image.open(picture) as image:
        return np.asarray(image.convert("RGB").convert("L"), dtype=np.int64)


def _cut(page, area):
    box = area.get_window_extent()
    rows = slice(round(len(page) - box.y1) - 2, round(len(page) - box.y0) + 2)
    return page[rows, round(box.x0) - 1 : round(box.x1) + 1]
