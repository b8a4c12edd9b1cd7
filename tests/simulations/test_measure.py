import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, log_loss

from simulations.measure import measure


@pytest.mark.parametrize("n_classes", [2, 4])
def test_against_scikit_learn(n_classes):
    rng = np.random.default_rng(n_classes)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, 200)])
    logits = 3 * rng.normal(size=(len(y), n_classes))
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    count, P, _, confusion, loss, second = measure(y, logits)
    np.testing.assert_array_equal(confusion, confusion_matrix(y, proba.argmax(axis=1)))
    assert loss.sum() == pytest.approx(log_loss(y, proba, normalize=False))
    np.testing.assert_array_equal(count, confusion.sum(axis=1))
    np.testing.assert_allclose(np.einsum("iaa->ia", second) >= P**2, True)


def test_one_logit_is_two_with_a_zero():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 50)
    z = 5 * rng.normal(size=100)
    for a, b in zip(measure(y, z), measure(y, np.stack([0 * z, z], axis=1)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_nan_logits_are_refused():
    with pytest.raises(ValueError, match="proba holds NaN"):
        measure([0, 1], [np.nan, 0.0])
