"""Leave-one-out logits against fits that leave each sample out."""

from functools import partial

import numpy as np
import pytest

from learnprop.equations.leave_one_out.logits import left_out_logit, left_out_softmax_logits
from learnprop.simulations.fitters.logistic import (
    fit_logistic,
    left_out_logistic,
    logistic_logits,
)
from learnprop.simulations.fitters.objective import Objective
from learnprop.simulations.fitters.one_vs_all import fit_one_vs_all, left_out_one_vs_all
from learnprop.simulations.fitters.softmax import fit_softmax, left_out_softmax, softmax_logits


def design(n, n_classes=2, seed=0):
    """Features of n samples and their labels, in order of classes that overlap."""
    rng = np.random.default_rng(seed)
    y = np.sort(np.arange(n) % n_classes)
    return rng.normal(size=(n, 2)) + np.eye(n_classes, 2)[y] + 3, y


def softmax_with(X, y, weight, l2=0.0):
    return fit_softmax(X, y, weight, objective=Objective(weight_penalty=l2))


REGRESSIONS = {
    "logistic": (fit_logistic, logistic_logits, left_out_logistic, 2),
    "softmax": (softmax_with, softmax_logits, left_out_softmax, 2),
    "softmax of 3": (softmax_with, softmax_logits, left_out_softmax, 3),
    "one-vs-all": (fit_one_vs_all, softmax_logits, left_out_one_vs_all, 3),
}


def refitted(fit, logits_of, X, y, weight, samples):
    """Logits of some samples, each by a fit to all others."""
    found = []
    for i in samples:
        others = np.delete(np.arange(len(y)), i)
        without = fit(X[None, others], y[others], [weight])
        assert without.converged.all()
        found.append(logits_of(X[[i]], without.params[0])[0, 0])
    return np.array(found)


@pytest.mark.parametrize(
    ("name", "l2"),
    [("logistic", 0.0), ("softmax", 1.5), ("softmax of 3", 0.0), ("one-vs-all", 1.5)],
)
def test_the_error_falls_as_the_square_of_the_sample(name, l2):
    """The same points twice, four and eight times, and as much more penalty: one minimum."""
    fit, logits_of, left_out, n_classes = REGRESSIONS[name]
    X, y = design(24 * n_classes, n_classes)
    weight = np.array([1.0, 3.0, 0.5])[:n_classes]
    errors, effects = [], []
    for m in (2, 4, 8):
        X_m, y_m = np.repeat(X, m, axis=0), np.repeat(y, m)
        fit_m = partial(fit, l2=m * l2)
        params = fit_m(X_m[None], y_m, [weight]).params[0]
        found = left_out(X_m, y_m, params, weight[None], l2=m * l2)[0]
        fitted = logits_of(X_m, params)[0]
        some = m * np.arange(0, len(X), 12)
        exact = refitted(fit_m, logits_of, X_m, y_m, weight, some)
        errors.append(np.abs(found[some] - exact).max())
        effects.append(np.abs(fitted[some] - exact).max())
    slope = np.log2(errors[1:]) - np.log2(errors[:-1])
    assert (np.abs(slope + 2) < 0.2).all()
    assert abs(slope[1] + 2) < abs(slope[0] + 2)  # to first order
    # The control: with nothing left out the slope is that of 1/N.
    assert np.log2(effects[2] / effects[1]) == pytest.approx(-1, abs=0.1)


def test_two_softmax_logits_are_one_logistic():
    X, y = design(100)
    fit = fit_softmax(X[None], y, [[1.0, 3.0]], objective=Objective(weight_penalty=2.0))
    z = softmax_logits(X, fit.params[0])[0]
    weight = np.array([1.0, 3.0])[y]
    both = left_out_softmax_logits(X, z, y, weight, 2.0)
    # α (|β|² + |-β|²) of two logits ±β is that of their difference 2β with α / 2
    one = left_out_logit(X, z[:, 1] - z[:, 0], y == 1, weight, 1.0)
    np.testing.assert_allclose(both[:, 1] - both[:, 0], one, rtol=1e-10)


@pytest.mark.parametrize("l2", [0.0, 1.5])
@pytest.mark.parametrize("name", REGRESSIONS)
def test_neither_an_origin_nor_features_that_say_nothing_matter(name, l2):
    fit, _, left_out, n_classes = REGRESSIONS[name]
    X, y = design(90, n_classes)
    weight = np.array([[1.0, 3.0, 0.5][:n_classes]])
    params = fit(X[None], y, weight, l2=l2).params[0]
    expected = left_out(X, y, params, weight, l2=l2)
    far = np.array([1e6, -1e5])
    moved = params.copy()
    moved[..., -1] -= params[..., :-1] @ far
    found = left_out(X + far, y, moved, weight, l2=l2)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    no_say = [np.full((90, 1), 1e6)] + [X[:, :1] - 2 * X[:, 1:]] * (not l2)
    more = np.concatenate([X, *no_say], axis=1)
    longer = np.insert(params, [2] * len(no_say), 0.0, axis=-1)
    found = left_out(more, y, longer, weight, l2=l2)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


def test_a_sample_that_alone_tells_its_logit_is_not_known_without_it():
    X, y = design(60, 3)
    only = np.zeros((60, 1))
    only[7] = 1.0
    weight, z = np.ones(60), np.zeros((60, 3))
    X = np.concatenate([X, only], axis=1)
    lost = np.isnan(left_out_softmax_logits(X, z, y, weight)).any(axis=1)
    assert np.flatnonzero(lost).tolist() == [7]
    assert np.flatnonzero(np.isnan(left_out_logit(X, z[:, 0], y == 1, weight))).tolist() == [7]
    assert not np.isnan(left_out_softmax_logits(X, z, y, weight, 1.0)).any()


def test_a_batch_is_its_members():
    X, y = design(5000, 4)  # more samples than are factorised at once
    rng = np.random.default_rng(1)
    z, weight = rng.normal(size=(3, 5000, 4)), rng.uniform(1, 2, size=(3, 5000))
    stack = X + rng.normal(size=(3, 1, 2))
    found = left_out_softmax_logits(stack, z, y, weight, 0.5)
    for i in range(3):
        alone = left_out_softmax_logits(stack[i], z[i], y, weight[i], 0.5)
        np.testing.assert_allclose(found[i], alone, rtol=1e-9)
