from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LogisticRegression

from learnprop.equations.balance import left_side, right_side
from learnprop.equations.limits.minimisers import linear_mean_proba, softmax_minimiser
from learnprop.simulations.fitters import FITTERS
from learnprop.simulations.fitters.one_vs_all import fit_one_vs_all
from learnprop.simulations.fitters.softmax import fit_softmax
from learnprop.simulations.generators.gaussian import (
    class_covariances,
    class_means,
    gaussian_classes,
)
from learnprop.simulations.generators.generator import sample
from learnprop.simulations.generators.large_sample_limit import LargeSampleLimit
from learnprop.simulations.generators.paper import sim1, sim2


def rng():
    return np.random.default_rng(0)


def limit_of(generator, fitter, rng):
    return FITTERS[fitter].record.limit.of(generator, rng)


@pytest.mark.parametrize("generator", [sim1(), sim2()])
def test_limit_of_linear_models_is_statsmodels_fit_to_the_quadrature(generator):
    mass = np.array([1.0, 7.0])
    classes = generator.quadrature()
    X = sm.add_constant(np.concatenate([c.nodes for c in classes]))
    y = np.repeat([0.0, 1.0], [len(c.nodes) for c in classes])
    weight = np.concatenate([w * c.probability for w, c in zip(mass, classes, strict=True)])
    model = sm.GLM(y, X, family=sm.families.Binomial(), freq_weights=weight).fit(tol=1e-14)
    p = model.predict(X)
    P = [np.average(p[y == k], weights=weight[y == k]) for k in (0, 1)]
    found = limit_of(generator, "logistic", rng())
    assert found.basis == "population minimiser"
    np.testing.assert_allclose(found.at(mass).mean_proba[:, 1], P, rtol=1e-8)


def test_linear_limit_is_the_posterior_where_the_log_odds_are_linear():
    generator = gaussian_classes(class_means("ring", 3, 2, 2.0))
    assert generator.linear_log_odds
    mass = np.array([3.0, 1.0, 2.0])
    for fitter in ("softmax", "mlp"):
        found = limit_of(generator, fitter, rng())
        assert found.basis == "true posterior"
        theta = softmax_minimiser(generator.quadrature(), mass)
        expected = linear_mean_proba(generator.quadrature(), theta)
        np.testing.assert_allclose(found.at(mass).mean_proba, expected, atol=1e-10)


def test_linear_limit_is_not_the_posterior_where_covariances_differ():
    unlike = gaussian_classes(class_means("ring", 3, 2, 2.0), class_covariances("per-class", 3, 2))
    for generator in (sim2(), unlike):
        assert not generator.linear_log_odds
        mass = np.arange(1.0, generator.n_classes + 1)
        minimiser, posterior = (limit_of(generator, f, rng()) for f in ("softmax", "mlp"))
        assert minimiser.basis == "population minimiser"
        difference = minimiser.at(mass).mean_proba - posterior.at(mass).mean_proba
        assert np.abs(difference).max() > 1e-3


def test_fits_end_at_their_limit():
    """Twenty fits of 15,000 samples each, of a distribution that no linear model describes."""
    generator = gaussian_classes(
        class_means("ring", 3, 2, 2.0), class_covariances("per-class", 3, 2)
    )
    data = [sample(generator, [5000] * 3, np.random.default_rng(seed)) for seed in range(20)]
    X, y = np.stack([features for features, _ in data]), data[0][1]
    weight = np.array([1.0, 2.0, 4.0])
    fits = {
        "softmax": (fit_softmax(X, y, weight[None]), "softmax"),
        "one-vs-all": (fit_one_vs_all(X, y, weight[None]), "sigmoid"),
    }
    classes = generator.quadrature()
    other = limit_of(generator, "mlp", rng()).at(weight).mean_proba
    for fitter, (fit, activation) in fits.items():
        P = np.stack([linear_mean_proba(classes, theta[0], activation) for theta in fit.params])
        mcse = P.std(axis=0, ddof=1) / np.sqrt(len(P))
        limit = limit_of(generator, fitter, rng()).at(weight).mean_proba
        assert (np.abs(P.mean(axis=0) - limit) <= 4 * mcse).all()
        assert (np.abs(P.mean(axis=0) - other) > 10 * mcse).any()  # the control


