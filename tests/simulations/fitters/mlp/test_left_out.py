"""What networks predict of samples left out: derivatives, refits, and biases moved by it."""

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from learnprop.equations.balance import class_mass, residual
from learnprop.equations.mean_proba import mean_proba, proba_from_logits
from learnprop.simulations.fitters.mlp.left_out import left_out_mlp, left_out_output_layer
from learnprop.simulations.fitters.mlp.network import (
    hidden_activations,
    initial_params,
    logit_jacobian,
    mlp_logits,
    unpack,
)
from learnprop.simulations.fitters.mlp.sim2 import fit_mlp
from learnprop.simulations.fitters.mlp.softmax import fit_softmax_mlp
from learnprop.simulations.fitters.mlp.softmax_network import (
    initial_softmax_params,
    output_biases,
    softmax_mlp_logits,
)
from learnprop.simulations.generators.generator import sample
from learnprop.simulations.generators.paper import sim2

WEIGHT = np.array([[0.5, 0.5], [10 / 11, 1 / 11]])
THREE = np.array([[1.0, 2.0, 4.0]])


def written_out(theta, X, n_hidden):
    """The logits of a network, from the layout that its module states."""
    W, c, v = torch.split(theta[:-1], [X.shape[1] * n_hidden, n_hidden, n_hidden])
    return torch.sigmoid(X @ W.view(X.shape[1], n_hidden) + c) @ v + theta[-1]


def by_autograd(X, theta, n_hidden):
    """Derivative of each logit in all parameters."""
    t = torch.tensor(theta, requires_grad=True)
    logits = written_out(t, torch.as_tensor(X), n_hidden)
    return np.stack([torch.autograd.grad(z, t, retain_graph=True)[0] for z in logits])


def test_the_jacobian_is_autograds_and_that_of_finite_differences():
    rng = np.random.default_rng(0)
    X, theta = rng.normal(size=(20, 3)), initial_params(3, 10, rng)
    features = torch.as_tensor(X)
    layers, readouts, _ = unpack(torch.as_tensor(theta[None]), 4)
    inputs = torch.cat([features, torch.ones_like(features[:, :1])], dim=1)
    found = logit_jacobian(inputs, hidden_activations(features, layers[0]), readouts[0]).numpy()
    np.testing.assert_allclose(found, by_autograd(X, theta, 10), rtol=1e-12, atol=1e-14)
    for k in (0, 35, 45, 50):  # W, c, v, b
        step = np.zeros(51)
        step[k] = 1e-6
        ends = [mlp_logits(X, (theta + s * step)[None])[0] for s in (1, -1)]
        np.testing.assert_allclose((ends[0] - ends[1]) / 2e-6, found[:, k], atol=1e-8)


@pytest.fixture(scope="module")
def one_unit():
    """A network of one hidden unit at a true minimum: its loss, data, parameters and logits."""
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], [60, 60])
    X, weight = rng.normal(size=(120, 1)) + y[:, None], np.array([3.0, 1.0])

    def loss(theta, keep):
        t = torch.tensor(theta, requires_grad=True)
        sign = torch.as_tensor(1.0 - 2 * y[keep])
        z = written_out(t, torch.as_tensor(X[keep]), 1)
        value = (torch.as_tensor(weight[y[keep]]) * torch.nn.functional.softplus(sign * z)).sum()
        value.backward()
        return value.item(), t.grad.numpy()

    def fitted(keep, start):
        return minimize(loss, start, (keep,), jac=True, method="BFGS", options={"gtol": 1e-6}).x

    theta = fitted(np.arange(120), np.array([1.5, 0.0, 3.0, -1.5]))
    return X, y, weight, theta, fitted


def test_all_parameters_left_out_are_regressions_on_the_derivatives(one_unit):
    """What the formula stands for, refitted by statsmodels without every fourth sample in turn."""
    X, y, weight, theta, _ = one_unit
    z = mlp_logits(X, theta[None])[0]
    J = by_autograd(X, theta, 1)
    (found,) = left_out_mlp(X, y, theta[None], weight[None])
    left_out, exact = np.arange(0, 120, 4), []
    for i in left_out:
        rest = np.arange(120) != i
        model = sm.GLM(
            y[rest], J[rest], sm.families.Binomial(), offset=z[rest], freq_weights=weight[y[rest]]
        )
        exact.append(z[i] + J[i] @ model.fit().params)
    error, effect = np.abs(found[left_out] - exact), np.abs(z[left_out] - exact)
    assert error.max() < 0.1 * effect.max()


def test_all_parameters_left_out_foretell_networks_refitted_without(one_unit):
    """Not exactly: a unit also moves as it is not linear. But most of the fall is foretold."""
    X, y, weight, theta, fitted = one_unit
    left_out = np.arange(0, 120, 4)
    (found,) = left_out_mlp(X, y, theta[None], weight[None])
    refitted = [
        mlp_logits(X[i : i + 1], fitted(np.arange(120) != i, theta)[None])[0, 0] for i in left_out
    ]
    z = mlp_logits(X[left_out], theta[None])[0]
    sign = 2 * y[left_out] - 1
    as_fitted, foretold, exact = (expit(sign * a).mean() for a in (z, found[left_out], refitted))
    assert exact < as_fitted
    assert abs(foretold - exact) < 0.5 * (as_fitted - exact)


