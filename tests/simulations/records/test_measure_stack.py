"""Many networks at once against `measure`, which takes them one by one with numpy."""

import numpy as np
import pytest
import torch

from learnprop.simulations.records import by_class
from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.measure_stack import measure_stack
from tests.allocated import Largest

EPS = np.finfo(float).eps


def samples(n_networks, n_classes, *, shared, seed=0, n=240):
    """Logits and labels as arrays, class sizes from 1 upwards."""
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(n_classes), rng.integers(1, n_classes, n - n_classes)])
    y = rng.permutation(y) if shared else rng.permuted(np.tile(y, (n_networks, 1)), axis=1)
    z = 3 * rng.normal(size=(n_networks, n, n_classes)) + 2 * np.eye(n_classes)[y]
    return y, z


def check(y, z, activation, given=None):
    """Against `measure`, to what rounding allows.

    Sums of n numbers of one sign are right to n eps, however they are added, and their terms to a
    few eps: exponentials of logits that are themselves as they are, over a sum of K. Of a loss, a
    term is as exact as the logits that it is the difference of.
    """
    given = y if given is None else given
    found = measure_stack(torch.as_tensor(given), torch.as_tensor(z), activation)
    assert len(found) == len(z)
    n, n_classes = z.shape[1:]
    rtol = 2 * (n + n_classes + 10) * EPS
    for of, logits, labels in zip(found, z, np.broadcast_to(y, z.shape[:2]), strict=True):
        expected = measure(labels, logits, activation)
        for name, values in vars(expected).items():
            got = getattr(of, name)
            assert got.dtype == values.dtype
            if values.dtype == np.int64:
                np.testing.assert_array_equal(got, values)
                continue
            atol = n * n_classes * np.abs(logits).max() * EPS if name == "log_loss" else 1e-300
            np.testing.assert_allclose(got, values, rtol=rtol, atol=atol)
    return found


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("shared", [True, False])
def test_each_network_is_measured_as_alone(shared, n_classes, activation):
    y, z = samples(4, n_classes, shared=shared)
    found = check(y, z, activation)
    assert np.abs(found[0].mean_proba - found[1].mean_proba).max() > 1e-3  # networks differ
    if not shared:  # the control: the labels of its neighbour
        with pytest.raises(AssertionError):
            check(y, z, activation, given=np.roll(y, 1, axis=0))


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_confident_logits(activation):
    """±1000, right and wrong, and -∞: probabilities are zeros and ones, losses thousands."""
    y, z = samples(3, 4, shared=True)
    z = np.where(np.eye(4, dtype=bool)[y], 1000.0, -1000.0) + z
    z[1] *= -1
    z[2, :, 0] = -np.inf
    found = check(y, z[:2], activation)
    assert found[0].mean_proba.diagonal().tolist() == [1.0] * 4
    assert found[1].log_loss.sum() > 1000 * 240
    (last,) = measure_stack(torch.as_tensor(y), torch.as_tensor(z[2:]), activation)
    expected = measure(y, z[2], activation)
    np.testing.assert_allclose(last.log_loss, expected.log_loss, rtol=1e-12)
    assert np.isinf(last.log_loss).tolist() == [True, False, False, False]


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_small_misses_keep_their_digits(activation):
    """Of logits ±50 the miss is e^-100 by softmax and e^-50 by sigmoid, by hand."""
    z = torch.tensor([[[50.0, -50.0], [-50.0, 50.0]]], dtype=torch.float64)
    (found,) = measure_stack(torch.tensor([0, 1]), z, activation)
    exponent = -100 if activation == "softmax" else -50
    np.testing.assert_allclose(found.miss_proba, np.exp(exponent), rtol=1e-12)


def test_ties_go_to_the_lower_class():
    z = torch.tensor([[[1.0, 3.0, 3.0], [2.0, 2.0, 2.0], [0.0, 0.0, 1.0]]], dtype=torch.float64)
    (found,) = measure_stack(torch.tensor([0, 1, 2]), z)
    assert found.confusion.tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_a_nan_of_any_network_is_refused(activation):
    y, z = samples(3, 4, shared=True)
    z[1, 5, 2] = np.nan
    with pytest.raises(ValueError, match="proba holds NaN"):
        check(y, z, activation)
    check(y, z[[0, 2]], activation)


@pytest.mark.parametrize(
    ("labels", "match"),
    [
        ([0, 2, 2], "y_true holds no sample of class 1"),
        ([0, 1, 3], r"y_true must hold labels 0\.\.2"),
        ([-1, 0, 1], r"y_true must hold labels 0\.\.2"),
        ([[0, 1, 2]] * 3, r"y_true must have shape \(3,\) or \(2, 3\), got \(3, 3\)"),
        ([0, 1, 2, 2], r"y_true must have shape \(3,\) or \(2, 3\), got \(4,\)"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, match):
    with pytest.raises(ValueError, match=match):
        measure_stack(torch.tensor(labels), torch.zeros(2, 3, 3, dtype=torch.float64))


def test_class_sizes_are_those_of_every_network():
    labels = torch.tensor([[0, 1, 1], [0, 0, 1]])
    with pytest.raises(ValueError, match="y_true must have the same class sizes for every network"):
        measure_stack(labels, torch.zeros(2, 3, 2, dtype=torch.float64))


def test_there_is_no_third_activation():
    with pytest.raises(ValueError, match="activation must be softmax or sigmoid, got 'tanh'"):
        measure_stack(torch.tensor([0, 1]), torch.zeros(1, 2, 2).double(), "tanh")


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
def test_temporaries_stay_small(activation, monkeypatch):
    """Neither labels that networks share nor second moments are held for every sample."""
    y, z = samples(6, 5, shared=True, n=900)
    labels, logits = torch.as_tensor(y), torch.as_tensor(z)
    whole = measure_stack(labels, logits, activation)
    monkeypatch.setattr(by_class, "CACHED", 40 * 5)
    with Largest(labels, logits) as largest:
        found = measure_stack(labels, logits, activation)
    sums = 6 * (5**3 + 2 * 5**2 + 2 * 5)  # what is brought to the host, of all networks
    assert largest.bytes == 8 * max(40 * 5, len(y), sums)
    for some, of in zip(found, whole, strict=True):
        np.testing.assert_allclose(some.second_moment, of.second_moment, rtol=2000 * EPS)
        np.testing.assert_array_equal(some.confusion, of.confusion)
