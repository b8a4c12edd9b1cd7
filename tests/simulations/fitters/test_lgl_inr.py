import numpy as np
import pytest
import statsmodels.api as sm
import torch
from scipy.optimize import root
from scipy.special import expit, softmax

from learnprop.equations.balance import residual
from learnprop.equations.losses.hardness import (
    in_negative_residual,
    in_negative_sides,
    in_negative_weights,
)
from learnprop.equations.losses.lgl_inr import lgl_inr_loss
from learnprop.simulations.fitters.lgl_inr import fit_lgl_inr
from learnprop.simulations.fitters.logistic import fit_logistic
from learnprop.simulations.fitters.softmax import softmax_logits
from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
from learnprop.simulations.generators.generator import sample
from learnprop.simulations.records.measure import measure

SIZE = (150, 40, 90, 60)
BETA = (0.0, 1.0, 8.0)


@pytest.fixture(scope="module")
def data():
    generator = gaussian_classes(class_means("ring", 4, 2, 1.5))
    draws = [sample(generator, SIZE, np.random.default_rng(i)) for i in range(3)]
    return np.stack([X for X, _ in draws]), draws[0][1]


@pytest.fixture
def fit(data):
    return fit_lgl_inr(*data, BETA)


def measured(data, fit, run, setting):
    X, y = data
    return measure(y, softmax_logits(X[run], fit.params[run])[setting], "sigmoid")


def binary_regression(X, y, k, class_weight):
    """Class k against the others by statsmodels; a sample weighs what its class does, over N."""
    weight = (class_weight / np.bincount(y))[y]
    model = sm.GLM(y == k, sm.add_constant(X, prepend=False), family=sm.families.Binomial(),
                   freq_weights=weight)  # fmt: skip
    return model.fit(tol=1e-14, maxiter=100).params


def test_loss_and_gradient_are_those_of_the_detached_loss(data, fit):
    """At the fit the gradient in all parameters is zero; on the way it is what autograd says."""
    X, y = data
    on_the_way = fit_lgl_inr(X, y, BETA, max_iter=3)
    assert fit.converged.all()
    assert (on_the_way.status == "not converged").all()
    for found in (fit, on_the_way):
        for run, setting in np.ndindex(3, len(BETA)):
            theta = torch.tensor(found.params[run, setting], requires_grad=True)
            z = torch.as_tensor(X[run]) @ theta[:, :-1].T + theta[:, -1]
            loss = lgl_inr_loss(z, torch.as_tensor(y), BETA[setting])
            loss.backward()
            assert found.loss[run, setting] == pytest.approx(loss.item(), rel=1e-12)
            bias_gradient = found.bias_gradient[run, setting]
            np.testing.assert_allclose(bias_gradient, theta.grad[:, -1], atol=1e-12)
            assert (float(abs(theta.grad).max()) <= 1e-10) == (found is fit)
            assert (found.gradient_norm[run, setting] <= 1e-11) == (found is fit)


def test_the_gradient_of_attached_weights_is_not_zero(data, fit):
    """The control: a fit is no minimum of the loss with λ in it, but where β is 0."""
    X, y = data
    for setting, beta in enumerate(BETA):
        theta = torch.tensor(fit.params[0, setting], requires_grad=True)
        z = torch.as_tensor(X[0]) @ theta[:, :-1].T + theta[:, -1]
        lgl_inr_loss(z, torch.as_tensor(y), beta, detach_weights=False).backward()
        assert (float(abs(theta.grad).max()) > 1e-2) == (beta > 0)


def test_without_hardness_it_is_class_balanced_one_vs_all(data, fit):
    """β = 0: a class's samples share a weight of 1, those of each of the others 1 / (K - 1)."""
    X, y = data
    for k in range(4):
        expected = binary_regression(X[1], y, k, np.where(np.arange(4) == k, 1, 1 / 3))
        np.testing.assert_allclose(fit.params[1, 0, k], expected, atol=1e-8)


@pytest.mark.parametrize("setting", [1, 2])
def test_given_its_weights_each_output_is_statsmodels_regression(data, fit, setting):
    X, y = data
    P = torch.as_tensor(measured(data, fit, 1, setting).mean_proba)
    weight = in_negative_weights(P, BETA[setting]).numpy()
    for k in range(4):
        expected = binary_regression(X[1], y, k, np.where(np.arange(4) == k, 1, weight[:, k]))
        np.testing.assert_allclose(fit.params[1, setting, k], expected, atol=1e-8)
        assert np.abs(fit.params[1, 0, k] - expected).max() > 1e-2  # hardness counts


