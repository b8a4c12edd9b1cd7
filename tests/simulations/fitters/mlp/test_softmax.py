import numpy as np
import pytest
import torch

from learnprop.equations.balance import class_mass, gap, residual
from learnprop.equations.mean_proba import mean_proba, proba_from_logits
from learnprop.simulations.fitters.mlp.softmax import fit_softmax_mlp
from learnprop.simulations.fitters.mlp.softmax_network import (
    initial_softmax_params,
    softmax_mlp_logits,
)
from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
from learnprop.simulations.generators.generator import sample

SIZE = (400, 150, 60)
WEIGHT = np.array([[1.0, 1.0, 1.0], [1.0, 2.7, 6.7]])


@pytest.fixture(scope="module")
def data():
    generator = gaussian_classes(class_means("ring", 3, 2, 1.5))
    draws = [sample(generator, SIZE, np.random.default_rng(i)) for i in range(2)]
    return np.stack([X for X, _ in draws]), draws[0][1]


@pytest.fixture(scope="module")
def fits(data):
    X, y = data
    start = [initial_softmax_params(2, 7, 3, np.random.default_rng(i)) for i in range(2)]
    rngs = [np.random.default_rng(10 + i) for i in range(2)]
    return fit_softmax_mlp(X, y, WEIGHT, start, rngs=rngs, epochs=8)


def loss_at(X, y, weight, theta):
    """The network written out with torch.nn's own pieces."""
    w, c, head = theta[:14].view(2, 7), theta[14:21], theta[21:].view(3, 8)
    z = torch.sigmoid(torch.as_tensor(X) @ w + c) @ head[:, :-1].T + head[:, -1]
    nll = torch.nn.functional.cross_entropy(z, torch.as_tensor(y), reduction="none")
    return (torch.as_tensor(weight[y]) * nll).sum(), z


def test_what_is_reported_is_that_of_the_network(data, fits):
    X, y = data
    for fit in fits.values():
        theta = torch.tensor(fit.params[1, 1], requires_grad=True)
        loss, z = loss_at(X[1], y, WEIGHT[1], theta)
        loss.backward()
        mass = class_mass(WEIGHT[1], SIZE).sum()
        assert fit.loss[1, 1] == pytest.approx(float(loss.detach()))
        assert fit.gradient_norm[1, 1] == pytest.approx(float(theta.grad.norm()) / mass, rel=1e-5)
        bias = theta.grad[21:].view(3, 8)[:, -1] / mass
        np.testing.assert_allclose(fit.bias_gradient[1, 1], bias, atol=1e-12)
        ours = softmax_mlp_logits(X[1], fit.params[1], 3)[1]
        np.testing.assert_allclose(ours, z.detach(), atol=1e-10)


def test_stages_refine_what_they_say(data, fits):
    X, y = data
    raw, bias, head = (fits[stage] for stage in ("raw", "bias", "head"))
    assert (raw.status == "not converged").all()
    for fit in (bias, head):
        assert fit.converged.all()
        assert abs(fit.bias_gradient).max() <= 1e-12
    assert (bias.loss <= raw.loss).all()
    assert (head.loss <= bias.loss).all()
    frozen = slice(0, 21)
    np.testing.assert_array_equal(head.params[..., frozen], raw.params[..., frozen])
    weights = np.setdiff1d(np.arange(21, 45), 28 + 8 * np.arange(3))
    np.testing.assert_array_equal(bias.params[..., weights], raw.params[..., weights])
    for run in range(2):
        for k, z in enumerate(softmax_mlp_logits(X[run], head.params[run], 3)):
            P, mass = mean_proba(y, proba_from_logits(z)), class_mass(WEIGHT[k], SIZE)
            assert np.abs(gap(P, mass)).max() < 1e-9
        z = softmax_mlp_logits(X[run], raw.params[run], 3)[0]
        r = residual(mean_proba(y, proba_from_logits(z)), class_mass(WEIGHT[0], SIZE))
        np.testing.assert_allclose(r / 610, -raw.bias_gradient[run, 0], atol=1e-12)  # E1
        assert abs(r).max() > 1e-3  # the control: training alone does not balance


def test_head_has_no_gradient_in_the_output_layer(data, fits):
    X, y = data
    theta = torch.tensor(fits["head"].params[0, 1], requires_grad=True)
    loss_at(X[0], y, WEIGHT[1], theta)[0].backward()
    assert abs(theta.grad[21:]).max() / class_mass(WEIGHT[1], SIZE).sum() < 1e-9  # E6


def test_bad_arguments_are_named(data):
    X, y = data
    with pytest.raises(ValueError, match=r"start must have shape \(n, 6 h \+ 3\) .*got \(2, 44\)"):
        fit_softmax_mlp(X, y, WEIGHT, np.zeros((2, 44)), rngs=[None] * 2)
    with pytest.raises(ValueError, match="rngs must hold 2 generators"):
        fit_softmax_mlp(X, y, WEIGHT, np.zeros((2, 45)), rngs=[])
