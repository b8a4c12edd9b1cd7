import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from learnprop.simulations.generators.class_sizes import PROFILES, class_sizes


def test_exponential_sizes_by_hand():
    # 5000 / 100^(k/9): 5000, 2997.4, 1796.9, ..., 50
    expected = (5000, 2997, 1797, 1077, 646, 387, 232, 139, 83, 50)
    assert class_sizes(10, 5000, 100) == expected
    assert class_sizes(2, 10_000, 10) == (10_000, 1000)


def test_step_sizes_by_hand():
    assert class_sizes(5, 600, 20, "step") == (600, 600, 600, 30, 30)
    assert class_sizes(4, 600, 20, "step") == (600, 600, 30, 30)


@given(
    n_classes=st.integers(2, 60),
    largest=st.integers(1000, 10**6),
    ratio=st.floats(1, 1000),
    profile=st.sampled_from(PROFILES),
)
def test_sizes_fall_from_largest_by_the_ratio(n_classes, largest, ratio, profile):
    sizes = class_sizes(n_classes, largest, ratio, profile)
    assert len(sizes) == n_classes
    assert sizes[0] == largest
    assert abs(sizes[-1] - largest / ratio) <= 0.5 + 1e-6
    assert sorted(sizes, reverse=True) == list(sizes)
    assert all(type(n) is int and n > 0 for n in sizes)


@given(st.integers(2, 20), st.integers(1, 1000), st.sampled_from(PROFILES))
def test_a_ratio_of_one_is_balance(n_classes, largest, profile):
    assert class_sizes(n_classes, largest, 1, profile) == (largest,) * n_classes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1, 100, 10), "n_classes must be at least 2, got 1"),
        ((2.5, 100, 10), "n_classes must be a whole number, got 2.5"),
        ((2, 0, 10), "largest must be at least 1, got 0"),
        ((2, 10.5, 10), "largest must be a whole number, got 10.5"),
        ((2, math.nan, 10), "largest must be a whole number, got nan"),
        ((2, 100, 0.5), "ratio must be finite and at least 1, got 0.5"),
        ((2, 100, math.inf), "ratio must be finite and at least 1, got inf"),
        ((2, 100, math.nan), "ratio must be finite and at least 1, got nan"),
        ((3, 10, 100), "ratio 100 leaves class 2 empty where largest is 10"),
        ((4, 10, 100, "step"), "ratio 100 leaves class 2 empty where largest is 10"),
        ((2, 100, 10, "linear"), "profile must be one of exponential, step, got 'linear'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        class_sizes(*arguments)
