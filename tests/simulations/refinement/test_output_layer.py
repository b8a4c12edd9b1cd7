"""Refinement of an output layer: exact where Eq. (8) says so, and scikit-learn's minimum."""

import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from learnprop.simulations.refinement.output_layer import refine_head
from learnprop.simulations.refinement.softmax_bias import refine_bias, sides_of_sample

N, D, K = 300, 6, 4


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(K), (150, 90, 40, 20))
    features = rng.normal(size=(N, D)) + 0.8 * np.eye(K, D)[y]
    weight = np.array([0.5, 1.0, 2.0, 4.0])
    share = weight / weight[y].sum()
    return (torch.as_tensor(a) for a in (features, y, share, rng.normal(size=(K, D)), np.zeros(K)))


def relative(left, right):
    return float(((left - right).abs() / torch.maximum(left, right)).max())


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 60.0])
def test_the_two_sides_become_equal_to_the_last_digits(problem, scale):
    """Logits of size 60 leave sides of 1e-9 of the mass and less: still equal, relatively."""
    features, y, share, V, bias = problem
    z = scale * features @ V.mT
    before = relative(*sides_of_sample(z, y, share)[:2])
    b, n_iter = refine_bias(z, y, share, bias)
    left, right, _ = sides_of_sample(z + b, y, share)
    assert before > 0.05  # the control: there was something to do
    assert relative(left, right) <= 1e-11
    assert n_iter < 60
    assert abs(float(b.mean())) < 1e-12  # as softmax training keeps it


def test_nearly_interpolated_sides_are_equal_relatively():
    """One wrong sample by 40 logits in each of two classes, the others right by 30 to 50."""
    y = torch.tensor([0] * 50 + [1] * 50)
    z = torch.zeros(100, 2, dtype=torch.float64)
    z[:, 1] = torch.where(y == 1, 1.0, -1.0) * torch.linspace(30, 50, 100, dtype=torch.float64)
    share = torch.tensor([0.004, 0.016], dtype=torch.float64)
    b, _ = refine_bias(z, y, share, torch.tensor([3.0, -3.0], dtype=torch.float64))
    left, right, _ = sides_of_sample(z + b, y, share)
    assert float(right.max()) < 1e-9
    assert relative(left, right) <= 1e-9


def spread_out():
    """Logits a thousand apart, most of them right: probabilities are zeros and ones."""
    rng = np.random.default_rng(3)
    y = np.concatenate([np.arange(K), rng.integers(0, K, size=N)])
    z = 1000 * (rng.normal(size=(len(y), K)) + np.eye(K)[y])
    share = rng.uniform(0.1, 1.0, size=K)
    return z, y, share / share[y].sum()


@pytest.mark.parametrize("penalty", [0.0, 1e-6])
def test_logits_that_are_far_apart(penalty, monkeypatch):
    """Both sides, by scipy's softmax, where r_j = α b_j (E8); as they are, Newton gets nowhere."""
    z, y, share = spread_out()

    def differs():
        tensors = (torch.as_tensor(a) for a in (z, y, share))
        b, _ = refine_bias(*tensors, torch.zeros(K, dtype=torch.float64), penalty=penalty)
        proba = softmax(z + b.numpy(), axis=1)
        others = np.where(np.eye(K, dtype=bool)[y], 0.0, proba)
        left = np.bincount(y, share[y] * others.sum(axis=1), minlength=K)
        right = share[y] @ others
        return (np.abs(left - right - penalty * b.numpy()) / np.maximum(left, right)).max()

    assert differs() < 1e-9
    monkeypatch.setattr("learnprop.simulations.refinement.softmax_bias.LARGEST_SPREAD", np.inf)
    assert differs() > 1e-6  # the control


