"""Leave-one-out logits by a Jacobian: against those of a linear model, and where they end."""

import numpy as np
import pytest

from learnprop.equations.leave_one_out.jacobian import left_out_by_jacobian
from learnprop.equations.leave_one_out.logits import left_out_logit


def design(n_runs=2, n=60, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_runs, n, d)) * [1.0, 10.0, 0.1] + 5
    logit = (X - 5) @ [0.7, -0.1, 3.0] + 0.3
    return X, logit, rng.random(n) < 0.5, rng.uniform(0.5, 2.0, n)


@pytest.mark.parametrize("l2", [0.0, 0.8])
def test_a_linear_network_is_a_regression(l2):
    """Without a penalty in any coordinates of its parameters; with one in those of the penalty."""
    X, logit, is_one, weight = design()
    J = np.concatenate([X - X.mean(axis=1, keepdims=True), np.ones_like(X[..., :1])], axis=-1)
    expected = left_out_logit(X, logit, is_one, weight, l2)
    penalty = np.array([l2, l2, l2, 0.0])
    found = left_out_by_jacobian(J, logit, is_one, weight, penalty)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    other = J @ np.array([[2.0, 1, 0, 0], [0, 1, 0, 3], [0, 0, 5, 0], [0, 0, 1, 1]])
    turned = left_out_by_jacobian(other, logit, is_one, weight)
    unpenalised = left_out_logit(X, logit, is_one, weight)
    np.testing.assert_allclose(turned, unpenalised, rtol=1e-7)  # the ridge, 1e-13, times 1e6
    assert np.abs(unpenalised - logit).max() > 0.1  # the control: samples do matter


def test_without_itself_a_sample_is_never_predicted_better():
    """The Gauss-Newton matrix has leverages of at most one, whatever the Jacobian."""
    rng = np.random.default_rng(1)
    J, logit = rng.standard_cauchy((40, 30)), rng.normal(size=40) * 4
    is_one = rng.random(40) < 0.5
    moved = left_out_by_jacobian(J, logit, is_one, np.full(40, 2.0)) - logit
    assert np.isfinite(moved).all()
    assert (np.where(is_one, -moved, moved) > 0).all()


def test_what_one_sample_alone_tells_is_unknown_without_it():
    X, logit, is_one, weight = design(n_runs=1)
    J = np.concatenate([X[0], np.ones((60, 1)), np.zeros((60, 2))], axis=1)
    J[7, 4] = 1.0  # and the last parameter no sample tells
    found = left_out_by_jacobian(J, logit[0], is_one, weight)
    assert np.flatnonzero(np.isnan(found)).tolist() == [7]
    rest = np.delete(np.arange(60), 7)
    without = left_out_by_jacobian(J[rest][:, :4], logit[0][rest], is_one[rest], weight[rest])
    np.testing.assert_allclose(found[rest], without, rtol=1e-9)


@pytest.mark.filterwarnings("error")
def test_where_a_leverage_overflows_no_sample_of_the_fit_is_told():
    """Two saturated samples alone tell a parameter; the other fit of the batch is as it was."""
    X, logit, is_one, weight = design()
    J = np.concatenate([X, np.ones((2, 60, 1)), np.zeros((2, 60, 1))], axis=-1)
    (plain,) = left_out_by_jacobian(J[1:], logit[1:], is_one, weight)
    J[0, 7:9, 4], logit[0, 7:9] = (1e4, 0.01), (-760.0, -700.0)
    found = left_out_by_jacobian(J, logit, is_one, weight)
    assert np.isnan(found[0]).all()
    np.testing.assert_array_equal(found[1], plain)
