"""The arithmetic of docs/explanation/errata.md. Items 1 and 2 are also in tests/equations/."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from learnprop.equations.balance import binary_ratio_in_theory, class_mass, residual
from learnprop.equations.limits.predictions import predict_logistic_ratio
from learnprop.equations.losses.lgl_inr import lgl_inr_loss
from learnprop.equations.losses.one_vs_all import one_vs_all_logistic_loss
from learnprop.equations.losses.softmax import weighted_softmax_loss
from learnprop.equations.mean_proba import mean_proba, proba_from_logits
from learnprop.simulations.fitters.logistic import fit_logistic
from learnprop.simulations.generators.paper import sim1
from learnprop.simulations.networks.architectures import build_network


@pytest.mark.parametrize(
    ("lambda0", "rhs"), [(1 / 11, 100), (1 / 6, 50), (10 / 11, 1), (20 / 21, 0.5), (1 / 2, 10)]
)
def test_1_headings_of_table_1(lambda0, rhs):
    mass = class_mass([lambda0, 1 - lambda0], [1000, 10000])
    assert binary_ratio_in_theory(mass) == pytest.approx(rhs)


def test_2_spread_of_both_readings():
    sd = {
        reading: predict_logistic_ratio(
            sim1(reading).quadrature(), [0.5, 0.5], [1000, 10000], [1000, 1000]
        ).sd
        for reading in ("sum", "mixture")
    }
    assert sd["sum"] == pytest.approx(0.95, abs=0.005)
    assert 0.28 < sd["mixture"] / 1.13 < 0.38
    # The sum is no match either: the normal theory of an SD over n runs, s / sqrt(2 (n - 1)).
    assert (1.13 - sd["sum"]) / (1.13 / np.sqrt(2 * 99)) == pytest.approx(2.2, abs=0.05)


def test_5_rank_of_eq_9():
    rng = np.random.default_rng(0)
    P = rng.dirichlet(np.ones(5), 5)
    rows = np.stack([residual(P, unit + 1e-9) for unit in np.eye(5)])
    assert np.linalg.matrix_rank(rows, tol=1e-6) == 4


@pytest.mark.parametrize(("beta", "largest"), [(1, 0.254), (2, 0.480), (4, 0.872)])
def test_8_largest_lambda(beta, largest):
    hardness = np.zeros(9)
    hardness[0] = 1
    weight = np.exp(beta * hardness) / np.exp(beta * hardness).sum()
    assert weight[0] == pytest.approx(largest, abs=5e-4)


def test_10_sizes_of_the_maps():
    size = 28
    for kernel in (3, 3, 3):
        size -= kernel - 1
    size = size // 2
    for kernel in (3, 3):
        size -= kernel - 1
    assert size == 7  # 28-26-24-22-11-9-7
    assert 50 * (((28 - 4) // 2 - 4) // 2) ** 2 == 800


def test_12_reweighting_lowers_the_minoritys_mean_probability():
    points = [
        (1.61, 1.52, 10993, 0), (1.31, 3.04, 88876, 0), (-0.08, -4.08, 131, 0),
        (-5.34, 1.97, 81, 1), (-1.51, 1.76, 1, 1), (-1.13, 3.08, 213, 1), (4.66, 0.76, 9706, 1),
    ]  # fmt: skip
    x1, x2, count, label = np.array(points).T
    X = np.repeat(np.stack([x1, x2], axis=1), count.astype(int), axis=0)
    y = np.repeat(label.astype(int), count.astype(int))
    n = np.bincount(y)
    fit = fit_logistic(X[None], y, [[1.0, 1.0], 1.0 / n])
    assert fit.converged.all()
    logits = fit.params[0, :, :-1] @ X.T + fit.params[0, :, -1:]
    p11 = [mean_proba(y, proba_from_logits(z))[1, 1] for z in logits]
    assert p11 == pytest.approx([0.9380, 0.9352], abs=5e-5)
    gain = [-np.logaddexp(0, -z[y == 1]).mean() for z in logits]
    assert gain[1] >= gain[0]  # what is guaranteed: the mean log-probability


def test_13_gradients_at_initialisation():
    """At zero logits of a balanced minibatch, relative to the softmax loss: K = 10."""
    y = torch.arange(10)

    def norm(loss):
        z = torch.zeros(10, 10, dtype=torch.float64, requires_grad=True)
        return float(torch.autograd.grad(loss(z, y), z)[0].norm())

    softmax = norm(weighted_softmax_loss)
    assert norm(lgl_inr_loss) / softmax == pytest.approx(100 / 18)  # K^2 / (2 (K - 1)) = 5.6
    assert norm(one_vs_all_logistic_loss) / softmax == pytest.approx(10 / 6)  # K / (2 sqrt(K - 1))


def test_14_parameters_with_and_without_the_hidden_layer():
    """Weights and biases of 5 x 5 convolutions of 20 and 50, and of what follows their 800."""
    convolutions = 20 * (25 + 1) + 50 * (20 * 25 + 1)
    stated = {
        "cnn2c": convolutions + 10 * (800 + 1),
        "cnn2c-500": convolutions + 500 * (800 + 1) + 10 * (500 + 1),
    }
    assert list(stated.values()) == [33_580, 431_080]
    for name, size in stated.items():
        network = build_network(name, (1, 28, 28), 10)
        assert sum(p.numel() for p in network.parameters()) == size


def test_14_a_mean_over_classes_is_a_tenth_of_the_learning_rate():
    """PyTorch's own binary cross-entropy; SGD without decay is linear in its gradients."""
    y = torch.tensor([0, 3, 3, 9])

    def gradient(loss):
        z = torch.linspace(-3, 3, 40, dtype=torch.float64).reshape(4, 10).requires_grad_()
        return torch.autograd.grad(loss(z), z)[0]

    ours = gradient(lambda z: one_vs_all_logistic_loss(z, y))
    hot = one_hot(y, 10).double()
    averaged = gradient(lambda z: binary_cross_entropy_with_logits(z, hot))
    torch.testing.assert_close(0.01 * averaged, 0.001 * ours, rtol=1e-12, atol=0)
