"""What speaks against the input itself is said, and is not said of what is in order."""

import numpy as np
import pytest

from learnprop.audit.check import check
from learnprop.equations.arguments import BadArgument


def calibrated(n_classes=2, n=3000, seed=0, sharpness=1.5):
    """Labels drawn from the probabilities themselves."""
    rng = np.random.default_rng(seed)
    z = sharpness * rng.normal(size=(n, n_classes)) - np.arange(n_classes)
    proba = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y = (proba.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, n_classes - 1)
    return y, proba


def sizes(y):
    """Of a training sample of other size."""
    return 3 * np.bincount(y)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_nothing_is_said_of_what_is_in_order(n_classes):
    y, proba = calibrated(n_classes)
    for given in ({"y_proba": proba}, {"y_logits": np.log(proba)}):
        assert check(y, **given, train_count=sizes(y)).warnings == ()


@pytest.mark.parametrize("n_classes", [2, 3])
def test_answers_are_no_probabilities(n_classes):
    y, proba = calibrated(n_classes)
    answer = np.eye(n_classes)[proba.argmax(axis=1)]
    for given in (answer, answer[:, 1]) if n_classes == 2 else (answer,):
        report = check(y, given, train_count=sizes(y))
        assert report.warnings[0].startswith("all values of y_proba are 0 or 1: these look like an")
        assert report.causes == report.considered == ()
        assert str(report).count("o cause ") == 1
        assert "no cause was looked for" in " ".join(str(report).split())
    almost = check(y, np.r_[proba[:1], answer[1:]], train_count=sizes(y))
    assert not any("look like" in said for said in almost.warnings)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_no_logits(n_classes):
    y, proba = calibrated(n_classes)
    for given in (proba, proba[:, 1]) if n_classes == 2 else (proba,):
        report = check(y, y_logits=given, train_count=sizes(y))
        assert "look like probabilities (y_proba)" in report.warnings[0]
        assert report.causes == report.considered == ()
        assert "No cause stands out" not in str(report)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_labels_that_were_shuffled(n_classes):
    y, proba = calibrated(n_classes)
    shuffled = np.random.default_rng(1).permutation(y)
    said = check(shuffled, proba, train_count=sizes(y)).warnings
    assert said[0].startswith("predictions and labels look unrelated: a class's own probability is")


def test_a_weak_classifier_is_related_to_its_labels():
    for seed in range(40):
        y, proba = calibrated(n=120, seed=seed, sharpness=0.2)
        said = check(y, proba, train_count=sizes(y)).warnings
        assert not any("unrelated" in one for one in said)
    y, _ = calibrated()
    alike = np.tile(np.bincount(y) / len(y), (len(y), 1))  # one that only knows the shares
    assert not any("unrelated" in one for one in check(y, alike, train_count=sizes(y)).warnings)


def test_a_training_sample_in_the_place_of_fresh_data():
    y, proba = calibrated()
    said = check(y, proba, train=(y, proba)).warnings
    assert said == check(y.tolist(), proba, train=(y, proba.copy())).warnings
    assert said[0].startswith("the predictions are those of `train`: fresh ones are needed")
    said = check(y, proba, train_count=np.bincount(y)).warnings
    assert said[0].startswith("y_true has exactly the class sizes of training: if these are")
    # Left-out predictions beside those of the fit: the same samples, other predictions.
    _, other = calibrated(seed=1)
    assert not any("those of `train`" in one for one in check(y, other, train=(y, proba)).warnings)


def test_sizes_that_contradict_the_training_sample():
    y, proba = calibrated()
    n = np.bincount(y)
    fresh = calibrated(seed=1)
    (said,) = check(*fresh, train=(y, proba), train_count=n[::-1]).warnings
    assert said.startswith(f"`train` holds {n[0]} samples of 0, and `train_count` says {n[1]}: ")
    said = check(*fresh, train=(y, proba), train_count=n).warnings
    assert not any("train_count" in one for one in said)


def test_sizes_in_the_opposite_order():
    y, proba = calibrated()
    n = np.bincount(y)
    said = check(y, proba, train_count=3 * n[::-1]).warnings
    assert said[0].startswith(
        f"`train_count`, {(3.0 * n[::-1]).tolist()}, looks like the sizes of y"
    )


@pytest.mark.parametrize("shares", [[0.9, 0.1], {0: 0.75, 1: 0.25}, [1, 1]])
def test_shares_are_no_sizes(shares):
    y, proba = calibrated()
    with pytest.raises(
        BadArgument, match=r"^train_count must be counts of samples, not shares, got"
    ):
        check(y, proba, train_count=shares)
    check(y, proba, train_count=[500.5, 100.25])  # sizes of weighted samples


def test_classes_with_few_misses_are_said_in_one_line():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(10), 90)
    z = 3 * rng.normal(size=(900, 10)) + np.where(np.arange(10) == 0, 18, 8) * np.eye(10)[y]
    proba = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    few = [
        said for said in check(y, proba, train_count=[900] * 10).warnings if "misses, 10" in said
    ]
    assert len(few) == 1
    assert few[0].startswith("class")
