"""Refinement of the bias of sigmoids against statsmodels, scipy's brentq, and both sides."""

from itertools import pairwise

import numpy as np
import pytest
import statsmodels.api as sm
import torch
from scipy.optimize import brentq
from scipy.special import expit

from learnprop.equations.balance import left_side, right_side
from learnprop.equations.losses.hardness import hardness_log_weights, in_negative_sides
from learnprop.equations.losses.one_vs_all import equal_log_weights
from learnprop.simulations.records import by_class
from learnprop.simulations.records.measure import measure
from learnprop.simulations.refinement.sigmoid_bias import refine_sigmoid_bias
from tests.allocated import Largest

SIZES = (150, 90, 40, 20)
K, LABELS = len(SIZES), np.repeat(np.arange(len(SIZES)), SIZES)
BETAS = (0.0, 1.0, 4.0, 50.0)


def noisy():
    """Classes that overlap."""
    return np.random.default_rng(0).normal(size=(len(LABELS), K)) * 1.5 + 1.5 * np.eye(K)[LABELS]


def far():
    """Logits of ±200, a tenth of them on the wrong side."""
    rng = np.random.default_rng(1)
    sign = np.where(rng.uniform(size=(len(LABELS), K)) < 0.1, -1, 1) * (2 * np.eye(K)[LABELS] - 1)
    return 200 * sign + rng.normal(size=sign.shape)


def separated():
    """All right, by 20 to 60, and not about zero."""
    rng = np.random.default_rng(2)
    return (2 * np.eye(K)[LABELS] - 1) * rng.uniform(20, 60, size=(len(LABELS), K)) + [
        5.0,
        -30.0,
        0.0,
        90.0,
    ]


def wrong():
    """All wrong, by 20 to 60."""
    return -separated()


def constant():
    return np.zeros((len(LABELS), K))


LOGITS = pytest.mark.parametrize("logits", [noisy, far, separated, wrong, constant])


def refined(z, weights, log_ratio, start=None):
    start = torch.zeros(K, dtype=torch.float64) if start is None else torch.as_tensor(start)
    (bias,), (n_iter,) = refine_sigmoid_bias(
        torch.as_tensor(z)[None], torch.as_tensor(LABELS), log_ratio, weights, start[None]
    )
    assert bias.dtype == torch.float64
    assert 0 < n_iter < 200
    return bias.numpy()


def one_vs_all(z, mass, start=None):
    return refined(z, equal_log_weights(np.log(mass)), np.log(mass), start)


def in_negative(z, beta, start=None):
    return refined(z, hardness_log_weights(beta), np.zeros(K), start)


def relative(left, right):
    return np.abs(left - right) / np.maximum(left, right)


@pytest.mark.parametrize("weight", [(1.0, 1.0, 1.0, 1.0), (0.5, 1.0, 2.0, 8.0)])
@pytest.mark.parametrize("logits", [noisy, constant])
def test_one_vs_all_is_a_logistic_fit_of_the_intercept_alone(logits, weight):
    """statsmodels: a GLM with the logits as its offset, for each class against all others."""
    z, weight = logits(), np.array(weight)
    found = one_vs_all(z, weight * SIZES)
    for k in range(K):
        fit = sm.GLM(
            (k == LABELS).astype(float), np.ones(len(LABELS)), family=sm.families.Binomial(),
            offset=z[:, k], freq_weights=weight[LABELS],
        ).fit(tol=1e-14)  # fmt: skip
        assert found[k] == pytest.approx(fit.params[0], abs=1e-8)
    assert np.abs(found).max() > 0.5


@LOGITS
@pytest.mark.parametrize("weight", [(1.0, 1.0, 1.0, 1.0), (0.5, 1.0, 2.0, 8.0)])
def test_both_sides_of_eq_8_are_equal_relatively(logits, weight):
    z, mass = logits(), np.array(weight) * SIZES
    found = one_vs_all(z, mass)
    of_sample = measure(LABELS, z + found, "sigmoid")
    P, miss = of_sample.mean_proba, of_sample.miss_proba
    left, right = left_side(P, mass, miss), right_side(P, mass)
    assert left.min() > 0
    assert relative(left, right).max() <= 1e-12
    if logits in (noisy, separated, constant):  # elsewhere as many can be wrong at any bias
        of_sample = measure(LABELS, z + found + 0.01, "sigmoid")  # the control
        P, miss = of_sample.mean_proba, of_sample.miss_proba
        assert relative(left_side(P, mass, miss), right_side(P, mass)).min() > 1e-4


@LOGITS
@pytest.mark.parametrize("beta", BETAS)
def test_both_sides_of_e10_are_equal_relatively(logits, beta):
    z = logits()
    of_sample = measure(LABELS, z + in_negative(z, beta), "sigmoid")
    P, miss = of_sample.mean_proba, of_sample.miss_proba
    left, right = in_negative_sides(P, miss, beta)
    assert left.min() > 0
    assert relative(left, right).max() <= 1e-12


def test_the_sides_of_separated_classes_are_small():
    """So that equality of 1e-12 of the mass would say nothing of them."""
    z = separated()
    of_sample = measure(LABELS, z + in_negative(z, 1.0), "sigmoid")
    P, miss = of_sample.mean_proba, of_sample.miss_proba
    assert max(in_negative_sides(P, miss, 1.0)[1]) < 1e-8


def equation(z, k, beta):
    """E10 of class k as a function of its bias, by expit and exp."""

    def difference(b):
        p = expit(z[:, k] + b)
        mean = np.array([p[j == LABELS].mean() for j in range(K) if j != k])
        weight = np.exp(beta * mean) / np.exp(beta * mean).sum()
        return expit(-(z[k == LABELS, k] + b)).mean() - weight @ mean

    return difference


