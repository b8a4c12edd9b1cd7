import numpy as np
import pytest
import statsmodels.api as sm

from learnprop.equations.balance import class_mass, gap
from learnprop.equations.mean_proba import mean_proba, proba_from_logits
from learnprop.simulations.fitters.logistic import fit_logistic
from learnprop.simulations.generators.generator import sample
from learnprop.simulations.generators.paper import sim1, sim2
from learnprop.simulations.minimisation.separation import is_separated


@pytest.fixture(scope="module")
def problem():
    draws = [sample(sim2(), (60, 400), np.random.default_rng(i)) for i in range(3)]
    return np.stack([X for X, _ in draws]), draws[0][1], np.array([[0.5, 0.5], [0.9, 0.1]])


def test_coefficients_against_statsmodels_glm(problem):
    X, y, weight = problem
    fit = fit_logistic(X, y, weight)
    for run in range(3):
        for k, pair in enumerate(weight):
            model = sm.GLM(y, sm.add_constant(X[run], prepend=False), family=sm.families.Binomial(),
                           freq_weights=pair[y])  # fmt: skip
            expected = model.fit(tol=1e-14, maxiter=100)
            np.testing.assert_allclose(fit.params[run, k], expected.params, rtol=1e-8, atol=1e-8)
            assert fit.loss[run, k] == pytest.approx(-expected.llf, rel=1e-10)
    assert fit.converged.all()
    assert fit.gradient_norm.max() <= 1e-12
    assert abs(fit.bias_gradient).max() <= 1e-12


def test_reported_gradients_are_those_of_the_loss(problem):
    X, y, weight = problem
    fit = fit_logistic(X, y, weight, max_iter=3)  # stopped on the way, so that they are not zero

    def loss(theta, run, pair):
        z = X[run] @ theta[:-1] + theta[-1]
        return (pair[y] * np.logaddexp(0, np.where(y == 0, z, -z))).sum()

    h = 1e-5
    for k, pair in enumerate(weight):
        mass = pair[0] * 60 + pair[1] * 400
        theta = fit.params[0, k]
        gradient = [
            (loss(theta + h * e, 0, pair) - loss(theta - h * e, 0, pair)) / (2 * h)
            for e in np.eye(4)
        ]
        gradient = np.array(gradient)
        assert fit.loss[0, k] == pytest.approx(loss(theta, 0, pair), rel=1e-12)
        assert fit.bias_gradient[0, k, 1] == pytest.approx(gradient[-1] / mass, rel=1e-6)
        # in standardised features: g_j -> (g_j - mean_j g_b) / sd_j
        mean, sd = X[0].mean(axis=0), X[0].std(axis=0, ddof=1)
        standardised = [*((gradient[:3] - mean * gradient[3]) / sd), gradient[3]]
        expected = np.linalg.norm(standardised) / mass
        assert fit.gradient_norm[0, k] == pytest.approx(expected, rel=1e-6)
    assert not fit.converged.any()


def test_a_batch_is_its_members(problem):
    X, y, weight = problem
    together = fit_logistic(X, y, weight)
    for run in range(3):
        alone = fit_logistic(X[run : run + 1], y, weight)
        np.testing.assert_allclose(alone.params[0], together.params[run], rtol=1e-10)


def test_only_ratios_of_weights_matter(problem):
    X, y, weight = problem
    a, b = fit_logistic(X, y, weight), fit_logistic(X, y, 1000 * weight)
    np.testing.assert_allclose(a.params, b.params, rtol=1e-10)
    np.testing.assert_allclose(1000 * a.loss, b.loss)


def test_extreme_weights_still_converge():
    X, y = sample(sim1(), (100, 1000), np.random.default_rng(9))
    fit = fit_logistic(X[None], y, [[1e-9, 1.0], [1.0, 1e-9]])
    assert fit.converged.all()
    for k, weight in enumerate(([1e-9, 1.0], [1.0, 1e-9])):
        z = X @ fit.params[0, k, :-1] + fit.params[0, k, -1]
        balance = gap(mean_proba(y, proba_from_logits(z)), class_mass(weight, [100, 1000]))
        assert np.abs(balance).max() < 1e-6


@pytest.mark.parametrize("unit", [1e-12, 1e-4, 1e6, 1e12])
@pytest.mark.parametrize("origin", [0.0, 5000.0])
def test_units_and_origin_of_features_do_not_matter(problem, unit, origin):
    X, y, weight = problem
    plain = fit_logistic(X, y, weight)
    scale = np.array([unit, 1.0, 1.0])
    fit = fit_logistic(X * scale + scale * origin, y, weight)
    assert fit.converged.all()
    np.testing.assert_allclose(fit.params[..., :-1] * scale, plain.params[..., :-1], rtol=1e-7)
    np.testing.assert_allclose(fit.loss, plain.loss, rtol=1e-9)


