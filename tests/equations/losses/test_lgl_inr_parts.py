"""LGL-INR of parts of a batch: what does not add up, and the forms that do."""

import copy
from dataclasses import astuple
from functools import partial

import numpy as np
import pytest
import torch

from learnprop.equations.losses.class_sums import ClassSums, class_sums
from learnprop.equations.losses.hardness import in_negative_weights
from learnprop.equations.losses.lgl_inr import LGLINRLoss, lgl_inr_loss
from learnprop.equations.losses.logistic import WeightedLogisticLoss
from learnprop.equations.losses.one_vs_all import OneVsAllLogisticLoss, one_vs_all_logistic_loss
from learnprop.equations.losses.running_lgl_inr import RunningLGLINRLoss
from learnprop.equations.losses.softmax import WeightedSoftmaxLoss, weighted_softmax_loss

N, K, BETA = 64, 5, 4.0
EXACT = {"rtol": 1e-12, "atol": 1e-14}
PARTS = {
    "halves": [slice(0, 32), slice(32, 64)],
    "eighths": [slice(8 * i, 8 * i + 8) for i in range(8)],
    "unequal": [slice(0, 5), slice(5, 6), slice(6, 6), slice(6, 64)],  # one of them has none
}
IN_PARTS = pytest.mark.parametrize("parts", PARTS.values(), ids=PARTS)


@pytest.fixture
def batch():
    """Logits, hard enough that λ differ, and labels of unequal classes; 4 is ignored once."""
    rng = np.random.default_rng(0)
    y = torch.as_tensor(rng.choice(K, p=[0.4, 0.3, 0.15, 0.1, 0.05], size=N))
    z = torch.as_tensor(rng.normal(size=(N, K)) + 2 * np.eye(K)[y])
    y[7] = -100
    return z.requires_grad_(), y


def gradient(value, z):
    return torch.autograd.grad(value, z)[0]


def difference(value, other, z):
    """Of two gradients, over the second's norm."""
    expected = gradient(other, z)
    return float((gradient(value, z) - expected).norm() / expected.norm())


@IN_PARTS
def test_parts_alone_do_not_add_up(batch, parts):
    """The control, whether they are added as they are or by their shares of the samples."""
    z, y = batch
    whole = lgl_inr_loss(z, y, BETA)
    mean = sum(lgl_inr_loss(z[p], y[p], BETA) for p in parts) / len(parts)
    assert difference(mean, whole, z) > 0.1


@IN_PARTS
def test_with_the_sums_of_the_batch_they_do(batch, parts):
    z, y = batch
    sums = ClassSums(torch.zeros(K, K), torch.zeros(K))
    for part in parts:  # a first pass, or an all-reduce
        sums = sums + class_sums(z[part], y[part])
    assert not sums.proba.requires_grad
    whole, loss = lgl_inr_loss(z, y, BETA), LGLINRLoss(K, BETA)
    total = sum(loss(z[p], y[p], sums) for p in parts)
    torch.testing.assert_close(total, whole, **EXACT)
    torch.testing.assert_close(gradient(total, z), gradient(whole, z), **EXACT)
    each = torch.cat([lgl_inr_loss(z[p], y[p], BETA, sums=sums, reduction="none") for p in parts])
    torch.testing.assert_close(each, lgl_inr_loss(z, y, BETA, reduction="none"), **EXACT)
    torch.testing.assert_close(
        sum(lgl_inr_loss(z[p], y[p], BETA, sums=sums, reduction="mean") for p in parts),
        lgl_inr_loss(z, y, BETA, reduction="mean"), **EXACT,
    )  # fmt: skip


