import numpy as np
import pytest
import statsmodels.api as sm
import torch
from sklearn.linear_model import LogisticRegression

from learnprop.equations.balance import class_mass, left_side, residual, right_side
from learnprop.equations.mean_proba import class_count, mean_proba, proba_from_logits
from learnprop.simulations.fitters.logistic import fit_logistic
from learnprop.simulations.fitters.objective import Objective
from learnprop.simulations.fitters.one_vs_all import fit_one_vs_all
from learnprop.simulations.fitters.softmax import fit_softmax, softmax_logits
from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
from learnprop.simulations.generators.generator import sample
from learnprop.simulations.minimisation.separation import is_separated

SIZE = (300, 120, 60, 40)
WEIGHT = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 2.5, 5.0, 7.5]])


@pytest.fixture(scope="module")
def data():
    generator = gaussian_classes(class_means("ring", 4, 3, 1.5))
    draws = [sample(generator, SIZE, np.random.default_rng(i)) for i in range(3)]
    return np.stack([X for X, _ in draws]), draws[0][1]


def rngs(n=3):
    return [np.random.default_rng(100 + i) for i in range(n)]


def test_coefficients_against_scikit_learn(data):
    X, y = data
    fit = fit_softmax(X, y, WEIGHT)
    assert fit.converged.all()
    for run in range(3):
        for k, weight in enumerate(WEIGHT):
            model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=1000)
            model.fit(X[run], y, sample_weight=weight[y])
            expected = np.column_stack([model.coef_, model.intercept_])
            expected -= expected.mean(axis=0)
            np.testing.assert_allclose(fit.params[run, k], expected, atol=1e-6)


def test_unweighted_coefficients_against_statsmodels(data):
    X, y = data
    fit = fit_softmax(X, y, WEIGHT[:1])
    model = sm.MNLogit(y, sm.add_constant(X[0], prepend=False)).fit(
        method="newton", tol=1e-14, maxiter=100, disp=0
    )
    ours = fit.params[0, 0, 1:] - fit.params[0, 0, :1]  # class 0 is its reference
    np.testing.assert_allclose(ours, model.params.T, atol=1e-6)
    assert fit.loss[0, 0] == pytest.approx(-model.llf, rel=1e-10)


