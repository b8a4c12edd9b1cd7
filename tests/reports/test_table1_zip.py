"""Every run's own interval of the gap, and the zip plot of them."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy import stats

from learnprop.equations.balance import class_mass
from learnprop.equations.limits.predictions import predict_logistic_ratio
from learnprop.reports.layout.style import COVERED, OBSERVED, house_style
from learnprop.reports.table1.intervals import (
    RunIntervals,
    coverage_row,
    predicted_coverage,
    run_intervals,
)
from learnprop.reports.table1.summary import summarise
from learnprop.reports.table1.zip_figure import draw_zip
from learnprop.simulations.records.rows import select
from learnprop.simulations.records.store import read_measurements
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.table1.study import (
    POPULATION,
    Options,
    compute_block,
    make_study,
)


@pytest.fixture(scope="module")
def table(small_study, small_store):
    with open_store(small_store, small_study.name, small_study.design) as store:
        return summarise(small_study, store), read_measurements(store, "sim2")


def test_an_interval_misses_zero_where_welchs_test_rejects(table):
    """SciPy's test of w0 f1 in class 0 against w1 f0 in class 1; at p near 0.05 df may decide."""
    summary, measured = table[0].summary, table[1]
    clear = 0
    for setting in dict.fromkeys(summary["setting"]):
        row = summary[(summary["simulation"] == "sim2") & (summary["setting"] == setting)].iloc[0]
        mass = class_mass([row["lambda0"], row["lambda1"]], [row["n0"], row["n1"]])
        rows = select(measured, setting=setting, split="population", epoch=12, stage="head")
        found = run_intervals(rows, mass)
        P, M, n = rows.mean_proba, rows.second_moment, rows.class_count
        (a, b), (aa, bb) = (P[:, 0, 1], P[:, 1, 0]), (M[:, 0, 1, 1], M[:, 1, 0, 0])
        sd = [np.sqrt((m - p**2) * k / (k - 1)) for m, p, k in ((aa, a, n[:, 0]), (bb, b, n[:, 1]))]
        p_value = stats.ttest_ind_from_stats(
            mass[0] * a, mass[0] * sd[0], n[:, 0], mass[1] * b, mass[1] * sd[1], n[:, 1],
            equal_var=False,
        ).pvalue  # fmt: skip
        away = np.abs(p_value - 0.05) > 1e-4
        clear += away.sum()
        np.testing.assert_array_equal(found.misses[away], (p_value < 0.05)[away])
        np.testing.assert_allclose(found.gap, a * mass[0] / (b * mass[1]) - 1)
        np.testing.assert_array_equal(found.distance > 1, found.misses)
    assert clear >= 80


def test_an_unbounded_interval_misses_nothing_and_is_no_distance_off():
    runs = RunIntervals(
        *np.array([[np.nan, 2.0, 0.0], [-np.inf, -np.inf, -1.0], [np.inf, 3.0, 1.0]])
    )
    assert runs.distance.tolist() == [0.0, 0.0, 0.0]
    assert coverage_row(runs)["missed"] == 0


def test_fitted_models_of_sim1_miss_as_often_as_predicted():
    """At the paper's sizes, where every second interval and more misses on the population (E16)."""
    (cell, _) = make_study(Options()).cells
    blocks = [compute_block(cell, 0, range(i, i + 25)).measurements for i in range(0, 100, 25)]
    classes = cell.generator().quadrature()
    for setting, weight in cell.class_weight:
        limit = predict_logistic_ratio(classes, weight, cell.train_size)
        mass = cell.class_mass(setting)
        for split, size in (("test", cell.test_size), ("population", (POPULATION, POPULATION))):
            of_blocks = [select(rows, setting=setting, split=split) for rows in blocks]
            misses = np.concatenate([run_intervals(rows, mass).misses for rows in of_blocks])
            sampled = predict_logistic_ratio(classes, weight, cell.train_size, size)
            expected = predicted_coverage(sampled, limit)
            assert expected < (0.94 if split == "test" else 0.65)
            assert len(misses) == 100
            mcse = np.sqrt(expected * (1 - expected) / 100)
            assert abs((1 - misses.mean()) - expected) <= 4 * mcse


def test_the_zip_is_coloured_where_zero_is_outside(table):
    """As many intervals as the table counts, those that miss above the others."""
    table = table[0]
    with house_style():
        figure = draw_zip(table)
    assert len(figure.axes) == len(table.coverage) == 12
    rows = table.coverage.set_index(["split", "simulation"]).sort_index(
        key=lambda i: i.map({"test": 0, "population": 1}), level=0, sort_remaining=True
    )
    summary = table.summary.set_index(["simulation", "setting", "split"])
    for ax, ((split, name), row) in zip(figure.axes, rows.iterrows(), strict=True):
        heights = {
            to_hex(lines.get_color()[0]): [s[0, 1] for s in lines.get_segments()]
            for lines in ax.collections
            if len(lines.get_segments())
        }
        missed = heights.get(OBSERVED.lower(), [])
        assert len(missed) == row["missed"]
        covered = heights.get(COVERED.lower(), [])
        assert len(covered) == row["intervals"] - row["missed"]
        assert max(covered, default=0.0) < min(missed, default=100.0)
        share = f"{100 * row['coverage']:.0f} ± " if missed and covered else f"{len(covered)} of 30"
        assert share in ax.get_title()
        verdict = summary.loc[(name, row["setting"], split), "verdict"]
        assert verdict in [text.get_text() for text in ax.texts]
