import numpy as np
import pandas as pd
import pytest

from learnprop.equations.labels import check_labels, class_count
from learnprop.equations.mean_proba import (
    check_proba,
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
        ([0.5, 1.0], "must hold integer labels 0..1, got 0.5 at position 0"),
        ([0.0, np.nan], "integer labels 0..1, got nan at position 1"),
        ([0.0, np.inf], "integer labels 0..1, got inf at position 1"),
        ([0.0, 2.0**63], "integer labels 0..1, got 9.223.* at position 1"),
        (np.array([0, 2**64 - 1], np.uint64), "integer labels 0..1, got 18446744073709551615 at"),
        (["a", "b"], "integer labels 0..1, got an array of <U1"),
        (np.array([], str), "integer labels 0..1, got an array of <U1"),
        (np.array([0, "1"], object), "integer labels 0..1, got '1' at position 1"),
        (np.array([0, None], object), "integer labels 0..1, got None at position 1"),
        (np.array([0, 1.5], object), "integer labels 0..1, got 1.5 at position 1"),
        (np.array([0, 2**70], object), "integer labels 0..1, got an array of object"),
        (np.array([0, 2], object), "got 2 at position 1"),
        (np.array([0, 1], "m8[h]"), "integer labels 0..1, got an array of timedelta64"),
        (np.array([0, np.timedelta64(1, "h")], object), "integer labels 0..1, got"),
        (np.ma.array([0, 1], mask=[0, 1]), "integer labels, got masked ones"),
        ([[0, 1]], "one-dimensional"),
    ],
)
def test_bad_labels_are_named(labels, message):
    with pytest.raises(ValueError, match=message):
        check_labels(labels, 2)


@pytest.mark.parametrize("first", [0, 0.0, False, np.int8(0), np.float32(0)])
def test_labels_among_objects_are_what_they_are(first):
    labels = np.array([first, 1, 1], dtype=object)
    assert check_labels(labels, 2).tolist() == [0, 1, 1]
    assert check_labels(labels, 2).dtype == np.int64


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
        ([-0.1, 1.1], "proba holds a negative number: -0.1 in row 1"),
        ([0.5, None], "proba holds NaN"),
        ([0.5, 0.5j], r"proba must hold numbers, got \[.*0.5j\]\]"),
        (["0.5", "0.5"], r"proba must hold numbers, got \[\[0.5, 0.5\], \['0.5', '0.5'\]\]"),
        ([0.5, {}], r"proba must hold numbers, got \[\[0.5, 0.5\], \[0.5, \{\}\]\]"),
        ([0.5, 0.25, 0.25], "proba must hold numbers in rows of one length, got"),
        ([0.5, 0.4], "proba must sum to one: row 1 sums to 0.9"),
    ],
)
def test_bad_probabilities_are_named(row, message):
    with pytest.raises(ValueError, match=message):
        mean_proba([0, 1], [[0.5, 0.5], row])


def test_masked_probabilities_are_missing():
    with pytest.raises(ValueError, match="proba holds masked numbers"):
        check_proba(np.ma.array([[0.5, 0.5]], mask=[[False, True]]))
    assert check_proba(np.ma.array([[0.5, 0.5]])).tolist() == [[0.5, 0.5]]


def test_unequal_lengths_are_named():
    with pytest.raises(ValueError, match="y_true has 3 samples, proba has 2"):
        mean_proba([0, 1, 1], [[0.5, 0.5], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("dtype", "n_classes"),
    [(np.float16, 2), (np.float16, 10), (np.float16, 100)]
    + [(np.float32, n_classes) for n_classes in (2, 10, 100, 1000, 10_000)],
)
def test_the_rounding_of_a_type_passes_and_little_more(dtype, n_classes):
    """Normalisers summed term by term, the worst order: wrong by at most K/2 epsilons."""
    rng = np.random.default_rng(0)
    weight = rng.uniform(0.5, 1, size=(20, n_classes)).astype(dtype)
    proba = weight / np.add.accumulate(weight, axis=1, dtype=dtype)[:, -1:]
    assert proba.dtype == dtype
    assert np.array_equal(check_proba(proba), proba)
    off = max(1e-6, n_classes * np.finfo(dtype).eps)  # twice what rounding may do
    exact = weight / weight.sum(axis=1, dtype=float, keepdims=True)
    with pytest.raises(ValueError, match="proba must sum to one: row"):
        check_proba(exact * (1 + 1.01 * off))  # in float64
    with pytest.raises(ValueError, match="proba must sum to one: row"):
        check_proba((exact * (1 + 2 * off)).astype(dtype))


def test_single_precision_is_known_in_double():
    proba = np.full((1, 1000), np.float32(0.001)) * np.float32(1 + 1e-5)
    check_proba(proba)
    check_proba(proba.astype(float))
    with pytest.raises(ValueError, match=r"sums to 1\.00001"):
        check_proba(np.full((1, 1000), 0.001 * (1 + 1e-5)))
    with pytest.raises(ValueError, match=r"sums to 1\.0001"):
        check_proba(np.full((1, 10), np.float32(0.1)) * np.float32(1 + 1e-4))


def test_columns_of_a_frame_are_taken_by_their_names():
    """lo: (0.9 + 0.7) / 2 = 0.8 of itself; hi: 0.6 of itself."""
    frame = pd.DataFrame([[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]], columns=["lo", "hi"])
    y = ["lo", "lo", "hi"]
    expected = np.array([[0.8, 0.2], [0.4, 0.6]])
    assert np.allclose(mean_proba(y, frame), expected)  # not in the order of np.unique
    assert np.allclose(mean_proba(y, frame[["hi", "lo"]]), expected[::-1, ::-1])
    numbered = frame.set_axis([1, 0], axis=1)
    assert np.allclose(mean_proba([1, 1, 0], numbered), expected)
    by_place = [
        mean_proba(y, other) for other in (frame.to_numpy(), frame.set_axis([7, 8], axis=1))
    ]
    assert np.allclose(by_place, mean_proba(y, frame.to_numpy(), labels=["hi", "lo"]))
    assert np.allclose(mean_proba([0, 0, 1], frame, labels=[0, 1]), expected)


@pytest.mark.parametrize(
    ("y", "labels", "problem"),
    [
        (["lo", "lo", "hi"], ["hi", "lo"], "labels are .'hi', 'lo'., but the columns of proba are"),
        (pd.Series(["lo", "lo", "hi"], [2, 1, 0]), None, "y_true and proba must have the same ind"),
        (["lo", "mid", "hi"], None, "'mid', which is no column of proba, .'lo', 'hi'.: is a col"),
        (["lo", "mid", "lo"], None, "no column of proba, .'lo', 'hi'.: say with labels which cl"),
        (["lo", "Hi", "Hi"], None, "holds 'Hi', which is no column of .*: is 'hi' the same"),
        (["lo"] * 3, None, "no sample of class 1; with labels=.'lo', 'hi'. its row"),
        (["a", "b", "c"], None, "y_true holds 3 labels, .'a', 'b', 'c'., but there are 2 classes$"),
        ([0, 1, 2], None, "y_true must hold labels 0..1, got 2 at position 2$"),
    ],
)
def test_a_frame_that_does_not_go_with_its_labels_is_refused(y, labels, problem):
    rows = [[0.9, 0.1], [0.7, 0.3], [0.4, 0.6]]
    frame = pd.DataFrame(rows, [0, 1, 2], ["lo", "hi"])
    with pytest.raises(ValueError, match=problem):
        mean_proba(y, frame, labels=labels)
