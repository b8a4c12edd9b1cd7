"""Rows by class: one function for every study, and what is refused."""

from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pytest

from learnprop.reports.protocols.ademp import Protocol, options_of, to_markdown
from learnprop.reports.statistics.columns import columns_of_accuracies, columns_of_balance
from learnprop.reports.statistics.evidence import (
    NO_MINIMUM,
    NOT_COMPUTED,
    Terms,
    evidence_of,
    parts_of,
    read_cell,
    too_many_failed,
)
from learnprop.reports.statistics.rows import by_class, class_rows, of_all_classes
from learnprop.reports.table1.summary import summarise
from learnprop.simulations.engine.study import Study
from learnprop.simulations.records.store_file import read_store
from learnprop.simulations.studies.option import Option


@pytest.fixture(scope="module")
def sim1(small_study, small_store):
    """Table 1, and the evidence of its first λ on Sim1."""
    with read_store(small_store) as store:
        cell, table = small_study.cells[0], summarise(small_study, store)
        fits, measured = read_cell(small_study, store, cell)
    return table, evidence_of(small_study, cell, cell.settings[0], fits, measured), cell


def test_table_1_has_what_the_k_class_rows_say_of_class_0(sim1):
    table, evidence, cell = sim1
    terms = Terms(0.05, cell.train_size)
    rows = class_rows(evidence, terms, {"class": (0, 1)}, (columns_of_balance,))
    assert [(row["split"], row["class"]) for row in rows[:3]] == [
        ("train", 0), ("train", 1), ("test", 0)
    ]  # fmt: skip
    mine = table.summary.iloc[1]
    for name in ("gap", "gap_low", "gap_high", "gap_mcse", "verdict", "runs_attempted"):
        assert mine[name] == rows[2][name]
    assert mine["gap"] != rows[3]["gap"]


def test_a_setting_that_is_refused_has_its_reason_and_counts_alone(sim1):
    _, evidence, cell = sim1
    refused = replace(evidence, usable=False)
    terms = Terms(0.05, cell.train_size, ("test",))
    rows = class_rows(refused, terms, {"class": (0, 1)}, (columns_of_balance,))
    assert parts_of(refused, terms) == {}
    assert [list(row)[:3] for row in rows] == [["split", "class", "verdict"]] * 2
    assert {row["verdict"] for row in rows} == {"inconclusive"}
    assert "gap" not in rows[0]
    named = class_rows(refused, terms, {"class": (0, 1)}, (), verdicts={"test": ("verdict", "all")})
    assert named[0]["all"] == "inconclusive"


@pytest.mark.parametrize(
    ("n", "status"), [(1, ""), (2, "separated"), (2, NO_MINIMUM), (2, NOT_COMPUTED)]
)
def test_the_commonest_reason_is_named_where_more_than_5_per_cent_have_no_model(sim1, n, status):
    evidence = sim1[1]
    assert evidence.counts["runs_attempted"] == 30  # of which one is allowed
    fits = evidence.fits
    reason, name = fits.reason.astype(object), fits.status.astype(object)
    reason[:n], name[:n] = "separated: no model", "separated"
    if status in (NO_MINIMUM, NOT_COMPUTED):
        reason[:n], name[:n] = f"{status}: for such a reason", "not converged"
    fits = replace(fits, reason=reason, status=name)
    counts = evidence.counts | {"runs_failed": n}
    assert too_many_failed(replace(evidence, fits=fits, counts=counts)) == status


def test_what_is_of_all_classes_is_in_every_row(sim1):
    _, evidence, cell = sim1
    part = parts_of(evidence, Terms(0.05, cell.train_size))["test"]
    rows = by_class(of_all_classes(columns_of_accuracies)(part))
    assert len(rows) == 2
    assert rows[0] == rows[1]
    with pytest.raises(ValueError, match="shorter"):
        by_class({"class": (0, 1), "left": (0.1,)})


def test_options_are_listed_with_their_help(small_study, monkeypatch):
    @dataclass(frozen=True)
    class Options:
        margin: Annotated[float, Option("gap that *counts* as none")] = 0.05
        unheard: Annotated[int, Option("in no design")] = 1
        test_size: Annotated[tuple[int, ...], Option("of each `class`")] = ()

    monkeypatch.setattr("learnprop.simulations.studies.table1.options.Options", Options)
    assert list(options_of(small_study)) == [
        r"`margin`: 0.05 (gap that \*counts\* as none)",
        f"`test_size`: {', '.join(map(str, small_study.design['test_size']))} (of each class)",
    ]


def test_a_protocol_is_items_and_paragraphs(small_study):
    record = Protocol("it", ("Why?",), ("- one", "- two"), ("Before:", "- an item"), (), ())
    text = to_markdown(record, Study(**vars(small_study)))
    assert "# Protocol: it\n\nWritten before the first replication.\n\n## Aims\n\nWhy?\n" in text
    assert "\n\n- one\n- two\n- Seed " in text
    assert "Before:\n\n- an item\n\n## Methods\n" in text
    assert np.max([len(line) for line in text.splitlines()]) <= 98