def test_l2_on_weights_only_against_scikit_learn(data):
    """scikit-learn minimises loss + ||W||² / (2 C), the intercept not penalised: α = 1 / C."""
    X, y = data
    fit = fit_softmax(X, y, WEIGHT[1:], objective=Objective(weight_penalty=4.0))
    model = LogisticRegression(C=0.25, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    model.fit(X[0], y, sample_weight=WEIGHT[1][y])
    np.testing.assert_allclose(fit.params[0, 0, :, :-1], model.coef_, atol=1e-6)


def test_train_sides_agree_in_every_class_and_run(data):
    X, y = data
    for fit, activation in ((fit_softmax(X, y, WEIGHT), "softmax"),
                            (fit_one_vs_all(X, y, WEIGHT), "sigmoid")):  # fmt: skip
        for run in range(3):
            for k, z in enumerate(softmax_logits(X[run], fit.params[run])):
                mass = class_mass(WEIGHT[k], SIZE)
                P = mean_proba(y, proba_from_logits(z, activation), activation)
                miss = None
                if activation == "sigmoid":
                    own = z[np.arange(len(y)), y]
                    miss = np.bincount(y, 1 / (1 + np.exp(own))) / class_count(y, 4)
                left, right = left_side(P, mass, miss), right_side(P, mass)
                assert (np.abs(left - right) <= 1e-9 * np.maximum(left, right)).all()


def loss_of(X, y, weight):
    def softmax_loss(theta):
        z = torch.as_tensor(X) @ theta[:, :-1].T + theta[:, -1]
        nll = torch.nn.functional.cross_entropy(z, torch.as_tensor(y), reduction="none")
        return float((torch.as_tensor(weight[y]) * nll).sum())

    def one_vs_all_loss(theta):
        z = torch.as_tensor(X) @ theta[:, :-1].T + theta[:, -1]
        target = torch.nn.functional.one_hot(torch.as_tensor(y)).double()
        each = torch.nn.functional.binary_cross_entropy_with_logits(z, target, reduction="none")
        return float((torch.as_tensor(weight[y])[:, None] * each).sum())

    return softmax_loss, one_vs_all_loss


@pytest.mark.parametrize("fitter", [fit_softmax, fit_one_vs_all])
def test_bias_gradient_and_residual_against_finite_differences(data, fitter):
    X, y = data
    fit = fitter(X, y, WEIGHT, max_iter=3)  # stopped on the way: early stopping
    assert (fit.status == "not converged").all()
    activation = "softmax" if fitter is fit_softmax else "sigmoid"
    loss = loss_of(X[1], y, WEIGHT[1])[fitter is fit_one_vs_all]
    theta = torch.as_tensor(fit.params[1, 1])
    gradient = []
    for j in range(4):
        step = torch.zeros_like(theta)
        step[j, -1] = 1e-5
        gradient.append((loss(theta + step) - loss(theta - step)) / 2e-5)
    mass = class_mass(WEIGHT[1], SIZE)
    np.testing.assert_allclose(fit.bias_gradient[1, 1] * mass.sum(), gradient, atol=1e-5)
    z = softmax_logits(X[1], fit.params[1])[1]
    P = mean_proba(y, proba_from_logits(z, activation), activation)
    miss = None if activation == "softmax" else 1 - np.diag(P)
    np.testing.assert_allclose(residual(P, mass, miss), -np.array(gradient), atol=1e-5)
    assert fit.loss[1, 1] == pytest.approx(loss(theta), rel=1e-10)


def test_two_classes_are_logistic_regression(data):
    X, y = data
    rows = y < 2
    both = fit_softmax(X[:, rows], y[rows], WEIGHT[:, :2])
    one = fit_logistic(X[:, rows], y[rows], WEIGHT[:, :2])
    np.testing.assert_allclose(both.params[:, :, 1] - both.params[:, :, 0], one.params, atol=1e-9)
    np.testing.assert_allclose(both.bias_gradient, one.bias_gradient, atol=1e-12)


def test_one_vs_all_is_k_logistic_regressions(data):
    X, y = data
    fit = fit_one_vs_all(X, y, WEIGHT)
    for k in range(4):
        model = sm.GLM(y == k, sm.add_constant(X[0], prepend=False), family=sm.families.Binomial(),
                       freq_weights=WEIGHT[1][y])  # fmt: skip
        expected = model.fit(tol=1e-14, maxiter=100).params
        np.testing.assert_allclose(fit.params[0, 1, k], expected, atol=1e-7)


def test_a_batch_is_its_members_and_weights_are_ratios(data):
    X, y = data
    together = fit_softmax(X, y, WEIGHT)
    alone = fit_softmax(X[1:2], y, 1000 * WEIGHT[1:])
    np.testing.assert_allclose(alone.params[0, 0], together.params[1, 1], rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("unit", [1e-8, 1e8])
def test_units_and_origin_do_not_matter(data, unit):
    X, y = data
    fit = fit_softmax(X * unit + 3 * unit, y, WEIGHT)
    assert fit.converged.all()
    plain = fit_softmax(X, y, WEIGHT)
    np.testing.assert_allclose(fit.params[..., :-1] * unit, plain.params[..., :-1], rtol=1e-6)


def test_torch_label_smoothing_is_torchs(data):
    """At our minimum torch's own loss has no gradient."""
    X, y = data
    objective = Objective(smoothing=0.1, smoothing_form="torch")
    fit = fit_softmax(X, y, WEIGHT[1:], objective=objective)
    theta = torch.tensor(fit.params[0, 0], requires_grad=True)
    z = torch.as_tensor(X[0]) @ theta[:, :-1].T + theta[:, -1]
    torch.nn.functional.cross_entropy(
        z, torch.as_tensor(y), weight=torch.as_tensor(WEIGHT[1]), label_smoothing=0.1,
        reduction="sum",
    ).backward()  # fmt: skip
    assert abs(theta.grad).max() < 1e-8
    own = fit_softmax(X, y, WEIGHT[1:], objective=Objective(smoothing=0.1))
    assert np.abs(own.params - fit.params).max() > 1e-2  # the control: the forms differ


def test_minibatch_mean_is_torchs_reduction_over_the_same_minibatches(data):
    X, y = data
    objective = Objective(batch_size=16, n_batches=300)
    fit = fit_softmax(X[:1], y, WEIGHT[1:], objective=objective, rngs=rngs(1))
    batches = rngs(1)[0].integers(len(y), size=(300, 16))
    theta = torch.tensor(fit.params[0, 0], requires_grad=True)
    weight = torch.as_tensor(WEIGHT[1])
    for rows in batches:
        z = torch.as_tensor(X[0, rows]) @ theta[:, :-1].T + theta[:, -1]
        loss = torch.nn.functional.cross_entropy(z, torch.as_tensor(y[rows]), weight=weight)
        (loss / 300).backward()
    assert abs(theta.grad).max() < 1e-10
    plain = fit_softmax(X[:1], y, WEIGHT[1:])
    assert np.abs(plain.params - fit.params).max() > 1e-2


def test_mixup_is_the_loss_of_mixed_labels(data):
    """The gradient of an explicit loop over the same draws vanishes at our minimum."""
    X, y = data
    fit = fit_softmax(X[:1], y, WEIGHT[1:], objective=Objective(mixup=0.5, draws=2), rngs=rngs(1))
    rng, theta = rngs(1)[0], torch.tensor(fit.params[0, 0], requires_grad=True)
    total = 0.0
    for _ in range(2):
        other, share = rng.permutation(len(y)), None
        share = rng.beta(0.5, 0.5, len(y))
        mixed = torch.as_tensor(share[:, None] * X[0] + (1 - share[:, None]) * X[0][other])
        log_proba = torch.log_softmax(mixed @ theta[:, :-1].T + theta[:, -1], dim=1)
        for labels, part in ((y, share), (y[other], 1 - share)):
            picked = log_proba[torch.arange(len(y)), torch.as_tensor(labels)]
            total = total - (torch.as_tensor(part * WEIGHT[1][labels]) * picked).sum()
    total.backward()
    assert abs(theta.grad).max() < 1e-8


def test_dropout_vanishes_with_its_probability(data):
    X, y = data
    plain = fit_softmax(X, y, WEIGHT)
    tiny = fit_softmax(X, y, WEIGHT, objective=Objective(dropout=1e-9), rngs=rngs())
    np.testing.assert_allclose(tiny.params, plain.params, atol=1e-6)
    strong = fit_softmax(X, y, WEIGHT, objective=Objective(dropout=0.5), rngs=rngs())
    assert strong.converged.all()
    assert np.abs(strong.params - plain.params).max() > 1e-2


def test_without_bias_there_is_none(data):
    X, y = data
    fit = fit_softmax(X, y, WEIGHT, objective=Objective(fit_bias=False))
    assert fit.converged.all()
    assert not fit.bias.any()
    model = LogisticRegression(C=np.inf, fit_intercept=False, solver="newton-cholesky", tol=1e-12)
    model.fit(X[0], y, sample_weight=WEIGHT[1][y])
    expected = model.coef_ - model.coef_.mean(axis=0)
    np.testing.assert_allclose(fit.params[0, 1, :, :-1], expected, atol=1e-6)


def test_separation_is_reported_and_touches_no_other_run(data):
    X, y = data
    apart = X[:1] + 20.0 * class_means("ring", 4, 3, 1.5)[y]
    fit = fit_softmax(np.concatenate([X[:1], apart]), y, WEIGHT)
    assert fit.status.tolist() == [["converged"] * 2, ["separated"] * 2]
    assert is_separated(apart[0], y)
    assert not is_separated(X[0], y)
    ova = fit_one_vs_all(np.concatenate([X[:1], apart]), y, WEIGHT)
    assert ova.status.tolist() == [["converged"] * 2, ["separated"] * 2]
    # one class apart is enough: a direction in which nobody loses and it gains
    one = X[:1] + 40.0 * (y == 3)[:, None]
    assert fit_softmax(one, y, WEIGHT).status.tolist() == [["separated"] * 2]
    # a penalty on the weights gives it a minimum
    held = fit_softmax(apart, y, WEIGHT[:1], objective=Objective(weight_penalty=1.0))
    assert held.status.tolist() == [["converged"]]


@pytest.mark.parametrize("fitter", [fit_softmax, fit_one_vs_all])
@pytest.mark.parametrize(
    ("X", "y", "weight", "message"),
    [
        (np.zeros((1, 6, 1)), [0, 0, 1, 1, 0, 1], [[1, 1, 1]], "every one of 3 classes"),
        (np.zeros((1, 6, 1)), [0, 1, 2, 0, 1, 2], [[1, 1]], r"labels 0..1, got 2"),
        (np.zeros((1, 6, 1)), [0, 0, 0, 0, 0, 0], [[1]], "at least 2 classes"),
        (np.zeros((1, 3, 2)), [0, 1, 2], [[1, 1, 1]], "3 samples for 3 parameters"),
        (np.zeros((1, 6, 1)), [0, 1, 2, 0, 1, 2], [[1, 0, 1]], "class_weight must be positive"),
        (np.zeros((1, 6, 1)), [0, 1, 2, 0, 1, 2], [1, 1, 1], "class_weight must have shape"),
    ],
)
def test_bad_arguments_are_named(fitter, X, y, weight, message):
    with pytest.raises(ValueError, match=message):
        fitter(X, y, weight)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smoothing": 1.0}, r"smoothing must be in \[0, 1\), got 1"),
        ({"dropout": -0.1}, r"dropout must be in \[0, 1\), got -0.1"),
        ({"bias_penalty": -1.0}, "bias_penalty must be finite and not negative"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"smoothing_form": "theirs"}, "smoothing_form must be one of own, torch, got 'theirs'"),
        ({"smoothing": 0.1, "mixup": 1.0}, "one at a time, got smoothing and mixup"),
    ],
)
def test_bad_objectives_are_named(options, message):
    with pytest.raises(ValueError, match=message):
        Objective(**options)


def test_an_objective_that_draws_needs_generators(data):
    X, y = data
    with pytest.raises(ValueError, match="rngs must hold 3 generators"):
        fit_softmax(X, y, WEIGHT, objective=Objective(dropout=0.1))
