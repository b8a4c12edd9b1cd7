"""The check that all figures of reports go through finds what it is for; and our colours."""

from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageCms

from learnprop.reports.layout import style
from learnprop.reports.layout.style import PAGE, SMALLEST, house_style, subplots
from tests.figures import check_readable

COLOURS = {
    name: getattr(style, name)
    for name in ("THEORY", "OBSERVED", "VALIDATED", "PREDICTED", "PAPER", "COVERED", "MARGIN")
}


def figure_of(first, second, *, width=PAGE, fontsize=SMALLEST):
    with house_style():
        figure, ax = subplots(figsize=(width, 2))
        for label, how in {"first": first, "second": second}.items():
            ax.plot([0, 1], [0, 1], label=label, **how)
        figure.legend(loc="outside lower center", fontsize=fontsize)
        return figure


def test_a_figure_that_can_be_read_passes():
    check_readable(figure_of({"color": "#00467A"}, {"color": "#C75600"}))
    check_readable(figure_of({"color": "0.3"}, {"color": "0.3", "ls": "--"}))
    check_readable(figure_of(*({"color": "0.3", "ls": "", "marker": m} for m in "x^")))


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ({"width": PAGE + 0.1}, "inches are scaled down"),
        ({"fontsize": SMALLEST - 0.5}, "first"),
        ({"width": 1.0, "fontsize": 24}, "cut off"),
        ({"second": {"color": "#009E73"}, "first": {"color": "#D55E00"}}, "alike in grey"),
    ],
)
def test_a_figure_that_cannot_be_read_is_found(how, match):
    """Among others one in Okabe and Ito's vermilion and green, the same in grey."""
    looks = {"first": {"color": "#00467A"}, "second": {"color": "#C75600"}}
    with pytest.raises(AssertionError, match=match):
        check_readable(figure_of(**(looks | how)))


def lab(colour):
    """CIELAB as LittleCMS computes it."""
    srgb, to_lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    transform = ImageCms.buildTransform(srgb, to_lab, "RGB", "LAB")
    return np.asarray(ImageCms.applyTransform(Image.new("RGB", (1, 1), colour), transform))[0, 0]


def test_colours_differ_in_lightness_and_are_seen_on_white():
    """Eight of 100 in L*; those of marks at least 3:1 against white, as WCAG 1.4.11 asks."""
    lightness = {name: lab(colour)[0] / 2.55 for name, colour in COLOURS.items()}
    for one, other in combinations(lightness, 2):
        assert abs(lightness[one] - lightness[other]) >= 8, (one, other)
    for name in ("THEORY", "OBSERVED", "VALIDATED", "PREDICTED", "PAPER"):
        luminance = ((lightness[name] + 16) / 116) ** 3
        assert 1.05 / (luminance + 0.05) >= 3, name
