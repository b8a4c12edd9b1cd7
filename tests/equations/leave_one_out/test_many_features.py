"""Leave-one-out logits from matrices of samples, against those from a Hessian of all parameters."""

import numpy as np
import pytest
import torch
from scipy.special import softmax

from learnprop.equations.leave_one_out.logits import left_out_softmax_logits
from learnprop.equations.leave_one_out.many_features import left_out_logits_of_many_features


def fitted(n, n_features, n_classes):
    """Features that are all positive, any logits, labels and weights."""
    rng = np.random.default_rng(n_features)
    X = np.abs(rng.normal(size=(n, n_features))) + 2
    logits = rng.normal(size=(n, n_classes))
    return X, logits, np.arange(n) % n_classes, rng.uniform(0.5, 2, size=n) / n


@pytest.mark.parametrize("n_classes", [2, 5])
@pytest.mark.parametrize("n_features", [3, 90])
@pytest.mark.parametrize("l2", [1e-2, 0.1])
def test_the_space_does_not_matter(n_classes, n_features, l2):
    X, logits, y, weight = fitted(40, n_features, n_classes)
    found = left_out_logits_of_many_features(torch.as_tensor(X), logits, y, weight, l2)
    expected = left_out_softmax_logits(X, logits, y, weight, l2)
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-8)
    assert np.abs(found - logits).max() > 0.1


@pytest.mark.parametrize("intercept_l2", [1e-9, 0.3])
def test_a_penalised_intercept_by_the_hessian_written_out(intercept_l2):
    """All K logits: H has a penalty in every direction, so that it can be inverted as it is."""
    X, logits, y, weight = fitted(30, 8, 3)
    found = left_out_logits_of_many_features(
        torch.as_tensor(X), logits, y, weight, 1e-2, intercept_l2
    )
    design, f = np.column_stack([X, np.ones(30)]), softmax(logits, axis=1)
    J = np.einsum("ip,kl->iklp", design, np.eye(3)).reshape(30, 3, 27)
    W = weight[:, None, None] * (np.einsum("ik,kl->ikl", f, np.eye(3)) - f[:, :, None] * f[:, None])
    ridge = np.tile([1e-2] * 8 + [intercept_l2], 3)
    H = np.einsum("ikp,ikl,ilq->pq", J, W, J) + np.diag(ridge)
    A = J @ np.linalg.inv(H) @ J.mT
    error = weight[:, None] * (f - np.eye(3)[y])
    step = A @ np.linalg.solve(np.eye(3) - W @ A, error[..., None])
    moved = step[..., 0] - step[..., 0].mean(axis=1, keepdims=True)  # as contrasts have it
    np.testing.assert_allclose(found - logits, moved, rtol=1e-6, atol=1e-9)
