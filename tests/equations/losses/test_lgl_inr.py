"""LGL-INR against loops over Eq. (11), cases derived by hand, and its gradients."""

import numpy as np
import pytest
import torch
from scipy.special import expit
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from learnprop.equations.losses.hardness import in_negative_weights
from learnprop.equations.losses.lgl_inr import LGLINRLoss, lgl_inr_loss
from learnprop.equations.losses.one_vs_all import one_vs_all_logistic_loss

RTOL = {torch.float64: 1e-10, torch.float32: 1e-5}
LN2 = np.log(2)


def slow_weights(z, y, beta):
    """λ below Eq. (11): of sub-class j, row, in the loss of class k, column; absent ones none."""
    n_classes = z.shape[1]
    weight = np.zeros((n_classes, n_classes))
    for k in range(n_classes):
        hardness = {}
        for j in sorted(set(y.tolist()) - {k}):
            probabilities = [expit(z[i, k]) for i in np.flatnonzero(y == j)]
            hardness[j] = sum(probabilities) / len(probabilities)
        total = sum(np.exp(beta * p) for p in hardness.values())
        for j, p in hardness.items():
            weight[j, k] = np.exp(beta * p) / total
    return weight


def slow_lgl_inr(z, y, weight):
    """Eq. (11), summed over k, at given λ."""
    total = 0.0
    for k in range(z.shape[1]):
        for j in sorted(set(y.tolist())):
            members = np.flatnonzero(y == j)
            for i in members:
                if j == k:
                    total += np.logaddexp(0.0, -z[i, k]) / len(members)
                else:
                    total += weight[j, k] * np.logaddexp(0.0, z[i, k]) / len(members)
    return total


def draw(rng, n_samples, n_classes, scale, dtype=torch.float64, few=False):
    """Logits and labels; with `few` of them, labels of half the classes only."""
    z = torch.as_tensor(scale * rng.normal(size=(n_samples, n_classes)), dtype=dtype)
    return z, torch.as_tensor(
        rng.integers((n_classes + 1) // 2 if few else n_classes, size=n_samples)
    )


def gradient(loss, z):
    z = z.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(z), z)[0]


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("n_classes", [2, 3, 10, 100, 1000])
def test_values(n_classes, dtype):
    rng = np.random.default_rng(n_classes)
    for n in (1, 2, 7, 64, 200):
        if n * n_classes > 64_000:
            continue
        small = n * n_classes < 1000
        for scale in (0.1, 3.0, 100.0) if small else (3.0,):
            z, y = draw(rng, n, n_classes, scale, dtype, few=n == 7)
            z64 = z.double().numpy()
            for beta in (0.0, 1.0, 4.0, 30.0) if small else (4.0,):
                expected = slow_lgl_inr(z64, y.numpy(), slow_weights(z64, y.numpy(), beta))
                found = lgl_inr_loss(z, y, beta)
                assert found.dtype == dtype
                assert found.item() == pytest.approx(expected, rel=RTOL[dtype])
                mean = lgl_inr_loss(z, y, beta, detach_weights=False, reduction="mean")
                assert mean.item() == pytest.approx(expected / n_classes, rel=RTOL[dtype])


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("beta", [0.0, 1.0, 4.0, 1000.0])
def test_with_its_weights_in_the_loss_the_gradient_is_finite_differences(beta, few):
    z, y = draw(np.random.default_rng(2), 8, 4, 1.5, few=few)
    z.requires_grad_()
    for detached in (False, True) if beta == 0 else (False,):
        assert torch.autograd.gradcheck(
            lambda z, d=detached: lgl_inr_loss(z, y, beta, detach_weights=d), z
        )


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("beta", [1.0, 4.0, 50.0])
def test_detached_weights_are_constants(beta, few):
    z, y = draw(np.random.default_rng(3), 9, 4, 1.5, few=few)
    held = slow_weights(z.numpy(), y.numpy(), beta)
    h, expected = 1e-5, np.zeros((9, 4))
    for place in np.ndindex(9, 4):
        step = np.zeros((9, 4))
        step[place] = h
        up, down = (slow_lgl_inr(z.numpy() + s, y.numpy(), held) for s in (step, -step))
        expected[place] = (up - down) / (2 * h)
    found = gradient(lambda z: lgl_inr_loss(z, y, beta), z)
    np.testing.assert_allclose(found, expected, atol=1e-9)
    # The control: as a part of the loss they have a gradient of their own.
    with_weights = gradient(lambda z: lgl_inr_loss(z, y, beta, detach_weights=False), z)
    if few:  # classes 0 and 1 are present: only outputs 2 and 3 have two sub-classes to weigh
        torch.testing.assert_close(found[:, :2], with_weights[:, :2])
    assert (found - with_weights).abs().max() > 1e-3


def test_nothing_flows_into_a_loss_that_needs_no_gradient():
    z, y = draw(np.random.default_rng(4), 8, 3, 1.0)
    with torch.no_grad():
        assert not lgl_inr_loss(z.clone().requires_grad_(), y, detach_weights=False).requires_grad
    assert not lgl_inr_loss(z, y).requires_grad
    assert lgl_inr_loss(z.clone().requires_grad_(), y).requires_grad


