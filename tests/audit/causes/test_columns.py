"""A guard against columns in another order, and no alarm of a weak classifier."""

import numpy as np
import pytest

from learnprop.audit.causes.columns import likely_columns
from learnprop.audit.check import check
from learnprop.audit.predictions.arrays import measure_predictions


def drawn(rng, n_classes, n, sharpness, calibrated=True):
    """Labels from the predicted probabilities themselves, or regardless of them."""
    z = sharpness * rng.normal(size=(n, n_classes)) - np.linspace(0, 2, n_classes)
    proba = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    share = proba if calibrated else np.tile(proba.mean(axis=0), (n, 1))
    y = (share.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, n_classes - 1)
    return y, proba


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_another_order_is_found(n_classes):
    y, proba = drawn(np.random.default_rng(0), n_classes, 4000, 2.0)
    order = np.roll(np.arange(n_classes), 1)
    found = likely_columns(measure_predictions(y, proba[:, order]))
    assert proba[:, order][:, found].tolist() == proba.tolist()
    report = check(y, proba[:, order])
    assert report.causes[0].name == "columns in another order"
    assert report.causes == report.considered == report.causes[:1]
    (said,) = report.warnings
    assert "another order" in said
    assert report.causes[0].consistency == "consistent"  # in that order equal weights balance
    np.testing.assert_allclose(
        report.causes[0].predicted, report.causes[0].observed, atol=4 * report.causes[0].error.max()
    )


@pytest.mark.parametrize("sharpness", [0.0, 0.05, 0.3, 2.0])
@pytest.mark.parametrize("calibrated", [True, False])
def test_a_weak_classifier_is_no_wrong_order(sharpness, calibrated):
    rng = np.random.default_rng(1)
    for n_classes in (2, 5):
        for _ in range(20):
            y, proba = drawn(rng, n_classes, 500, sharpness, calibrated)
            assert likely_columns(measure_predictions(y, proba)) is None


def test_a_model_of_other_priors_is_no_wrong_order():
    """All mass on the first class: the largest of every row is not its own."""
    rng = np.random.default_rng(2)
    y, proba = drawn(rng, 4, 4000, 1.0)
    skewed = proba * np.array([1000.0, 1, 1, 1])
    skewed /= skewed.sum(axis=1, keepdims=True)
    assert likely_columns(measure_predictions(y, skewed)) is None
    certain = np.eye(4)[proba.argmax(axis=1)]  # of zeros and ones
    assert likely_columns(measure_predictions(y, certain)) is None