@pytest.mark.parametrize("beta", BETAS)
@pytest.mark.parametrize("logits", [noisy, constant])
def test_e10_is_solved_where_brentq_solves_it(logits, beta):
    z = logits()
    expected = [brentq(equation(z, k, beta), -50, 50, xtol=1e-13) for k in range(K)]
    np.testing.assert_allclose(in_negative(z, beta), expected, atol=1e-10)
    if logits is constant:  # p = 1 - p, whatever the sizes are
        np.testing.assert_allclose(expected, 0.0, atol=1e-10)


def test_betas_have_roots_of_their_own():
    roots = [in_negative(noisy(), beta) for beta in BETAS]
    assert all(np.abs(a - b).min() > 1e-4 for a, b in pairwise(roots))


@pytest.mark.parametrize("start", [-1e6, -0.5, 0.5, 30.0, 1e6])
def test_the_start_does_not_matter(start):
    z = noisy()
    near = one_vs_all(z, np.array(SIZES))
    found = one_vs_all(z, np.array(SIZES), np.full(K, start))
    np.testing.assert_allclose(found, near, atol=1e-12)
    found = in_negative(z, 4.0, np.full(K, start))
    np.testing.assert_allclose(found, in_negative(z, 4.0), atol=1e-12)


@pytest.mark.parametrize("start", [-0.5, 0.0, 0.5])
def test_a_root_at_an_end_of_the_first_bracket(start):
    """Zero is the root of zero logits; 0.5 on either side of the start is looked at first."""
    z, y = torch.zeros(1, 4, 2, dtype=torch.float64), torch.tensor([0, 0, 1, 1])
    bias, _ = refine_sigmoid_bias(z, y, np.zeros(2), hardness_log_weights(1.0), z[:, 0] + start)
    assert bias.abs().max() < 1e-15


def test_by_hand():
    """Zero logits: p = N_k / N under one-vs-all, 1/2 under LGL-INR."""
    z = constant()
    np.testing.assert_allclose(expit(one_vs_all(z, np.array(SIZES))), np.array(SIZES) / sum(SIZES))
    np.testing.assert_allclose(in_negative(z, 1.0, np.full(K, 3.0)), 0.0, atol=1e-12)


def stack(*, shared):
    """Four networks, one of them with logits of ±200: logits and labels."""
    rng = np.random.default_rng(5)
    y = LABELS if shared else rng.permuted(np.tile(LABELS, (4, 1)), axis=1)
    z = 1.5 * rng.normal(size=(4, len(LABELS), K)) + 1.5 * np.eye(K)[y]
    z[2] = far() if shared else far()[np.argsort(np.argsort(y[2], kind="stable"))]
    return torch.as_tensor(z), torch.as_tensor(y)


@pytest.mark.parametrize("weights", ["one-vs-all", "LGL-INR"])
@pytest.mark.parametrize("shared", [True, False])
def test_many_are_refined_as_each_alone(shared, weights, monkeypatch):
    z, y = stack(shared=shared)
    mass, none = np.log(SIZES), torch.zeros(4, K, dtype=torch.float64)
    how = (mass, equal_log_weights(mass))
    if weights == "LGL-INR":
        how = (np.zeros(K), hardness_log_weights(2.0))
    bias, n_iter = refine_sigmoid_bias(z, y, *how, none)
    labels = y.expand(4, -1)
    each = [refine_sigmoid_bias(z[i : i + 1], labels[i], *how, none[:1]) for i in range(4)]
    alone = torch.cat([b for b, _ in each])
    torch.testing.assert_close(bias, alone, rtol=1e-13, atol=1e-13)
    assert n_iter.tolist() == [n.item() for _, n in each]
    assert (bias[2] - bias[:2]).abs().min() > 1  # the control: networks differ
    monkeypatch.setattr(by_class, "CACHED", 7)
    monkeypatch.setattr(by_class, "COPIED", 3 * z[0].numel())
    in_parts, _ = refine_sigmoid_bias(z, y, *how, none)
    torch.testing.assert_close(in_parts, bias, rtol=1e-13, atol=1e-13)


def test_memory_is_that_of_one_copy_and_small_temporaries(monkeypatch):
    z, y = stack(shared=True)
    none = torch.zeros(4, K, dtype=torch.float64)
    monkeypatch.setattr(by_class, "CACHED", 100)
    monkeypatch.setattr(by_class, "COPIED", z[0].numel())
    with Largest(z, y) as largest:
        refine_sigmoid_bias(z, y, np.zeros(K), hardness_log_weights(1.0), none)
    assert largest.bytes == 8 * z[0].numel()


def test_class_sizes_are_those_of_all_networks():
    z, y = stack(shared=False)
    y[1, 0] = (y[1, 0] + 1) % K
    with pytest.raises(ValueError, match="must have the same class sizes for every network"):
        refine_sigmoid_bias(z, y, np.zeros(K), hardness_log_weights(1.0), z[:, 0])


def test_a_class_without_a_root_is_named():
    """Weights 1/p̄ make the right side K - 1, which no 1 - p̄ is."""
    z, y = stack(shared=True)
    hardness = hardness_log_weights(1.0)

    def weights(log_p, k):
        return torch.where(k == 2, -log_p, hardness(log_p, k))

    with pytest.raises(RuntimeError, match="no root of the bias of class 2 of network 0"):
        refine_sigmoid_bias(z[:1], y, np.zeros(K), weights, z[:1, 0])
