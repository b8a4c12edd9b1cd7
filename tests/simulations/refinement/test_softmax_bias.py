"""Refinement of softmax biases: exact where Eq. (8) says so, scipy's minimum, many as one."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from learnprop.simulations.records import by_class
from learnprop.simulations.refinement import softmax_bias
from learnprop.simulations.refinement.softmax_bias import refine_bias, sides_of_sample
from tests.allocated import Largest

N, D, K = 300, 6, 4


def relative(left, right):
    return float(((left - right).abs() / torch.maximum(left, right)).max())


def sides(z, y, share):
    """Of one network."""
    return tuple(values[0] for values in sides_of_sample(z[None], y, share[None]))


def refined(z, y, share, bias, **how):
    """The bias of one network, and the number of passes."""
    (b,), (n_iter,) = refine_bias(z[None], y, share[None], bias[None], **how)
    return b, int(n_iter)


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0, 60.0])
def test_the_two_sides_become_equal_to_the_last_digits(problem, scale):
    """Logits of size 60 leave sides of 1e-9 of the mass and less: still equal, relatively."""
    features, y, share, V, bias = problem
    z = scale * features @ V.mT
    before = relative(*sides(z, y, share)[:2])
    b, n_iter = refined(z, y, share, bias)
    left, right, _ = sides(z + b, y, share)
    assert before > 0.05  # the control: there was something to do
    assert relative(left, right) <= 1e-11
    assert n_iter < 60
    assert abs(float(b.mean())) < 1e-12  # as softmax training keeps it


def test_nearly_interpolated_sides_are_equal_relatively():
    """One wrong sample by 40 logits in each of two classes, the others right by 30 to 50."""
    y = torch.tensor([0] * 50 + [1] * 50)
    z = torch.zeros(100, 2, dtype=torch.float64)
    z[:, 1] = torch.where(y == 1, 1.0, -1.0) * torch.linspace(30, 50, 100, dtype=torch.float64)
    share = torch.tensor([0.004, 0.016], dtype=torch.float64)
    b, _ = refined(z, y, share, torch.tensor([3.0, -3.0], dtype=torch.float64))
    left, right, _ = sides(z + b, y, share)
    assert float(right.max()) < 1e-9
    assert relative(left, right) <= 1e-9


def spread_out():
    """Logits a thousand apart, most of them right: probabilities are zeros and ones."""
    rng = np.random.default_rng(3)
    y = np.concatenate([np.arange(K), rng.integers(0, K, size=N)])
    z = 1000 * (rng.normal(size=(len(y), K)) + np.eye(K)[y])
    share = rng.uniform(0.1, 1.0, size=K)
    return z, y, share / share[y].sum()


@pytest.mark.parametrize("penalty", [0.0, 1e-6])
def test_logits_that_are_far_apart(penalty, monkeypatch):
    """Both sides, by scipy's softmax, where r_j = α b_j (E8); as they are, Newton gets nowhere."""
    z, y, share = spread_out()

    def differs():
        tensors = (torch.as_tensor(a) for a in (z, y, share))
        b, _ = refined(*tensors, torch.zeros(K, dtype=torch.float64), penalty=penalty)
        proba = softmax(z + b.numpy(), axis=1)
        others = np.where(np.eye(K, dtype=bool)[y], 0.0, proba)
        left = np.bincount(y, share[y] * others.sum(axis=1), minlength=K)
        right = share[y] @ others
        return (np.abs(left - right - penalty * b.numpy()) / np.maximum(left, right)).max()

    assert differs() < 1e-9
    monkeypatch.setattr(softmax_bias, "LARGEST_SPREAD", np.inf)
    assert differs() > 1e-6  # the control


def test_a_penalised_bias_leaves_the_residual_that_e8_predicts(problem):
    """r_j = α b_j: E8, over the total mass."""
    features, y, share, V, bias = problem
    z = features @ V.mT
    b, _ = refined(z, y, share, bias, penalty=0.03)
    left, right, _ = sides(z + b, y, share)
    assert torch.allclose(left - right, 0.03 * b, rtol=1e-9, atol=1e-15)
    assert float((left - right).abs().max()) > 1e-3


