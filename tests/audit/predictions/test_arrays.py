"""Predictions as users have them: every kind of array, scikit-learn's conventions, every fault."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, log_loss

from learnprop.audit.predictions.arrays import measure_predictions
from learnprop.audit.predictions.groups import measure_groups
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


@pytest.mark.parametrize(
    "column",
    [
        lambda p: p[:, None],
        lambda p: p[:, None].tolist(),
        lambda p: pd.DataFrame({"p": p}),
        lambda p: pytest.importorskip("polars").DataFrame({"p": p}),
        lambda p: torch.as_tensor(p)[:, None].requires_grad_(),
    ],
)
def test_one_column_is_one_number_per_sample(column):
    """As a layer of one output gives it."""
    y = Y > 0
    for name, values in (("y_proba", 1 - PROBA[:, 0]), ("y_logits", LOGITS[:, 1])):
        expected = measure_predictions(y, **{name: values})
        found = measure_predictions(y, **{name: column(values)})
        np.testing.assert_array_equal(found.mean_proba, expected.mean_proba)
        assert found.labels == expected.labels
    found = measure_predictions(y, column(PROBA[:, 0]), pos_label=False)
    np.testing.assert_array_equal(
        found.mean_proba, measure_predictions(y, PROBA[:, 0], pos_label=False).mean_proba
    )
    with pytest.raises(BadArgument, match=r"y_proba must hold probabilities, got 1.5 in row 2"):
        measure_predictions([0, 0, 1], column(np.array([0.5, 0.5, 1.5])))


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


PART = np.where(Y == 2, "bird", NAMES[Y])
NEARLY = {
    "part": (PART, NAMES, r"y_true holds 'bird', which is no column of y_proba, .'ant', 'bee', 'c"),
    "part, and what to do": (PART, NAMES, "say with labels which class each column is of"),
    "case": (NAMES[Y], ["Bee", "Ant", "Cow"], "which is no column of .*: is 'Ant' the same?"),
    "case, in order": (NAMES[Y], ["Ant", "Bee", "Cow"], "is 'Ant' the same? If so, rename the co"),
    "blanks": (NAMES[Y], ["ant", "bee ", "cow"], "y_true holds 'bee', .*: is 'bee ' the same?"),
    "from one": (Y, [1, 2, 3], r"y_true holds 0, which is no column of y_proba, \[1, 2, 3\]"),
    "text": (Y, ["2", "0", "1"], "y_true holds 0, which is no column of .*: is '0' the same?"),
}


@pytest.mark.parametrize("fault", NEARLY)
def test_columns_that_are_named_as_some_labels_are_not_taken_by_place(fault):
    y, names, match = NEARLY[fault]
    frame = pd.DataFrame(PROBA, columns=names)
    with pytest.raises(BadArgument, match=match.replace("same?", r"same\?")):
        measure_predictions(y, frame)
    with pytest.raises(BadArgument, match="which is no column of y_logits"):
        measure_predictions(y, y_logits=frame)
    said = np.unique(y)
    assert measure_predictions(y, frame, labels=said).labels == tuple(said)


def test_columns_whose_names_say_nothing_or_the_same_are_taken_by_place():
    same(measure_predictions(NAMES[Y], pd.DataFrame(PROBA, columns=["p", "q", "r"])), NAMES)
    same(measure_predictions(Y, pd.DataFrame(PROBA, columns=["0", "1", "2"])), range(K))


def test_a_missing_column_is_asked_for():
    frame = pd.DataFrame(PROBA, columns=NAMES)
    with pytest.raises(BadArgument, match=r"no column of y_proba, .'ant', 'bee'.: is a column mis"):
        measure_predictions(NAMES[Y], frame[["ant", "bee"]])


def test_labels_may_be_a_column():
    same(measure_predictions(pd.DataFrame({"y": NAMES[Y]}), PROBA), NAMES)
    same(measure_predictions(Y[:, None], PROBA), range(K))
    moved = pd.DataFrame({"y": Y}, index=np.arange(N) + 1)
    rows = pd.DataFrame(PROBA, index=np.random.default_rng(0).permutation(N))
    with pytest.raises(BadArgument, match="y_true and y_proba must have the same index"):
        measure_predictions(moved, rows)


def test_lazy_frames_are_to_be_collected():
    polars = pytest.importorskip("polars")
    lazy, y = polars.DataFrame(PROBA).lazy(), polars.DataFrame({"y": Y}).lazy()
    for arguments, name in (((Y, lazy), "y_proba"), ((y, PROBA), "y_true")):
        with pytest.raises(BadArgument, match=rf"^{name} must be collected, got a LazyFrame: col"):
            measure_predictions(*arguments)
    with pytest.raises(BadArgument, match=r"^by must be collected, got a LazyFrame: collect"):
        measure_groups(Y, PROBA, by=y)
    same(measure_predictions(y.collect(), lazy.collect()), range(K))


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
    "column": ((Y, PROBA[:, :0]), {}, r"y_proba must have shape \(n_samples, n_classes >= 2\)"),
    "cube": ((Y, PROBA[None]), {}, "y_proba must have shape"),
    "text": ((Y, np.full((N, K), "a")), {}, "y_proba must hold numbers"),
    "ragged": ((Y, [[0.5, 0.5], [1.0]]), {}, "y_proba must hold numbers in rows of one length"),
    "few columns": ((Y, PROBA[:, :2]), {}, r"3 labels, .*, but y_proba has 2 columns: give a col"),
    "many columns": ((Y[Y > 0], PROBA[Y > 0]), {}, "but y_proba has 3 columns: say with labels"),
    "one label": ((Y * 0, ONE), {}, r"y_true holds the labels \[0\], but y_proba is one-dimen"),
    "one of three": ((Y, ONE), {}, r"y_true holds 3 labels, \[0, 1, 2\], but one-dimensional y_"),
    "logits of three": ((Y,), {"y_logits": ONE}, "but one-dimensional y_logits is of two classes"),
    "decisions": ((Y, LOGITS), {}, r"y_proba holds a negative .* in row \d+; logits are given as"),
    "a decision": ((Y > 0, ONE * 9), {}, r"got .* in row \d+; logits are given as .*, percent"),
    "rounded": ((Y, PROBA.round(2)), {}, r"sums to \d\.\d+; if they were rounded, divide each"),
    "order": ((PROBA, Y), {}, r"y_true must be .* \(400, 3\); labels come first, then probab"),
    "order of names": ((PROBA, NAMES[Y]), {}, r"must hold numbers, got \[.*\]; labels come first"),
    "order of two": ((ONE, Y > 0), {}, "which is no label, at position 0; labels come first"),
    "unknown": ((Y, PROBA), {"labels": [0, 1, 5]}, r"among \[0, 1, 5\], got 2 at position"),
    "two labels": ((Y, PROBA), {"labels": [0, 1]}, "labels must name 3 classes"),
    "twice": ((Y, PROBA), {"labels": [0, 1, 1]}, "labels must be distinct"),
    "lengths": ((Y[:-1], PROBA), {}, "y_true has 399 samples, y_proba has 400"),
    "empty": (([], np.empty((0, 2))), {}, "y_true holds no sample"),
    "y is a matrix": ((np.eye(3)[Y], PROBA), {}, r"one-dimensional.*argmax\(axis=1\) gives labels"),
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