def test_every_limit_balances():
    three = gaussian_classes(class_means("ring", 3, 2, 2.0))
    unlike = gaussian_classes(
        class_means("random", 2, 5, 2.0), class_covariances("per-class", 2, 5)
    )
    for generator, fitter in (
        (sim1(), "logistic"), (three, "softmax"), (three, "one-vs-all"), (unlike, "logistic"),
    ):  # fmt: skip
        mass = np.arange(1.0, generator.n_classes + 1)
        found = limit_of(generator, fitter, rng()).at(mass)
        left = left_side(found.mean_proba, mass, found.miss_proba)
        np.testing.assert_allclose(left, right_side(found.mean_proba, mass), rtol=1e-9)
        assert (found.mcse > 0).all() == (generator is unlike)


@pytest.mark.parametrize("kind", ["shared", "per-class"])
def test_limit_in_many_features_is_exact_up_to_its_mcse(kind):
    # The plane's classes in four features, of which the last two tell nothing.
    means = class_means("random", 2, 2, 2.0)
    covariances = class_covariances(kind, 2, 2)
    wide = np.tile(np.eye(4), (2, 1, 1))
    wide[:, :2, :2] = covariances
    found = limit_of(gaussian_classes(np.pad(means, ((0, 0), (0, 2))), wide), "logistic", rng())
    exact = limit_of(gaussian_classes(means, covariances), "logistic", rng())
    assert found.basis == ("true posterior" if kind == "shared" else "population minimiser")
    for mass in ([1.0, 1.0], [1.0, 100.0]):
        P, expected = found.at(mass), exact.at(mass)
        assert (P.mcse > 0).all()
        assert not expected.mcse.any()
        assert (np.abs(P.mean_proba - expected.mean_proba) <= 4 * P.mcse).all()


def test_a_network_on_sim1_has_no_limit():
    assert limit_of(sim1(), "mlp", rng()) is None


@pytest.mark.parametrize("fitter", ["logistic", "softmax", "one-vs-all"])
def test_a_penalised_limit_is_scikit_learns_fit_to_the_quadrature(fitter):
    generator = sim2() if fitter == "logistic" else gaussian_classes(class_means("ring", 3, 2, 2.0))
    mass, alpha = np.array([30.0, 200.0, 10.0])[: generator.n_classes], 5.0
    classes = generator.quadrature()
    X = np.concatenate([c.nodes for c in classes])
    y = np.repeat(np.arange(len(mass)), [len(c.nodes) for c in classes])
    weight = np.concatenate([w * c.probability for w, c in zip(mass, classes, strict=True)])

    def proba(labels):
        model = LogisticRegression(C=1 / alpha, solver="newton-cholesky", tol=1e-10)
        return model.fit(X, labels, sample_weight=weight).predict_proba(X)

    if fitter == "one-vs-all":
        f = np.stack([proba(y == k)[:, 1] for k in range(3)], axis=1)
    else:
        f = proba(y)
    expected = [np.average(f[y == k], axis=0, weights=weight[y == k]) for k in range(len(mass))]
    penalised = FITTERS[fitter].record.limit_under(l2=alpha)
    limit = penalised.of(generator, rng())
    assert limit.basis == "penalised minimiser"
    found = limit.at(mass)
    np.testing.assert_allclose(found.mean_proba, expected, atol=1e-8)
    # Eq. (9) is the intercept's row, which has no penalty.
    left = left_side(found.mean_proba, mass, found.miss_proba)
    np.testing.assert_allclose(left, right_side(found.mean_proba, mass), rtol=1e-10)
    # The controls: it is not the unpenalised limit, to which it goes as the mass grows.
    plain = limit_of(generator, fitter, rng()).at(mass).mean_proba
    assert np.abs(found.mean_proba - plain).max() > 0.01
    np.testing.assert_allclose(limit.at(1e9 * mass).mean_proba, plain, atol=1e-6)


def test_a_strong_penalty_leaves_the_shares_of_mass():
    """No coefficient is left, and Eq. (9) makes the intercepts' probabilities w / Σw."""
    mass = np.array([3.0, 1.0, 2.0])
    generator = gaussian_classes(class_means("ring", 3, 2, 2.0))
    for fitter in ("softmax", "one-vs-all"):
        limit = FITTERS[fitter].record.limit_under(l2=1e9).of(generator, rng())
        np.testing.assert_allclose(limit.at(mass).mean_proba, [mass / 6] * 3, atol=1e-6)


def test_a_fitter_whose_penalty_has_no_limit_has_none():
    bare = LargeSampleLimit("somewhere", lambda *_: None)
    fitter = replace(FITTERS["softmax"].record, limit=bare)
    assert fitter.limit_under(l2=0.0) is bare
    assert fitter.limit_under(l2=1.0) is None