def test_a_constant_and_a_repeated_feature_change_nothing(problem):
    X, y, weight = problem
    constant = np.full((*X.shape[:2], 1), 1e6)
    fit = fit_logistic(np.concatenate([X, constant, X[..., :1]], axis=2), y, weight)
    assert fit.converged.all()
    np.testing.assert_allclose(fit.loss, fit_logistic(X, y, weight).loss, rtol=1e-10)


@pytest.mark.parametrize("unit", [1e-12, 1e-10, 1.0, 1e10])
def test_separation_is_seen_in_any_unit(unit):
    X = unit * np.array([-2.0, -1.0, 1.0, 2.0])[None, :, None]
    assert fit_logistic(X, [0, 0, 1, 1], [[0.5, 0.5]]).status.tolist() == [["separated"]]
    X = unit * np.array([-2.0, 1e-8, 0.0, 2.0])[None, :, None]
    assert fit_logistic(X, [0, 0, 1, 1], [[0.5, 0.5]]).status.tolist() == [["converged"]]


@pytest.mark.parametrize(
    ("x", "y", "separated"),
    [
        ([-2, -1, 1, 2], [0, 0, 1, 1], True),
        ([-2, -1, 1, 2], [1, 1, 0, 0], True),
        ([-2, 0, 0, 2], [0, 0, 1, 1], True),  # quasi-complete: they touch at 0
        ([-2, 0.1, 0, 2], [0, 0, 1, 1], False),
        ([-2, -1, 1, 2], [0, 1, 1, 0], False),
    ],
)
def test_separation_is_reported(x, y, separated):
    X = np.array(x, dtype=float)[None, :, None]
    assert is_separated(X[0], y) == separated
    fit = fit_logistic(X, y, [[0.5, 0.5], [0.99, 0.01]])
    assert set(fit.status.ravel()) == {"separated" if separated else "converged"}


def test_one_separated_replication_does_not_touch_the_others():
    y = np.repeat([0, 1], 20)
    rng = np.random.default_rng(10)
    overlapping = rng.normal(size=(40, 1)) + y[:, None]
    separated = rng.random((40, 1)) + 2 * y[:, None]
    fit = fit_logistic(np.stack([overlapping, separated]), y, [[0.5, 0.5]])
    assert fit.status.ravel().tolist() == ["converged", "separated"]
    alone = fit_logistic(overlapping[None], y, [[0.5, 0.5]])
    np.testing.assert_allclose(fit.params[0], alone.params[0], rtol=1e-10)


@pytest.mark.parametrize(
    ("X", "y", "weight", "message"),
    [
        (np.zeros((4, 1)), [0, 1, 0, 1], [[1, 1]], "X must have shape"),
        (np.full((1, 4, 1), np.nan), [0, 1, 0, 1], [[1, 1]], "X holds a number that is not finite"),
        (np.zeros((1, 4, 1)), [0, 1, 0], [[1, 1]], "y has 3 samples, X has 4"),
        (np.zeros((1, 4, 1)), [0, 0, 0, 0], [[1, 1]], "y must hold every one of 2 classes"),
        (np.zeros((1, 4, 1)), [0, 1, 2, 0], [[1, 1]], "y must hold labels 0..1, got 2"),
        (np.zeros((1, 4, 1)), [0, 1, 0, 1], [1, 1], "class_weight must have shape"),
        (np.zeros((1, 4, 1)), [0, 1, 0, 1], [[0, 1]], "class_weight must be positive"),
        (np.zeros((1, 2, 1)), [0, 1], [[1, 1]], "2 samples for 2 parameters"),
    ],
)
def test_bad_arguments_are_named(X, y, weight, message):
    with pytest.raises(ValueError, match=message):
        fit_logistic(X, y, weight)


def test_unknown_and_absent_devices_are_named(monkeypatch):
    with pytest.raises(ValueError, match="device must be one of auto, cpu, cuda, got 'tpu'"):
        fit_logistic(np.zeros((1, 4, 1)), [0, 1, 0, 1], [[1, 1]], device="tpu")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ValueError, match="torch finds no CUDA device"):
        fit_logistic(np.zeros((1, 4, 1)), [0, 1, 0, 1], [[1, 1]], device="cuda")