def test_sums_are_those_of_a_loop_and_give_the_weights_of_eq_11(batch):
    z, y = batch
    sums = class_sums(z.reshape(16, 4, K).movedim(-1, 1), y.reshape(16, 4))
    for j in range(K):
        torch.testing.assert_close(sums.proba[j], torch.sigmoid(z[y == j]).sum(dim=0).detach())
    assert sums.count.tolist() == [int((y == j).sum()) for j in range(K)]
    P = torch.stack([torch.sigmoid(z[y == j]).mean(dim=0) for j in range(K)]).detach()
    torch.testing.assert_close(sums.mean_proba, P)
    # An absent class is no negative sub-class (errata 9), with sums as without.
    few = y < 3
    part = lgl_inr_loss(z[few], y[few], BETA, sums=class_sums(z[few], y[few]))
    torch.testing.assert_close(part, lgl_inr_loss(z[few], y[few], BETA), **EXACT)


def test_samples_that_the_sums_do_not_count_pass_for_no_number(batch):
    z, y = batch
    of_others = class_sums(z[y < 3], y[y < 3])
    assert not torch.isfinite(lgl_inr_loss(z, y, BETA, sums=of_others, validate=False))
    with pytest.raises(ValueError, match=r"sums must count the samples of .* got none of class 3"):
        lgl_inr_loss(z, y, BETA, sums=of_others)


def test_bad_sums_are_named(batch):
    sums = class_sums(*batch)
    for bad, message in (
        (sums.proba, "sums must be ClassSums, got Tensor"),
        (ClassSums(sums.proba[:2, :2], sums.count[:2]), "sums must be of 5 classes, got 2"),
        (3, "sums must be ClassSums, got int"),
    ):
        of_loss = partial(lgl_inr_loss, *batch)
        for call in (of_loss, RunningLGLINRLoss([1] * K).update, sums.__add__):
            with pytest.raises(ValueError, match=message):
                call(sums=bad) if call is of_loss else call(bad)
    with pytest.raises(ValueError, match="sums are constants: leave detach_weights at True"):
        lgl_inr_loss(*batch, sums=sums, detach_weights=False)


def test_mapped(batch):
    z, y = batch
    sums = class_sums(z, y)
    both = torch.vmap(lambda z, y: lgl_inr_loss(z, y, BETA, sums=sums))(
        z.reshape(2, 32, K), y.reshape(2, 32)
    )
    torch.testing.assert_close(both.sum(), lgl_inr_loss(z, y, BETA))


# Averages of the past.


def running(batch, **how):
    """Evaluated after one batch, of other logits."""
    z, y = batch
    loss = RunningLGLINRLoss(torch.bincount(y[y >= 0]), BETA, **how)
    loss(2 * z.flip(1), y)
    return loss.eval()


@IN_PARTS
def test_with_averages_that_stay_parts_add_up_by_their_shares(batch, parts):
    z, y = batch
    loss, before = running(batch), int((y >= 0).sum())
    state = copy.deepcopy(loss.state_dict())
    whole = loss(z, y)
    total = sum(int((y[p] >= 0).sum()) / before * loss(z[p], y[p]) for p in parts)
    torch.testing.assert_close(total, whole, **EXACT)
    torch.testing.assert_close(gradient(total, z), gradient(whole, z), **EXACT)
    assert all(torch.equal(state[name], now) for name, now in loss.state_dict().items())


@IN_PARTS
def test_while_they_move_a_part_sees_the_averages_of_those_before(batch, parts):
    z, y = batch
    loss = running(batch, decay=0.99).train()
    still = copy.deepcopy(loss).eval()
    for part in parts:
        torch.testing.assert_close(loss(z[part], y[part]), still(z[part], y[part]), **EXACT)
        still.update(class_sums(z[part], y[part]))
    torch.testing.assert_close(loss.state_dict(), still.state_dict(), **EXACT)


def test_while_they_move_parts_that_are_alike_add_up(batch):
    """Of a batch that repeats: what is not new in a part does not move the averages."""
    z, y = batch
    loss = RunningLGLINRLoss(torch.bincount(y[y >= 0]), BETA, decay=0.99)
    loss(z, y)
    first, second = (gradient(loss(z, y), z) for _ in range(2))
    torch.testing.assert_close(first, second, **EXACT)
    loss(2 * z, y)  # the control: it is new
    assert not torch.allclose(gradient(loss(z, y), z), second, **EXACT)


