import numpy as np
import pytest

from learnprop.equations.balance import binary_ratio_in_theory, class_mass
from learnprop.equations.class_weights import class_weights, table1_class_weights


def test_schemes():
    count = [100, 400]
    np.testing.assert_allclose(class_weights("equal", count), [0.5, 0.5])
    np.testing.assert_allclose(class_weights("inverse", count), [0.8, 0.2])  # 1/100 : 1/400
    np.testing.assert_allclose(class_weights("sqrt-inverse", count), [2 / 3, 1 / 3])  # 1/10 : 1/20
    np.testing.assert_allclose(class_weights([3, 1], count), [0.75, 0.25])


@pytest.mark.parametrize(
    ("as_printed", "right_sides"), [(False, [10, 1, 0.5]), (True, [10, 100, 50])]
)
def test_right_sides_of_table_1(as_printed, right_sides):
    # Errata 1. As printed, N0/(N0+N1) = 1/11: (10/11 x 10000) / (1/11 x 1000) = 100.
    settings = table1_class_weights([1000, 10000], as_printed=as_printed)
    found = [binary_ratio_in_theory(class_mass(w, [1000, 10000])) for w in settings.values()]
    np.testing.assert_allclose(found, right_sides)
    for weight in settings.values():
        assert weight.sum() == pytest.approx(1)  # λ_1 = 1 - λ_0


def test_labels_say_what_lambda_0_is():
    n = {"N0": 1000, "N1": 10000}
    for as_printed in (False, True):
        settings = table1_class_weights([1000, 10000], as_printed=as_printed)
        for label, weight in settings.items():
            formula = label.replace("2N", "2*N")
            assert weight[0] == pytest.approx(eval(formula, {}, n))


@pytest.mark.parametrize(
    ("scheme", "count", "message"),
    [
        (
            "inversed",
            [1, 2],
            "sqrt-inverse, effective-number, got 'inversed'",
        ),
        ([1, 2, 3], [1, 2], "scheme must hold 2 weights"),
        ([1, 0], [1, 2], "scheme must be positive"),
        ("equal", [1], "class_count must hold at least 2"),
        ("equal", [1, 0], r"class_count must be positive, got \[1.0, 0.0\]"),
    ],
)
def test_bad_arguments_are_named(scheme, count, message):
    with pytest.raises(ValueError, match=message):
        class_weights(scheme, count)


def test_empty_class_in_table_1_is_named():
    with pytest.raises(ValueError, match="class_count must be positive"):
        table1_class_weights([0, 10])


def test_effective_number_against_its_formula_and_limits():
    count = np.array([5000, 500, 3])
    expected = (1 - 0.99) / (1 - 0.99**count)
    found = class_weights("effective-number", count, beta=0.99)
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-12)
    np.testing.assert_allclose(class_weights("effective-number", count, beta=0), 1 / 3)
    close = class_weights("effective-number", count, beta=1 - 1e-12)
    np.testing.assert_allclose(close, class_weights("inverse", count), rtol=1e-6)
    with pytest.raises(ValueError, match="beta must satisfy 0 <= beta < 1, got 1"):
        class_weights("effective-number", count, beta=1)
