import numpy as np
import pytest
import statsmodels.api as sm

from equations.balance import binary_ratio, left_side, right_side
from simulations.gaussian import class_means, gaussian_classes
from simulations.generators import sim1, sim2
from simulations.limit import limit_of


def rng():
    return np.random.default_rng(0)


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
    np.testing.assert_allclose(found.mean_proba(mass)[:, 1], P, rtol=1e-8)


def test_linear_limit_is_the_posterior_where_the_log_odds_are_linear():
    generator = gaussian_classes([[0.0, 0.0], [1.0, 1.0]])
    minimiser, posterior = (limit_of(generator, f, rng()) for f in ("softmax", "mlp"))
    assert posterior.basis == "true posterior"
    mass = [3.0, 1.0]
    np.testing.assert_allclose(minimiser.mean_proba(mass), posterior.mean_proba(mass), atol=1e-10)


def test_linear_limit_is_not_the_posterior_where_covariances_differ():
    minimiser, posterior = (limit_of(sim2(), f, rng()).mean_proba([1.0, 1.0])
                            for f in ("logistic", "mlp"))  # fmt: skip
    assert np.abs(minimiser - posterior).max() > 1e-3


def test_every_limit_balances():
    three = gaussian_classes(class_means("ring", 3, 2, 2.0))
    many = gaussian_classes(class_means("random", 2, 5, 2.0))
    for generator, fitter in ((sim1(), "logistic"), (three, "softmax"), (many, "logistic")):
        mass = np.arange(1.0, generator.n_classes + 1)
        P = limit_of(generator, fitter, rng()).mean_proba(mass)
        np.testing.assert_allclose(left_side(P, mass), right_side(P, mass), rtol=1e-9)


def test_limit_in_many_features_is_that_of_the_samples_up_to_noise():
    means = class_means("random", 2, 5, 2.0)
    P = limit_of(gaussian_classes(means), "logistic", rng()).mean_proba([1.0, 1.0])
    # The log odds are N(±d²/2, d²) with d the distance: one-dimensional.
    line = gaussian_classes([[0.0], [float(np.linalg.norm(means[1] - means[0]))]])
    exact = limit_of(line, "logistic", rng()).mean_proba([1.0, 1.0])
    mcse = np.sqrt(exact[0, 1] * (1 - exact[0, 1]) / 50_000)  # at most: p(1-p) >= Var(p)
    assert abs(P[0, 1] - exact[0, 1]) <= 4 * mcse
    assert binary_ratio(P) == pytest.approx(1.0)


def test_some_fitters_have_no_limit():
    three = gaussian_classes(class_means("ring", 3, 2, 2.0))
    assert limit_of(three, "one-vs-all", rng()) is None
    assert limit_of(sim1(), "mlp", rng()) is None
