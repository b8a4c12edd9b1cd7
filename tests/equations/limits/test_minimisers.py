from dataclasses import astuple

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import integrate
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from learnprop.equations.balance import class_mass, gap, left_side, right_side
from learnprop.equations.limits.minimisers import (
    linear_mean_proba,
    logistic_minimiser,
    one_vs_all_minimiser,
    softmax_minimiser,
)
from learnprop.equations.limits.predictions import predict_logistic_ratio
from learnprop.equations.limits.quadrature import (
    Quadrature,
    standard_normal_quadrature,
    uniform_quadrature,
)
from learnprop.simulations.generators.gaussian import (
    class_covariances,
    class_means,
    gaussian_classes,
)
from learnprop.simulations.generators.paper import sim1
from tests.equations.limits.test_predictions import sim1_density


@pytest.mark.parametrize("weight", [(0.5, 0.5), (10 / 11, 1 / 11), (20 / 21, 1 / 21)])
def test_the_limit_of_sim1_balances_exactly(weight):
    classes = sim1().quadrature()
    mass = class_mass(weight, [1000, 10000])
    theta = logistic_minimiser(classes, mass)
    assert np.abs(gap(linear_mean_proba(classes, theta), mass)).max() < 1e-12
    # and the slope's equation, by adaptive integration: sum_k w_k E_k[(p - y) x] = 0
    terms = [
        mass[k]
        * integrate.quad(
            lambda x, k=k: (expit(theta[0] * x + theta[1]) - k) * x * sim1_density(k)(x),
            -15, 15, epsabs=1e-13, limit=200,
        )[0]
        for k in (0, 1)
    ]  # fmt: skip
    assert abs(sum(terms)) < 1e-9 * mass.sum()


@pytest.mark.parametrize("power", [3.85, 4.3, 5.1, 5.95, -3.85])
def test_rare_classes_have_a_minimiser(power):
    """The loss is then far below the logits; halving steps by what rounding left never ended."""
    mass = np.array([1.0, 10**power])
    classes = sim1().quadrature()
    theta = logistic_minimiser(classes, mass)
    assert np.abs(gap(linear_mean_proba(classes, theta), mass)).max() < 1e-9
    slope = sum(
        w * c.mean(np.where(k, -expit(-z), expit(z)) * c.nodes[:, 0])
        for k, (w, c) in enumerate(zip(mass, classes, strict=True))
        for z in [theta[0] * c.nodes[:, 0] + theta[1]]
    )
    assert abs(slope) < 1e-12 * mass.sum()


def test_equal_gaussians_have_linear_log_odds():
    # N(+-m, 1): log odds 2 m x + log(w_1 / w_0)
    rule = standard_normal_quadrature(1, step=0.1)
    classes = [Quadrature(rule.nodes + m, rule.probability) for m in (-0.8, 0.8)]
    theta = logistic_minimiser(classes, [3.0, 1.0])
    np.testing.assert_allclose(theta, [1.6, -np.log(3)], rtol=1e-10)


def gaussians(m):
    rule = standard_normal_quadrature(1, step=0.05)
    return [Quadrature(rule.nodes + s * m, rule.probability) for s in (-1, 1)]


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("place", [3.0, 1e3, 1e6])
def test_place_and_unit_of_features_change_nothing(place, unit):
    # Log odds 2 m (x - place) in the unit of x, hence the intercept; limit N_1 / N_0 = 10 (E6).
    rule = standard_normal_quadrature(1)
    at_home, moved = (
        [Quadrature(scale * (rule.nodes + m + by), rule.probability) for m in (1.25, -1.25)]
        for by, scale in ((0.0, 1.0), (place, unit))
    )
    theta = logistic_minimiser(moved, [1.0, 1.0])
    np.testing.assert_allclose(theta, [-2.5 / unit, 2.5 * place], rtol=1e-9)
    expected = predict_logistic_ratio(at_home, [0.5, 0.5], [1000, 10000], [1000, 1000])
    found = predict_logistic_ratio(moved, [0.5, 0.5], [1000, 10000], [1000, 1000])
    assert expected.limit == pytest.approx(10, rel=1e-12)
    np.testing.assert_allclose(astuple(found), astuple(expected), rtol=1e-8)


@pytest.mark.parametrize("m", [1.0, 4.0])
def test_a_limit_far_out_is_right(m):
    np.testing.assert_allclose(
        logistic_minimiser(gaussians(m), [1.0, 1.0]), [2 * m, 0], rtol=1e-6, atol=1e-6
    )


