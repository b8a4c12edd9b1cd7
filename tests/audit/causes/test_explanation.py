"""Equations of other trainings, against PyTorch's gradients and the residuals of E8."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from learnprop.audit.causes.explanations.catalogue import explanations
from learnprop.audit.causes.explanations.explanation import errors_of_samples, imbalance
from learnprop.audit.causes.facts import TrainingFacts
from learnprop.equations.mean_proba import mean_proba
from learnprop.equations.violations.residuals import (
    label_smoothing_residual,
    penalised_bias_residual,
    torch_label_smoothing_residual,
)

COUNT = np.array([60.0, 30.0, 10.0])
WEIGHT = np.array([0.2, 0.3, 0.5])
CLASSES = np.repeat([0, 1, 2], COUNT.astype(int))
LOGITS = np.random.default_rng(0).normal(size=(100, 3)) + np.eye(3)[CLASSES]
PROBA = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
P = mean_proba(CLASSES, PROBA)
MISS = P.sum(axis=1) - np.diagonal(P)
MASS = WEIGHT * COUNT / (WEIGHT * COUNT).sum()


def named(start, **facts):
    found = explanations(WEIGHT, COUNT, TrainingFacts(**facts), (0, 1, 2))
    return next(e for e in found if e.name.startswith(start))


def test_smoothing_and_penalty_are_those_of_the_equations():
    stated = MASS - MASS @ P
    own = imbalance(named("label smoothing"), 0.1, P, MISS)
    np.testing.assert_allclose(own, stated - label_smoothing_residual(MASS, 0.1), atol=1e-15)
    torch_form = imbalance(named("PyTorch's label"), 0.1, P, MISS) / 0.9
    per_class = WEIGHT / (WEIGHT * COUNT).sum()
    predicted = torch_label_smoothing_residual(P, per_class, COUNT, 0.1)
    np.testing.assert_allclose(torch_form, stated - predicted, atol=1e-15)
    bias = np.array([0.5, -0.2, -0.3])
    penalised = imbalance(named("a penalised bias", bias=bias), 2.0, P, MISS)
    np.testing.assert_allclose(penalised, stated - penalised_bias_residual(2.0, bias), atol=1e-15)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_errors_of_samples_are_the_gradient_of_pytorchs_loss(smoothing):
    logits = torch.tensor(LOGITS, requires_grad=True)
    loss = cross_entropy(
        logits, torch.tensor(CLASSES), weight=torch.tensor(WEIGHT), reduction="sum",
        label_smoothing=smoothing,
    )  # fmt: skip
    loss.backward()
    e = named("PyTorch's label")
    found = errors_of_samples(e, smoothing, COUNT, PROBA, CLASSES) * (WEIGHT * COUNT).sum()
    np.testing.assert_allclose(found, logits.grad, atol=1e-14)
    total = -found.sum(axis=0) / (WEIGHT * COUNT).sum()
    np.testing.assert_allclose(total, imbalance(e, smoothing, P, MISS), atol=1e-15)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_mean_over_minibatches_is_pytorchs_on_average(smoothing):
    """Gradients in the bias of many minibatches of 4, each with its own normaliser."""
    weight = np.array([0.005, 0.095, 0.9])
    rng = np.random.default_rng(1)
    drawn = rng.integers(100, size=(2500, 4))
    bias = torch.zeros(2500, 1, 3, dtype=torch.float64, requires_grad=True)
    logits = torch.tensor(LOGITS)[drawn] + bias
    losses = [
        cross_entropy(z, torch.tensor(y), weight=torch.tensor(weight), label_smoothing=smoothing)
        for z, y in zip(logits, CLASSES[drawn], strict=True)
    ]
    torch.stack(losses).sum().backward()
    each = bias.grad[:, 0].numpy()
    mcse = each.std(axis=0, ddof=1) / np.sqrt(len(each))
    start = "minibatch mean, 4 at once"
    found = explanations(weight, COUNT, TrainingFacts(batch_size=4), (0, 1, 2))
    both, alone, summed = (
        next(e for e in found if e.name.startswith(name))
        for name in (f"{start}, and PyTorch's", start, "PyTorch's label")
    )

    def away(e):
        """In standard errors; the gradient's scale, E Σλ/S, cancels in its direction."""
        direction = -imbalance(e, smoothing, P, MISS)
        scale = each.mean(axis=0) @ direction / (direction @ direction)
        return np.abs(each.mean(axis=0) - scale * direction) / mcse

    assert away(both).max() <= 4
    assert (away(alone).max() <= 4) == (smoothing == 0.0)
    assert away(summed).max() > 4  # the control: not those of the sum


def test_a_sampler_changes_who_is_drawn():
    """Means over 40 000 minibatches of 4, drawn with weights of a sampler."""
    rng = np.random.default_rng(2)
    sampler = np.array([1.0, 4.0, 2.0])
    share = COUNT * sampler / (COUNT * sampler).sum()
    drawn = rng.choice(3, p=share, size=(40_000, 4))
    part = WEIGHT[drawn] / WEIGHT[drawn].sum(axis=1, keepdims=True)
    mass = np.stack([(part * (drawn == k)).sum(axis=1) for k in range(3)])
    expected = named("minibatch mean", batch_size=4, sampler_weight=sampler).mass
    difference = mass.mean(axis=1) - expected
    assert (np.abs(difference) <= 4 * mass.std(axis=1) / np.sqrt(40_000)).all()


def test_what_is_alike_is_tried_once():
    equal = explanations(np.full(3, 1 / 3), COUNT, TrainingFacts(), (0, 1, 2))
    names = [e.name for e in equal]
    assert "acts upon equal weights" not in names  # they were stated
    assert not any(name.startswith(("minibatch", "PyTorch's")) for name in names)  # nothing to do
    assert len(set(names)) == len(names)
    assert not any("smoothing" in e.name for e in explanations(
        WEIGHT, COUNT, TrainingFacts(label_smoothing=0.0), (0, 1, 2)
    ))  # fmt: skip


def test_weights_in_other_orders():
    labels, count = ("10", "9", "8"), np.array([30.0, 60.0, 10.0])
    found = explanations(np.array([0.5, 0.3, 0.2]), count, TrainingFacts(), labels)
    by_name = {e.name: e.mass / count for e in found}
    # A list in the order of sizes, largest first, is 0.5 of "9", 0.3 of "10", 0.2 of "8".
    listed = by_name["the weights in the order of class sizes, largest first"]
    np.testing.assert_allclose(listed / listed.sum(), [0.3, 0.5, 0.2])
    opposite = by_name["the weights in the opposite order"]
    np.testing.assert_allclose(opposite / opposite.sum(), [0.2, 0.3, 0.5])
    text = by_name["the weights in the order of labels as text"]  # 10, 8, 9
    np.testing.assert_allclose(text / text.sum(), [0.5, 0.2, 0.3])
