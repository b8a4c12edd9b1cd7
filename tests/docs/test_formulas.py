"""Formulas of the pages: all become MathML, and in none is what GitHub takes for Markdown."""

import doctest
import html
import re
from xml.etree import ElementTree

import pytest
from markdown_it import MarkdownIt

from tests.docs.blocks import pages

PAGES = {path.name: path.read_text(encoding="utf-8") for path in pages()}
WITH_FORMULAS = [name for name, text in PAGES.items() if "```math" in text]


def test_examples(tool):
    failed, attempted = doctest.testmod(tool("formulas"))
    assert (failed, attempted > 0) == (0, True)


@pytest.fixture
def shown(tool):
    """Return the text of a page as the site has it."""
    formulas, staging = tool("formulas"), tool("staging")
    return lambda text: staging.outside_of_code(formulas.fences(text), formulas.dollars)


@pytest.mark.parametrize("name", WITH_FORMULAS)
def test_every_formula_becomes_mathml_that_parses(shown, name):
    formulas = re.findall(r"<math.*?</math>", shown(PAGES[name]))
    assert len(formulas) >= PAGES[name].count("```math")
    for formula in formulas:
        text = "".join(ElementTree.fromstring(formula).itertext())
        assert not set("\\&$") & set(text), text  # a command that was not understood


@pytest.mark.parametrize("name", PAGES)
def test_no_dollar_is_left_over(shown, tool, name):
    left = []
    tool("staging").outside_of_code(shown(PAGES[name]), lambda prose: left.append(prose) or prose)
    assert "$" not in "".join(left)


@pytest.mark.parametrize("name", WITH_FORMULAS)
def test_nothing_in_a_formula_is_markdown(name):
    prose = re.sub(r"^( *)```.*?^\1```$", "", PAGES[name], flags=re.MULTILINE | re.DOTALL)
    tokens = MarkdownIt("commonmark").enable("table").parse(prose)
    plain = "\n".join(
        child.content for token in tokens for child in token.children or () if child.type == "text"
    )
    for formula in re.findall(r"\$[^$\n`]+\$", prose):
        assert html.unescape(formula) in plain, formula


def test_a_formula_that_github_would_spoil_is_found():
    (token,) = [t for t in MarkdownIt().parse(r"As $\{a_{1}\, b\}_2$.") if t.children]
    assert r"\{" not in "".join(child.content for child in token.children)


def test_code_keeps_its_dollars(shown):
    text = "`$a$` and $a$\n\n```sh\necho $a $b\n```\n"
    assert shown(text).count("<math ") == 1
    assert "`$a$`" in shown(text)
    assert "echo $a $b" in shown(text)


def test_a_formula_keeps_its_comma(shown):
    assert re.search(r'<span class="formula">\(<math.*</math>\),</span>', shown("It ($a$), that."))