def test_sides_are_those_of_autograd(problem):
    """right - left is the gradient in the bias (E1); minus the flow is its Hessian elsewhere."""
    features, y, share, V, bias = problem
    z = features @ V.mT

    def loss(b):
        nll = torch.nn.functional.cross_entropy(z + b, y, reduction="none")
        return (share[y] * nll).sum()

    left, right, flow = sides(z + bias, y, share)
    gradient = torch.autograd.functional.jacobian(loss, bias)
    hessian = torch.autograd.functional.hessian(loss, bias)
    assert torch.allclose(right - left, gradient, atol=1e-14)
    off = ~torch.eye(K, dtype=torch.bool)
    assert torch.allclose(-flow[off], hessian[off], atol=1e-14)


SIZES = (60, 40, 15, 5)


def stack(*, shared):
    """Five networks, two of them with logits that are far apart: logits, labels, λ, starts."""
    rng = np.random.default_rng(4)
    y = np.repeat(np.arange(K), SIZES)
    y = rng.permuted(np.tile(y, (5, 1)), axis=1)
    y = y[0] if shared else y
    z = 2 * rng.normal(size=(5, sum(SIZES), K)) + 2 * np.eye(K)[y]
    z[[1, 3]] *= [[[25.0]], [[400.0]]]
    share = rng.uniform(0.1, 1.0, size=(5, K))
    share /= share @ np.array(SIZES)[:, None]
    return tuple(torch.as_tensor(a) for a in (z, y, share, rng.normal(size=(5, K))))


def alone(z, y, share, start, **how):
    """Each network refined alone."""
    labels = y.expand(len(z), -1)
    each = [refined(*of, **how) for of in zip(z, labels, share, start, strict=True)]
    return torch.stack([b for b, _ in each]), [n for _, n in each]


@pytest.mark.parametrize("penalty", [0.0, 0.01])
@pytest.mark.parametrize("shared", [True, False])
def test_many_are_refined_as_each_alone(shared, penalty):
    z, y, share, start = stack(shared=shared)
    b, n_iter = refine_bias(z, y, share, start, penalty=penalty)
    expected, passes = alone(z, y, share, start, penalty=penalty)
    torch.testing.assert_close(b, expected, rtol=0, atol=1e-11)
    assert n_iter.tolist() == passes
    assert n_iter[[1, 3]].min() > n_iter[[0, 2, 4]].max()  # each has temperatures of its own


@pytest.mark.parametrize("penalty", [0.0, 0.01])
def test_scipy_minimises_the_same_losses(penalty):
    z, y, share, start = stack(shared=False)
    b, _ = refine_bias(z, y, share, start, penalty=penalty)
    for i in (0, 2, 4):
        of_sample, logits, labels = share[i][y[i]].numpy(), z[i].numpy(), y[i].numpy()

        def loss(bias, of_sample=of_sample, logits=logits, labels=labels):
            log_p = log_softmax(logits + bias, axis=1)
            pull = of_sample @ (np.exp(log_p) - np.eye(K)[labels]) + penalty * bias
            value = -of_sample @ log_p[np.arange(len(labels)), labels]
            return value + penalty / 2 * bias @ bias, pull

        found = minimize(loss, start[i].numpy(), jac=True, method="BFGS", options={"gtol": 1e-10})
        np.testing.assert_allclose(b[i].numpy(), found.x, atol=1e-7)
        assert np.abs(b[i].numpy() - start[i].numpy()).max() > 0.1


def test_pieces_and_groups_of_any_size_give_the_same(monkeypatch):
    z, y, share, start = stack(shared=False)
    b, _ = refine_bias(z, y, share, start)
    found = sides_of_sample(z, y, share)
    monkeypatch.setattr(by_class, "CACHED", 7 * K)
    monkeypatch.setattr(by_class, "COPIED", 2 * z[0].numel())
    torch.testing.assert_close(refine_bias(z, y, share, start)[0], b, rtol=0, atol=1e-11)
    for some, whole in zip(sides_of_sample(z, y, share), found, strict=True):
        torch.testing.assert_close(some, whole, rtol=1e-13, atol=0)


def test_memory_is_that_of_one_copy_and_small_temporaries(monkeypatch):
    z, y, share, start = stack(shared=True)
    monkeypatch.setattr(by_class, "CACHED", 8 * K)
    monkeypatch.setattr(by_class, "COPIED", 2 * z[0].numel())
    with Largest(z, y, share, start) as largest:
        refine_bias(z, y, share, start)
    assert largest.bytes == 8 * 2 * z[0].numel()
    with Largest(z, y, share, start) as largest:
        sides_of_sample(z, y, share)
    assert largest.bytes == 8 * max(len(y), 5 * K * K)


