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
    parts = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", tool("gallery").page(), re.M | re.S))
    for figure in (ROOT / "results").glob("*/*.png"):
        part = parts[figure.parent.name]
        assert f"](../results/{figure.parent.name}/{figure.name})" in part
        assert re.search(r"```sh\n(learnprop|python -m benchmarks) ", part)


def test_a_figure_that_nobody_described_is_an_error(tool):
    with pytest.raises(KeyError, match="explore/unheard"):
        tool("gallery").caption("explore", "unheard_of")