def test_a_batch_that_is_not_finite_leaves_the_averages_as_they_are(batch):
    """As one of half precision that overflows, whose step a GradScaler leaves out."""
    z, y = batch
    loss = running(batch).train()
    state, bad = copy.deepcopy(loss.state_dict()), z.detach().clone()
    bad[3, 1] = torch.nan
    assert loss(bad, y).isnan()
    torch.testing.assert_close(loss.state_dict(), state, rtol=0, atol=0)
    assert loss(z, y).isfinite()
    assert not torch.equal(loss.proba, state["proba"])


@pytest.mark.parametrize("padding", [torch.nan, torch.inf, -torch.inf])
def test_logits_of_samples_that_do_not_count_are_not_looked_at(batch, padding):
    z, y = batch
    padded = torch.where((y == -100)[:, None], padding, z.detach()).requires_grad_()
    for call in (
        partial(lgl_inr_loss, beta=BETA), running(batch), running(batch).train(),
        WeightedSoftmaxLoss(), OneVsAllLogisticLoss(label_smoothing=0.1),
        lambda z, y: WeightedLogisticLoss()(z[:, 0], y.clamp(max=1)),
    ):  # fmt: skip
        found, expected = copy.deepcopy(call)(padded, y), call(z, y)
        torch.testing.assert_close(found, expected, **EXACT)
        torch.testing.assert_close(gradient(found, padded), gradient(expected, z), **EXACT)
    for found, expected in zip(
        astuple(class_sums(padded, y)), astuple(class_sums(z, y)), strict=True
    ):
        torch.testing.assert_close(found, expected, **EXACT)


def test_a_label_out_of_range_that_nobody_looks_at_counts_nowhere(batch):
    """Not as one of the last class: only its own loss is no number."""
    z, y = batch
    bad = y.clone()
    bad[y == -100] = 2 * K
    blind = {"validate": False}
    for found, expected in zip(
        astuple(class_sums(z, bad, **blind)), astuple(class_sums(z, y)), strict=True
    ):
        torch.testing.assert_close(found, expected, **EXACT)
    for function in (lgl_inr_loss, weighted_softmax_loss, one_vs_all_logistic_loss):
        each = function(z, bad, reduction="none", **blind)
        assert torch.equal(each.isnan(), y == -100)
        torch.testing.assert_close(each.nan_to_num(), function(z, y, reduction="none"), **EXACT)
    losses = [RunningLGLINRLoss([1] * K, **blind) for _ in range(2)]
    assert losses[0](z, bad).isnan()
    assert losses[1](z, y).isfinite()
    torch.testing.assert_close(losses[0].state_dict(), losses[1].state_dict(), **EXACT)


def test_it_is_eq_11_of_a_batch_with_the_shares_of_training(batch):
    """λ of the batch that went before: the same one, so the full loss's own."""
    z, y = batch
    for reduction in ("sum", "mean"):
        loss = RunningLGLINRLoss(torch.bincount(y[y >= 0]), BETA, reduction=reduction)
        first = loss(z, y)  # nobody was seen: all alike
        whole = lgl_inr_loss(z, y, 0.0, reduction=reduction)
        torch.testing.assert_close(first, whole, **EXACT)
        whole = lgl_inr_loss(z, y, BETA, reduction=reduction)
        torch.testing.assert_close(loss(z, y), whole, **EXACT)
        assert not torch.isclose(first, whole)


