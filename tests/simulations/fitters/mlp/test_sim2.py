import numpy as np
import pytest
import torch
from scipy.optimize import minimize, rosen, rosen_der
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from learnprop.equations.balance import class_mass, gap
from learnprop.equations.mean_proba import mean_proba, proba_from_logits
from learnprop.simulations.fitters.fit import check_problem
from learnprop.simulations.fitters.mlp.bfgs import bfgs
from learnprop.simulations.fitters.mlp.minibatches import train_adam
from learnprop.simulations.fitters.mlp.network import initial_params, mlp_logits, n_params
from learnprop.simulations.fitters.mlp.objective import make_objective
from learnprop.simulations.fitters.mlp.sim2 import (
    check_start,
    describe,
    fit_mlp,
    refine_output_layer,
)
from learnprop.simulations.fitters.mlp.training import make_minibatch_loss, train_bfgs
from learnprop.simulations.generators.generator import sample
from learnprop.simulations.generators.paper import sim2

WEIGHT = np.array([[0.5, 0.5], [10 / 11, 1 / 11]])


@pytest.fixture(scope="module")
def data():
    draws = [sample(sim2(), (100, 1000), np.random.default_rng(i)) for i in range(3)]
    start = np.stack([initial_params(3, 10, np.random.default_rng(50 + i)) for i in range(3)])
    return np.stack([X for X, _ in draws]), draws[0][1], start


def reference_logits(X, theta, n_hidden):
    """v^T sigmoid(W^T x + c) + b, from the layout that the documentation states."""
    d = X.shape[1]
    W = theta[: d * n_hidden].reshape(d, n_hidden)
    c, v = theta[d * n_hidden : -1].reshape(2, n_hidden)
    return 1 / (1 + np.exp(-(X @ W + c))) @ v + theta[-1]


def reference_loss(X, y, pair, theta, n_hidden):
    z = reference_logits(X, theta, n_hidden)
    return (pair[y] * np.logaddexp(0, np.where(y == 0, z, -z))).sum()


def test_logits_are_those_of_the_formula(data):
    X, _, start = data
    expected = [reference_logits(X[0], theta, 10) for theta in start]
    # A sum of 11 terms, each at most a weight in size, may cancel: the error is relative to them.
    rounding = 64 * np.finfo(float).eps * np.abs(start).sum(axis=1).max()
    np.testing.assert_allclose(mlp_logits(X[0], start), expected, rtol=0, atol=rounding)
    assert start.shape[1] == n_params(3, 10)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_gradient_against_finite_differences(data, dtype):
    X, y, start = data
    problem = check_problem(X, y, WEIGHT, "cpu")
    theta = torch.as_tensor(start).repeat_interleave(2, dim=0)
    everyone = torch.arange(6)
    loss, gradient = make_objective(problem, 10, dtype)(everyone, theta)
    rng = np.random.default_rng(0)
    for i in range(6):
        run, pair = i // 2, WEIGHT[i % 2]
        mass = pair @ [100, 1000]
        tolerance = 1e-8 if dtype == torch.float64 else 1e-5
        expected = reference_loss(X[run], y, pair, start[run], 10) / mass
        assert loss[i].item() == pytest.approx(expected, rel=tolerance)
        for _ in range(3):
            d = rng.normal(size=start.shape[1])
            ends = [
                reference_loss(X[run], y, pair, start[run] + h * d, 10) / mass
                for h in (1e-5, -1e-5)
            ]
            slope = (ends[0] - ends[1]) / 2e-5
            assert gradient[i].numpy() @ d == pytest.approx(slope, abs=tolerance)