def test_networks_that_have_settled_take_no_part_in_passes(monkeypatch):
    z, y, share, start = stack(shared=True)
    tried = []

    def counted(trials, *rest, plain=softmax_bias._sides_at):
        tried.append(len(trials))
        return plain(trials, *rest)

    monkeypatch.setattr(softmax_bias, "_sides_at", counted)
    _, n_iter = refine_bias(z, y, share, start)
    assert sum(tried) == n_iter.sum()
    assert tried[0] == 5
    assert tried[-1] < 5


def test_a_network_that_is_not_finite_does_not_touch_the_others():
    z, y, share, start = stack(shared=True)
    expected, _ = refine_bias(z, y, share, start)
    z[2, 7, 1] = torch.nan
    b, _ = refine_bias(z, y, share, start)
    others = [0, 1, 3, 4]
    torch.testing.assert_close(b[others], expected[others], rtol=0, atol=0)


def test_class_sizes_are_those_of_all_networks():
    z, y, share, start = stack(shared=False)
    y[3, 0] = (y[3, 0] + 1) % K
    with pytest.raises(ValueError, match="must have the same class sizes for every network"):
        refine_bias(z, y, share, start)
    with pytest.raises(ValueError, match="holds no sample of class 2"):
        sides_of_sample(z, torch.where(y == 2, 1, y), share)


def test_a_sample_that_weighs_three_is_three_samples():
    rng = np.random.default_rng(7)
    z = torch.from_numpy(rng.normal(size=(2, 60, 3)) * 2)
    y = torch.from_numpy(np.arange(60) % 3)
    share = torch.tensor([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2]], dtype=torch.float64) / 20
    times = torch.from_numpy(rng.integers(0, 4, 60))
    repeated = torch.repeat_interleave(torch.arange(60), times)
    once = {"sample_weight": times.double()}
    found, _ = refine_bias(z, y, share, torch.zeros_like(share), **once)
    expected, _ = refine_bias(z[:, repeated], y[repeated], share, torch.zeros_like(share))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    sides = sides_of_sample(z, y, share, times.double())
    for one, other in zip(sides, sides_of_sample(z[:, repeated], y[repeated], share), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)
    other, _ = refine_bias(z, y, share, torch.zeros_like(share))
    assert abs(other - found).max() > 1e-3


@pytest.mark.parametrize("weighted", [False, True])
def test_many_classes_are_pooled_to_the_same_sums(weighted, monkeypatch):
    rng = np.random.default_rng(11)
    n_classes, shape = 70, (2, 280, 70)
    y = torch.from_numpy(np.stack([rng.permutation(280) % n_classes for _ in range(2)]))
    z = torch.from_numpy(3 * rng.normal(size=shape))
    share = torch.from_numpy(rng.uniform(0.1, 1.0, size=(2, n_classes)))
    share /= share.sum(dim=1, keepdim=True)
    weight = torch.from_numpy(rng.integers(1, 4, 280).astype(float)) if weighted else None
    monkeypatch.setattr(by_class, "CACHED", 9 * n_classes)  # nine samples at once, of two classes
    pooled = sides_of_sample(z, y, share, weight)
    b, _ = refine_bias(z, y, share, torch.zeros_like(share), sample_weight=weight)
    left, right, _ = sides_of_sample(z + b[:, None], y, share, weight)
    assert relative(left, right) <= 1e-11
    monkeypatch.setattr(softmax_bias, "MANY", n_classes)
    for one, other in zip(pooled, sides_of_sample(z, y, share, weight), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=0)
    expected, _ = refine_bias(z, y, share, torch.zeros_like(share), sample_weight=weight)
    torch.testing.assert_close(b, expected, rtol=0, atol=1e-11)


def test_many_classes_in_parts_between_which_nothing_flows():
    """Two halves that are 800 logits apart: a Laplacian with no Cholesky root to go by."""
    rng = np.random.default_rng(12)
    n_classes = 80
    y = torch.arange(4 * n_classes) % n_classes
    z = torch.from_numpy(rng.normal(size=(len(y), n_classes)))
    apart = (y[:, None] < n_classes // 2) != (torch.arange(n_classes) < n_classes // 2)
    z[apart] -= 800.0
    share = torch.full((n_classes,), 1 / len(y), dtype=torch.float64)
    b, _ = refined(z, y, share, torch.zeros(n_classes, dtype=torch.float64))
    left, right, flow = sides(z + b, y, share)
    assert float(flow[: n_classes // 2, n_classes // 2 :].max()) == 0
    assert relative(left, right) <= 1e-11
