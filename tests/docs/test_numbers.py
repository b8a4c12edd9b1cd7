"""Numbers and tables of the pages are those of results/."""

import pytest

from tests.docs.blocks import ROOT

TABLES = {
    "docs/explanation/small-samples.md": ("small-samples/coverage", "fitted-models/fitted_models"),
    "docs/how-to/boosted-trees.md": tuple(
        f"boosting/{table}"
        for table in (
            "decay", "two-classes-train", "two-classes-fresh", "three-classes-train",
            "three-classes-fresh",
        )
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("page", "table"), [(page, table) for page in TABLES for table in TABLES[page]]
)
def test_tables_are_those_of_the_results(page, table):
    text = (ROOT / "results" / f"{table}.md").read_text(encoding="utf-8")
    assert text in (ROOT / page).read_text(encoding="utf-8")