def test_a_penalised_bias_leaves_the_residual_that_e8_predicts(problem):
    """r_j = α b_j: E8, over the total mass."""
    features, y, share, V, bias = problem
    z = features @ V.mT
    b, _ = refine_bias(z, y, share, bias, penalty=0.03)
    left, right, _ = sides_of_sample(z + b, y, share)
    assert torch.allclose(left - right, 0.03 * b, rtol=1e-9, atol=1e-15)
    assert float((left - right).abs().max()) > 1e-3


def test_sides_are_those_of_autograd(problem):
    """right - left is the gradient in the bias (E1); minus the flow is its Hessian elsewhere."""
    features, y, share, V, bias = problem
    z = features @ V.mT

    def loss(b):
        nll = torch.nn.functional.cross_entropy(z + b, y, reduction="none")
        return (share[y] * nll).sum()

    left, right, flow = sides_of_sample(z + bias, y, share)
    gradient = torch.autograd.functional.jacobian(loss, bias)
    hessian = torch.autograd.functional.hessian(loss, bias)
    assert torch.allclose(right - left, gradient, atol=1e-14)
    off = ~torch.eye(K, dtype=torch.bool)
    assert torch.allclose(-flow[off], hessian[off], atol=1e-14)


def sklearns(features, y, weight, penalty):
    """Minimiser of Σ s nll + penalty/2 |V|², s of sum one: C = 1/penalty in scikit-learn's sum."""
    model = LogisticRegression(C=np.inf if penalty == 0 else 1 / penalty, tol=1e-12, max_iter=5000)
    return model.fit(features.numpy(), y.numpy(), sample_weight=weight[y].numpy())


@pytest.mark.parametrize("penalty", [0.0, 1e-3])
def test_the_head_is_scikit_learns(problem, penalty):
    features, y, share, V, bias = problem
    found = refine_head(features, y, share, V, bias, penalty=penalty)
    assert found.settled
    assert not found.separated
    theirs = sklearns(features, y, share, penalty)
    ours = torch.softmax(features @ found.weight.mT + found.bias, dim=1).numpy()
    assert np.abs(ours - theirs.predict_proba(features.numpy())).max() < 1e-5
    left, right, _ = sides_of_sample(features @ found.weight.mT + found.bias, y, share)
    assert relative(left, right) < 1e-11


def test_the_head_from_a_start_without_curvature(problem):
    features, y, share, V, bias = problem
    found = refine_head(features, y, share, 1e5 * V, bias, penalty=1e-3)
    assert found.settled
    theirs = sklearns(features, y, share, 1e-3)
    ours = torch.softmax(features @ found.weight.mT + found.bias, dim=1).numpy()
    assert np.abs(ours - theirs.predict_proba(features.numpy())).max() < 1e-5


def test_features_of_any_scale_and_features_that_are_always_zero(problem):
    features, y, share, V, bias = problem
    plain = refine_head(features, y, share, V, bias, penalty=0.0)
    scales = torch.tensor([1e-4, 1.0, 1e3, 1.0, 1.0, 1e-2], dtype=torch.float64)
    dead = torch.cat([features * scales, torch.zeros(N, 2, dtype=torch.float64)], dim=1)
    start = torch.zeros(K, D + 2, dtype=torch.float64)
    scaled = refine_head(dead, y, share, start, bias)
    assert scaled.settled
    z, expected = (
        torch.log_softmax(x @ found.weight.mT + found.bias, dim=1)
        for x, found in ((dead, scaled), (features, plain))
    )
    assert torch.allclose(z, expected, atol=1e-6)


def test_features_that_part_the_classes_leave_no_minimum(problem):
    features, y, share, _, bias = problem
    noise = torch.as_tensor(np.random.default_rng(1).normal(size=(N, N)))
    wide = torch.cat([features, noise], dim=1)
    start = torch.zeros(K, D + N, dtype=torch.float64)
    found = refine_head(wide, y, share, start, bias)
    assert found.separated
    assert not found.settled
    held = refine_head(wide, y, share, start, bias, penalty=1e-3)  # the control: a penalty has one
    assert held.settled
    assert not held.separated
