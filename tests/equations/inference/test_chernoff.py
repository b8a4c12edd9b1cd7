"""Chernoff's bounds against exact binomial probabilities: they err no more often than they say."""

import numpy as np
import pytest
from scipy import stats

from learnprop.equations.inference.chernoff import bounds_of_sum, level_of_equality
from learnprop.equations.inference.model import joint_test_of_model

TAIL = 0.025


@pytest.mark.parametrize("n", [2, 5, 50, 1000])
@pytest.mark.parametrize("p", [1e-4, 0.01, 0.2, 0.9])
def test_each_tail_of_a_binomial_is_within_its_error(n, p):
    """Exact: the probability of the counts whose bounds exclude the expectation, on either side."""
    k = np.arange(n + 1)
    low, high = np.array([bounds_of_sum(float(i), 1.0, TAIL) for i in k]).T
    law = stats.binom(n, p)
    assert law.pmf(k[low > n * p]).sum() <= TAIL
    assert law.pmf(k[high < n * p]).sum() <= TAIL


def test_the_normal_interval_does_not_keep_its_error():
    """The control: 5 samples, a miss in a hundred."""
    k = np.arange(6)
    half = 1.96 * np.sqrt(k * (1 - k / 5))
    assert stats.binom(5, 0.01).pmf(k[k + half < 0.05]).sum() > 0.9


@pytest.mark.parametrize(("total", "unit"), [(0.0, 0.3), (1e-8, 0.5), (2.0, 0.1), (5.0, 3.0)])
def test_the_bounds_solve_their_equation(total, unit):
    low, high = bounds_of_sum(total, unit, TAIL)
    assert low <= total <= high
    for m in (low, high):
        if m > 0:
            h = m - total + (total * np.log(total / m) if total else 0.0)
            assert h / unit >= -np.log(TAIL) * (1 - 1e-9)
    # Units of measurement do not matter.
    np.testing.assert_allclose(bounds_of_sum(7 * total, 7 * unit, TAIL), [7 * low, 7 * high])


@pytest.mark.parametrize("sides", [((5.0, 1.0), (30.0, 2.0)), ((0.0, 0.1), (3.0, 0.5))])
def test_the_level_of_equality_is_where_the_bounds_part(sides):
    level = level_of_equality(*sides[0], *sides[1])
    for factor, part in ((0.999, False), (1.001, True)):
        tail = factor * level / 4
        assert (bounds_of_sum(*sides[0], tail)[1] < bounds_of_sum(*sides[1], tail)[0]) is part


def test_equal_sides_are_never_rejected():
    assert level_of_equality(2.0, 1.0, 2.0, 0.1) == 1.0
    assert level_of_equality(0.0, 1.0, 1e-9, 1.0) == 1.0


def test_sides_that_are_equal_but_for_rounding_are_not_rejected():
    P = np.array([[0.9, 0.1], [0.3, 0.7]])  # left 3 · 0.1, right 0.3: the last bit differs
    M = np.array([np.diag(row) for row in P])
    test = joint_test_of_model(P, M, [10, 30], [3, 1])
    assert (test.p_value, test.reason != "") == (1.0, True)
    assert level_of_equality(0.1 + 0.2, 1.0, 0.3, 1.0) == 1.0
