from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from learnprop.reports.explore.balance_figures import draw_gap, draw_sides
from learnprop.reports.explore.weight_figures import draw_accuracy, draw_mean_proba
from learnprop.reports.layout.style import draw_to


@pytest.mark.slow
def test_figures_are_written_also_for_awkward_names(grid, own_data):
    for folder in (grid[0], own_data[0]):
        for name in ("sides", "mean_proba", "accuracy", "gap"):
            assert (folder / f"{name}.pdf").stat().st_size > 8000
            assert (folder / f"{name}.png").stat().st_size > 8000


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draw a figure; returns it as it was saved."""
    figures = []
    save = Figure.savefig

    def noted(figure, *args, **kwargs):
        figures.append(figure)
        save(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", noted)

    def draw(how, table):
        draw_to(partial(how, table), [tmp_path / "a.png"])
        return figures[-1]

    return draw


def test_points_off_the_diagonal_are_drawn(grid, drawn):
    table = grid[2]
    shifted = {name: table.summary[name] + 7.0 for name in ("gap", "gap_low", "gap_high")}
    top = drawn(draw_sides, replace(table, summary=table.summary.assign(**shifted))).axes[0]
    points = np.concatenate([line.get_ydata() for line in top.lines if len(line.get_ydata()) > 1])
    assert top.get_ylim()[1] >= points.max()


def part_of(table, ratios, settings):
    """The same grid with fewer ratios and settings."""
    rows = table.summary["ratio"].isin(ratios) & table.summary["weighting"].isin(settings)
    summary, curve = table.summary[rows], table.curve
    if len(curve):
        weight = summary.loc[summary["class"] == 0, "weight"]
        between = curve["lambda0"].between(weight.min(), weight.max())
        curve = curve[curve["ratio"].isin(ratios) & between]
    return replace(table, summary=summary, curve=curve, ratios=ratios, settings=settings)


def many_ratios(table):
    """Twelve ratios, each with the rows of the first."""
    one = table.summary[table.summary["ratio"] == table.ratios[0]]
    ratios = tuple(float(7 * i) for i in range(1, 13))
    summary = pd.concat(
        [one.assign(ratio=ratio, gap=-0.183, gap_low=-0.3, gap_high=0.1) for ratio in ratios]
    )
    return replace(table, summary=summary, curve=table.curve.iloc[:0], ratios=ratios)


def long_names(table):
    labels = tuple(f"a label that is longer than any column of a paper, number {k}" for k in "012")
    return replace(table, labels=labels)


GRIDS = {
    "default": lambda grid, _: grid,
    "one ratio": lambda grid, _: part_of(grid, grid.ratios[1:], grid.settings),
    "narrow": lambda grid, _: part_of(grid, grid.ratios[:1], ("0.3751", "0.6249")),
    "one weight": lambda grid, _: part_of(grid, grid.ratios[1:], ("inverse",)),
    "few weights": lambda _, own: part_of(own, own.ratios, own.settings[:3]),
    "many ratios": lambda grid, _: many_ratios(grid),
    "three classes": lambda _, own: own,
    "long names": lambda _, own: long_names(own),
}

BETWEEN = {"one ratio", "one weight", "few weights"}
"""The others are the extremes."""


@pytest.mark.parametrize("how", [draw_sides, draw_mean_proba, draw_accuracy, draw_gap])
@pytest.mark.parametrize(
    "which", [pytest.param(w, marks=pytest.mark.slow) if w in BETWEEN else w for w in GRIDS]
)
def test_words_of_a_figure_are_inside_and_apart(grid, own_data, drawn, monkeypatch, which, how):
    """No word is cut off by the edge or printed over another, and every axis can be read."""
    boxes = {}
    draw = Text.draw

    def noted(text, renderer, *args, **kwargs):
        draw(text, renderer, *args, **kwargs)
        if text.get_visible() and text.get_text().strip():
            boxes[text] = text.get_window_extent(renderer)

    monkeypatch.setattr(Text, "draw", noted)
    table = GRIDS[which](grid[2], own_data[2])
    figure = drawn(how, table)
    width, height = 200 * figure.get_size_inches()  # as saved
    for text, box in boxes.items():
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= width + 1, text
        assert box.y1 <= height + 1, text
    for (one, box), (other, second) in combinations(boxes.items(), 2):
        common = Bbox.intersection(box, second)
        assert common is None or min(common.width, common.height) <= 2, (one, other)
    for axis in ("x", "y"):
        labels = [getattr(axes, f"get_{axis}ticklabels")() for axes in figure.axes]
        shown = [sum(label in boxes for label in of_axes) for of_axes in labels]
        assert max(shown) >= min(2, len(table.settings)), axis


def test_a_strip_has_the_gaps_of_its_ratio_as_the_sides_are_drawn(grid, drawn):
    """A ratio of which no interval is bounded is open in both; what open means is said."""
    table = grid[2]
    rows = table.summary["ratio"] == table.ratios[1]
    ends = {name: table.summary[name].where(~rows, np.inf) for name in ("gap_low", "gap_high")}
    figure = drawn(draw_sides, replace(table, summary=table.summary.assign(**ends)))

    def marks(ax):
        lines = [a for a in ax.lines if a.get_marker() not in ("None", "|", "_", "x")]
        return [a for a in lines if a.get_xdata().size]

    def looks(lines):
        return {(to_hex(a.get_color()), a.get_marker(), to_hex(a.get_mfc())) for a in lines}

    top, *strips = figure.axes
    assert looks(marks(top)) == set.union(*(looks(marks(strip)) for strip in strips))
    test = table.split("test").query("`class` == 0")
    for strip, ratio, is_open in zip(strips, table.ratios, (False, True), strict=True):
        assert f"{ratio:g}" in [text.get_text() for text in strip.texts]
        (line,) = marks(strip)
        mine = test[(test["ratio"] == ratio) & test["gap"].notna()]
        np.testing.assert_allclose(line.get_ydata(), 100 * mine["gap"])
        share = mine["mass_share"]
        np.testing.assert_allclose(line.get_xdata(), (1 - share) / share)
        assert (to_hex(line.get_mfc()) == "#ffffff") == is_open
    words = [text.get_text() for text in figure.legends[0].get_texts()]
    assert words == ["observed, 90 %", "unbounded", "predicted", "margin, 5 %"]


def test_few_weights_are_drawn_by_name(grid, drawn):
    """A point beside its limit for every ratio and weight, and bounds that end where E11 ends."""
    table = part_of(grid[2], grid[2].ratios, ("equal", "inverse"))
    test = table.split("test")
    figure = drawn(draw_mean_proba, table)
    for k, ax in enumerate(figure.axes):
        points = [y for line in ax.lines for y in line.get_ydata()]
        assert sorted(points) == sorted(test.loc[test["class"] == k, "mean_proba"])
    assert [t.get_text() for t in ax.get_xticklabels()] == ["equal", "inverse"]
    first = test[test["class"] == 0]
    for panel, ratio in zip(drawn(draw_accuracy, table).axes, table.ratios, strict=True):
        ends = np.concatenate([s[:, 1] for c in panel.collections for s in c.get_segments()])
        rows = first[first["ratio"] == ratio]
        for name in ("balanced_accuracy", "overall_accuracy"):
            for end in (f"{name}_low", f"{name}_high"):
                assert np.isclose(ends[:, None], rows[end].to_numpy()).any(axis=0).all()
