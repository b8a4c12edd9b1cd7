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


@pytest.mark.parametrize(
    ("arguments", "how", "message"),
    [
        (("lgl-inr",), {}, "n_classes must be a number, got None"),
        (("lgl-inr", 2.5), {}, "n_classes must be a whole number, got 2.5"),
        (("focal", 3), {}, "^loss must be one of lgl, sml, lgl-inr, got 'focal'"),
        (("sml",), {"logits": torch.zeros(2, 2)}, "targets must be given with logits"),
        (("sml", 3), {"targets": torch.zeros(2)}, "targets must be given with logits"),
        (("sml", 3), {"parameters": []}, "parameters need the logits that come from them"),
    ],
)
def test_bad_arguments_are_named(arguments, how, message):
    with pytest.raises(ValueError, match=message):
        gradient_factor(*arguments, **how)
