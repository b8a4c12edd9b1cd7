"""docs/how-to/boosted-trees.md runs, and its tables are those of the results."""

import doctest
from pathlib import Path

import pytest

pytest.importorskip("lightgbm")
pytest.importorskip("xgboost")

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "how-to" / "boosted-trees.md"
TABLES = (
    "decay", "two-classes-train", "two-classes-fresh", "three-classes-train", "three-classes-fresh",
)  # fmt: skip


@pytest.mark.slow  # what they show is tested in tests/benchmarks/boosting
def test_the_examples_run_and_show_what_they_say():
    failed, attempted = doctest.testfile(
        str(PAGE), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE
    )
    assert (failed, attempted > 40) == (0, True)


@pytest.mark.parametrize("table", TABLES)
def test_tables_are_those_of_the_results(table):
    text = (ROOT / "results" / "boosting" / f"{table}.md").read_text(encoding="utf-8")
    assert text in PAGE.read_text(encoding="utf-8")