def test_a_sample_that_is_wrong_beyond_float64_costs_its_logit(data):
    X, y, start = data
    problem = check_problem(X, y, WEIGHT, "cpu")
    theta = torch.as_tensor(start).repeat_interleave(2, dim=0)
    theta[:, 40:-1], theta[:, -1] = 0.0, 2000.0  # logit 2000 for every sample, class 0 too
    loss, _ = make_objective(problem, 10)(torch.arange(6), theta)
    heavier = WEIGHT[:, 0] * 100 / (WEIGHT @ [100, 1000])
    np.testing.assert_allclose(loss.reshape(3, 2), np.tile(2000 * heavier, (3, 1)))


def test_a_subset_of_problems_is_evaluated_as_in_the_whole(data):
    X, y, start = data
    evaluate = make_objective(check_problem(X, y, WEIGHT, "cpu"), 10)
    theta = torch.as_tensor(start).repeat_interleave(2, dim=0)
    loss, gradient = evaluate(torch.arange(6), theta)
    some = torch.tensor([0, 3, 4, 5])
    few_loss, few_gradient = evaluate(some, theta[some])
    torch.testing.assert_close(few_loss, loss[some], rtol=1e-12, atol=0)
    torch.testing.assert_close(few_gradient, gradient[some], rtol=1e-9, atol=1e-12)


def test_bfgs_finds_what_scipy_finds():
    starts = np.array([[-1.2, 1.0], [2.0, -1.0], [0.5, 0.7]])

    def evaluate(_, theta):
        points = theta.numpy()
        return (
            torch.tensor([rosen(p) for p in points]),
            torch.tensor(np.array([rosen_der(p) for p in points])),
        )

    result = bfgs(
        evaluate, torch.tensor(starts), torch.eye(2, dtype=torch.float64).repeat(3, 1, 1),
        max_iter=200, tolerance=0.0,
    )  # fmt: skip
    for found, start in zip(result.theta.numpy(), starts, strict=True):
        expected = minimize(rosen, start, jac=rosen_der, method="BFGS").x
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_bfgs_stops_where_the_loss_stalls():
    def evaluate(_, theta):
        return (theta**2).sum(dim=1) + 1.0, 2 * theta

    theta = torch.full((2, 3), 5.0, dtype=torch.float64)
    metric = 0.01 * torch.eye(3, dtype=torch.float64).repeat(2, 1, 1)
    result = bfgs(evaluate, theta, metric, max_iter=300)
    assert (result.n_iter < 60).all()
    assert result.theta.abs().max() < 1e-3


def test_depths_on_one_path_are_those_of_paths_of_their_own(data):
    X, y, start = data
    problem = check_problem(X, y, WEIGHT, "cpu")
    begin, depths = check_start(problem, start), [5, 30, 60]
    for depth, (theta, n_iter) in zip(
        depths, train_bfgs(problem, begin, depths=depths), strict=True
    ):
        ((alone, steps),) = train_bfgs(problem, begin, depths=[depth])
        torch.testing.assert_close(theta, alone, rtol=0, atol=0)
        assert n_iter.tolist() == steps.tolist()
        assert depth == 60 or set(n_iter.tolist()) == {depth}


def test_refined_fits_balance_on_train(data):
    X, y, start = data
    fit = fit_mlp(X, y, WEIGHT, start, max_iter=60)
    assert fit.converged.all()
    assert abs(fit.bias_gradient).max() <= 1e-12
    for run in range(3):
        logits = mlp_logits(X[run], fit.params[run])
        for z, pair in zip(logits, WEIGHT, strict=True):
            P = mean_proba(y, proba_from_logits(z))
            assert np.abs(gap(P, class_mass(pair, [100, 1000]))).max() < 1e-9


def test_refinement_moves_the_output_layer_only_and_lowers_the_loss(data):
    X, y, start = data
    problem = check_problem(X, y, WEIGHT, "cpu")
    ((theta, n_iter),) = train_bfgs(problem, check_start(problem, start), depths=[20])
    refined = refine_output_layer(problem, theta)
    torch.testing.assert_close(refined[:, :40], theta[:, :40], rtol=0, atol=0)
    before, after = describe(problem, theta, n_iter), describe(problem, refined, n_iter)
    assert (after.loss <= before.loss).all()
    assert abs(before.bias_gradient).min() > 1e-9  # the control: training alone does not balance
    assert not before.converged.any()


