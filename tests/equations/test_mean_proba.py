import numpy as np
import pandas as pd
import pytest

from equations.mean_proba import (
    check_labels,
    check_proba,
    class_count,
    mean_proba,
    mean_proba_and_second_moments,
    proba_from_logits,
)


@pytest.fixture
def sample():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 4, 500)
    return y, rng.dirichlet([1, 2, 3, 4], 500)


def test_means_are_those_of_pandas_groupby(sample):
    y, proba = sample
    expected = pd.DataFrame(proba).groupby(y).mean().to_numpy()
    np.testing.assert_allclose(mean_proba(y, proba), expected, rtol=1e-13)
    shuffled = np.random.default_rng(2).permutation(y)
    assert np.abs(mean_proba(shuffled, proba) - expected).max() > 1e-3


def test_order_of_samples_does_not_matter(sample):
    y, proba = sample
    order = np.argsort(y, kind="stable")
    np.testing.assert_allclose(mean_proba(y[order], proba[order]), mean_proba(y, proba), rtol=1e-13)


def test_second_moments_are_those_of_numpy_cov(sample):
    y, proba = sample
    P, M = mean_proba_and_second_moments(y, proba)
    for k in range(4):
        covariance = M[k] - np.outer(P[k], P[k])
        np.testing.assert_allclose(covariance, np.cov(proba[y == k].T, ddof=0), atol=1e-15)


def test_small_probabilities_keep_their_digits():
    # exp(-40) / (1 + exp(-40)) = exp(-40) (1 - exp(-40) + ...), equal to exp(-40) in float64
    assert proba_from_logits([40.0])[0, 0] == pytest.approx(np.exp(-40.0), rel=1e-15)
    softmax = proba_from_logits([[0.0, 40.0, -700.0]])
    assert softmax[0, 0] == pytest.approx(np.exp(-40.0), rel=1e-14)
    assert softmax[0, 2] > 0


def test_class_count_counts_absent_classes():
    assert class_count([0, 0, 3], 4).tolist() == [2, 0, 0, 1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, 1, 2], r"y_true must hold labels 0..1, got 2 at position 2"),
        ([0, -1], r"got -1 at position 1"),
        ([0.5, 1.0], "integer labels"),
        ([0.0, np.nan], "integer labels"),
        (["a", "b"], "integer labels"),
        ([[0, 1]], "one-dimensional"),
    ],
)
def test_bad_labels_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        check_labels(labels, 2)


def test_one_class_is_refused():
    with pytest.raises(ValueError, match="n_classes must be at least 2, got 1"):
        check_labels([0, 0], 1)
    with pytest.raises(ValueError, match="y_true holds no sample of class 1"):
        mean_proba([0, 0], [[0.5, 0.5], [0.4, 0.6]])
    with pytest.raises(ValueError, match="n_classes >= 2"):
        check_proba([[1.0]])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([np.nan, 1.0], "proba holds NaN"),
        ([-0.1, 1.1], "proba holds a negative number: -0.1"),
        ([0.5, 0.4], "proba must sum to one: row 1 sums to 0.9"),
    ],
)
def test_bad_probabilities_are_named(row, message):
    with pytest.raises(ValueError, match=message):
        mean_proba([0, 1], [[0.5, 0.5], row])


def test_unequal_lengths_are_named():
    with pytest.raises(ValueError, match="y_true has 3 samples, proba has 2"):
        mean_proba([0, 1, 1], [[0.5, 0.5], [0.5, 0.5]])
