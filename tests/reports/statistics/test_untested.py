"""Where too few misses are expected, reports say so and decide nothing."""

import numpy as np
import pytest

from learnprop.reports.layout.cells import few_misses_note, untested_note
from learnprop.reports.statistics.columns import columns_of_sides
from learnprop.reports.statistics.sides import rejections, sides_over_runs
from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.rows import MeasurementRow, stack_measurements

MASS = np.array([1.0, 1.0, 1.0])


def rows_of(n_test, centre, *, n_runs=12, shared=True, weight=1.0):
    """Runs whose models predict nearly alike, measured on one test sample, or each on its own."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], n_test)
    found = []
    for run in range(n_runs):
        if run == 0 or not shared:
            x = rng.normal(size=(len(y), 3)) + centre * np.eye(3)[y]
        z = centre * x + 1e-3 * rng.normal(size=3) + np.log([weight, 1, 1])
        found.append(MeasurementRow("a", run, 0, "raw", "test", measure(y, z)))
    return stack_measurements(found)


@pytest.mark.parametrize(("n_test", "trusted"), [(40, False), (4000, True)])
def test_a_shared_test_sample_of_few_misses_decides_nothing(n_test, trusted):
    """A gap far outside the margin, seen by every run alike, on a sample that cannot show it."""
    sides = sides_over_runs(
        rows_of(n_test, 3.0, weight=30.0), MASS, margin=0.05, converged=True, shared_sample=True
    )
    assert [gap.reason == "" for gap in sides.gaps] == [trusted] * 3
    assert ("fails" in sides.verdicts) is trusted
    if not trusted:
        assert sides.verdicts == ["inconclusive"] * 3
        assert all((gap.low, gap.high) == (-1, np.inf) for gap in sides.gaps + sides.together)
        assert "expected misses in 40 samples" in sides.gaps[0].reason


def test_runs_with_samples_of_their_own_need_no_misses():
    """Their spread over runs is seen, whatever each of them has."""
    rows = rows_of(40, 3.0, shared=False)
    sides = sides_over_runs(rows, MASS, margin=0.05, converged=True)
    assert all(gap.reason == "" and np.isfinite(gap.high) for gap in sides.gaps)


@pytest.mark.parametrize(
    ("n_test", "weight", "rejected", "untested"),
    [(40, 1.0, 0, 1), (4000, 1.0, 0, 0), (4000, 30.0, 1, 0), (300, 1e6, 1, 0)],
)
def test_models_are_rejected_or_not_or_untested(n_test, weight, rejected, untested):
    """The last one has too few misses of some class, and is rejected by their bounds."""
    rows = rows_of(n_test, 3.0, weight=weight, n_runs=4)
    found = rejections(rows, MASS, one_vs_all=False)
    assert (found["rejected"], found["untested"]) == (rejected, untested)


def test_tables_say_why():
    assert untested_note([{"untested": 0.0}, {"verdict": "holds"}]) == []
    assert untested_note([{"untested": 0.5}]) == [
        "untested: fewer than ten misses are expected of some class of the test sample"
    ]
    rows = rows_of(40, 3.0)
    sides = sides_over_runs(rows, MASS, margin=0.05, converged=True, shared_sample=True)
    columns = columns_of_sides(sides)
    assert columns["reason"] == [gap.reason for gap in sides.gaps]
    assert len(few_misses_note([{"reason": reason} for reason in columns["reason"]])) == 1
    own = sides_over_runs(rows, MASS, margin=0.05, converged=True)
    assert "reason" not in columns_of_sides(own)
