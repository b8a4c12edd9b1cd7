import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import expit

from learnprop.equations.balance import class_mass
from learnprop.equations.limits.predictions import (
    posterior_mean_proba,
    predict_fixed_ratio,
    predict_logistic_ratio,
)
from learnprop.equations.limits.quadrature import standard_normal_quadrature
from learnprop.simulations.generators.paper import sim1, sim2


def test_normal_quadrature_has_the_moments_of_the_normal():
    rule = standard_normal_quadrature(2)
    assert rule.probability.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(rule.mean(rule.nodes**6), [15, 15], rtol=1e-12)
    np.testing.assert_allclose(rule.mean(rule.nodes[:, 0] ** 2 * rule.nodes[:, 1] ** 2), 1)


def sim1_density(k):
    """Density of N + U by its closed form (Phi(x - m - a) - Phi(x - m - b)) / (b - a)."""
    mean, low, high = ((1.5, -0.5, 0.0), (-1.5, 0.0, 0.5))[k]
    return lambda x: 2 * (stats.norm.cdf(x - mean - low) - stats.norm.cdf(x - mean - high))


@pytest.mark.parametrize("k", [0, 1])
def test_sim1_quadrature_against_adaptive_integration_of_the_density(k):
    nodes = sim1().quadrature()[k]

    def f(x):
        return expit(2.4 * x - 0.3)

    expected, _ = integrate.quad(
        lambda x: f(x) * sim1_density(k)(x), -15, 15, epsabs=1e-13, limit=200
    )
    assert nodes.mean(f(nodes.nodes[:, 0])) == pytest.approx(expected, abs=1e-12)


def test_prediction_without_test_noise_has_the_smaller_spread():
    classes = sim1().quadrature()
    on_test = predict_logistic_ratio(classes, [0.5, 0.5], [1000, 10000], [1000, 1000])
    on_population = predict_logistic_ratio(classes, [0.5, 0.5], [1000, 10000])
    assert on_population.sd < on_test.sd
    assert on_test.limit == pytest.approx(10)
    assert on_test.mean == pytest.approx(10.07, abs=0.01)  # design.md, section 3


def test_spread_falls_with_the_root_of_the_size():
    classes = sim1().quadrature()
    small = predict_logistic_ratio(classes, [0.5, 0.5], [100, 1000], [100, 100])
    large = predict_logistic_ratio(classes, [0.5, 0.5], [400, 4000], [400, 400])
    assert small.sd / large.sd == pytest.approx(2)
    assert (small.mean - 10) / (large.mean - 10) == pytest.approx(4)


def test_the_mixture_reading_has_a_third_of_the_spread():
    # Errata 2: the SDs decide for the sum.
    ratio = [
        predict_logistic_ratio(sim1(r).quadrature(), [0.5, 0.5], [1000, 10000], [1000, 1000]).sd
        for r in ("sum", "mixture")
    ]
    assert ratio[1] / 1.13 == pytest.approx(1 / 3, abs=0.05)
    assert ratio[0] / 1.13 == pytest.approx(1, abs=0.2)


def test_true_posterior_satisfies_detailed_balance_and_eq_10():
    generator = sim2()
    classes = generator.quadrature()
    mass = class_mass([20 / 21, 1 / 21], [1000, 10000])
    P, M = posterior_mean_proba(classes, [generator.log_density(c.nodes) for c in classes], mass)
    flow = mass[:, None] * P
    np.testing.assert_allclose(flow, flow.T, rtol=1e-12)
    assert predict_fixed_ratio(P, M, [1000, 1000]).limit == pytest.approx(0.5, rel=1e-12)


def test_fixed_ratio_against_simulation():
    # Beta-distributed probabilities of known moments; 20,000 test samples of (200, 300).
    rng = np.random.default_rng(8)
    a, b = stats.beta(2, 8), stats.beta(1, 9)
    P = np.array([[1 - a.mean(), a.mean()], [b.mean(), 1 - b.mean()]])
    M = np.zeros((2, 2, 2))
    M[0, 1, 1], M[1, 0, 0] = a.moment(2), b.moment(2)
    prediction = predict_fixed_ratio(P, M, [200, 300])
    ratio = a.rvs((20000, 200), random_state=rng).mean(axis=1)
    ratio /= b.rvs((20000, 300), random_state=rng).mean(axis=1)
    assert abs(ratio.mean() - prediction.mean) <= 4 * ratio.std() / np.sqrt(20000)
    assert ratio.std() == pytest.approx(prediction.sd, rel=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: standard_normal_quadrature(4), "n_features must be 1, 2 or 3, got 4"),
        (lambda: standard_normal_quadrature(1, step=2.0), "step must be in"),
        (
            lambda: predict_logistic_ratio(sim1().quadrature(), [0.5, 0.0], [10, 10]),
            "class_weight must be positive",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