def test_averages_are_exponential_over_samples_and_saved(batch):
    z, y = batch
    loss = RunningLGLINRLoss([10] * K, BETA, decay=0.75)
    parts = [slice(0, 20), slice(20, 30), slice(30, 64)]
    for part in parts:
        loss(z[part], y[part])
    past = [0.75**2, 0.75, 1.0]
    weight = torch.cat([torch.full((len(y[p]),), w) for p, w in zip(parts, past, strict=True)])
    p = torch.sigmoid(z).detach()
    for j in range(K):
        mean = (weight[y == j, None] * p[y == j]).sum(dim=0) / weight[y == j].sum()
        torch.testing.assert_close(loss.proba[j] / loss.count[j], mean, rtol=1e-6, atol=0)
    assert not loss.proba.requires_grad
    # Both passes of a step at once, or a batch's sums: the same state.
    other = RunningLGLINRLoss([10] * K, BETA, decay=0.75).eval()
    other(z, y)
    assert other.count.sum() == 0
    for part in parts:
        other.update(class_sums(z[part], y[part]))
    torch.testing.assert_close(other.state_dict(), loss.state_dict())
    again = RunningLGLINRLoss([1] * K, BETA).half()  # half precision has no room for them
    again.load_state_dict(loss.state_dict())
    assert again.proba.dtype == torch.float64
    assert torch.equal(again.eval()(z, y), loss.eval()(z, y))


def test_of_a_class_that_was_never_seen_hardness_is_that_of_zero_logits(batch):
    z, y = batch
    few = (y >= 0) & (y < 3)
    loss = RunningLGLINRLoss([10] * K, BETA)
    loss(z[few], y[few])
    P = class_sums(z[few], y[few]).mean_proba
    P[3:] = 0.5
    weight = in_negative_weights(P, BETA)
    at = torch.tensor([3])
    terms = -torch.log(torch.sigmoid(-z[y == 3][0]))
    expected = K * ((weight[3] * terms).sum() - torch.log(torch.sigmoid(z[y == 3][0, 3])))
    torch.testing.assert_close(loss.eval()(z[y == 3][:1], at), expected)


def test_it_compiles_and_trains(batch):
    z, y = batch
    loss = RunningLGLINRLoss([10] * K, BETA, validate=False)
    other = copy.deepcopy(loss)
    torch._dynamo.reset()
    fast = torch.compile(other, fullgraph=True, backend="aot_eager")
    for _ in range(2):
        torch.testing.assert_close(fast(z, y), loss(z, y))
    torch.testing.assert_close(other.state_dict(), loss.state_dict())
    assert loss(z[:0], y[:0]) == 0
    # A small step takes rate * |gradient|² off the loss, λ being what they were. What is of second
    # order is at most rate / 2 times the largest curvature of the whole, over all: here 1e-5.
    layer, rate = torch.nn.Linear(K, K).double(), 1e-7
    still = copy.deepcopy(loss).eval()
    optimiser, value = torch.optim.SGD(layer.parameters(), lr=rate), loss(layer(z.detach()), y)
    value.backward()
    optimiser.step()
    square = sum(p.grad.square().sum() for p in layer.parameters())
    fall = value - still(layer(z.detach()), y)
    torch.testing.assert_close(fall / rate, square, rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("arguments", "how", "message"),
    [
        (([10, 0],), {}, "class_count must be positive, got"),
        ((3,), {}, "class_count must hold at least 2 sizes, got shape"),
        (([10, 5], -1.0), {}, "beta must satisfy 0 <= beta"),
        (([10, 5],), {"decay": 1.5}, r"decay must be in \[0, 1\], got 1.5"),
        (([10, 5],), {"reduction": "none"}, "reduction must be one of sum, mean, got 'none'"),
        (([10, 5],), {"ignore_index": 0.5}, "ignore_index must be an integer, got 0.5"),
    ],
)
def test_bad_arguments_are_named(arguments, how, message):
    with pytest.raises(ValueError, match=message):
        RunningLGLINRLoss(*arguments, **how)
    with pytest.raises(ValueError, match=r"logits must be \(n_samples, 2, d1, \.\.\.\), got"):
        RunningLGLINRLoss([10, 5])(torch.zeros(3, 3), torch.zeros(3, dtype=torch.long))
