import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax
from sklearn.metrics import confusion_matrix, log_loss

from learnprop.equations.mean_proba import check_proba
from learnprop.simulations.records.measure import measure, measure_each


@pytest.mark.parametrize("n_classes", [2, 4])
def test_against_scikit_learn(n_classes):
    rng = np.random.default_rng(n_classes)
    y = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, 200)])
    logits = 3 * rng.normal(size=(len(y), n_classes))
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = measure(y, logits)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(y, proba.argmax(axis=1)))
    assert found.log_loss.sum() == pytest.approx(log_loss(y, proba, normalize=False))
    np.testing.assert_array_equal(found.class_count, found.confusion.sum(axis=1))
    squares = np.einsum("iaa->ia", found.second_moment)
    np.testing.assert_allclose(squares >= found.mean_proba**2, True)


def test_one_logit_is_two_with_a_zero():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 50)
    z = 5 * rng.normal(size=100)
    one, two = measure(y, z), measure(y, np.stack([0 * z, z], axis=1))
    for name, values in vars(one).items():
        np.testing.assert_allclose(values, getattr(two, name), rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_small_probabilities_and_losses_have_the_digits_of_scipy(scale):
    rng = np.random.default_rng(2)
    y = rng.permutation(np.repeat(range(3), [500, 30, 2]))
    z = scale * rng.normal(size=(len(y), 3))
    one, two, three = measure(y > 0, z[:, 0]), measure(y, z), measure(y, z, "sigmoid")
    for k in range(3):
        own = z[y == k]
        np.testing.assert_allclose(two.mean_proba[k], softmax(own, axis=1).mean(axis=0), rtol=1e-13)
        loss = -log_softmax(own, axis=1)[:, k].sum()
        np.testing.assert_allclose(two.log_loss[k], loss, rtol=1e-13)
        np.testing.assert_allclose(three.mean_proba[k], expit(own).mean(axis=0), rtol=1e-13)
        np.testing.assert_allclose(three.miss_proba[k], expit(-own[:, k]).mean(), rtol=1e-13)
        loss = np.logaddexp(0, np.where(np.arange(3) == k, -own, own)).sum()
        np.testing.assert_allclose(three.log_loss[k], loss, rtol=1e-13)
    for k, against in enumerate([z[y == 0, 0], -z[y > 0, 0]]):
        np.testing.assert_allclose(one.miss_proba[k], expit(against).mean(), rtol=1e-13)
        np.testing.assert_allclose(one.log_loss[k], np.logaddexp(0, against).sum(), rtol=1e-13)


@pytest.mark.parametrize("activation", ["logistic", "softmax", "sigmoid"])
def test_a_model_is_measured_as_it_is_alone_bit_for_bit(activation):
    rng = np.random.default_rng(3)
    shape = (4, 90) if activation == "logistic" else (4, 90, 3)
    y, z = np.arange(90) % (2 if activation == "logistic" else 3), rng.normal(size=shape)
    how = activation.replace("logistic", "softmax")
    for one, among in zip([measure(y, of, how) for of in z], measure_each(y, z, how), strict=True):
        for name, values in vars(one).items():
            np.testing.assert_array_equal(values, getattr(among, name))


def test_a_tie_is_of_the_lower_class_and_an_absent_class_has_no_mean():
    assert measure([0, 1], [0.0, 0.0]).confusion.tolist() == [[1, 0], [1, 0]]
    found = measure([4, 4], np.zeros((2, 2)), labels=[2, 4])
    assert found.confusion.tolist() == [[0, 0], [2, 0]]
    assert np.isnan(found.mean_proba[0]).all()
    assert np.isnan(found.miss_proba[0])
    with pytest.raises(ValueError, match="proba holds NaN"):
        measure([0, 1], [[np.inf, np.inf], [0.0, 0.0]])


def test_nan_logits_are_refused():
    with pytest.raises(ValueError, match="logits holds NaN"):
        measure([0, 1], [np.nan, 0.0])


def test_sigmoids_are_k_binary_classifiers():
    rng = np.random.default_rng(1)
    y = np.concatenate([np.arange(3), rng.integers(0, 3, 60)])
    z = 2 * rng.normal(size=(63, 3))
    found = measure(y, z, "sigmoid")
    g = 1 / (1 + np.exp(-z))
    for k in range(3):
        np.testing.assert_allclose(found.mean_proba[k], g[y == k].mean(axis=0))
        np.testing.assert_allclose(found.miss_proba[k], 1 - found.mean_proba[k, k])
        second = g[y == k].T @ g[y == k] / (y == k).sum()
        np.testing.assert_allclose(found.second_moment[k], second)
    one_hot = np.eye(3)[y]
    binary = sum(log_loss(one_hot[:, k], g[:, k], normalize=False) for k in range(3))
    assert found.log_loss.sum() == pytest.approx(binary)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(y, z.argmax(axis=1)))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_miss_proba_keeps_its_digits_where_p_is_one(activation):
    z = np.array([[50.0, -50.0], [-50.0, 50.0]])  # 1 - P_kk is 0 in floats
    of_sample = measure([0, 1], z, activation)
    P, miss = of_sample.mean_proba, of_sample.miss_proba
    exponent = -100 if activation == "softmax" else -50
    np.testing.assert_allclose(np.diag(P), 1.0)
    np.testing.assert_allclose(miss, np.exp(exponent), rtol=1e-12)


def test_numbers_above_one_are_no_sigmoids():
    with pytest.raises(ValueError, match="proba holds a number above one"):
        check_proba([[0.2, 1.5]], activation="sigmoid")
    assert check_proba([[0.9, 0.9]], activation="sigmoid").tolist() == [[0.9, 0.9]]
    with pytest.raises(ValueError, match="proba must sum to one"):
        check_proba([[0.9, 0.9]])


def test_a_class_absent_from_the_test_data_is_named():
    with pytest.raises(ValueError, match="y_true holds no sample of class 1"):
        measure([0, 2, 2], np.zeros((3, 3)))
