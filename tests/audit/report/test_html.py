"""A report as HTML: it stands alone, names from outside are escaped, and its tags are closed."""

import math
import re
from html.parser import HTMLParser

import pytest

from learnprop.audit.report.grids import WORST
from learnprop.audit.report.html import html_of
from learnprop.audit.report.words import label_text
from learnprop.reports.layout.html import STYLE
from tests.audited import LABELS, acting, made_up

VOID = {"rect", "path", "circle"}
CELLS = {"th", "td"}


class Read(HTMLParser):
    """Collects what there is; every tag must be closed in its order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.cells, self.attributes = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self.open.append(tag)
        if tag in CELLS:
            self.cells.append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if CELLS & {*self.open}:
            self.cells[-1] += data


@pytest.mark.parametrize(
    "report",
    [
        acting([1, 45], [1, 100], [10_000, 100]),
        made_up(10, LABELS, groups=3, ends={1: (-math.inf, math.inf)}),
        made_up(1000),
        made_up(2, causes=0),
    ],
)
def test_tags_are_closed_and_nothing_comes_from_elsewhere(report):
    html = report._repr_html_()
    read = Read(html)
    assert read.open == []
    assert set(read.tags) <= {
        "div", "style", "p", "strong", "figure", "figcaption", "table", "thead", "tbody", "tr",
        *CELLS, "small", "span", "svg", *VOID,
    }  # fmt: skip
    assert not {name for name, _ in read.attributes} & {"src", "href", "id", "onload"}
    assert "url(" not in html
    assert "nan" not in re.sub(r"[^\d\w]", " ", html).split()


def test_labels_are_escaped_and_all_there():
    html = html_of(made_up(10, LABELS))
    assert "<script" not in html
    assert "<b>" not in html  # of a warning
    cells = Read(html).cells
    for label in LABELS:
        assert label_text(label) in cells


def test_long_tables_are_folded():
    html = html_of(made_up(1000, causes=0))
    assert html.count("<svg") == WORST
    assert f"{WORST} of 1000 classes" in html
    assert len(html) < 20_000


def test_words_on_a_verdicts_colour_can_be_read():
    # WCAG 2.1: the ratio of relative luminances, each + 0.05, is at least 4.5 for text.
    colours = set(re.findall(r"background:#(\w{6})", STYLE))
    assert len(colours) == 3
    for colour in colours:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        luminance = sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
        assert 1.05 / (luminance + 0.05) >= 4.5, colour


def test_pages_letters_are_used_so_that_dark_ones_can_be_read():
    html = html_of(acting([1, 45], [1, 100], [10_000, 100]))
    assert "currentColor" in html
    style = html.split("</style>")[0].replace(".verdict{color:#fff;background:#6b6b6b", "")
    style = re.sub(r"\.(holds|fails|inconclusive){background:#\w{6}}", "", style)
    assert not re.search(r"color:#|background:#|color:(black|white)", style)


def test_pictures_are_within_their_frame_and_in_order():
    report = made_up(5, ends={0: (-math.inf, math.inf)})
    html = html_of(report)
    x = [float(found) for found in re.findall(r'cx="([\d.]+)"', html)]
    order = sorted(range(5), key=lambda k: report.gaps[k].value)
    assert sorted(range(5), key=lambda k: x[k]) == order
    assert all(0 <= at <= 130 for at in x)
    assert "M0.0 7H130.0" in html  # the unbounded one reaches over all of it
