"""Size and coverage of inference on one fixed model where the null is true, by simulation.

The designs are those of ``python -m benchmarks coverage``: the true posterior of Gaussian classes,
confident or not, on test samples small and large, equal and unequal.
"""

import numpy as np
import pytest

from benchmarks.measurements.coverage import CONFIDENT, DESIGNS, MODERATE, Design, rates

FEW = (
    Design("confident", CONFIDENT, (5, 50, 500)),
    Design("confident", CONFIDENT, (100, 1000, 1000)),
    Design("moderate", MODERATE, (20, 20, 20)),
)
ENOUGH = (
    Design("confident", CONFIDENT, (2000, 2000, 2000)),
    Design("moderate", MODERATE, (200, 200, 200)),
)


def within(rate, nominal, n):
    """A share that is at most four standard errors beyond what is nominal."""
    return abs(rate - nominal) <= 4 * np.sqrt(nominal * (1 - nominal) / n)


@pytest.mark.parametrize("design", FEW, ids=str)
def test_few_misses_reject_too_often_unless_it_is_said(design):
    n = 150
    after, before = rates(design, n, 10.0), rates(design, n, 0.0)
    assert after["joint_said"] == after["weights_said"] == 1
    assert after["rejects"] <= 0.05
    assert min(after[f"{kind}_covers"] for kind in ("single", "simultaneous")) >= 0.95
    assert after["weights_cover"] >= 0.95
    # The control: what the same samples give where every interval is trusted.
    assert before["weights_cover"] < 0.95
    if design.sizes[0] != design.sizes[1]:
        assert before["rejects"] > 0.05 + 4 * np.sqrt(0.05 * 0.95 / n)


@pytest.mark.parametrize("design", ENOUGH, ids=str)
def test_enough_misses_keep_the_level_and_are_trusted(design):
    n = 150
    after = rates(design, n, 10.0)
    assert after["joint_said"] <= 0.05  # a sample may have fewer than are expected
    assert within(after["rejects"], 0.05, n)
    assert within(after["simultaneous_covers"], 0.95, n)
    assert within(after["weights_cover"], 0.95, n)


def test_a_model_that_is_far_off_is_rejected_by_its_bounds_too():
    """Four expected misses of class 0 do not hide a weight that is a hundred times too large."""
    found = rates(Design("confident", CONFIDENT, (500, 1500, 5000)), 60, 10.0)
    assert found["joint_said"] > 0.9
    assert found["rejects_hundred_times"] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_no_design_errs_more_often_than_it_says(design):
    """All designs; above ten expected misses the F test of unequal sizes rejects up to .07."""
    n = 600
    after = rates(design, n, 10.0)
    slack = 4 * np.sqrt(0.05 * 0.95 / n)
    assert after["rejects"] <= 0.07 + slack
    assert min(after["single_covers"], after["simultaneous_covers"]) >= 0.93 - slack
    assert after["weights_cover"] >= 0.93 - slack
