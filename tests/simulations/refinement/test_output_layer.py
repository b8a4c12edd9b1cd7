"""Refinement of an output layer: scikit-learn's minimum, where there is one."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from learnprop.simulations.refinement.output_layer import refine_head
from learnprop.simulations.refinement.softmax_bias import sides_of_sample

N, D, K = 300, 6, 4


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
    z = features @ found.weight.mT + found.bias
    left, right, _ = sides_of_sample(z[None], y, share[None])
    torch.testing.assert_close(left, right, rtol=1e-11, atol=0)


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
