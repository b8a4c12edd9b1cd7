from itertools import product
from math import factorial

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn.functional import cross_entropy

from learnprop.equations.balance import class_mass, residual
from learnprop.equations.labels import class_count
from learnprop.equations.mean_proba import mean_proba, proba_from_logits
from learnprop.equations.violations.minibatch_mean import minibatch_mean_class_weight
from learnprop.equations.violations.residuals import (
    label_smoothing_residual,
    penalised_bias_residual,
    torch_label_smoothing_residual,
)

WEIGHT = np.array([0.3, 2.0, 1.0, 0.7])


@pytest.fixture
def sample():
    rng = np.random.default_rng(3)
    return rng.integers(0, 4, 300), rng.normal(size=(300, 4))


def at_zero_gradient(loss, logits):
    """Logits plus the bias at which the loss has no gradient in it, by torch's own Hessian."""
    z, bias = torch.tensor(logits), torch.zeros(4, dtype=torch.float64)
    for _ in range(20):
        bias.requires_grad_()
        (gradient,) = torch.autograd.grad(loss(z + bias, bias), bias)
        hessian = torch.autograd.functional.hessian(lambda b: loss(z + b, b), bias.detach())
        bias = bias.detach() - torch.linalg.pinv(hessian, rtol=1e-10) @ gradient
    assert abs(gradient).max() < 1e-9
    return logits + bias.numpy(), bias.numpy()


def balance_of(y, logits):
    P = mean_proba(y, proba_from_logits(logits))
    return P, residual(P, class_mass(WEIGHT, class_count(y, 4)))


def test_penalised_bias(sample):
    y, logits = sample
    weight = torch.tensor(WEIGHT)

    def loss(z, b):
        return cross_entropy(z, torch.tensor(y), weight=weight, reduction="sum") + 15 * (b**2).sum()

    z, bias = at_zero_gradient(loss, logits)
    np.testing.assert_allclose(balance_of(y, z)[1], penalised_bias_residual(30.0, bias), atol=1e-8)
    assert np.abs(balance_of(y, z)[1]).max() > 1


def test_label_smoothing_of_both_forms(sample):
    y, logits = sample
    labels, weight = torch.tensor(y), torch.tensor(WEIGHT)

    def torchs(z, _):
        return cross_entropy(z, labels, weight=weight, label_smoothing=0.1, reduction="sum")

    def own(z, _):
        each = cross_entropy(z, labels, label_smoothing=0.1, reduction="none")
        return (weight[labels] * each).sum()

    count = class_count(y, 4)
    P, r = balance_of(y, at_zero_gradient(torchs, logits)[0])
    np.testing.assert_allclose(r, torch_label_smoothing_residual(P, WEIGHT, count, 0.1), atol=1e-8)
    own_form = label_smoothing_residual(class_mass(WEIGHT, count), 0.1)
    assert np.abs(r - own_form).max() > 1  # the forms differ
    r = balance_of(y, at_zero_gradient(own, logits)[0])[1]
    np.testing.assert_allclose(r, own_form, atol=1e-8)


@pytest.mark.parametrize("batch_size", [1, 2, 64, 512])
@pytest.mark.parametrize("ratio", [1, 100, 1e6])
def test_minibatch_mean_of_two_classes_is_a_binomial_sum(batch_size, ratio):
    count = np.array([10**7, 10**7 // ratio])
    weight = 1 / count
    k = np.arange(batch_size)
    chance = stats.binom.pmf(k, batch_size - 1, count[1] / count.sum())
    others = k * weight[1] + (batch_size - 1 - k) * weight[0]
    expected = weight * [(chance / (w + others)).sum() for w in weight]
    found = minibatch_mean_class_weight(weight, count, batch_size)
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-9)


def test_minibatch_mean_of_three_classes_is_a_multinomial_sum():
    weight, count, batch_size = np.array([0.2, 1.0, 7.0]), np.array([50, 30, 20]), 6
    expected = np.zeros(3)
    for drawn in product(range(batch_size), repeat=3):
        if sum(drawn) == batch_size - 1:
            ways = factorial(batch_size - 1) / np.prod([factorial(d) for d in drawn])
            chance = ways * np.prod((count / 100) ** np.array(drawn))
            expected += chance * weight / (weight + weight @ drawn)
    found = minibatch_mean_class_weight(weight, count, batch_size)
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-10)


def test_the_numbers_of_the_design():
    """Ratio 1:100, B = 64: 45.1, not 100; with an intercept only p_1 = 0.31, not 0.50."""
    count = np.array([10_000, 100])
    mass = minibatch_mean_class_weight(1 / count, count, 64) * count
    assert round(100 * mass[1] / mass[0], 1) == 45.1
    assert round(mass[1] / mass.sum(), 2) == 0.31


def test_equal_weights_are_not_changed_by_minibatches():
    found = minibatch_mean_class_weight([1.0, 1.0, 1.0], [500, 30, 2], 64)
    np.testing.assert_allclose(found, 1 / 3, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: label_smoothing_residual([1.0, 2.0], 1.5),
            r"smoothing must be in \[0, 1\], got 1.5",
        ),
        (
            lambda: torch_label_smoothing_residual(np.eye(2), [1, 1], [2, 2], 1.0),
            "smoothing must be below 1",
        ),
        (lambda: minibatch_mean_class_weight([1, 1], [5, 5], 0), "batch_size must be at least 1"),
        (lambda: minibatch_mean_class_weight([1, 1], [5, 0], 4), "class_count must be positive"),
        (lambda: minibatch_mean_class_weight([1, -1], [5, 5], 4), "class_weight must be positive"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
