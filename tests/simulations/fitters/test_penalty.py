"""The penalty of the weights: scikit-learn's minimum, and Eq. (9) none the less."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.linear_model import LogisticRegression

import learnprop as lp
from learnprop.equations.balance import class_mass, left_side, residual, right_side
from learnprop.equations.labels import class_count
from learnprop.equations.mean_proba import mean_proba, proba_from_logits
from learnprop.simulations.fitters import FITTERS
from learnprop.simulations.fitters.fitter import Batch
from learnprop.simulations.fitters.logistic import fit_logistic, logistic_logits
from learnprop.simulations.fitters.objective import Objective
from learnprop.simulations.fitters.one_vs_all import fit_one_vs_all
from learnprop.simulations.fitters.softmax import fit_softmax, softmax_logits
from learnprop.simulations.generators.user_data import draw_from_classes
from learnprop.simulations.studies.cells import streams_of

FILES = {"iris": load_iris, "wine": load_wine, "breast cancer": load_breast_cancer}
WEIGHT = np.array([[1.0, 1.0, 1.0], [1.0, 2.5, 0.5]])


@pytest.fixture(params=FILES, scope="module")
def file(request):
    return FILES[request.param](return_X_y=True)


def penalised_softmax(X, y, class_weight, l2):
    return fit_softmax(X, y, class_weight, objective=Objective(weight_penalty=l2))


def theirs(X, y, weight, alpha):
    """Of scikit-learn, to a gradient of 1e-12; coefficients and intercept a row per logit."""
    model = LogisticRegression(C=1 / alpha, solver="newton-cholesky", tol=1e-12, max_iter=1000)
    model.fit(X, y, sample_weight=weight)
    return np.column_stack([model.coef_, model.intercept_]), model


@pytest.mark.parametrize("alpha", [1.0, 0.01])
def test_it_is_the_minimum_of_scikit_learn(file, alpha):
    X, y = file
    n_classes = len(np.unique(y))
    weight = WEIGHT[:, :n_classes]
    found = {"one-vs-all": fit_one_vs_all(X[None], y, weight, l2=alpha)}
    if n_classes == 2:
        found["logistic"] = fit_logistic(X[None], y, weight, l2=alpha)
    # Its two vectors are ±β/2, which a penalty of α costs as α/2 costs β.
    found["softmax"] = penalised_softmax(X[None], y, weight, (1 + (n_classes == 2)) * alpha)
    for name, fitted in found.items():
        assert fitted.status.tolist() == [["converged"] * 2]
        assert fitted.gradient_norm.max() <= 1e-12
        for params, of_class in zip(fitted.params[0], weight, strict=True):
            if name == "one-vs-all":
                expected = np.concatenate(
                    [theirs(X, y == k, of_class[y], alpha)[0] for k in range(n_classes)]
                )
                np.testing.assert_allclose(params, expected, rtol=1e-6, atol=1e-7)
                continue
            expected, model = theirs(X, y, of_class[y], alpha)
            z = (softmax_logits if params.ndim == 2 else logistic_logits)(X, params[None])[0]
            proba = proba_from_logits(z)
            np.testing.assert_allclose(proba, model.predict_proba(X), atol=1e-8)
            if n_classes > 2:
                expected = expected - expected.mean(axis=0)
            elif name == "softmax":
                params = params[1] - params[0]
            np.testing.assert_allclose(np.atleast_2d(params), expected, rtol=1e-6, atol=1e-7)


def sides(X, y, params, weight, activation="softmax"):
    z = softmax_logits(X, params[None])[0]
    P = mean_proba(y, proba_from_logits(z, activation), activation)
    miss = None
    if activation == "sigmoid":
        own = z[np.arange(len(y)), y]
        miss = np.bincount(y, 1 / (1 + np.exp(own))) / class_count(y, len(P))
    mass = class_mass(weight, class_count(y, len(P)))
    return left_side(P, mass, miss), right_side(P, mass), residual(P, mass, miss)


def test_equation_9_holds_on_train_and_not_if_the_bias_is_penalised_too(file):
    X, y = file
    weight = WEIGHT[1:, : len(np.unique(y))]
    for fitted, activation in (
        (penalised_softmax(X[None], y, weight, 1.0), "softmax"),
        (fit_one_vs_all(X[None], y, weight, l2=1.0), "sigmoid"),
    ):
        left, right, _ = sides(X, y, fitted.params[0, 0], weight[0], activation)
        np.testing.assert_allclose(left, right, rtol=1e-10)
    both = Objective(weight_penalty=1.0, bias_penalty=0.5)
    fitted = fit_softmax(X[None] - X.mean(axis=0), y, weight, objective=both)
    left, right, r = sides(X - X.mean(axis=0), y, fitted.params[0, 0], weight[0])
    np.testing.assert_allclose(r, 0.5 * fitted.bias[0, 0], atol=1e-9)  # E8
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(left, right, rtol=1e-10)


def loss_of(X, y, weight, l2, one_vs_all):
    """As torch has it, a number of the parameters (K, P)."""
    target = torch.nn.functional.one_hot(torch.as_tensor(y)).double()
    of_sample = torch.as_tensor(weight[y])

    def loss(theta):
        z = torch.as_tensor(X) @ theta[:, :-1].T + theta[:, -1]
        if one_vs_all:
            name = "binary_cross_entropy_with_logits"
            each = getattr(torch.nn.functional, name)(z, target, reduction="none").sum(dim=1)
        else:
            each = torch.nn.functional.cross_entropy(z, target, reduction="none")
        return (of_sample * each).sum() + l2 / 2 * (theta[:, :-1] ** 2).sum()

    return loss


@pytest.mark.parametrize("one_vs_all", [False, True])
def test_loss_and_gradients_on_the_way_are_those_of_torch(one_vs_all):
    X, y = load_iris(return_X_y=True)
    how = {"max_iter": 3}  # stopped early
    if one_vs_all:
        fitted = fit_one_vs_all(X[None], y, WEIGHT, l2=7.0, **how)
    else:
        fitted = fit_softmax(X[None], y, WEIGHT, objective=Objective(weight_penalty=7.0), **how)
    assert set(fitted.status.ravel()) == {"not converged"}
    for params, weight, s in zip(fitted.params[0], WEIGHT, (0, 1), strict=True):
        theta = torch.tensor(params, requires_grad=True)
        loss = loss_of(X, y, weight, 7.0, one_vs_all)(theta)
        gradient = torch.autograd.grad(loss, theta)[0].numpy()
        mass = weight[y].sum()
        assert fitted.loss[0, s] == pytest.approx(loss.item(), rel=1e-12)
        np.testing.assert_allclose(fitted.bias_gradient[0, s] * mass, gradient[:, -1], atol=1e-9)
        # θ = s β and the bias at the mean, so that ∂/∂θ = (∂/∂β - mean ∂/∂b) / s.
        about = (gradient[:, :-1] - gradient[:, -1:] * X.mean(axis=0)) / X.std(axis=0, ddof=1)
        norm = np.linalg.norm(np.column_stack([about, gradient[:, -1]])) / mass
        assert fitted.gradient_norm[0, s] == pytest.approx(norm, rel=1e-9)


def test_the_gradient_is_that_of_finite_differences():
    X, y = load_breast_cancer(return_X_y=True)
    fitted = fit_logistic(X[None, :, :2], y, [[1.0, 2.0]], l2=50.0, max_iter=2)
    slope = fitted.params[0, 0]

    def loss(b):
        z = X[:, :2] @ slope[:-1] + b
        each = np.where(y == 1, 2.0, 1.0) * np.logaddexp(0, np.where(y == 1, -z, z))
        return each.sum() + 25.0 * (slope[:-1] ** 2).sum()

    by_hand = (loss(slope[-1] + 1e-5) - loss(slope[-1] - 1e-5)) / 2e-5
    mass = np.where(y == 1, 2.0, 1.0).sum()
    np.testing.assert_allclose(fitted.bias_gradient[0, 0] * mass, [-by_hand, by_hand], rtol=1e-6)
    assert fitted.loss[0, 0] == pytest.approx(loss(slope[-1]), rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "origin"), [(1e6, 0.0), (1e6, 1e8), (1e-6, 0.0), (1.0, 1e6), (1e-150, 0.0)]
)
def test_a_feature_in_other_units_has_its_coefficient_penalised_there(unit, origin):
    """β' = β / unit: a penalty of α on β' is one of α / unit² on β, solved in the old unit."""
    X, y = load_iris(return_X_y=True)
    moved = X.copy()
    moved[:, 1] = moved[:, 1] * unit + origin
    expected = []
    for k in range(3):
        expected.append(newton(X, y == k, np.array([1, 1 / min(unit, 1e140) ** 2, 1, 1])))
    found = fit_one_vs_all(moved[None], y, WEIGHT[:1], l2=1.0)
    assert found.converged.all()
    slopes = found.params[0, 0, :, :-1] * [1, unit, 1, 1]
    np.testing.assert_allclose(slopes, np.array(expected)[:, :-1], rtol=1e-6, atol=1e-8)
    softmax = penalised_softmax(moved[None], y, WEIGHT[:1], 1.0)
    assert softmax.converged.all()
    assert softmax.gradient_norm.max() <= 1e-12


def newton(X, positive, penalty):
    """Logistic regression with a penalty for each coefficient, in the features as they are."""
    design = np.column_stack([X, np.ones(len(X))])
    ridge, theta = np.append(penalty, 0.0), np.zeros(X.shape[1] + 1)
    for _ in range(30):
        p = 1 / (1 + np.exp(-design @ theta))
        hessian = (design * (p * (1 - p))[:, None]).T @ design + np.diag(ridge)
        size = 1 / np.sqrt(np.diag(hessian))
        gradient = design.T @ (p - positive) + ridge * theta
        theta = theta - size * np.linalg.solve(size[:, None] * hessian * size, size * gradient)
    return theta


@pytest.mark.parametrize("name", ["logistic", "softmax", "one-vs-all"])
def test_separated_classes_and_fewer_samples_than_features_have_a_minimum(name):
    X, y = load_breast_cancer(return_X_y=True)
    rows = np.r_[0:10, 19:29]  # 20 samples of 30 features
    fitter = FITTERS[name].record
    fitted = [fitter.fit(batch_of(X[None, rows], y[rows]), l2=l2)[0].fit for l2 in (1e-6, 1.0, 1e6)]
    assert {str(f.status[0, 0]) for f in fitted} == {"converged"}
    assert fitted[2].loss[0, 0] > fitted[1].loss[0, 0] > fitted[0].loss[0, 0]
    with pytest.raises(ValueError, match="20 samples for 31 parameters"):
        fitter.fit(batch_of(X[None, rows], y[rows]), l2=0.0)
    assert fitter.fit(batch_of(X[None], y), l2=0.0)[0].fit.status == [["separated"]]


def batch_of(X, y):
    return Batch(X, y, ("equal",), [(1.0, 1.0)], "cpu", lambda _: [])


@pytest.mark.parametrize("l2", [-1.0, float("nan"), float("inf")])
def test_what_is_no_penalty_is_refused(l2):
    X, y = np.arange(8.0).reshape(1, 8, 1), np.arange(8) % 2
    for fitter in (fit_logistic, fit_one_vs_all):
        with pytest.raises(ValueError, match=f"l2 must be finite and at least 0, got {l2}"):
            fitter(X, y, [[1.0, 1.0]], l2=l2)
    with pytest.raises(ValueError, match=f"l2 must be finite and at least 0, got {l2}"):
        lp.multiclass(l2=l2)


def test_a_study_of_a_file_is_scikit_learn_on_its_samples(file):
    """Means over two runs of what explore draws; λ sum to one, so that C = 1 / α of that sum."""
    X, y = file
    result = lp.explore(X, y, l2=0.5, runs=2, ratios=[2], weights=["inverse"])
    (cell,) = result.study.cells
    classes = [X[y == int(label)] for label in cell.source.labels]
    (weight,) = (np.array(w) for _, w in cell.class_weight)
    P = {"train": [], "test": []}
    for rng in streams_of(cell.name, 0, range(2))("train"):
        drawn = draw_from_classes(classes, cell.train_size, cell.test_size, rng)
        _, model = theirs(*drawn[0], weight[drawn[0][1]], 0.5)
        for split, (features, labels) in zip(P, drawn, strict=True):
            P[split].append(mean_proba(labels, model.predict_proba(features)))
    frame = result.to_frame().set_index("split")
    for split, found in P.items():
        expected = np.mean(found, axis=0).diagonal()
        np.testing.assert_allclose(frame.loc[split, "mean_proba"], expected, atol=1e-8)
    assert frame.loc["train", "max_relative_difference"].max() <= 1e-10
    assert (frame["runs_failed"] == 0).all()
