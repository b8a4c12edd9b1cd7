"""Leave-one-out logits against fits that leave each sample out."""

import numpy as np
import pytest

from learnprop.equations.leave_one_out.logits import left_out_logit, left_out_softmax_logits
from learnprop.simulations.fitters.logistic import fit_logistic, logistic_logits
from learnprop.simulations.fitters.objective import Objective
from learnprop.simulations.fitters.softmax import fit_softmax, softmax_logits


def design(n, n_classes=2, seed=0):
    """Every sample of a fixed design as often: features on a grid, labels that overlap."""
    rng = np.random.default_rng(seed)
    y = np.sort(rng.permutation(n) % n_classes)
    return rng.normal(size=(n, 2)) + np.eye(n_classes, 2)[y] + 3, y


@pytest.mark.parametrize("l2", [0.0, 2.0])
def test_leaving_out_is_refitting_without(l2):
    X, y = design(200)
    weight = np.array([1.0, 3.0])
    fit = fit_logistic(X[None], y, [weight], l2=l2)
    z = logistic_logits(X, fit.params[0])[0]
    found = left_out_logit(X, z, y == 1, weight[y], l2)
    exact = []
    for i in range(len(y)):
        others = np.arange(len(y)) != i
        without = fit_logistic(X[None, others], y[others], [weight], l2=l2)
        exact.append(logistic_logits(X[i : i + 1], without.params[0])[0, 0])
    error, effect = np.abs(found - exact).max(), np.abs(z - exact).max()
    assert error < 0.1 * effect


def test_two_softmax_logits_are_one_logistic():
    X, y = design(100)
    fit = fit_softmax(X[None], y, [[1.0, 3.0]], objective=Objective(weight_penalty=2.0))
    z = softmax_logits(X, fit.params[0])[0]
    weight = np.array([1.0, 3.0])[y]
    both = left_out_softmax_logits(X, z, y, weight, 2.0)
    # α (|β|² + |-β|²) of two logits ±β is that of their difference 2β with α / 2
    one = left_out_logit(X, z[:, 1] - z[:, 0], y == 1, weight, 1.0)
    np.testing.assert_allclose(both[:, 1] - both[:, 0], one, rtol=1e-10)