def test_a_limit_out_of_reach_is_refused():
    with pytest.raises(ValueError, match="do not overlap enough"):
        logistic_minimiser(gaussians(12.0), [1.0, 1.0])


def test_classes_that_touch_have_no_minimiser():
    classes = [Quadrature(np.array([[a], [a + 1.0]]), np.array([0.5, 0.5])) for a in (0.0, 1.0)]
    with pytest.raises(ValueError, match="do not overlap enough"):
        logistic_minimiser(classes, [1.0, 1.0])


def weighted_samples(classes, mass):
    """The quadrature as samples with weights, for anybody's fitter."""
    X = np.concatenate([c.nodes for c in classes])
    y = np.repeat(np.arange(len(classes)), [len(c.nodes) for c in classes])
    return X, y, np.concatenate([w * c.probability for w, c in zip(mass, classes, strict=True)])


@pytest.fixture(scope="module")
def unlike():
    """Three classes of unlike covariance: no linear model is true. With masses."""
    generator = gaussian_classes(
        class_means("ring", 3, 2, 2.0), class_covariances("per-class", 3, 2)
    )
    return generator.quadrature(), np.array([1.0, 3.0, 10.0])


def test_softmax_minimiser_is_scikit_learns_fit_to_the_quadrature(unlike):
    classes, mass = unlike
    X, y, weight = weighted_samples(classes, mass)
    model = LogisticRegression(C=np.inf, solver="newton-cg", tol=1e-10, max_iter=1000)
    model.fit(X, y, sample_weight=weight)
    theta = np.column_stack([model.coef_, model.intercept_])
    found = softmax_minimiser(classes, mass)
    np.testing.assert_allclose(found, theta - theta[0], rtol=1e-6, atol=1e-6)
    P = linear_mean_proba(classes, found)
    proba = model.predict_proba(X)
    expected = [np.average(proba[y == k], axis=0, weights=weight[y == k]) for k in range(3)]
    np.testing.assert_allclose(P, expected, rtol=1e-6)
    np.testing.assert_allclose(left_side(P, mass), right_side(P, mass), rtol=1e-12)


def test_softmax_minimiser_is_fishers_rule_where_covariances_are_one():
    # log g_k - log g_0 = (m_k - m_0) x - (m_k² - m_0²) / 2, plus log(w_k / w_0)
    means, mass = class_means("simplex", 3, 2, 1.5), np.array([2.0, 1.0, 5.0])
    intercept = np.log(mass) - (means**2).sum(axis=1) / 2
    expected = np.column_stack([means, intercept])
    found = softmax_minimiser(gaussian_classes(means).quadrature(), mass)
    np.testing.assert_allclose(found, expected - expected[0], rtol=1e-9, atol=1e-9)


def test_one_vs_all_minimiser_is_statsmodels_fit_of_each_class_to_the_quadrature(unlike):
    classes, mass = unlike
    X, y, weight = weighted_samples(classes, mass)
    theta = one_vs_all_minimiser(classes, mass)
    for k in range(3):
        own = (y == k).astype(float)
        glm = sm.GLM(own, sm.add_constant(X), family=sm.families.Binomial(), freq_weights=weight)
        constant, *slopes = glm.fit(tol=1e-14).params
        np.testing.assert_allclose(theta[k], [*slopes, constant], rtol=1e-7, atol=1e-8)
    P = linear_mean_proba(classes, theta, "sigmoid")
    miss = np.diagonal(linear_mean_proba(classes, -theta, "sigmoid"))
    np.testing.assert_allclose(left_side(P, mass, miss), right_side(P, mass), rtol=1e-12)
    assert np.abs(P.sum(axis=1) - 1).min() > 1e-3  # rows do not sum to one


def test_rare_classes_balance_to_the_last_digits():
    classes = sim1().quadrature()
    for mass in ([1.0, 1e6], [1e6, 1.0]):
        P = linear_mean_proba(classes, softmax_minimiser(classes, mass))
        assert np.abs(gap(P, mass)).max() < 1e-7  # a gradient of 1e-14 Σw, of w = 1e-6 Σw


def test_classes_apart_have_no_minimiser():
    classes = [uniform_quadrature(0, 1), uniform_quadrature(2, 3), uniform_quadrature(4, 5)]
    for minimiser in (softmax_minimiser, one_vs_all_minimiser):
        with pytest.raises(ValueError, match="classes do not overlap"):
            minimiser(classes[:2], [1.0, 1.0])
    with pytest.raises(ValueError, match="classes do not overlap"):
        softmax_minimiser(classes, [1.0, 1.0, 1.0])
