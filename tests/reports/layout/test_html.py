"""Grids as HTML: what is a name, a verdict, a heading, a group."""

from html.parser import HTMLParser

import pytest

from learnprop.reports.layout.grid import Grid
from learnprop.reports.layout.html import grid_html, table_html

HOSTILE = "<script>alert(1)</script> & \"a\" 'b'"


class Cells(HTMLParser):
    """Texts and attributes of the cells, by row, and what is marked."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.attributes, self.marked, self.bodies, self.tags = [], [], [], 0, set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.bodies += tag == "tbody"
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.attributes.append(dict(attrs))
        elif tag == "span":
            self.marked.append(dict(attrs)["class"])

    def handle_data(self, data):
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.rstrip("\n")


def test_names_heads_titles_and_notes_are_text():
    grid = Grid((HOSTILE, "b"), ((HOSTILE, HOSTILE),), verbatim=(1,), note=HOSTILE)
    html = grid_html(HOSTILE, grid)
    read = Cells(html)
    assert "script" not in read.tags
    assert read.rows[0] == [HOSTILE, "b"]
    assert read.rows[1][0] == HOSTILE
    assert html.count("&lt;script&gt;") == 6  # title twice: once for who cannot see it


@pytest.mark.parametrize(
    ("cell", "marked"),
    [
        ("holds", ["verdict holds"]),
        ("fails (expected: holds)", ["verdict fails"]),
        ("not converged", ["verdict"]),
        ("interpolated", ["verdict"]),
        ("holdsworth", []),
        ("fails to", []),
        ("it holds", []),
        ("+1.0±0.2!", []),
    ],
)
def test_verdicts_are_marked_by_colour_and_stay_words(cell, marked):
    read = Cells(table_html("t", Grid(("a", "b"), (("holds", cell),))))
    assert read.marked == marked  # that the row is called so is no verdict
    assert read.rows[1] == ["holds", cell]


def test_rules_part_groups_and_headings_take_the_whole_row():
    rows = (("a: 1", ""), ("  x", "1"), None, ("a: 2", ""), ("  x", "2"))
    read = Cells(table_html("t", Grid(("n", "v"), rows)))
    assert read.bodies == 2
    assert read.rows[1:] == [["a: 1"], ["  x", "1"], ["a: 2"], ["  x", "2"]]
    assert [a["colspan"] for a in read.attributes if "colspan" in a] == ["2", "2"]


def test_pictures_stand_beside_their_rows():
    rows = (("a", "1"), None, ("b", "2"))
    read = Cells(table_html("t", Grid(("n", "v"), rows), ["<i>p</i>", "<i>q</i>"]))
    assert read.rows == [["n", "v", ""], ["a", "1", "p"], ["b", "2", "q"]]


def test_a_line_of_a_name_is_one_line():
    assert "a b" in table_html("t", Grid(("n",), (("a\nb",),)))