@pytest.fixture(scope="module")
def three_classes():
    rng = np.random.default_rng(3)
    y = np.sort(np.arange(360) % 3)
    X = rng.normal(size=(1, 360, 2)) + 0.8 * np.eye(3, 2)[y]
    start = [initial_softmax_params(2, 3, 3, rng)]
    rngs = [np.random.default_rng(4)]
    return X, y, fit_softmax_mlp(X, y, THREE, start, rngs=rngs, epochs=3, refine="loo")


def test_the_output_layer_left_out_is_refitted_without(three_classes):
    """By scikit-learn on the hidden activations; the error is of the next order."""
    X, y, fits = three_classes
    theta = fits["head"].params[0]
    W, c = theta[0, :6].reshape(2, 3), theta[0, 6:9]
    hidden = expit(X[0] @ W + c)
    (z,) = softmax_mlp_logits(X[0], theta, 3)
    (found,) = left_out_output_layer(X[0], y, theta, THREE)
    left_out, exact = np.arange(0, 360, 24), []
    for i in left_out:
        rest = np.arange(360) != i
        model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-8)
        model.fit(hidden[rest], y[rest], THREE[0][y[rest]])
        exact.append(model.decision_function(hidden[i : i + 1])[0])
    centred = [
        a - a.mean(axis=1, keepdims=True) for a in (z[left_out], found[left_out], np.array(exact))
    ]
    error, effect = np.abs(centred[1] - centred[2]), np.abs(centred[0] - centred[2])
    assert error.max() < 0.1 * effect.max()


def test_an_output_layer_at_no_minimum_says_nothing(three_classes):
    X, y, fits = three_classes
    stages = np.stack([fits[stage].params[0, 0] for stage in ("raw", "head")])
    found = left_out_output_layer(X[0], y, stages, np.repeat(THREE, 2, axis=0))
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


def relative_residual(y, logits, pair):
    mass = class_mass(pair, np.bincount(y))
    return residual(mean_proba(y, proba_from_logits(logits)), mass) / mass


def test_the_bias_of_sim2s_network_moves_to_where_left_out_samples_balance():
    X, y = sample(sim2(), (60, 600), np.random.default_rng(0))
    start = [initial_params(3, 10, np.random.default_rng(1))]
    head, loo = (
        fit_mlp(X[None], y, WEIGHT, start, max_iter=20, refine=refine) for refine in (None, "loo")
    )
    np.testing.assert_array_equal(loo.params[..., :-1], head.params[..., :-1])
    moved = loo.params[..., -1] - head.params[..., -1]
    np.testing.assert_allclose(loo.bias[..., 1] - head.bias[..., 1], moved)
    assert loo.converged.all()
    left_out = left_out_mlp(X, y, head.params[0], WEIGHT)
    for k, pair in enumerate(WEIGHT):
        balanced = relative_residual(y, left_out[k] + moved[0, k], pair)
        assert np.abs(balanced).max() < 1e-9
    assert relative_residual(y, left_out[1], WEIGHT[1])[0] > 0.05  # the control: as refined
    assert moved[0, 1] < 0  # more of class 0 is missed than predicted: class 1's bias falls


def test_the_bias_of_softmax_networks_moves_to_where_left_out_samples_balance(three_classes):
    X, y, fits = three_classes
    assert list(fits) == ["raw", "bias", "head", "loo"]
    head, loo = fits["head"].params, fits["loo"].params
    shift = output_biases(loo, 3, 3) - output_biases(head, 3, 3)
    np.testing.assert_allclose(fits["loo"].bias - fits["head"].bias, shift)
    layers_alone = loo.copy()
    output_biases(layers_alone, 3, 3)[:] -= shift
    np.testing.assert_allclose(layers_alone, head, rtol=1e-12)
    left_out = left_out_output_layer(X[0], y, head[0], THREE)[0]
    assert np.abs(relative_residual(y, left_out + shift[0, 0], THREE[0])).max() < 1e-9
    assert np.abs(relative_residual(y, left_out, THREE[0])).max() > 0.01  # the control


def test_what_cannot_be_refined_is_refused():
    X, y = sample(sim2(), (5, 50), np.random.default_rng(0))
    start = [initial_params(3, 2, np.random.default_rng(1))]
    softmax_start, rngs = np.zeros((1, 14)), [np.random.default_rng(0)]
    with pytest.raises(ValueError, match="refine must be None or 'loo', got 'bias'"):
        fit_mlp(X[None], y, WEIGHT, start, refine="bias")
    with pytest.raises(ValueError, match="refine must be None or 'loo', got 'head'"):
        fit_softmax_mlp(X[None], y, WEIGHT, softmax_start, rngs=rngs, refine="head")
    with pytest.raises(ValueError, match=r"y must hold at least 2 samples .* got \[1, 50\]"):
        fit_mlp(X[None, 4:], y[4:], WEIGHT, start, refine="loo")