def test_beta_zero_weighs_all_sub_classes_alike():
    """Errata 8: 1/(K-1), not 1/K - 1; then Eq. (11) is a weighted binary cross-entropy."""
    rng = np.random.default_rng(6)
    for n_classes in (2, 3, 10):
        P = torch.as_tensor(rng.uniform(size=(n_classes, n_classes)))
        off = 1 - torch.eye(n_classes, dtype=torch.float64)
        assert (in_negative_weights(P, 0.0) - off / (n_classes - 1)).abs().max() < 1e-16
        z = torch.as_tensor(3 * rng.normal(size=(4 * n_classes, n_classes)))
        y = torch.cat(
            [torch.arange(n_classes), torch.as_tensor(rng.integers(n_classes, size=3 * n_classes))]
        )
        own = one_hot(y, n_classes).double()
        weight = torch.where(own == 1, 1.0, 1 / (n_classes - 1)) / torch.bincount(y)[y][:, None]
        expected = binary_cross_entropy_with_logits(z, own, weight, reduction="sum")
        torch.testing.assert_close(lgl_inr_loss(z, y, 0.0), expected)


def test_two_classes_have_one_sub_class_each():
    """So β is idle, and Eq. (11) is one-vs-all with weights of inverse frequencies."""
    z, y = draw(np.random.default_rng(7), 30, 2, 3.0)
    assert 0 < int(y.sum()) < 15  # of different sizes
    expected = one_vs_all_logistic_loss(z, y, 1 / torch.bincount(y), reduction="sum")
    for beta in (0.0, 1.0, 1e30):
        torch.testing.assert_close(lgl_inr_loss(z, y, beta), expected)


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("beta", [1e5, 1e30])
def test_a_large_beta_picks_the_hardest_and_ties_share(beta, dtype):
    P = torch.tensor(
        [[0.9, 0.2, 0.5, 0.0], [0.3, 0.8, 0.5, 0.0], [0.1, 0.1, 0.9, 0.0], [0.2, 0.2, 0.4, 1.0]],
        dtype=dtype,
    )
    hardest = [[0, 0.5, 0.5, 1 / 3], [1, 0, 0.5, 1 / 3], [0, 0, 0, 1 / 3], [0, 0.5, 0, 0]]
    torch.testing.assert_close(in_negative_weights(P, beta), torch.tensor(hardest, dtype=dtype))
    z, y = torch.logit(P, eps=1e-3), torch.arange(4)
    for detached in (True, False):
        slope = gradient(lambda z, d=detached: lgl_inr_loss(z, y, beta, detach_weights=d), z)
        assert torch.isfinite(slope).all()
    # One sample a class: each output keeps its own and its hardest other, one against one.
    expected = -torch.log(torch.sigmoid(z).diag()).sum()
    expected -= torch.log(1 - torch.sigmoid(z[[1, 0, 0, 0], [0, 1, 2, 3]])).sum()
    torch.testing.assert_close(lgl_inr_loss(z, y, beta), expected)


@pytest.mark.parametrize(("beta", "largest"), [(1, 0.254), (2, 0.480), (4, 0.872)])
def test_the_largest_weight_of_ten_classes(beta, largest):
    """Errata 8: one p̄ = 1, eight p̄ = 0, so e^β / (e^β + 8)."""
    P = torch.zeros(10, 10, dtype=torch.float64)
    P[1, 0] = 1
    weight = in_negative_weights(P, beta)
    assert weight[1, 0].item() == pytest.approx(np.exp(beta) / (np.exp(beta) + 8), rel=1e-14)
    assert weight[1, 0].item() == pytest.approx(largest, abs=5e-4)
    np.testing.assert_allclose(weight[2:, 0], 1 / (np.exp(beta) + 8))
    assert weight[0, 0] == 0
    np.testing.assert_allclose(weight.sum(dim=0), 1.0)


def test_weights_of_absent_classes_by_hand():
    """β = ln 2: e^{β p̄} is 2 at p̄ = 1 and 1 at p̄ = 0."""
    P = torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=torch.float64)
    present = torch.tensor([[True, True, True], [True, True, False], [False, True, False]])
    expected = [
        [[0, 1 / 2, 1 / 3], [2 / 3, 0, 2 / 3], [1 / 3, 1 / 2, 0]],
        [[0, 1, 1 / 3], [1, 0, 2 / 3], [0, 0, 0]],  # without 2: one of one, and columns of two
        [[0, 0, 0], [1, 0, 1], [0, 0, 0]],  # 1 alone: it has no negative class, the others it
    ]
    found = in_negative_weights(P, LN2, present)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_an_absent_class_keeps_the_negative_term_of_its_own_column():
    """Errata 9, by hand. σ of the logits is 3/4, 1/4, 1/2 for the sample of class 0, and 1/4, 3/4,
    3/4 for that of class 1; class 2 is absent.

    Outputs 0 and 1: one positive at 3/4 and, of weight 1, one negative at 1/4: 2 ln(4/3) each.
    Output 2: no positive; λ ∝ e^{β/2}, e^{3β/4} = 4, 8 at β = 4 ln 2, so ln 2 / 3 + 2 ln 4 / 3.
    """
    t = np.log(3)
    z = torch.tensor([[t, -t, 0], [-t, t, t]], dtype=torch.float64)
    y = torch.tensor([0, 1])
    expected = 4 * np.log(4 / 3) + LN2 / 3 + 2 * np.log(4) / 3
    assert lgl_inr_loss(z, y, 4 * LN2).item() == pytest.approx(expected, rel=1e-14)
    slope = gradient(lambda z: lgl_inr_loss(z, y, 4 * LN2), z)
    by_hand = [[-1 / 4, 1 / 4, 1 / 3 * 1 / 2], [1 / 4, -1 / 4, 2 / 3 * 3 / 4]]
    np.testing.assert_allclose(slope, by_hand, rtol=1e-13)


