"""Influences against the derivatives that finite differences of a dense reference find."""

import numpy as np
import pytest
from scipy.special import softmax

from learnprop.equations.leave_one_out.influence import (
    influence_on_binary_sides,
    influence_on_sides,
)

N, STEP = 24, 1e-4


def fitted(D, Y, mass, l2):
    """Softmax regression of given masses of samples by Newton's method in all K (d + 1) parameters.

    The Hessian that is returned has the direction of a constant for all logits filled up.
    """
    K, p = Y.shape[1], D.shape[1]
    penalty = np.tile(np.append(np.full(p - 1, l2), 0.0), K)
    constant = np.tile(np.append(np.zeros(p - 1), 1.0), K)
    theta = np.zeros((K, p))
    for _ in range(40):
        f = softmax(D @ theta.T, axis=1)
        gradient = ((mass[:, None] * (f - Y)).T @ D).ravel() + penalty * theta.ravel()
        W = mass[:, None, None] * (f[:, :, None] * np.eye(K) - f[:, :, None] * f[:, None])
        H = np.einsum("nab,np,nq->apbq", W, D, D).reshape(K * p, K * p)
        H += np.diag(penalty) + np.outer(constant, constant)
        theta = theta - np.linalg.solve(H, gradient).reshape(K, p)
    return theta, H


def sides(X, y, K, weight, l2, times):
    """Both sides (2, K) of left-out predictions where samples count `times`, and all logits."""
    D, Y = np.column_stack([X, np.ones(N)]), np.eye(K)[y]
    theta, H = fitted(D, Y, times * weight, l2)
    z = D @ theta.T
    left_out = np.empty_like(z)
    for i, f in enumerate(softmax(z, axis=1)):
        x = np.kron(np.eye(K), D[i])
        A, W = x @ np.linalg.inv(H) @ x.T, weight[i] * (np.diag(f) - np.outer(f, f))
        left_out[i] = z[i] + A @ np.linalg.solve(np.eye(K) - W @ A, weight[i] * (f - Y[i]))
    f = (times * weight)[:, None] * softmax(left_out, axis=1)
    missed = (times * weight)[:, None] - f
    return np.array([(missed * Y).sum(axis=0), (f * (1 - Y)).sum(axis=0)]), z


@pytest.fixture(params=[(2, 0.7), (3, 0.4)], ids=["two classes", "three classes"])
def problem(request):
    K, l2 = request.param
    rng, y = np.random.default_rng(0), np.arange(N) % K
    X = rng.normal(size=(N, 2)) + np.eye(K, 2)[y] + 2
    return X, y, K, np.array([1.0, 3.0, 2.0])[y], l2


def derivatives(problem):
    found = []
    for i in range(N):
        more, less = np.ones(N), np.ones(N)
        more[i], less[i] = 1 + STEP, 1 - STEP
        found.append((sides(*problem, more)[0] - sides(*problem, less)[0]) / (2 * STEP))
    return np.stack(found, axis=-1)


def test_influences_are_derivatives(problem):
    X, y, K, weight, l2 = problem
    expected = derivatives(problem)
    z = sides(*problem, np.ones(N))[1]
    found = influence_on_sides(X, z, y, weight, l2)
    found[0] += np.where(np.arange(K)[:, None] == y, weight, 0.0)  # a constant within each class
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)
    # The control: with the fit held, and nothing but the sample's own term, it is another.
    f = softmax(z, axis=1).T
    held = np.where(np.arange(K)[:, None] == y, weight * (1 - f), 0.0)
    assert np.abs(held - expected[0]).max() > 0.1 * np.abs(expected[0]).max()
    if K == 2:  # one logit, whose penalty is that of the two as half of it each
        binary = influence_on_binary_sides(X, z[:, 1] - z[:, 0], y == 1, weight, l2 / 2)
        binary[0] += np.where(np.arange(2)[:, None] == y, weight, 0.0)
        np.testing.assert_allclose(binary, expected, rtol=1e-6, atol=1e-8)
