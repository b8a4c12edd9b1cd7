"""The examples in docs/ run, and show what they say."""

import doctest
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"


SLOW = [
    pytest.param(name, marks=pytest.mark.slow) for name in ("how-to/audit.md", "how-to/explore.md")
]


@pytest.mark.parametrize("name", ["how-to/drop-in.md", "explanation/fresh.md", *SLOW])
def test_examples_run_and_show_what_they_say(name):
    failed, attempted = doctest.testfile(
        str(DOCS / name), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert (failed, attempted > 10) == (0, True)


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_files_that_they_name_exist(path):
    for link in re.findall(r"\]\((?!http)(.*?)\)", path.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        if anchor:
            heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in [head.lower().replace(" ", "-") for head in heads], link


@pytest.mark.parametrize("table", ["small-samples/coverage.md", "fitted-models/fitted_models.md"])
def test_tables_are_those_of_the_results(table):
    text = (DOCS.parent / "results" / table).read_text(encoding="utf-8")
    assert text in (DOCS / "explanation" / "small-samples.md").read_text(encoding="utf-8")