def test_an_output_layer_without_a_minimum_stays_and_the_bias_balances():
    # One unit that is on for samples of class 1 only: its output weight would go to infinity.
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [50, 200])
    X = rng.normal(size=(1, 250, 1))
    X[0, -40:, 0] = 10.0
    problem = check_problem(X, y, WEIGHT, "cpu")
    theta = torch.tensor([[50.0, 1.0, -250.0, 0.0, 2.0, 1.0, 0.5]], dtype=torch.float64)
    theta = theta.repeat(2, 1)  # W = (50, 1), c = (-250, 0), v = (2, 1), b = 0.5
    refined = refine_output_layer(problem, theta)
    torch.testing.assert_close(refined[:, :-1], theta[:, :-1], rtol=0, atol=0)
    fit = describe(problem, refined, torch.zeros(2, dtype=torch.int64))
    assert fit.converged.all()


def test_depth_lowers_the_loss(data):
    X, y, start = data
    losses = [fit_mlp(X, y, WEIGHT, start, max_iter=n).loss for n in (5, 25, 100)]
    assert (losses[1] < losses[0]).all()
    assert (losses[2] < losses[1]).all()


@pytest.mark.slow
def test_training_reaches_no_higher_loss_than_scikit_learn():
    gaps = []
    for i in range(3):
        X, y = sample(sim2(), (1000, 10000), np.random.default_rng(i))
        start = initial_params(3, 10, np.random.default_rng(90 + i))
        ours = fit_mlp(X[None], y, WEIGHT[1:], [start]).loss[0, 0]
        peer = MLPClassifier((10,), activation="logistic", solver="lbfgs", alpha=0, max_iter=300,
                             tol=1e-8, random_state=i)  # fmt: skip
        with pytest.warns(ConvergenceWarning):
            peer.fit(X, y, sample_weight=WEIGHT[1][y])
        theirs = -(WEIGHT[1][y] * np.log(peer.predict_proba(X)[np.arange(len(y)), y])).sum()
        gaps.append(ours - theirs)
    assert np.mean(gaps) <= 2 * np.std(gaps, ddof=1) / np.sqrt(3)


def test_adam_stops_before_stationarity(data):
    X, y, start = data
    problem = check_problem(X, y, WEIGHT, "cpu")
    initial = check_start(problem, start)
    first = describe(
        problem, initial.repeat_interleave(2, dim=0), torch.zeros(6, dtype=torch.int64)
    )
    theta, epochs = train_adam(
        make_minibatch_loss(problem),
        initial.repeat_interleave(2, dim=0),
        n_samples=len(y),
        epochs=4,
        rngs=[np.random.default_rng(i) for i in range(3)],
    )
    fit = describe(problem, theta, epochs)
    assert (fit.loss < first.loss).all()
    assert (fit.status == "not converged").all()
    assert abs(fit.bias_gradient).min() > 1e-9


def test_separable_classes_do_not_break_the_bias():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [5, 30])
    X = rng.normal(size=(1, 35, 3)) + 4.0 * y[:, None]
    fit = fit_mlp(X, y, WEIGHT, [initial_params(3, 10, rng)], max_iter=50)
    assert np.isfinite(fit.params).all()
    assert abs(fit.bias_gradient).max() <= 1e-12


def test_bad_starts_are_named(data):
    X, y, start = data
    with pytest.raises(ValueError, match=r"start must hold 3 vectors, got shape \(2, 51\)"):
        fit_mlp(X, y, WEIGHT, start[:2])
    with pytest.raises(ValueError, match="start holds a number that is not finite"):
        fit_mlp(X, y, WEIGHT, np.full_like(start, np.nan))
