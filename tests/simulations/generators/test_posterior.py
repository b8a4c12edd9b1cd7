import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import softmax

from learnprop.equations.balance import residual
from learnprop.equations.stationary import stationary_distribution
from learnprop.simulations.generators.gaussian import (
    class_covariances,
    class_means,
    gaussian_classes,
)
from learnprop.simulations.generators.paper import sim1, sim2
from learnprop.simulations.generators.posterior import posterior_balance
from learnprop.simulations.generators.skew_normal import skew_normal_classes

MASS = np.array([1.0, 2.0, 5.0])


def gaussian(n_features, kind="per-class"):
    means = class_means("random", 3, n_features, 1.5, seed=1)
    if n_features == 1:
        means = np.array([[0.0], [1.0], [3.0]])  # random points on a line lie too far apart
    return gaussian_classes(means, class_covariances(kind, 3, n_features, seed=1))


EXACT = {
    "gaussian-1": gaussian(1),
    "gaussian-2": gaussian(2),
    "ring": gaussian_classes(class_means("ring", 3, 2, 2.0)),
    "skew-1": skew_normal_classes([[0.0], [1.0], [2.0]], [10.0, 0.0, -4.0]),
    "skew-2": skew_normal_classes(
        class_means("ring", 3, 2, 1.5), [[8.0, 0.0], [-8.0, 2.0], [1.0, 0.0]]
    ),
}


@pytest.mark.parametrize("generator", EXACT.values(), ids=EXACT)
def test_by_quadrature_eq_9_and_detailed_balance_hold(generator):
    balance = posterior_balance(generator, MASS)
    assert (balance.method, balance.n_samples) == ("quadrature", 0)
    assert not balance.mcse.any()
    P = balance.mean_proba
    np.testing.assert_allclose(P.sum(axis=1), 1, atol=1e-12)
    np.testing.assert_allclose(residual(P, MASS), 0, atol=1e-10)
    flow = MASS[:, None] * P
    np.testing.assert_allclose(flow, flow.T, rtol=0, atol=1e-10)
    np.testing.assert_allclose(stationary_distribution(P), MASS / MASS.sum(), atol=1e-9)
    # the control: the masses of another weighting do not balance
    assert np.abs(residual(P, MASS[::-1])).max() > 0.1


def test_quadrature_against_adaptive_integration():
    laws = [stats.norm(0, 1), stats.norm(1.5, 0.5)]
    generator = gaussian_classes([[0.0], [1.5]], [[[1.0]], [[0.25]]])
    balance = posterior_balance(generator, [3.0, 1.0])

    def posterior(x):
        masses = 3 * laws[0].pdf(x), laws[1].pdf(x)
        return masses[1] / sum(masses)

    for i, law in enumerate(laws):
        for power, found in ((1, balance.mean_proba[i, 1]), (2, balance.second_moment[i, 1, 1])):
            expected, _ = integrate.quad(
                lambda x, p=power, law=law: posterior(x) ** p * law.pdf(x),
                -9,
                9,
                epsabs=1e-13,
                limit=200,
            )
            assert found == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize(
    "generator",
    [gaussian(5), skew_normal_classes(class_means("simplex", 3, 5, 2.0), [5.0, -20.0, 0.0])],
    ids=lambda g: g.name,
)
def test_by_monte_carlo_they_hold_within_the_error(generator):
    balance = posterior_balance(generator, MASS, rng=np.random.default_rng(0), n_samples=50_000)
    assert (balance.method, balance.n_samples) == ("monte carlo", 50_000)
    P, variance = balance.mean_proba, (MASS[:, None] * balance.mcse) ** 2
    # Rows are independent: variances of the residual and of the flow's asymmetry add up.
    assert (np.abs(residual(P, MASS)) <= 4 * np.sqrt(variance.sum(axis=0))).all()
    flow = MASS[:, None] * P
    off = ~np.eye(3, dtype=bool)
    assert (np.abs(flow - flow.T) <= 4 * np.sqrt(variance + variance.T))[off].all()
    # the control
    other = MASS[::-1]
    error = np.sqrt(((other[:, None] * balance.mcse) ** 2).sum(axis=0))
    assert (np.abs(residual(P, other)) > 20 * error).any()


def test_monte_carlo_agrees_with_quadrature_within_its_mcse():
    # The plane's classes, with two features that tell nothing.
    flat = gaussian(2, "shared")
    means = np.hstack([class_means("random", 3, 2, 1.5, seed=1), np.zeros((3, 2))])
    exact = posterior_balance(flat, MASS)
    rng = np.random.default_rng(7)
    found = posterior_balance(gaussian_classes(means), MASS, rng=rng, n_samples=40_000)
    assert (np.abs(found.mean_proba - exact.mean_proba) <= 4 * found.mcse).all()


def test_mcse_is_the_sample_sd_over_root_n():
    generator = gaussian(4)
    found = posterior_balance(generator, MASS, rng=np.random.default_rng(3), n_samples=500)
    rng = np.random.default_rng(3)
    for k in range(3):
        logits = generator.log_density(generator.sample_class(k, 500, rng)) + np.log(MASS)
        proba = softmax(logits, axis=1)
        np.testing.assert_allclose(found.mean_proba[k], proba.mean(axis=0), rtol=1e-12)
        expected = proba.std(axis=0, ddof=1) / np.sqrt(500)
        np.testing.assert_allclose(found.mcse[k], expected, rtol=1e-9)
        np.testing.assert_allclose(found.second_moment[k], proba.T @ proba / 500, rtol=1e-12)


def test_monte_carlo_is_determined_by_the_rng():
    a, b, c = (
        posterior_balance(gaussian(4), MASS, rng=np.random.default_rng(s), n_samples=100).mean_proba
        for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(a, b)
    assert np.abs(a - c).max() > 1e-6


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: posterior_balance(sim1(), [1, 1]), "generator 'sim1' has no log_density"),
        (lambda: posterior_balance(gaussian(4), MASS), "rng is needed: quadrature needs at most 3"),
        (
            lambda: posterior_balance(gaussian(4), MASS, rng=np.random.default_rng(0), n_samples=1),
            "n_samples must be at least 2, got 1",
        ),
        (lambda: posterior_balance(sim2(), [1, 0]), "class_mass must be positive and finite"),
        (lambda: posterior_balance(sim2(), [1, 1, 1]), r"class_mass must have shape \(2,\), got"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
