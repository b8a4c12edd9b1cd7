"""A head start changes where a search begins, not where it ends."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from learnprop.simulations.fitters.logistic import fit_logistic
from learnprop.simulations.fitters.softmax import fit_softmax
from learnprop.simulations.minimisation import softmax_minimum
from learnprop.simulations.minimisation.logistic_loss import discriminant, minimise_logistic
from learnprop.simulations.minimisation.softmax_loss import plain_loss

WEIGHT = [[1.0, 1.0], [1.0, 9.0], [5.0, 1.0]]


@pytest.fixture(scope="module")
def classes():
    rng = np.random.default_rng(1)
    y = np.arange(600) % 5 // 4
    X = rng.normal(size=(4, 600, 2)) + y[:, None]
    X[1, y == 1] += 50  # separated
    X[2] = X[2] ** 5  # nothing like the discriminant's classes
    return X, y


def design_of(x, y):
    sign = 1.0 - 2.0 * y
    return torch.as_tensor(np.column_stack([x, np.ones(len(y))]).T * sign)


def test_the_discriminant_against_scikit_learn(classes):
    X, y = classes
    design = design_of(X[0], y)
    n = len(y)
    gradient, hessian = design.sum(dim=1) / (2 * n), design @ design.mT / (4 * n)
    model = LinearDiscriminantAnalysis(solver="lsqr").fit(X[0], y)
    expected = np.append(model.coef_[0], model.intercept_)
    assert discriminant(gradient, hessian).numpy() == pytest.approx(expected, rel=1e-9)


def test_the_minimum_is_that_of_a_search_from_zero(classes):
    X, y = classes
    design = torch.stack([design_of(x, y) for x in X[[0, 2, 3]]])
    weight = torch.as_tensor(np.array(WEIGHT)[:, y])
    weight = (weight / weight.sum(dim=1, keepdim=True)).expand(3, -1, -1)
    zero = design.new_zeros(3, 3, 3)
    plain, ahead = (
        minimise_logistic(design, weight, zero, from_discriminant=head) for head in (False, True)
    )
    assert (ahead.gradient_norm <= 1e-12).all()
    assert (ahead.n_iter[0] < plain.n_iter[0]).all()
    size = plain.theta.abs().amax(dim=-1, keepdim=True)
    assert ((ahead.theta - plain.theta).abs() <= 1e-10 * size).all()


@pytest.fixture(scope="module")
def three_classes():
    """Three runs, the last skewed, and the softmax loss of each with equal class masses."""
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1, 2], [300, 200, 100])
    X = rng.normal(size=(3, 600, 2)) + np.eye(3, 2)[y]
    X[2] = X[2] ** 3
    design = np.concatenate([X.transpose(0, 2, 1), np.ones((3, 1, 600))], axis=1)
    target = np.tile(np.eye(3)[y].T / (3 * np.bincount(y)[:, None]), (3, 1, 1))
    return X, y, plain_loss(torch.as_tensor(design), torch.as_tensor(target))


def test_the_discriminant_of_three_classes_is_that_of_their_moments(three_classes):
    X, y, loss = three_classes
    mean = np.stack([X[0][y == k].mean(axis=0) for k in range(3)])
    within = np.mean([np.cov(X[0][y == k].T, bias=True) for k in range(3)], axis=0)
    slope = mean @ np.linalg.inv(within)  # of equal masses: the mean of the classes' covariances
    expected = np.column_stack([slope, -0.5 * (slope * mean).sum(axis=1)])
    found = softmax_minimum.discriminant(loss)[0, 0].numpy()
    assert found == pytest.approx(expected - expected.mean(axis=0), rel=1e-9)


def test_the_minimum_of_three_classes_is_that_of_a_search_from_zero(three_classes):
    loss = three_classes[2]
    zero = torch.zeros(3, 1, 3, 3, dtype=torch.float64)
    plain, ahead = (
        softmax_minimum.minimise_softmax(loss, zero, from_discriminant=head)
        for head in (False, True)
    )
    assert (ahead.gradient_norm <= 1e-12).all()
    assert (ahead.n_iter[0] < plain.n_iter[0]).all()
    assert (ahead.theta - plain.theta).abs().max() <= 1e-10 * plain.theta.abs().max()


@pytest.mark.parametrize("fit_one", [fit_logistic, fit_softmax])
def test_a_replication_has_the_same_bits_alone(classes, fit_one):
    X, y = classes
    fit = fit_one(X, y, WEIGHT)
    assert fit.status[:, 0].tolist() == ["converged", "separated", "converged", "converged"]
    for run in range(len(X)):
        alone = fit_one(X[run : run + 1], y, WEIGHT)
        for name in ("params", "loss", "n_iter", "status"):
            np.testing.assert_array_equal(getattr(alone, name)[0], getattr(fit, name)[run])
