import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from learnprop.equations.labels import class_count
from learnprop.equations.mean_proba import (
    mean_proba,
    mean_proba_and_second_moments,
    proba_from_logits,
)
from learnprop.equations.stationary import (
    effective_class_weight,
    effective_class_weight_of_model,
    effective_class_weight_over_runs,
    stationary_distribution,
)


@pytest.fixture
def softmax_problem():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 4, 300)
    return y, rng.normal(size=(300, 4)), np.array([0.3, 2.0, 1.0, 0.7])


def test_stationary_distribution_against_an_eigenvector(softmax_problem):
    y, logits, _ = softmax_problem
    P = mean_proba(y, proba_from_logits(logits))
    values, vectors = np.linalg.eig(P.T)
    expected = np.real(vectors[:, np.argmax(values.real)])
    np.testing.assert_allclose(stationary_distribution(P), expected / expected.sum(), rtol=1e-12)


def test_stationary_distribution_keeps_its_digits_next_to_the_identity():
    # w_i P_ij = eps s_ij with s symmetric is detailed balance, so the answer is w exactly.
    w = np.array([0.1, 0.2, 0.3, 0.4])
    s = np.array([[0, 1, 5, 2], [1, 0, 3, 7], [5, 3, 0, 1], [2, 7, 1, 0]], dtype=float)
    P = 1e-14 * s / w[:, None]
    np.fill_diagonal(P, 1 - P.sum(axis=1))
    np.testing.assert_allclose(stationary_distribution(P), w, rtol=1e-14)
    values, vectors = np.linalg.eig(P.T)  # the control: the obvious way loses ten digits
    naive = np.real(vectors[:, np.argmax(values.real)])
    assert np.abs(naive / naive.sum() - w).max() > 1e-8


@pytest.mark.parametrize("unit", [1e-14, 1e-150, 1e-200, 1e-305])
def test_stationary_distribution_does_not_depend_on_how_rare_misses_are(unit):
    # w_i P_ij = s_ij with s symmetric, as above; products of two entries underflow below 1e-162.
    w = np.array([0.2, 0.3, 0.5])
    P = unit * np.array([[0, 1, 5], [1, 0, 3], [5, 3, 0]], dtype=float) / w[:, None]
    P += np.eye(3)
    np.testing.assert_allclose(stationary_distribution(P), w, rtol=1e-14)


def test_too_rare_for_float64_is_not_called_reducible():
    e = 1e-200  # every class is reached from every other, the last has a share of e²
    for P in ([[1.0, e, 0], [1.0, 0, e], [0.5, 0.5, 0]], [[1.0, e, 0], [1, 0, e], [0, 1, 0]]):
        for order in ([0, 1, 2], [2, 1, 0]):
            chain = np.array(P)[np.ix_(order, order)]
            with (
                np.errstate(all="raise"),
                pytest.raises(ValueError, match="span more than float64"),
            ):
                stationary_distribution(chain)
    with pytest.raises(ValueError, match="it is reducible"):
        stationary_distribution([[1.0, 0.0, 0], [1.0, 0, 0], [0.5, 0.5, 0]])


def test_effective_weight_recovers_lambda():
    rng = np.random.default_rng(5)
    y = np.repeat([0, 1, 2], [50, 200, 400])
    X = rng.normal(size=(650, 2)) + np.array([[0, 1], [1, 0], [-1, -1]])[y]
    weight = np.array([5.0, 1.0, 2.0])
    model = LogisticRegression(
        C=np.inf, class_weight=dict(enumerate(weight)), solver="newton-cholesky", tol=1e-10
    ).fit(X, y)
    P = mean_proba(y, model.predict_proba(X))
    found = effective_class_weight(P, class_count(y, 3))
    np.testing.assert_allclose(found, weight / weight.sum(), rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stationary_distribution(np.eye(2)), "no unique positive stationary distribution"),
        (lambda: stationary_distribution([[0.9, 0.2], [0.1, 0.9]]), "rows that sum to one"),
        (lambda: effective_class_weight(np.full((2, 2), 0.5), [1, 0]), "class_count"),
        (lambda: effective_class_weight_over_runs(np.full((2, 2, 2), 0.5), [1, 1]), "3 runs"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_intervals_of_a_model_cover_its_effective_weights():
    """2,000 test samples of one fixed posterior: each interval covers at 95 % within 4 MCSE."""
    rng = np.random.default_rng(5)
    mean, mass, n = np.array([[0.0, 0.0], [1.5, 0.0], [0.5, 1.5]]), np.array([5.0, 2.0, 1.0]), 300
    truth = mass / mass.sum()
    covered = np.zeros(3)
    y = np.repeat(np.arange(3), n)
    for _ in range(2000):
        z = (rng.normal(size=(3 * n, 2)) + mean[y]) @ mean.T - 0.5 * (mean**2).sum(1) + np.log(mass)
        proba = np.exp(z - z.max(axis=1, keepdims=True))
        moments = mean_proba_and_second_moments(y, proba / proba.sum(axis=1, keepdims=True))
        found = effective_class_weight_of_model(*moments, [n] * 3, [1, 1, 1])
        covered += [e.low <= t <= e.high for e, t in zip(found, truth, strict=True)]
    assert np.abs(covered / 2000 - 0.95).max() <= 4 * np.sqrt(0.95 * 0.05 / 2000)


def test_jackknife_over_runs_is_the_spread_of_two_classes():
    # K = 2: λ_0/λ_1 = (p10 / p01) N_1/N_0; with p10 fixed, log of the mean p01 has the standard
    # error sd / (mean sqrt n) to first order, and λ_0 = 1 / (1 + odds) scales it by λ_1.
    rng = np.random.default_rng(2)
    p = rng.normal(0.1, 0.005, 200)
    P = np.stack([1 - p, p, np.full(200, 0.1), np.full(200, 0.9)], axis=1).reshape(-1, 2, 2)
    first = effective_class_weight_over_runs(P, [1, 1], level=0.95)[0]
    standard_error = p.std(ddof=1) / p.mean() / np.sqrt(200) * (1 - first.value)
    assert np.log(first.high / first.value) == pytest.approx(1.972 * standard_error, rel=1e-2)
