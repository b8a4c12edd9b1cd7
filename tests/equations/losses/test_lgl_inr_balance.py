"""E10: on the whole sample minus the bias gradient of LGL-INR, and over minibatches its mean."""

import numpy as np
import pytest
import torch
from scipy.optimize import root
from scipy.special import expit

from learnprop.equations.losses.hardness import (
    hardness_log_weights,
    in_negative_residual,
    in_negative_sides,
)
from learnprop.equations.losses.lgl_inr import lgl_inr_loss
from learnprop.simulations.records.measure import measure
from learnprop.simulations.refinement.sigmoid_bias import refine_sigmoid_bias

K, BETA, SIZES = 3, 4.0, (120, 60, 20)


@pytest.fixture(scope="module")
def sample():
    """Logits without a bias, and labels of unequal classes; 2 is like 0 more than 1 is."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(K), SIZES)
    centre = np.array([[2.0, -1.5, 0.5], [-1.0, 1.5, -1.0], [0.8, -0.5, 1.0]])
    return centre[y] + 1.5 * rng.normal(size=(len(y), K)), y


def mean_bias_gradient(z, y, bias, beta=BETA):
    """Of LGL-INR, over the leading axis of minibatches."""
    b = torch.as_tensor(np.asarray(bias, dtype=np.float64)).requires_grad_()
    z, y = torch.as_tensor(z) + b, torch.as_tensor(y)
    loss = torch.vmap(lgl_inr_loss)(z, y, beta=beta) if z.ndim == 3 else lgl_inr_loss(z, y, beta)
    return torch.autograd.grad(loss.mean(), b)[0].numpy()


@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0, 50.0])
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_the_residual_is_minus_the_bias_gradient(sample, beta, scale):
    z, y = scale * sample[0], sample[1]
    for bias in (np.zeros(K), np.array([1.0, -2.0, 0.5])):
        of_sample = measure(y, z + bias, "sigmoid")
        P, miss = of_sample.mean_proba, of_sample.miss_proba
        found = in_negative_residual(P, miss, beta)
        expected = -mean_bias_gradient(z, y, bias, beta)
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)
        left, right = in_negative_sides(P, miss, beta)
        np.testing.assert_array_equal(found, left - right)
        np.testing.assert_allclose(left, 1 - np.diag(P), atol=1e-15)
        assert np.abs(expected).min() > 1e-4


def test_with_weights_in_the_loss_the_gradient_is_another(sample):
    """The control: E10 is of λ that are constants."""
    z, y = sample
    b = torch.zeros(K, dtype=torch.float64, requires_grad=True)
    loss = lgl_inr_loss(torch.as_tensor(z) + b, torch.as_tensor(y), BETA, detach_weights=False)
    of_sample = measure(y, z, "sigmoid")
    P, miss = of_sample.mean_proba, of_sample.miss_proba
    difference = torch.autograd.grad(loss, b)[0].numpy() + in_negative_residual(P, miss, BETA)
    assert np.abs(difference).min() > 0.01


def test_sides_by_hand():
    """β = ln 2. Column 0 has p̄ = 0, 1 of λ = 1/3, 2/3; column 1 has 1/2 twice, column 2 zeros."""
    P = [[0.5, 0.5, 0.0], [0.0, 0.75, 0.0], [1.0, 0.5, 1.0]]
    left, right = in_negative_sides(P, [0.5, 0.25, 0.0], np.log(2))
    np.testing.assert_array_equal(left, [0.5, 0.25, 0.0])
    np.testing.assert_allclose(right, [2 / 3, 1 / 2, 0.0])


def test_batches_are_their_members():
    rng = np.random.default_rng(1)
    P, miss = rng.uniform(size=(2, 5, K, K)), rng.uniform(size=(2, 5, K))
    found = in_negative_residual(P, miss, BETA)
    for at in np.ndindex(2, 5):
        np.testing.assert_allclose(found[at], in_negative_residual(P[at], miss[at], BETA))


# Minibatches: P(k present) E[1 - p̄_kk | k present] = E[Σ_{j ≠ k present} λ_j p̄_jk].


def draw_minibatches(sample, n, size, seed):
    """Rows without replacement within each of them; classes are absent from many."""
    z, y = sample
    rng = np.random.default_rng(seed)
    rows = rng.permuted(np.tile(np.arange(len(y)), (n, 1)), axis=1)[:, :size]
    return z[rows], y[rows]


def slow_terms(z, y, bias):
    """Of each minibatch and class: 1 - p̄_kk, NaN where k is absent, and Σ λ_j p̄_jk."""
    missed, taken = np.full((len(z), K), np.nan), np.zeros((len(z), K))
    for m in range(len(z)):
        p = expit(z[m] + bias)
        present = sorted(set(y[m].tolist()))
        mean = {j: p[y[m] == j].mean(axis=0) for j in present}
        for k in range(K):
            if k in present:
                missed[m, k] = 1 - mean[k][k]
            others = [mean[j][k] for j in present if j != k]
            if others:
                weight = np.exp(BETA * np.array(others))
                taken[m, k] = weight @ others / weight.sum()
    return missed, taken


def slow_sides(missed, taken):
    present = ~np.isnan(missed)
    return present.mean(axis=0) * np.nanmean(missed, axis=0), taken.mean(axis=0)


def mean_and_variance(missed, taken):
    """Of left minus right, and of their mean."""
    difference = np.nan_to_num(missed) - taken
    return difference.mean(axis=0), difference.var(axis=0, ddof=1) / len(difference)


@pytest.fixture(scope="module")
def fixed(sample):
    """1500 minibatches of 6, and the bias at which their mean gradient is zero."""
    z, y = draw_minibatches(sample, 1500, 6, seed=2)
    found = root(lambda b: mean_bias_gradient(z, y, b), np.zeros(K), tol=1e-13)
    assert np.abs(mean_bias_gradient(z, y, found.x)).max() < 1e-12
    return z, y, found.x


@pytest.fixture(scope="module")
def full_batch_bias(sample):
    z, y = (torch.as_tensor(a) for a in sample)
    none = torch.zeros(1, K, dtype=torch.float64)
    (bias,), _ = refine_sigmoid_bias(z[None], y, np.zeros(K), hardness_log_weights(BETA), none)
    return bias.numpy()


def test_the_minibatch_form_is_the_mean_gradient(fixed):
    """At any bias the difference of the sides, at its zero their equality; absent classes too."""
    z, y, bias = fixed
    left, right = slow_sides(*slow_terms(z, y, bias))
    np.testing.assert_allclose(left, right, rtol=0, atol=1e-9)
    elsewhere = bias + np.array([0.3, -0.5, 1.0])
    left, right = slow_sides(*slow_terms(z, y, elsewhere))
    expected = -mean_bias_gradient(z, y, elsewhere)
    np.testing.assert_allclose(left - right, expected, atol=1e-12)
    assert np.abs(expected).min() > 0.01
    absent = [(y != k).all(axis=1).mean() for k in range(K)]
    assert min(absent) > 0
    assert max(absent) > 0.4


def test_the_minibatch_form_holds_on_fresh_minibatches(sample, fixed):
    """The bias is that of the fixed ones, whose sampling error is of the same kind."""
    z, y, bias = fixed
    _, of_fixed = mean_and_variance(*slow_terms(z, y, bias))
    mean, of_fresh = mean_and_variance(*slow_terms(*draw_minibatches(sample, 4000, 6, 3), bias))
    mcse = np.sqrt(of_fixed + of_fresh)
    assert (np.abs(mean) <= 4 * mcse).all()
    assert (mcse < 0.02).all()


def test_the_fixed_point_of_the_whole_sample_is_another(sample, fixed, full_batch_bias):
    """The control: E10 of all samples leaves the minibatch form far from zero, and in turn."""
    z, y = sample
    of_sample = measure(y, z + full_batch_bias, "sigmoid")
    P, miss = of_sample.mean_proba, of_sample.miss_proba
    assert np.abs(in_negative_residual(P, miss, BETA)).max() < 1e-13
    terms = slow_terms(*draw_minibatches(sample, 4000, 6, 3), full_batch_bias)
    mean, variance = mean_and_variance(*terms)
    assert (np.abs(mean) > 10 * np.sqrt(variance)).any()
    of_sample = measure(y, z + fixed[2], "sigmoid")
    P, miss = of_sample.mean_proba, of_sample.miss_proba
    assert np.abs(in_negative_residual(P, miss, BETA)).max() > 0.05


def test_minibatches_of_the_whole_sample_are_the_whole_sample(sample, full_batch_bias):
    z, y = draw_minibatches(sample, 2, len(sample[1]), seed=4)
    missed, taken = slow_terms(z, y, full_batch_bias)
    np.testing.assert_allclose(missed, taken, atol=1e-13)


@pytest.mark.parametrize("function", [in_negative_sides, in_negative_residual])
@pytest.mark.parametrize(
    ("mean_proba", "miss_proba", "beta", "message"),
    [
        (np.ones((2, 3)), [0.5, 0.5], 1.0, r"mean_proba must have shape .* got \(2, 3\)"),
        ([0.5, 0.5], [0.5, 0.5], 1.0, r"mean_proba must have shape .* got \(2,\)"),
        ([[1.0]], [0.5], 1.0, r"n_classes >= 2\), got \(1, 1\)"),
        ([[1.0, np.nan], [0.0, 1.0]], [0.5, 0.5], 1.0, "mean_proba must hold finite numbers"),
        ([[1.0, -0.1], [0.0, 1.0]], [0.5, 0.5], 1.0, "finite numbers, none negative"),
        (np.eye(2), [0.5], 1.0, r"miss_proba must have shape \(2,\), got \(1,\)"),
        (np.eye(2), [[0.5, 0.5]], 1.0, r"miss_proba must have shape \(2,\), got \(1, 2\)"),
        (np.eye(2), [0.5, 0.5], -1.0, r"beta must satisfy 0 <= beta <= 1e\+30, got -1"),
        (np.eye(2), [0.5, 0.5], np.nan, "beta must satisfy .* got nan"),
    ],
)
def test_bad_arguments_are_named(function, mean_proba, miss_proba, beta, message):
    with pytest.raises(ValueError, match=message):
        function(mean_proba, miss_proba, beta)