@pytest.mark.parametrize("setting", [1, 2])
def test_the_fixed_point_is_scipys_root(data, fit, setting):
    """Gradient and λ of Eq. (11), written for one output and solved from the fit of β = 0."""
    X, y = data
    x = np.column_stack([X[2], np.ones(len(y))])

    def gradient(theta, k):
        p = expit(x @ theta)
        others = [j for j in range(4) if j != k]
        weight = softmax([BETA[setting] * p[y == j].mean() for j in others])
        pull = [
            w * (p[:, None] * x)[y == j].mean(axis=0) for w, j in zip(weight, others, strict=True)
        ]
        return np.sum(pull, axis=0) - ((1 - p)[:, None] * x)[y == k].mean(axis=0)

    for k in range(4):
        found = root(gradient, fit.params[2, 0, k], args=(k,), tol=1e-13)
        np.testing.assert_allclose(fit.params[2, setting, k], found.x, atol=1e-8)


def test_e10_holds_on_train_and_eq_9_does_not(data, fit):
    for run, setting in np.ndindex(3, len(BETA)):
        found = measured(data, fit, run, setting)
        P, miss = found.mean_proba, found.miss_proba
        left, right = in_negative_sides(P, miss, BETA[setting])
        np.testing.assert_allclose(left, right, atol=1e-11)
        np.testing.assert_allclose(
            in_negative_residual(P, miss, BETA[setting]), -fit.bias_gradient[run, setting],
            atol=1e-13,
        )  # fmt: skip
        for mass in (SIZE, np.ones(4)):  # equal weights, inverse weights
            assert np.abs(residual(P, np.array(mass) / sum(mass), miss)).max() > 1e-2


def test_two_classes_are_class_balanced_logistic_regression(data):
    """The negative class is one, whose λ is 1 at any β."""
    X, y = data
    rows = y < 2
    both = fit_lgl_inr(X[:, rows], y[rows], BETA)
    one = fit_logistic(X[:, rows], y[rows], 1 / np.bincount(y[rows])[None])
    for setting in range(len(BETA)):
        np.testing.assert_allclose(both.params[:, setting, 1], one.params[:, 0], atol=1e-9)
        np.testing.assert_allclose(both.params[:, setting, 0], -one.params[:, 0], atol=1e-9)


def test_a_batch_is_its_members_in_any_order_of_samples(data, fit):
    X, y = data
    alone = fit_lgl_inr(X[1:2], y, BETA[2:])
    np.testing.assert_allclose(alone.params[0, 0], fit.params[1, 2], rtol=1e-12)
    assert alone.n_iter[0, 0] == fit.n_iter[1, 2]
    order = np.random.default_rng(0).permutation(len(y))
    mixed = fit_lgl_inr(X[:, order], y[order], BETA)
    np.testing.assert_allclose(mixed.params, fit.params, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(mixed.loss, fit.loss, rtol=1e-12)


def test_newton_converges_at_any_temperature(data):
    """Where all weight is on the hardest class, too: there repeated reweighting oscillates."""
    fit = fit_lgl_inr(*data, [64.0, 1000.0])
    assert fit.converged.all()


def test_separation_is_reported_and_touches_no_other_run(data):
    X, y = data
    apart = X[:1] + 20.0 * class_means("ring", 4, 2, 1.5)[y]
    one_apart = X[:1] + 40.0 * (y == 3)[None, :, None]
    fit = fit_lgl_inr(np.concatenate([X[:1], apart, one_apart]), y, BETA)
    assert fit.status.tolist() == [["converged"] * 3, ["separated"] * 3, ["separated"] * 3]


@pytest.mark.parametrize(
    ("y", "beta", "message"),
    [
        ([0, 1, 2, 0, 1, 2], [-1.0], r"beta must satisfy 0 <= beta <= 1e\+30, got -1"),
        ([0, 1, 2, 0, 1, 2], [float("nan")], "beta must satisfy .*, got nan"),
        ([0, 1, 2, 0, 1, 2], [], r"beta must be a sequence of numbers, one per setting, got \[\]"),
        ([0, 1, 2, 0, 1, 2], 1.0, "beta must be a sequence of numbers, one per setting, got 1"),
        ([0, 0, 0, 0, 0, 0], [1.0], "y must hold at least 2 classes, got 1"),
        ([0, 2, 0, 2, 0, 2], [1.0], "y must hold labels 0..1, got 2"),
        ([0, 1, 2], [1.0], "y has 3 samples, X has 6"),
    ],
)
def test_bad_arguments_are_named(y, beta, message):
    with pytest.raises(ValueError, match=message):
        fit_lgl_inr(np.zeros((1, 6, 1)), y, beta)


def test_too_few_samples_are_an_error():
    with pytest.raises(ValueError, match="3 samples for 3 parameters"):
        fit_lgl_inr(np.zeros((1, 3, 2)), [0, 1, 2], [1.0])
