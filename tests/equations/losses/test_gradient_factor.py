"""Sizes of gradients against closed forms, and against norms by hand."""

import copy

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from learnprop.equations.losses import chosen_loss
from learnprop.equations.losses.gradient_factor import gradient_factor, squared_norms
from learnprop.equations.losses.lgl_inr import LGLINRLoss
from learnprop.equations.losses.one_vs_all import OneVsAllLogisticLoss
from learnprop.equations.losses.running_lgl_inr import RunningLGLINRLoss
from learnprop.equations.losses.softmax import WeightedSoftmaxLoss


@pytest.mark.parametrize("n_classes", [2, 3, 10, 100])
def test_at_the_start_it_is_the_closed_form(n_classes):
    """Derived in `test_lgl_inr.test_gradient_norms_at_initialisation`."""
    K = n_classes
    of_inr, of_lgl = K**2 / (2 * (K - 1)), K / (2 * np.sqrt(K - 1))
    for loss, expected in (
        ("lgl-inr", of_inr), (chosen_loss("lgl-inr", beta=8.0), of_inr), ("lgl", of_lgl),
        (LGLINRLoss(K), of_inr), (LGLINRLoss(K, reduction="mean"), of_inr / K),
        (RunningLGLINRLoss([7] * K), of_inr), (OneVsAllLogisticLoss(), of_lgl),
        ("sml", 1.0), (WeightedSoftmaxLoss(), 1.0), (WeightedSoftmaxLoss(reduction="sum"), K),
        (lambda z, y: 3 * cross_entropy(z, y), 3.0),
    ):  # fmt: skip
        assert gradient_factor(loss, n_classes) == pytest.approx(expected, rel=1e-12)


def test_in_parameters_and_elsewhere_it_is_the_ratio_of_norms():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.Tanh(), torch.nn.Linear(6, 4))
    x, y = torch.randn(20, 3), torch.randint(4, (20,))
    z = net(x)

    def norm(loss):
        net.zero_grad()
        loss(net(x), y).backward()
        return np.sqrt(sum(float(p.grad.double().square().sum()) for p in net.parameters()))

    expected = norm(LGLINRLoss(4)) / norm(cross_entropy)
    found = gradient_factor("lgl-inr", logits=z, targets=y, parameters=net.parameters())
    assert found == pytest.approx(expected, rel=1e-5)
    in_logits = gradient_factor("lgl-inr", logits=z, targets=y)
    assert abs(in_logits / found - 1) > 0.01
    # Its rate, over this factor, is that of one step size.
    assert gradient_factor(lambda z, y: LGLINRLoss(4)(z, y) / in_logits, logits=z, targets=y) == (
        pytest.approx(1.0, rel=1e-5)
    )


def test_what_does_not_count_and_what_is_not_trained_has_no_part():
    """The same for a loss by its name, as a module and as a function."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(3, 6), torch.nn.Tanh(), torch.nn.Linear(6, 4))
    x, y = torch.randn(20, 3), torch.randint(4, (20,))
    few, y = y[:15].clone(), torch.where(torch.arange(20) < 15, y, -100)
    expected = gradient_factor("lgl-inr", logits=net(x)[:15], targets=few, parameters=net)
    for loss in ("lgl-inr", LGLINRLoss(4), lambda z, y: LGLINRLoss(4)(z, y)):
        z = net(x)
        for logits, targets in ((z, y), (z.reshape(5, 4, 4).movedim(-1, 1), y.reshape(5, 4))):
            found = gradient_factor(loss, logits=logits, targets=targets, parameters=net)
            assert found == pytest.approx(expected, rel=1e-5)
    own = LGLINRLoss(4, ignore_index=7)
    found = gradient_factor(own, logits=z, targets=y.where(y >= 0, 7), parameters=net)
    assert found == pytest.approx(expected, rel=1e-5)
    net[0].requires_grad_(False)
    unused, z = torch.ones(2, requires_grad=True), net(x)
    last = gradient_factor("lgl-inr", logits=z, targets=y, parameters=net[2].parameters())
    assert last != pytest.approx(expected, rel=1e-5)
    for parameters in (net, [*net.parameters(), unused], [*net[2].parameters()]):
        found = gradient_factor("lgl-inr", logits=z, targets=y, parameters=parameters)
        assert found == pytest.approx(last, rel=1e-12)
    with torch.no_grad():
        assert gradient_factor("lgl", 10) == pytest.approx(10 / 6)


def test_averages_of_a_module_are_not_moved():
    loss = RunningLGLINRLoss([3, 3, 3])
    before = copy.deepcopy(loss.state_dict())
    gradient_factor(loss, 3)
    torch.testing.assert_close(loss.state_dict(), before)


def test_squares_are_summed_network_by_network():
    rng = np.random.default_rng(0)
    parts = [rng.normal(size=shape) for shape in ((2, 3, 4), (2, 5))]
    expected = [sum((p[n] ** 2).sum() for p in parts) for n in range(2)]
    np.testing.assert_allclose(squared_norms([torch.as_tensor(p) for p in parts]), expected)


W = torch.ones(2, requires_grad=True)
BATCH = {"logits": torch.zeros(2, 2), "targets": torch.tensor([0, 1])}
OF_NET = {**BATCH, "logits": torch.nn.Linear(2, 2)(torch.ones(2, 2))}


@pytest.mark.parametrize(
    ("arguments", "how", "message"),
    [
        (("lgl-inr",), {}, "n_classes is needed, or logits and targets"),
        (("lgl-inr", 2.5), {}, "n_classes must be a whole number, got 2.5"),
        (("focal", 3), {}, "^loss must be one of lgl, sml, lgl-inr, got 'focal'"),
        (("sml",), {"logits": torch.zeros(2, 2)}, "targets must be given with logits"),
        (("sml", 3), {"targets": torch.zeros(2)}, "targets must be given with logits"),
        (("sml", 3), {"parameters": []}, "parameters need the logits that come from them"),
        ((lambda z, y: 3.0, 3), {}, "loss must return a tensor, got 3.0"),  # noqa: ARG005
        ((3.0, 3), {}, "loss must be a name or a function, got 3.0"),
        (
            (LGLINRLoss(3, reduction="none"), 3),
            {},
            r"loss must give one number .* got one of shape \(3,\)",
        ),
        (("sml", 2), {**BATCH}, "n_classes is of zero logits: leave it out where logits are given"),
        (("sml",), {**BATCH, "targets": torch.full((2,), -100)}, "targets must have a sample that"),
        (("sml",), {**BATCH, "targets": torch.full((2,), 5)}, r"targets must be labels 0 \.\. 1"),
        (("sml",), {**BATCH, "parameters": [W]}, "logits must come from parameters"),
        (("sml",), {**OF_NET, "parameters": [W]}, "parameters have no part in the logits"),
        (
            ("sml",),
            {**OF_NET, "parameters": [W.detach()]},
            "parameters must hold one that",
        ),
        (("sml",), {**OF_NET, "parameters": [1.0]}, "parameters must be of type Tensor, got 1.0"),
    ],
)
def test_bad_arguments_are_named(arguments, how, message):
    with pytest.raises(ValueError, match=message):
        gradient_factor(*arguments, **how)
