"""The reference of Python: every public name, every formula, every page in the navigation."""

import doctest
import re
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import griffe
import pytest

import learnprop

ROOT = Path(__file__).parents[2]


@pytest.fixture
def described(tool):
    """Return what Griffe reads of a public name, with our extension."""
    extension = tool("docstrings").Docstrings()
    package = griffe.load(
        "learnprop", search_paths=[ROOT], docstring_parser="numpy", resolve_aliases=True,
        extensions=griffe.Extensions(extension),
    )  # fmt: skip
    return lambda name: package[name]


@pytest.mark.parametrize("name", ["api", "docstrings"])
def test_examples(tool, name):
    failed, attempted = doctest.testmod(tool(name))
    assert (failed, attempted > 0) == (0, True)


def test_every_public_name_is_on_one_page(tool):
    pages = tool("api").pages()
    overview = pages.pop("reference/api/index.md")
    on_pages = re.findall(r"^::: learnprop\.(\w+)$", "\n".join(pages.values()), re.MULTILINE)
    assert sorted(on_pages) == sorted(learnprop.__all__)
    assert set(re.findall(r"^- \[`(\w+)`\]", overview, re.MULTILINE)) == set(learnprop.__all__)


def test_every_page_is_in_the_navigation_once(tool):
    def leaves(entry):
        if isinstance(entry, str):
            return [entry]
        return [
            leaf for part in (entry.values() if isinstance(entry, dict) else entry)
            for leaf in leaves(part)
        ]  # fmt: skip

    named = leaves(tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"])
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    pages |= {*tool("api").pages(), *tool("staging").PAGES.values(), "results/page/balance.html"}
    assert sorted(named) == sorted(pages)


def test_all_that_is_public_has_a_docstring_and_mathml_that_parses(described):
    formulas = 0
    for name in learnprop.__all__:
        text = described(name).docstring.value
        assert ":math:" not in text
        assert ".. math" not in text
        for formula in re.findall(r"<math.*?</math>", text):
            shown = "".join(ElementTree.fromstring(formula).itertext())
            assert "\\" not in shown, name  # a command that was not understood
            formulas += 1
    assert formulas > 50


def test_a_formula_of_several_lines_is_aligned(tool):
    text = tool("docstrings").to_markdown(".. math::\n    a &= b, \\\\\n    c &= d\n\nand so on")
    (formula,) = re.findall(r"<math.*?</math>", text)
    table = ElementTree.fromstring(formula).find(".//{*}mtable")
    assert [len(row) for row in table] == [2, 2]
    assert text.endswith("</div>\n\nand so on")


def test_studies_have_their_defaults_and_docstrings(described):
    table1 = described("table1")
    assert table1.parameters["train_size"].default == "(1000, 10000)"
    assert table1.docstring.value.startswith("Reproduce Table 1")


def test_types_are_shown_as_they_were_written(described):
    sections = {section.kind.value: section.value for section in described("gap").docstring.parsed}
    shown = str(sections["parameters"][0].annotation).replace("\N{NO-BREAK SPACE}", " ")
    assert shown == "array_like, shape (..., n_classes, n_classes)"
