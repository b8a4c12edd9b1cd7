"""The gallery has every published figure, and is what it would be now."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_examples(tool):
    failed, attempted = doctest.testmod(tool("gallery"))
    assert (failed, attempted > 0) == (0, True)


def test_the_page_is_what_the_results_are_now(tool):
    gallery = tool("gallery")
    assert gallery.PAGE.read_text(encoding="utf-8") == gallery.page(), "make docs writes it"


def test_every_figure_is_in_it_with_the_command_that_made_it(tool):
    part = r'^<div id="(\S+)"></div>\n\n(## .*?)(?=^<div id=|\Z)'
    parts = dict(re.findall(part, tool("gallery").page(), re.MULTILINE | re.DOTALL))
    for figure in (ROOT / "results").glob("*/*.png"):
        part = parts[figure.parent.name]
        assert f"](../results/{figure.parent.name}/{figure.name})" in part
        assert re.search(r"```sh\n(learnprop|python -m benchmarks) ", part)


def test_a_figure_that_nobody_described_is_an_error(tool):
    with pytest.raises(KeyError, match="explore/unheard"):
        tool("gallery").caption("explore", "unheard_of")


def test_a_folder_that_nobody_titled_is_an_error(tool, tmp_path):
    (tmp_path / "results" / "unheard-of").mkdir(parents=True)
    (tmp_path / "results" / "unheard-of" / "provenance.json").touch()
    with pytest.raises(ValueError, match="'unheard-of' is not in list"):
        tool("gallery").page(tmp_path)


def test_the_page_is_shown_as_it_looks_and_opens_alone(tool, tmp_path):
    for name in ("results/page/balance.html", "docs/pictures/balance-360.png"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    page = tool("gallery").page(tmp_path)
    assert '<div id="page"></div>\n\n## The page' in page
    assert "[![The page at 360 px](pictures/balance-360.png)](pictures/page-360.png)" in page
    assert '<a href="../results/page/balance.html" target="_blank">' in page
