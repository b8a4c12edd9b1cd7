"""The records of losses: what a study reads off them, and that a home has what its loss says."""

import numpy as np
import pytest
import torch

from learnprop.equations.labels import class_count
from learnprop.equations.losses import LOSSES, REFERENCE, chosen_loss
from learnprop.equations.losses.loss import ChosenLoss
from learnprop.equations.mean_proba import mean_proba, proba_from_logits

CHOSEN = [chosen_loss("lgl"), chosen_loss("sml"), chosen_loss("lgl-inr", beta=4.0)]
SIZES = np.array([60, 30, 10])


def sample():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(3), SIZES)
    return rng.normal(size=(len(y), 3)) + 1.5 * np.eye(3)[y], y


def measured(loss, z, y):
    """P and misses of logits, as the loss's outputs make probabilities of them."""
    proba = proba_from_logits(z, loss.kind.activation)
    P = mean_proba(y, proba, loss.kind.activation)
    assert (class_count(y, 3) == SIZES).all()
    return P, 1 - np.diag(P)


@pytest.mark.parametrize("loss", CHOSEN, ids=lambda loss: loss.setting)
def test_the_residual_is_minus_the_gradient_in_the_output_bias(loss):
    z, y = sample()
    b = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    value = loss.minibatch_loss(len(y))(torch.as_tensor(z) + b, torch.as_tensor(y))
    expected = -torch.autograd.grad(value, b)[0].numpy()
    found = loss.residual(*measured(loss, z, y), SIZES)
    np.testing.assert_allclose(found, expected, atol=1e-14)
    assert np.abs(expected).max() > 1e-3


@pytest.mark.parametrize("loss", CHOSEN, ids=lambda loss: loss.setting)
def test_the_sides_differ_by_the_residual_over_the_own_mass(loss):
    P, miss = measured(loss, *sample())
    left, right = loss.sides(P, miss, SIZES)
    mass = SIZES / SIZES.sum() if loss.kind.per_sample else 1.0
    np.testing.assert_allclose((left - right) * mass, loss.residual(P, miss, SIZES), atol=1e-15)


@pytest.mark.parametrize("loss", [CHOSEN[0], CHOSEN[2]], ids=lambda loss: loss.setting)
def test_the_bias_equation_of_sigmoids_has_the_same_sides(loss):
    P, miss = measured(loss, *sample())
    log_ratio, log_weights = loss.bias_equation(SIZES.astype(float))
    others = np.where(np.eye(3, dtype=bool), np.nan, np.log(P))  # a class's own has no part in it
    weight = log_weights(torch.as_tensor(others), torch.arange(3)).exp().numpy()
    left, right = loss.sides(P, miss, SIZES)
    np.testing.assert_allclose(miss, left, rtol=1e-13)
    np.testing.assert_allclose((weight * P).sum(axis=0) / np.exp(log_ratio), right, rtol=1e-13)


def test_a_minibatch_of_a_sum_over_samples_is_over_the_size_of_a_whole_one():
    z, y = (torch.as_tensor(a) for a in sample())
    for loss in CHOSEN:
        ratio = loss.minibatch_loss(200)(z, y) / loss.minibatch_loss(100)(z, y)
        assert float(ratio) == pytest.approx(0.5 if loss.kind.per_sample else 1.0)


def test_what_stores_and_tables_call_them():
    assert [loss.setting for loss in CHOSEN] == ["lgl", "sml", "lgl-inr beta=4"]
    assert chosen_loss("lgl-inr") == ChosenLoss(LOSSES["lgl-inr"], (1.0,))
    assert [loss.label for loss in LOSSES.values()] == ["LGL", "SML", "LGL-INR"]
    assert all(name == loss.name for name, loss in LOSSES.items())
    assert REFERENCE.name == "sml"
    assert not REFERENCE.parameters  # studies name it by its name alone


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("focal", {}, "name must be one of lgl, sml, lgl-inr, got 'focal'"),
        ("sml", {"beta": 1.0}, "beta is no parameter of sml"),
    ],
)
def test_what_is_not_there_is_refused(name, parameters, message):
    with pytest.raises(ValueError, match=message):
        chosen_loss(name, **parameters)
