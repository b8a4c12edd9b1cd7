"""Left-out predictions of output layers against layers refined without each sample; stage loo."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from learnprop.equations.balance import residual
from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.rows import CONVERGED, LEFT_OUT, NOT_CONVERGED
from learnprop.simulations.refinement import left_out, output_layer
from learnprop.simulations.refinement.objectives import WeightedSoftmax
from learnprop.simulations.refinement.output_layer import refine_head
from learnprop.simulations.refinement.seen import OutputLayers, Seen
from learnprop.simulations.refinement.stages import NO_MINIMUM, NO_PREDICTION, measure_stages

K, SIZES = 3, (30, 20, 10)
N = sum(SIZES)
MASS = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)


def network(seed=0, n_features=90):
    """Features of rectifiers, more than samples, and labels."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(K), SIZES)
    h = np.maximum(rng.normal(size=(N, n_features)) + np.eye(K, n_features)[y], 0)
    return torch.as_tensor(h), torch.as_tensor(y)


def samples_of(*networks):
    """Training samples and untrained output layers."""
    h, y = (torch.stack(part) for part in zip(*networks, strict=True))
    layers = OutputLayers(h.new_zeros(len(h), K, h.shape[2]), h.new_zeros(len(h), K))
    return {"train": Seen(h.new_zeros(len(h), N, K), y, lambda i: h[i])}, layers


def objective(n=1, penalty=0.02, bias_penalty=0.0):
    return WeightedSoftmax(MASS.expand(n, -1), penalty, bias_penalty)


def stages_of(*networks, names=("head", "loo"), **how):
    samples, layers = samples_of(*networks)
    return measure_stages(names, samples, layers, objective(len(networks), **how))


@pytest.mark.parametrize("how", [{}, {"bias_penalty": 0.02}])
def test_left_out_is_refined_without(how):
    h, y = network()
    samples, layers = samples_of((h, y))
    own = objective(**how)
    head = own.refined_head(samples["train"], layers)
    at = OutputLayers(head.weight[None], head.bias[None])
    z = h @ head.weight.mT + head.bias
    seen = replace(samples["train"], logits=(z - head.bias)[None])
    found = own.left_out(seen, at).logits[0] + head.bias
    share = MASS / torch.tensor(SIZES)  # of a sum that loses one term
    exact = []
    for i in range(N):
        rest = torch.arange(N) != i
        without = refine_head(h[rest], y[rest], share, head.weight, head.bias, penalty=0.02, **how)
        assert without.settled
        exact.append(h[i] @ without.weight.mT + without.bias)
    found, exact, z = (a - a.mean(dim=1, keepdim=True) for a in (found, torch.stack(exact), z))
    effect = (z - exact).abs().max()
    assert effect > 1
    assert (found - exact).abs().max() < 0.1 * effect


def test_the_bias_of_loo_is_where_the_left_out_residual_vanishes():
    ((head, loo),) = stages_of(network())
    assert (head.status, loo.status) == (CONVERGED, CONVERGED)
    mass = MASS.numpy()
    before, after = (
        residual(m.mean_proba, mass, m.miss_proba)
        for m in (s.measured[LEFT_OUT] for s in (head, loo))
    )
    assert np.abs(before).max() > 0.01
    assert np.abs(after).max() < 1e-14
    on_train = [s.measured["train"] for s in (head, loo)]
    r = [np.abs(residual(m.mean_proba, mass, m.miss_proba)).max() for m in on_train]
    assert r[0] < 1e-14
    assert r[1] > 1e-3  # the control: of its own sample it predicts too well
    assert loo.loss > head.loss


def test_only_the_bias_moves():
    h, y = network()
    samples, layers = samples_of((h, y))
    ((head, loo),) = stages_of((h, y))
    weight = objective().refined_head(samples["train"], layers).weight
    for stage in (head, loo):
        expected = measure(y.numpy(), (h @ weight.mT).numpy() + stage.bias)
        np.testing.assert_allclose(stage.measured["train"].mean_proba, expected.mean_proba)
    assert np.abs(head.bias - loo.bias).max() > 0.01


def test_many_networks_are_as_each_alone():
    both = stages_of(network(0), network(1))
    for found, own in zip(both, (network(0), network(1)), strict=True):
        (alone,) = stages_of(own)
        for a, b in zip(found, alone, strict=True):
            np.testing.assert_allclose(a.bias, b.bias, rtol=1e-12)
            left = [s.measured[LEFT_OUT].mean_proba for s in (a, b)]
            np.testing.assert_allclose(*left, rtol=1e-12)
    assert np.abs(both[0][1].bias - both[1][1].bias).max() > 0.01


def test_loo_alone_refines_the_head_too():
    ((_, loo),), ((alone,),) = stages_of(network()), stages_of(network(), names=("loo",))
    np.testing.assert_array_equal(alone.bias, loo.bias)


def test_without_a_minimum_neither_stage_has_a_model():
    ((head, loo),) = stages_of(network(), penalty=0.0)
    for stage in (head, loo):
        assert (stage.status, stage.reason, stage.measured) == (NOT_CONVERGED, NO_MINIMUM, {})


@pytest.mark.parametrize(
    ("name", "module", "value", "reason"),
    [
        ("HEAD_ITERATIONS", output_layer, 1, NO_PREDICTION),
        ("LARGEST", left_out, 1e3, "not computed: 60 samples with 90 features are too many"),
    ],
)
def test_what_is_not_computed_says_why(name, module, value, reason, monkeypatch):
    monkeypatch.setattr(module, name, value)
    ((head, loo),) = stages_of(network())
    assert set(head.measured) == {"train"}
    assert head.reason == ""
    assert (loo.status, loo.reason, loo.measured) == (NOT_CONVERGED, reason, {})


def test_without_its_only_sample_a_class_is_unknown():
    h, y = network()
    y = torch.where(torch.arange(N) == N - 1, 2, y.clamp(max=1))
    ((head, loo),) = stages_of((h, y))
    assert LEFT_OUT not in head.measured
    assert loo.reason == "not computed: a class has a single sample"


def log_losses(rng, leak):
    """Of left-out predictions, and of a fresh sample whose features do not know their class."""
    h, y = network(rng, 30)
    h = h + leak * torch.eye(K, 30, dtype=h.dtype)[y]
    samples, layers = samples_of((h, y))
    fresh, _ = network(rng, 30)
    samples["test"] = Seen(samples["train"].logits, samples["train"].labels, lambda _: fresh)
    ((head,),) = measure_stages(("head",), samples, layers, objective())
    return [head.measured[s].log_loss.sum() / N for s in (LEFT_OUT, "test")]


@pytest.mark.parametrize("leak", [0.0, 2.0])
def test_it_is_what_the_output_layer_has_learnt_by_heart(leak):
    """The control: features that have learnt the labels by heart are not left out."""
    rng = np.random.default_rng(0)
    foretold, observed = np.array([log_losses(rng, leak) for _ in range(60)]).T
    difference = observed - foretold
    mcse = difference.std(ddof=1) / np.sqrt(len(difference))
    if leak:
        assert difference.mean() > 4 * mcse
    else:
        assert abs(difference.mean()) <= 4 * mcse
