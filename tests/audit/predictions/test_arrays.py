"""Predictions as users have them: every kind of array, scikit-learn's conventions, every fault."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from learnprop.audit.predictions.arrays import measure_predictions
from learnprop.equations.arguments import BadArgument
from learnprop.equations.mean_proba import mean_proba_and_second_moments

K, N = 3, 400
RNG = np.random.default_rng(0)
Y = RNG.integers(K, size=N)
LOGITS = 2 * RNG.normal(size=(N, K))
PROBA = softmax(LOGITS, axis=1)
NAMES = np.array(["ant", "bee", "cow"])
P, M = mean_proba_and_second_moments(Y, PROBA)


def same(found, labels, P=P, M=M, **tolerance):
    assert found.labels == tuple(labels)
    np.testing.assert_allclose(found.mean_proba, P, **({"rtol": 1e-13} | tolerance))
    np.testing.assert_allclose(found.second_moment, M, **({"rtol": 1e-12} | tolerance))
    np.testing.assert_allclose(found.miss_proba, 1 - np.diag(P), atol=5e-4)
    assert found.count.tolist() == np.bincount(Y, minlength=K).tolist()


def test_arrays_of_numpy():
    found = measure_predictions(Y, PROBA)
    same(found, range(K))
    assert len(found.kept.classes) == N
    np.testing.assert_allclose(np.bincount(found.kept.classes, found.kept.weight), 1)
    assert isinstance(found.labels[0], int)


@pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 1e-6), (np.float16, 2e-3), (np.longdouble, 1e-13)]
)
def test_types_have_the_rounding_that_they_have(dtype, rtol):
    same(measure_predictions(Y, PROBA.astype(dtype)), range(K), rtol=rtol)
    # The control: rows that miss one by more than that.
    wrong = PROBA.astype(dtype)
    wrong[7] *= 0.98
    with pytest.raises(ValueError, match=r"y_proba must sum to one: row 7 sums to 0.9[78]"):
        measure_predictions(Y, wrong)


def test_tensors_on_any_device_with_a_gradient_and_bfloat16():
    proba = torch.as_tensor(PROBA, dtype=torch.float32).requires_grad_()
    same(measure_predictions(torch.as_tensor(Y), proba), range(K), rtol=1e-6)
    rough = measure_predictions(Y, torch.as_tensor(PROBA).bfloat16())
    same(rough, range(K), rtol=2e-2)
    assert rough.epsilon == 2.0**-7
    with pytest.raises(ValueError, match="y_proba must sum to one: row 322"):
        measure_predictions(Y, torch.as_tensor(PROBA * 0.9).bfloat16())


def test_frames_by_the_names_of_their_columns():
    order = [2, 0, 1]
    frame = pd.DataFrame(PROBA[:, order], columns=NAMES[order])
    permuted = np.ix_(order, order)
    count = np.bincount(Y)[order].tolist()
    found = measure_predictions(pd.Series(NAMES[Y]), frame)
    assert found.labels == ("cow", "ant", "bee")
    assert found.count.tolist() == count
    np.testing.assert_allclose(found.mean_proba, P[permuted], rtol=1e-13)
    with pytest.raises(ValueError, match="labels are"):
        measure_predictions(NAMES[Y], frame, labels=NAMES)
    other = pd.Series(NAMES[Y], index=np.arange(N) + 1)
    with pytest.raises(ValueError, match="y_true and y_proba must have the same index"):
        measure_predictions(other, frame.set_index(np.random.default_rng(0).permutation(N)))


def test_frames_of_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({name: PROBA[:, k] for k, name in enumerate(NAMES)})
    same(measure_predictions(polars.Series(NAMES[Y].tolist()), frame), NAMES)


@pytest.mark.parametrize(
    "y",
    [
        NAMES[Y], NAMES[Y].astype(object), pd.Series(NAMES[Y], dtype="category"),
        pd.Categorical(NAMES[Y], categories=NAMES[::-1]), pd.Series(NAMES[Y], dtype="string"),
    ],
    ids=["str", "object", "category", "other order", "string"],
)  # fmt: skip
def test_strings_are_sorted_as_sklearn_does(y):
    same(measure_predictions(y, PROBA), NAMES)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint64, np.float32, object])
def test_integers_are_sorted_too(dtype):
    y = np.array([5, 7, 120])[Y].astype(dtype)
    same(measure_predictions(y, PROBA), [5, 7, 120])
    same(measure_predictions(np.array([-100, 0, 100], np.int8)[Y], PROBA), [-100, 0, 100])
    same(measure_predictions(np.array([0, 1, 10**9])[Y], PROBA), [0, 1, 10**9])


def test_labels_say_the_order_of_the_columns():
    order = [2, 0, 1]
    found = measure_predictions(NAMES[Y], PROBA[:, order], labels=NAMES[order])
    assert found.labels == ("cow", "ant", "bee")
    np.testing.assert_allclose(found.mean_proba, P[np.ix_(order, order)], rtol=1e-13)


def test_a_class_without_samples_has_no_row():
    found = measure_predictions(Y[Y < 2], PROBA[Y < 2], labels=range(3))
    assert found.count[2] == 0
    assert np.isnan(found.mean_proba[2]).all()
    assert np.isnan(found.second_moment[2]).all()
    np.testing.assert_allclose(found.mean_proba[:2], P[:2], rtol=1e-13)


def test_one_probability_is_that_of_pos_label_as_in_sklearn():
    rng = np.random.default_rng(1)
    f = rng.beta(2, 3, size=300)
    y = np.where(rng.random(300) < f, "yes", "no")
    usual = measure_predictions(y, f)
    other = measure_predictions(y, 1 - f, pos_label="no")
    assert usual.labels == other.labels == ("no", "yes")
    np.testing.assert_allclose(usual.mean_proba, other.mean_proba, rtol=1e-13)
    # Truth from outside: scikit-learn's log_loss takes the larger label too.
    kept = usual.kept
    own = kept.logits[np.arange(300), kept.classes]
    assert log_loss(y, f) == pytest.approx(-own.mean(), rel=1e-12)
    shares = usual.count / usual.count.sum()
    moment = usual.second_moment[[0, 1], [1, 0], [1, 0]]
    assert brier_score_loss(y, f, pos_label="yes") == pytest.approx(shares @ moment, rel=1e-12)
    # The control: with the other label it is another number.
    assert brier_score_loss(y, f, pos_label="no") != pytest.approx(shares @ moment, rel=0.1)
    same_truth = measure_predictions(y == "yes", f)
    assert same_truth.labels == (False, True)
    assert (same_truth.mean_proba == usual.mean_proba).all()


def test_logits_keep_misses_that_probabilities_lose():
    z = np.where(Y[:, None] == np.arange(K), 45.0, 0.0) + RNG.normal(size=(N, K))
    found = measure_predictions(Y, y_logits=z)
    for k in range(K):  # the log of the miss, from the log-probabilities of the others
        others = log_softmax(z, axis=1)[k == Y][:, np.arange(K) != k]
        expected = np.exp(others).sum(axis=1).mean()
        assert found.miss_proba[k] == pytest.approx(expected, rel=1e-12)
        assert 0 < expected < 1e-17
    lost = measure_predictions(Y, y_logits=z).mean_proba.diagonal()
    assert (1 - lost == 0).all()  # the control
    one = measure_predictions(Y > 0, y_logits=np.where(Y > 0, 50.0, -50.0))
    np.testing.assert_allclose(one.miss_proba, np.exp(-50.0), rtol=1e-12)


def test_weights_of_samples_are_repetitions():
    """Truth from outside: samples with whole weights, repeated."""
    times = RNG.integers(0, 4, size=N)
    weighted = measure_predictions(Y, PROBA, sample_weight=times)
    repeated = measure_predictions(np.repeat(Y, times), np.repeat(PROBA, times, axis=0))
    np.testing.assert_allclose(weighted.mean_proba, repeated.mean_proba, rtol=1e-12)
    np.testing.assert_allclose(weighted.second_moment, repeated.second_moment, rtol=1e-12)
    np.testing.assert_allclose(weighted.weight_sum, repeated.count)
    assert weighted.count.tolist() == np.bincount(Y[times > 0]).tolist()
    ones = measure_predictions(Y, PROBA, sample_weight=np.full(N, 2.5))
    np.testing.assert_allclose(ones.effective_count, ones.count, rtol=1e-12)


def test_what_sklearn_predicts_is_taken_as_it_comes():
    X = RNG.normal(size=(N, 2)) + Y[:, None]
    model = LogisticRegression().fit(X, NAMES[Y])
    found = measure_predictions(NAMES[Y], model.predict_proba(X))
    assert found.labels == tuple(model.classes_)
    # Its intercept is not penalised: Eq. (9) on the training sample, with the weights it had.
    share = found.count / N
    np.testing.assert_allclose(share @ found.mean_proba, share, atol=1e-4)


ONE = PROBA[:, 0]
WRONG = {
    "both": ((Y, PROBA), {"y_logits": LOGITS}, "y_proba takes the place of y_logits"),
    "neither": ((Y,), {}, "y_proba or y_logits is needed"),
    "NaN": ((Y, np.where(PROBA > 0.99, np.nan, PROBA)), {}, "y_proba holds NaN"),
    "negative": ((Y, PROBA - 0.3), {}, "y_proba holds a negative number"),
    "sum": ((Y, PROBA * 1.1), {}, r"y_proba must sum to one: row \d+ sums to 1.1"),
    "infinite": ((Y,), {"y_logits": np.where(LOGITS > 3, np.inf, LOGITS)}, "y_logits holds a"),
    "above one": ((Y > 0, ONE + 1), {}, r"y_proba must hold probabilities, got .* in row 0"),
    "column": ((Y, PROBA[:, :1]), {}, r"y_proba must have shape \(n_samples, n_classes >= 2\)"),
    "cube": ((Y, PROBA[None]), {}, "y_proba must have shape"),
    "text": ((Y, np.full((N, K), "a")), {}, "y_proba must hold numbers"),
    "ragged": ((Y, [[0.5, 0.5], [1.0]]), {}, "y_proba must hold numbers in rows of one length"),
    "few columns": ((Y, PROBA[:, :2]), {}, "but there are 2 columns: say with labels"),
    "many columns": ((Y[Y > 0], PROBA[Y > 0]), {}, "but there are 3 columns: say with labels"),
    "one label": ((Y * 0, ONE), {}, r"y_true holds the labels \[0\], but there are 2 columns"),
    "unknown": ((Y, PROBA), {"labels": [0, 1, 5]}, r"among \[0, 1, 5\], got 2 at position"),
    "two labels": ((Y, PROBA), {"labels": [0, 1]}, "labels must name 3 classes"),
    "twice": ((Y, PROBA), {"labels": [0, 1, 1]}, "labels must be distinct"),
    "lengths": ((Y[:-1], PROBA), {}, "y_true has 399 samples, y_proba has 400"),
    "empty": (([], np.empty((0, 2))), {}, "y_true holds no sample"),
    "y is a matrix": ((np.eye(3)[Y], PROBA), {}, "y_true must be one-dimensional"),
    "missing label": ((np.where(Y, Y, np.nan), PROBA), {}, "y_true holds a missing label at"),
    "None": ((np.where(Y, NAMES[Y].astype(object), None), PROBA), {}, "holds a missing label at"),
    "fraction": ((Y + 0.5, PROBA), {}, "which is no label, at position 0"),
    "mixed": ((np.array(["a", 3] * 200, object), PROBA), {}, "must hold strings alone, got 3 at"),
    "pos_label": ((Y > 0, ONE), {"pos_label": 7}, "pos_label must be among"),
    "pos_labels": ((Y > 0, ONE), {"pos_label": np.array([0, 1])}, "pos_label must be one label"),
    "needless": ((Y, PROBA), {"pos_label": 1}, "pos_label goes with one number per sample"),
    "weights": ((Y, PROBA), {"sample_weight": Y[:-1]}, r"sample_weight must have shape \(400,\)"),
    "negative weight": ((Y, PROBA), {"sample_weight": Y - 1}, "finite and not negative, got -1"),
    "infinite weight": ((Y, PROBA), {"sample_weight": np.full(N, np.inf)}, "finite and not neg"),
    "zero weights": ((Y, PROBA), {"sample_weight": Y}, "sample_weight is zero for every sample of"),
}  # fmt: skip


@pytest.mark.parametrize("fault", WRONG)
def test_every_fault_is_named(fault):
    arguments, options, match = WRONG[fault]
    with pytest.raises(BadArgument, match=match):
        measure_predictions(*arguments, **options)


def test_the_row_of_a_fault_is_that_of_the_whole_array():
    rng = np.random.default_rng(0)
    n = 300_000  # of many pieces
    y, proba = rng.integers(2, size=n), np.full((n, 2), 0.5)
    proba[250_001, 0] = -0.5
    with pytest.raises(ValueError, match=r"negative number: -0.5 in row 250001"):
        measure_predictions(y, proba)
    proba[250_001, 0] = 0.6
    with pytest.raises(ValueError, match=r"row 250001 sums to 1.1"):
        measure_predictions(y, torch.as_tensor(proba))
