"""Pictures of a report: what stands where, and that the session around is left as it was."""

import math

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from learnprop.audit.report.figure import draw_report, pictures_of
from learnprop.audit.report.grids import WORST
from learnprop.audit.report.scale import limits, percent_ticks, ratio_ticks
from learnprop.audit.report.weights import relative_weights, shown_weights
from learnprop.equations.inference.estimates import Estimate
from learnprop.reports.layout.style import draw_to
from tests.audited import LABELS, acting, made_up


@pytest.fixture
def axes():
    return Figure(layout="constrained").subplots()


def points(ax):
    """Where the points of rows are, from above."""
    found = [line for line in ax.lines if line.get_marker() in "oDs" and len(line.get_xdata()) == 1]
    found.sort(key=lambda line: line.get_ydata()[0])
    return [float(line.get_xdata()[0]) for line in found]


@pytest.mark.parametrize("n_classes", [2, 3, 10, 20])
def test_gaps_are_where_they_are_on_a_scale_of_ratios(axes, n_classes):
    report = made_up(n_classes)
    assert report.plot("gaps", ax=axes) is axes
    np.testing.assert_allclose(points(axes), np.log1p([g.value for g in report.gaps]), rtol=1e-12)
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        str(k) for k in range(n_classes)
    ]
    assert axes.get_title() == f"balance within 5 %: {report.verdict}"
    assert axes.yaxis_inverted()  # the first class is above


def test_intervals_are_the_records_within_the_axes(axes):
    report = made_up(3)
    report.plot(ax=axes)
    left, right = axes.get_xlim()
    for lines, gap in zip(axes.collections, report.gaps, strict=True):
        ((start, _), (end, _)) = lines.get_segments()[0]
        assert start == pytest.approx(max(np.log1p(gap.low), left))
        assert end == pytest.approx(min(np.log1p(gap.high), right))


def test_ends_that_are_not_in_sight_have_an_arrow(axes):
    report = made_up(3, ends={0: (-math.inf, math.inf), 1: (-0.9, 1e9)})
    report.plot(ax=axes)
    arrows = [(line.get_marker(), line.get_ydata()[0]) for line in axes.lines]
    assert ("<", 0) in arrows
    assert (">", 0) in arrows
    assert (">", 1) in arrows
    assert (">", 2) not in arrows
    assert np.isfinite(axes.get_xlim()).all()


def test_what_has_no_number_says_so(axes):
    report = made_up(3, ends={1: Estimate(math.nan, -math.inf, math.inf, 0.9)})
    report.plot(ax=axes)
    assert [text.get_text() for text in axes.texts] == ["cannot be told"]
    assert len(points(axes)) == 2


def test_weights_stand_beside_those_that_were_stated(axes):
    report = acting([1, 45], [1, 100], [10_000, 100])
    report.plot("weights", ax=axes)
    stated, effective = shown_weights(report)
    marks = next(line for line in axes.lines if line.get_marker() == "|")
    np.testing.assert_allclose(np.exp(marks.get_xdata()), stated)
    np.testing.assert_allclose(np.exp(points(axes)), [e.value for e in effective])
    assert axes.get_xlabel() == "weight over that of class 0"
    assert [float(t.get_text()) for t in axes.get_xticklabels()] == [1, 3, 10, 30, 100]


@pytest.mark.parametrize("n_classes", [100, 1000])
@pytest.mark.parametrize("kind", ["gaps", "weights"])
def test_many_classes_are_all_drawn_by_rank(axes, n_classes, kind):
    report = made_up(n_classes)
    report.plot(kind, ax=axes)
    drawn = np.concatenate(
        [line.get_xydata() for line in axes.lines if line.get_linestyle() == "None"]
    )
    drawn = drawn[np.argsort(drawn[:, 0])]
    np.testing.assert_array_equal(drawn[:, 0], np.arange(1, n_classes + 1))
    if kind == "gaps":
        expected = np.log1p(sorted(g.value for g in report.gaps))
    else:
        expected = np.log(sorted(e.value for e in relative_weights(report)))
    np.testing.assert_allclose(drawn[:, 1], expected, rtol=1e-9)
    (ends,) = axes.texts
    off = [g.value for g in report.gaps]
    if kind == "gaps":
        assert ends.get_text().startswith(f"highest: {int(np.argmax(off))}, ")
        assert f"lowest: {int(np.argmin(off))}, " in ends.get_text()