@pytest.mark.parametrize(
    ("labels", "n_classes", "terms"),
    [
        ([0], 2, 2),  # its positive, and the negative of output 1
        ([1, 1, 1], 4, 4),  # its positive, and the negatives of three others
        ([0, 2], 3, 5),  # two positives and three negatives
        ([0, 0, 1, 2], 3, 6),
        ([3], 1000, 1000),
    ],
)
def test_at_zero_logits_each_term_that_is_there_is_ln_2(labels, n_classes, terms):
    z, y = torch.zeros(len(labels), n_classes, dtype=torch.float64), torch.tensor(labels)
    for beta in (0.0, 1.0, 50.0):
        assert lgl_inr_loss(z, y, beta).item() == pytest.approx(terms * LN2, rel=1e-13)


def test_numbers_of_samples_of_a_class_do_not_count():
    z, y = draw(np.random.default_rng(8), 12, 3, 2.0)
    again = torch.cat([torch.arange(12), torch.nonzero(y == 1)[:, 0].repeat(4)])
    torch.testing.assert_close(lgl_inr_loss(z[again], y[again], 4.0), lgl_inr_loss(z, y, 4.0))


@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_gradient_norms_at_initialisation(n_classes):
    """Of N samples of balanced classes at zero logits, in the logits.

    Softmax, mean: a row is (1/K - 1, 1/K, ...)/N of square norm (K-1)/K /N². One-vs-all, mean: K
    entries ±1/2 over N, so K/4 /N². LGL-INR: K/N (-1/2, 1/2 /(K-1), ...), of square norm
    K²/4 · K/(K-1) /N². Ratios of the roots are K / (2 √(K-1)) and K² / (2 (K-1)).
    """
    y = torch.arange(n_classes).repeat(5)
    z = torch.zeros(len(y), n_classes, dtype=torch.float64)

    def norm(loss):
        return gradient(lambda z: loss(z, y), z).norm().item()

    softmax, one_vs_all, inr = (
        norm(f) for f in (cross_entropy, one_vs_all_logistic_loss, lgl_inr_loss)
    )
    assert one_vs_all / softmax == pytest.approx(n_classes / (2 * np.sqrt(n_classes - 1)))
    assert inr / softmax == pytest.approx(n_classes**2 / (2 * (n_classes - 1)))
    if n_classes == 10:  # as the documentation says
        assert round(one_vs_all / softmax, 1) == 1.7
        assert round(inr / softmax, 1) == 5.6
    mean = norm(LGLINRLoss(n_classes, reduction="mean"))
    assert mean == pytest.approx(inr / n_classes)


BAD_BETA = [-1.0, np.nan, np.inf, 1e31, "1", None, True]


@pytest.mark.parametrize("beta", BAD_BETA)
def test_a_bad_beta_is_named(beta):
    message = r"beta must satisfy 0 <= beta <= 1e\+30, got"
    with pytest.raises(ValueError, match=message):
        lgl_inr_loss(torch.zeros(2, 2), torch.tensor([0, 1]), beta)
    with pytest.raises(ValueError, match=message):
        in_negative_weights(torch.zeros(2, 2), beta)
    with pytest.raises(ValueError, match=message):
        LGLINRLoss(2, beta)


def test_bad_arguments_of_the_module_are_named():
    for bad in (1, 0, 2.5, True, "3", None):
        with pytest.raises(ValueError, match=r"n_classes must be (at least 2|a .*number), got"):
            LGLINRLoss(bad)
    assert repr(LGLINRLoss(np.int64(3)).n_classes) == repr(LGLINRLoss(3.0).n_classes) == "3"
    with pytest.raises(ValueError, match="reduction must be one of mean, sum, none, got 'each'"):
        LGLINRLoss(2, reduction="each")
    loss, y = LGLINRLoss(4), torch.tensor([0, 1])
    for shape in ((2, 3), (2, 5), (4, 2), ()):
        with pytest.raises(ValueError, match=r"logits must be \(n_samples, 4, d1, \.\.\.\), got"):
            loss(torch.zeros(shape), y)
