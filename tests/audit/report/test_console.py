"""A report as text: what it says first, and that it fits."""

import math
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from learnprop.audit.report.console import report_sentences, report_tables, report_text
from learnprop.audit.report.grids import MOST, WORST
from learnprop.audit.report.words import headline, label_text
from learnprop.equations.inference.estimates import Estimate
from tests.audited import LABELS, acting, made_up


def test_the_first_sentence_says_what_it_acts_upon():
    report = acting([1, 45], [1, 100], [10_000, 100])
    first = str(report).splitlines()[0]
    assert first.startswith("Fails: it acts upon ")
    assert ":1 [" in first
    said = headline(report)
    assert "(class 1 to class 0) where 100:1 was stated" in said
    assert said.endswith("the balance is off by more than 5 %.")
    value, low, high = (getattr(report.effective[1], end) for end in ("value", "low", "high"))
    assert f"{value / (1 - value):.3g}:1 [" in said  # of two, weights sum to one
    assert low < value < high


def test_weights_that_are_as_stated_hold():
    report = acting([1, 1], [1, 1], [1000, 500])
    said = report_sentences(report)
    assert said[0].startswith("Holds: it acts upon 1.0")
    assert said[0].endswith("the balance holds within 5 %.")
    assert len(said) == 1  # and no cause is looked for


@pytest.mark.parametrize("n_classes", [3, 100])
def test_of_more_classes_verdicts_are_counted_and_the_furthest_is_named(n_classes):
    report = made_up(n_classes, seed=4)
    said = headline(report)
    for verdict in set(report.verdicts):
        n = report.verdicts.count(verdict)
        word = {"holds": "hold", "fails": "fail"}.get(verdict, "inconclusive")
        assert f"{n} {word}" in said.replace("are ", "").replace("is ", "")
    failing = [k for k in range(n_classes) if report.verdicts[k] == "fails"]
    candidates = failing or range(n_classes)
    worst = max(candidates, key=lambda k: abs(math.log1p(report.gaps[k].value)))
    assert f"class {worst}, furthest off" in said


def test_what_cannot_be_told_is_said_with_the_reason():
    nothing = tuple(Estimate(math.nan, 0.0, 1.0, 0.95, "on this sample none") for _ in range(2))
    report = replace(made_up(2), effective=nothing, verdict="inconclusive")
    assert "cannot be told (on this sample none)" in headline(report)
    assert "nan" not in str(report)


def test_bounds_are_said_to_be_bounds_with_their_reason():
    few = "class 0 has 4 expected misses in 40 samples, fewer than 10"
    bounds = tuple(Estimate(1 / 3, 0.0, 1.0, 0.95, few) for _ in range(3))
    text = " ".join(str(replace(made_up(3), effective=bounds)).split())
    assert f"intervals of the weights are bounds only: {few}" in text
    assert "bounds only" not in str(made_up(3))


@pytest.mark.parametrize("verdict", ["interpolated", "not converged"])
def test_any_verdict_has_its_sentence(verdict):
    said = headline(replace(made_up(2), verdict=verdict))
    assert said.startswith(verdict.capitalize())
    assert said.endswith("the balance is not decided within 5 %.")


def test_warnings_and_causes_are_all_there():
    report = made_up(3, causes=2)
    text = " ".join(str(report).split())
    for warning in report.warnings:
        assert f"Warning: {warning}" in text
    assert "Most likely cause: acts upon equal weights (consistent; 1 more below)." in text
    for cause in report.causes:
        assert f"{cause.name}: {cause.why} {cause.remedy}" in text
        for k in range(3):
            assert f"{100 * cause.predicted[k]:+.1f}" in text
            assert f"{100 * cause.observed[k]:+.1f}±1.0" in text


def test_a_cause_without_a_prediction_has_a_dash():
    report = made_up(2, causes=1)
    cause = replace(
        report.causes[0], predicted=np.full(2, np.nan), p_value=math.nan, consistency="possible"
    )
    table = report_tables(replace(report, causes=(cause,)))[1].grid
    largest = int(np.argmax(np.abs(cause.observed)))
    assert [row[1:3] for row in table.rows if row] == [(str(largest), "-")]
    assert table.rows[0][5:] == ("-", "possible")


@pytest.mark.parametrize("n_classes", [2, 3, 10, 100])
@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_no_line_is_longer(n_classes, width):
    labels = LABELS if n_classes == 10 else None
    report = made_up(n_classes, labels, groups=25, ends={0: (-math.inf, math.inf)})
    assert max(cell_len(line) for line in report_text(report, width).splitlines()) <= width


def test_long_tables_are_folded_and_say_so():
    report = made_up(1000, groups=MOST + 5)
    classes, _, groups = (table.grid for table in report_tables(report))
    assert len(classes.rows) == WORST
    assert len(groups.rows) == WORST
    shown = {int(row[0]) for row in classes.rows}
    note = classes.note.splitlines()[0]
    assert note.startswith(f"{WORST} of 1000 classes, those furthest off; of the others: ")
    left = [v for k, v in enumerate(report.verdicts) if k not in shown]
    for verdict in set(left):
        assert f"{left.count(verdict)} {verdict}" in note
    n_failing = report.verdicts.count("fails")
    assert n_failing > WORST
    assert {report.verdicts[k] for k in shown} == {"fails"}


def test_few_classes_are_all_shown_in_their_order():
    table = report_tables(made_up(MOST))[0].grid
    assert [row[0] for row in table.rows] == [str(k) for k in range(MOST)]


def test_labels_that_differ_are_told_apart():
    written = [label_text(label) for label in LABELS]
    assert len(set(written)) == len(LABELS)
    assert all(text.strip() and "\n" not in text and "\t" not in text for text in written)
    assert label_text("\x1b[31mred\u202e") == r"\x1b[31mred\u202e"  # no colours, no order of others


def test_the_repr_is_one_short_line():
    assert repr(made_up(3, causes=0)).startswith("<BalanceReport: ")
    for report in (made_up(1000), acting([1, 45], [1, 100], [10_000, 100])):
        assert len(repr(report).splitlines()) == 1
        assert len(repr(report)) < 100
    assert "; 1000 classes, " in repr(made_up(1000))


def test_of_two_classes_a_group_shows_the_second():
    report = made_up(2, ["no", "yes"], groups=3)
    table = report_tables(report)[-1].grid
    assert [row[2] for row in table.rows] == ["yes"] * 3
    for row, group in zip(table.rows, report.groups, strict=True):
        shown = float(row[3].split(" %")[0])
        assert shown == pytest.approx(100 * group.gaps[1].value, abs=0.5)


def test_arguments_are_marked_for_the_command_line_alone():
    report = made_up(2, causes=1)
    cause = replace(report.causes[0], remedy="Give `train`.")
    report = replace(report, causes=(cause,), warnings=("State `train_count`.",))
    assert "Warning: State `train_count`." in report_sentences(report)
    assert "Give `train`." in report_tables(report)[1].grid.note
    for text in (str(report), report._repr_html_()):
        assert "State train_count." in text
        assert "Give train." in text
        assert "`" not in text