def test_of_many_classes_intervals_without_ends_are_counted_and_not_drawn(axes):
    nothing = Estimate(math.nan, -math.inf, math.inf, 0.9)
    report = made_up(100, ends={0: (-math.inf, math.inf), 1: (-math.inf, math.inf), 2: nothing})
    report.plot(ax=axes)
    assert axes.get_xlabel() == "classes by rank; 2 without interval; 1 cannot be told"
    assert sum(len(lines.get_segments()) for lines in axes.collections) == 97


def test_causes_are_predicted_against_observed(axes):
    report = made_up(5, causes=2)
    report.plot("causes", ax=axes)
    for container, cause in zip(axes.containers, report.causes, strict=True):
        x, y = container[0].get_data()
        np.testing.assert_allclose(x, 100 * cause.predicted)
        np.testing.assert_allclose(y, 100 * cause.observed)
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend[0] == "acts upon equal weights (test): consistent"


def test_groups_are_in_their_order_or_the_worst_of_many(axes):
    report = made_up(2, groups=10)
    report.plot("groups", ax=axes)
    expected = np.log1p([group.gaps[1].value for group in report.groups])
    np.testing.assert_allclose(points(axes), expected)
    assert axes.get_xlabel() == "gap in % of class 1 [90 %]"
    many = made_up(3, groups=30).plot("groups", ax=Figure().subplots())
    assert len(many.get_yticks()) == WORST
    assert many.get_title() == f"balance within groups; {WORST} of 30"


def test_labels_are_no_formulas(axes):
    made_up(10, LABELS).plot(ax=axes)
    axes.figure.canvas.draw()  # mathtext would fail on "$x$ {y}", or take it for a formula
    texts = [label.get_text() for label in axes.get_yticklabels()]
    assert all(len(text) <= 30 for text in texts)


def test_axes_of_ones_own_are_of_pyplot_and_nothing_else_is_changed():
    before = dict(mpl.rcParams)
    ax = made_up(3).plot()
    try:
        assert pyplot.fignum_exists(ax.figure.number)
        assert dict(mpl.rcParams) == before
    finally:
        pyplot.close(ax.figure)
    n_open = len(pyplot.get_fignums())
    made_up(3).plot(ax=Figure().subplots())
    assert len(pyplot.get_fignums()) == n_open


@pytest.mark.parametrize("n_classes", [2, 100])
def test_a_page_has_every_picture_that_there_is(tmp_path, n_classes):
    report = made_up(n_classes, groups=5)
    kinds = pictures_of(report)
    assert kinds == ["weights", "gaps", "causes", "groups"]
    n_open = len(pyplot.get_fignums())
    figures = []

    def draw():
        figures.append(draw_report(report))
        return figures[0]

    draw_to(draw, [tmp_path / "check.png", tmp_path / "check.pdf"])
    assert (tmp_path / "check.pdf").read_bytes().startswith(b"%PDF")
    assert [ax.get_visible() for ax in figures[0].axes] == [True] * 4
    assert len(pyplot.get_fignums()) == n_open


def test_what_there_is_not_is_refused():
    bare = made_up(3, causes=0)
    assert pictures_of(bare) == ["weights", "gaps"]
    with pytest.raises(
        ValueError, match=r"^kind is 'groups', of which the report has none to draw"
    ):
        bare.plot("groups")
    for wrong in ("gap", None, 3):
        with pytest.raises(ValueError, match=r"^kind must be one of weights, gaps, causes, groups"):
            bare.plot(wrong)
    with pytest.raises(ValueError, match=r"^ax must be Axes of matplotlib, got 'mine'$"):
        bare.plot(ax="mine")


@pytest.mark.parametrize("reach", [1e-4, 0.01, 0.05, 0.3, 1.0, 2.4])
def test_ticks_of_gaps_are_few_and_zero_is_one(reach):
    ticks = percent_ticks(-reach, reach)
    assert 0 in ticks
    assert 3 <= len(ticks) <= 9
    at = np.log1p(ticks)
    assert (np.abs(at) <= reach).all()
    assert (np.diff(at) > reach / 4).all()


@pytest.mark.parametrize("high", [0.1, 1.0, 3.0, 10.0, 100.0, 600.0])
def test_ticks_of_ratios_are_few_and_one_is_one(high):
    ticks = ratio_ticks(-0.05, high)
    assert 1 in ticks
    assert 2 <= len(ticks) <= 9
    assert sorted(set(ticks)) == ticks


def test_limits_do_not_follow_the_longest_interval():
    intervals = [(0.0, -0.1, 0.1)] * 9 + [(0.0, -40.0, 40.0), (math.nan, -math.inf, math.inf)]
    low, high = limits(intervals, [0.0])
    assert low < -0.1
    assert high < 1
