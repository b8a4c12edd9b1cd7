"""A report as text: what it says first, and that it fits."""

import math
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

import learnprop as lp
from learnprop.audit.report.console import report_sentences, report_tables, report_text
from learnprop.audit.report.decision import decision_line
from learnprop.audit.report.grids import MOST, WORST
from learnprop.audit.report.words import headline, label_text
from learnprop.equations.inference.estimates import Estimate, equivalence_verdict
from tests.audited import LABELS, acting, made_up, sample_acting


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
    report = replace(acting([1, 1], [1, 1], [1000, 500]), warnings=())
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


def test_of_weights_that_were_not_stated_it_says_what_is_assumed():
    for n_classes in (2, 3):
        report = made_up(n_classes)
        assert "not stated" not in headline(report)
        said = headline(replace(report, stated=False))
        assert "class weights were not stated" in said
        assert "was stated" not in said
    y, proba = sample_acting([1, 1], [1000, 500])
    assert not lp.check(y, proba).stated
    assert lp.check(y, proba, class_weight="equal").stated


def test_a_classifier_without_mistakes_is_said_to_make_none():
    y = np.repeat([0, 1], 50)
    text = " ".join(str(lp.check(y, np.eye(2)[y])).split())
    assert "it makes no mistakes on this sample" in text
    assert "reducible" not in text


def test_one_class_that_fails_by_itself_is_no_finding_on_all():
    report = replace(made_up(10), verdict="inconclusive")
    assert "one of 10 classes may fail by chance" in headline(
        replace(report, verdicts=("fails", *["inconclusive"] * 9))
    )
    same = headline(replace(report, verdicts=("inconclusive",) * 10))
    assert "all 10 classes are inconclusive;" in same
    assert "by chance" not in same


def small(gap, length, n=1000, reason=""):
    """A report of two classes, the first with such a gap and half length of its interval."""
    gaps = (
        Estimate(gap, gap - length, gap + length, 0.9, reason),
        Estimate(0.0, -0.01, 0.01, 0.9),
    )
    verdicts = tuple(equivalence_verdict(g.low, g.high, 0.05) for g in gaps)
    count = np.array([n // 5, n - n // 5])
    return replace(
        made_up(2), gaps=gaps, verdicts=verdicts, verdict="inconclusive", count=count
    )  # fmt: skip


def test_how_many_samples_would_decide_goes_with_the_square_of_the_length():
    # 0.01 within the margin of 0.05 leaves 0.04; an interval of half length 0.08 needs 2² as many.
    said = decision_line(small(0.01, 0.08))
    assert said.startswith("About 4000 samples (800 of class 0) would decide, if the gaps stay")
    assert said.endswith("balance within 10 % (`margin` 0.1).")  # the end at 0.09, and up
    # Beyond the margin: an interval of half length 0.1 fits within 0.05 around 0 at best, 2².
    said = decision_line(small(0.08, 0.1))
    assert "takes at least 4000 samples (800 of class 0), and a gap that is smaller than" in said
    assert said.endswith("balance within 19 % (`margin` 0.19).")
    # An interval of half length 0.04 would fit: no number of samples is said.
    said = decision_line(small(0.08, 0.04))
    assert said.startswith(
        "The sample is large enough to show balance within 5 %: what it takes is"
    )
    assert "a gap that is smaller than the 8 % measured here. This sample shows" in said


def test_a_margin_that_is_said_to_hold_does():
    for gap, length in ((0.01, 0.08), (0.08, 0.1), (-0.03, 0.05), (-0.2, 0.25)):
        report = small(gap, length)
        margin = float(decision_line(report).split("`margin` ")[1].rstrip(").").rstrip("."))
        verdicts = {equivalence_verdict(g.low, g.high, margin) for g in report.gaps}
        assert verdicts == {"holds"}


def test_nothing_is_said_to_decide_where_intervals_are_bounds_or_something_was_decided():
    assert decision_line(small(0.01, 0.08, reason="few misses")) == ""
    assert decision_line(replace(small(0.01, 0.08), verdict="fails")) == ""
    assert "samples" not in decision_line(small(0.049999, 0.08)).split("This")[0]


def test_causes_that_are_no_more_than_possible_are_not_called_likely():
    report = made_up(3, causes=3)
    possible = tuple(replace(cause, consistency="possible") for cause in report.causes)
    text = str(replace(report, causes=possible))
    assert "ost likely" not in text
    assert "Possible causes, which these data do not tell apart: " in text
    assert "acts upon" not in repr(replace(report, causes=possible))
    assert report.causes[0].name in repr(report)
    assert "Possible cause: acts upon equal weights." in str(replace(report, causes=possible[:1]))
    mixed = str(replace(report, causes=(*possible[:1], *report.causes[1:])))
    assert "Most likely cause: acts upon inverse weights (consistent; 2 more" in mixed


def test_text_that_is_told_no_width_has_all_columns():
    for n_classes in (2, 10):
        report = made_up(n_classes)
        lines = str(report).splitlines()
        for head in report_tables(report)[0].grid.heads:
            assert head in next(line for line in lines if line.startswith("class "))
        assert "left out" not in str(report)
        sentences = [*lines[: lines.index("")], *lines[-3:]]  # and the end of the last note
        assert max(map(len, sentences)) <= 100
    assert "left out" in report_text(made_up(10), 60)


def test_an_imbalance_of_many_times_a_class_is_not_in_per_cent():
    report = made_up(2, causes=1)
    (cause,) = report.causes
    large = replace(cause, predicted=np.array([-19.0, 0.1]), observed=np.array([-19.1, 0.1]),
                    error=np.array([0.67, 0.01]))  # fmt: skip
    table = report_tables(replace(report, causes=(large,)))[1].grid
    assert table.heads[2:4] == ("predicted, w", "observed, w")
    assert table.rows[0][3] == "-19.10±0.67"


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
