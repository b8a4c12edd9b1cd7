"""Softmax regression of K Gaussian classes, against fits, the binary solver and differences."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import linprog, minimize
from scipy.special import logsumexp, softmax
from scipy.stats import norm, qmc

from learnprop.equations.arguments import BadArgument
from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.equations.limits.minimisers import linear_mean_proba, softmax_minimiser
from learnprop.equations.limits.quadrature import (
    Quadrature,
    normal_ball_quadrature,
    standard_normal_quadrature,
)
from learnprop.equations.limits.state_evolution import state_evolution
from learnprop.equations.limits.state_evolution.binary import binary_state
from learnprop.equations.limits.state_evolution.geometry import means_at
from learnprop.equations.limits.state_evolution.softmax import (
    followed,
    newton,
    population,
    softmax_state,
)
from learnprop.equations.limits.state_evolution.softmax_equations import (
    Classes,
    as_vector,
    flat,
    jacobian,
    left_out_logits,
    moments_of,
    order_of,
    residuals,
)
from learnprop.equations.limits.state_evolution.softmax_fields import contrasts, fields
from learnprop.simulations.fitters.softmax import fit_softmax

SHARE = np.array([0.6, 0.3, 0.1])
MEANS = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 1.5]])
FIVE = np.array([0.35, 0.25, 0.2, 0.15, 0.05])


def test_two_classes_are_the_binary_solver():
    share, weight, means = np.array([0.9, 0.1]), np.array([1 / 0.9, 10.0]), means_at(2.0, 2)
    for kappa, ratio in ((0.02, 1.160), (0.05, 1.505), (0.08, 2.066)):  # E14
        found, binary = (
            solve(kappa, share, weight, means) for solve in (softmax_state, binary_state)
        )
        assert 1 + found.gap[1] == pytest.approx(ratio, abs=5e-4)
        for name in ("mean_proba", "bias", "logit_mean", "logit_covariance", "leverage"):
            np.testing.assert_allclose(
                getattr(found, name), getattr(binary, name), rtol=1e-7, atol=1e-9
            )
        assert found.inflation == pytest.approx(binary.inflation, rel=1e-7)


@pytest.mark.parametrize("means", [MEANS, MEANS[:, :1], np.zeros((3, 2))])
def test_without_features_it_is_the_population_minimiser(means):
    weight = np.array([1.0, 2.0, 5.0])
    rule = standard_normal_quadrature(means.shape[1])
    # With the origin at the centroid of the means, as `bias` has it.
    classes = [Quadrature(rule.nodes + m, rule.probability) for m in means - means.mean(axis=0)]
    theta = softmax_minimiser(classes, SHARE * weight)
    for kappa, tolerance in ((0.0, 1e-8), (1e-9, 1e-6)):
        state = softmax_state(kappa, SHARE, weight, means)
        np.testing.assert_allclose(state.bias, theta[:, -1], atol=tolerance)
        P = linear_mean_proba(classes, theta)
        np.testing.assert_allclose(state.mean_proba, P, atol=tolerance)
        assert np.abs(state.gap).max() < tolerance


def test_weights_count_by_their_ratios_alone_and_classes_by_their_names():
    weight = 1 / SHARE
    state = softmax_state(0.05, SHARE, weight, MEANS)
    scaled = softmax_state(0.05, SHARE, 7 * weight, MEANS + 3.0)
    np.testing.assert_allclose(scaled.mean_proba, state.mean_proba, rtol=1e-9)
    np.testing.assert_allclose(scaled.leverage, state.leverage / 7, rtol=1e-9)
    order = [2, 0, 1]
    moved = softmax_state(0.05, SHARE[order], weight[order], MEANS[order])
    np.testing.assert_allclose(moved.gap, state.gap[order], rtol=1e-5)


def test_fitted_logits_minimise_what_they_should():
    C, rng = contrasts(4), np.random.default_rng(0)
    root = rng.standard_normal((3, 3))
    leverage, zeta = root @ root.T, 3 * rng.standard_normal((5, 3))
    found = fields(zeta, leverage, C, 2, 1.7)
    inverse = np.linalg.inv(leverage)
    for row in range(5):

        def objective(z, row=row):
            loss = 1.7 * (logsumexp(C @ z) - C[2] @ z)
            return loss + (z - zeta[row]) @ inverse @ (z - zeta[row]) / 2

        best = minimize(objective, zeta[row], tol=1e-12)
        np.testing.assert_allclose(found.fitted[row], best.x, atol=1e-4)
    for axis in range(3):  # D = du / dζ
        h = 1e-5 * np.eye(3)[axis]
        up, down = (fields(zeta + s * h, leverage, C, 2, 1.7).gradient for s in (1, -1))
        np.testing.assert_allclose(found.response[:, :, axis], (up - down) / 2e-5, atol=1e-8)


def test_the_jacobian_is_that_of_finite_differences():
    classes = Classes(SHARE, np.array([0.8, 1.0, 2.2]), MEANS - MEANS.mean(axis=0), contrasts(3))
    rule = normal_ball_quadrature(2, 0.8, 5.0)
    order = replace(population(classes), root=np.array([[1.9, 0.0], [0.3, 1.5]]))
    x = flat(order)

    def at(vector):
        there = order_of(vector, order)
        moments, _ = moments_of(classes, 0.1, there, rule)
        return as_vector(residuals(classes, 0.1, there, moments))

    differences = np.stack([(at(x + h) - at(x - h)) / 2e-5 for h in 1e-5 * np.eye(len(x))], axis=1)
    found = jacobian(classes, 0.1, order, moments_of(classes, 0.1, order, rule)[0])
    np.testing.assert_allclose(found, differences, rtol=1e-6, atol=1e-6)


@pytest.mark.slow
def test_five_classes_are_as_exact_as_they_say():
    state = softmax_state(0.03, FIVE, 1 / FIVE, means_at(2.0, 5))
    assert state.error < 1e-5
    # The second method: the same equations on random nodes, ten times anew.
    classes = Classes(FIVE, 1 / FIVE / 5, means_at(2.0, 5), contrasts(5))
    coarse = followed(classes, 0.03, population(classes))
    gaps = []
    for seed in range(10):
        nodes = norm.ppf(qmc.Sobol(4, rng=seed).random(2**12))
        rule = Quadrature(nodes, np.full(len(nodes), 1 / len(nodes)))
        gaps.append(gap_on(rule, classes, newton(classes, 0.03, coarse, rule, 0.0)))
    within = 4 * np.array([mcse_of_mean(of_class) for of_class in np.transpose(gaps)])
    assert (within < 5e-4).all()
    assert (np.abs(np.mean(gaps, axis=0) - state.gap) <= within).all()
    # The control: a hundredth more features.
    more = gap_on(rule, classes, newton(classes, 0.0303, coarse, rule, 0.0))
    assert (np.abs(more - state.gap) > within).any()


def gap_on(rule, classes, order):
    """Gaps of inverse weights, with logits of each class on the nodes of a rule."""
    z = left_out_logits(classes, order, rule.nodes)
    off = np.stack([rule.mean(softmax(row @ classes.contrast.T, axis=1)) for row in z])
    np.fill_diagonal(off, 0.0)
    return off.sum(axis=1) / off.sum(axis=0) - 1


def test_where_it_stops_it_says_so():
    # Two classes, whose threshold is known: 0.1441 (Candès and Sur 2020).
    share, problem = (
        np.array([0.9, 0.1]),
        r"kappa .* solved up to 0\.1[34].* about 0\.1[45], got 0\.2",
    )
    with pytest.raises(ValueError, match=problem):
        softmax_state(0.2, share, 1 / share, means_at(2.0, 2))
    with pytest.raises(ValueError, match=r"class_share must be of at most 6 classes.*got 7"):
        softmax_state(0.1, np.full(7, 1 / 7), np.ones(7), means_at(1.0, 7))
    problem = r"separation must be at most 9\.1 between 5 classes, got 12"
    with pytest.raises(ValueError, match=problem):
        softmax_state(0.1, FIVE, np.ones(5), means_at(12.0, 5))
    for far in (20.0, 100.0):  # where even E[D] of the population is singular in float64
        with pytest.raises(BadArgument, match="separation is too large for float64"):
            softmax_state(0.05, np.full(3, 1 / 3), np.ones(3), means_at(far, 3))


def are_separable(X, y):
    """Whether linear scores exist whose own class wins by 1 in every sample."""
    design = np.column_stack([X, np.ones(len(X))])
    rows = []
    for j in range(3):
        others = y != j
        row = np.zeros((others.sum(), 3, design.shape[1]))
        row[:, j] = design[others]
        row[np.arange(others.sum()), y[others]] -= design[others]
        rows.append(row.reshape(len(row), -1))
    margins = np.concatenate(rows)
    free = np.zeros(margins.shape[1])
    return linprog(free, margins, -np.ones(len(margins)), bounds=(None, None)).status == 0


@pytest.mark.slow
def test_three_classes_are_refused_where_they_are_separable():
    y = np.repeat(np.arange(3), [240, 120, 40])
    for kappa, separable in ((0.14, False), (0.23, True)):
        n_features = round(400 * kappa)
        X = np.random.default_rng(3).standard_normal((2, 400, n_features))
        X += np.pad(MEANS, ((0, 0), (0, n_features - 2)))[y]
        assert [are_separable(x, y) for x in X] == [separable] * 2
        for weight in (np.ones(3), 1 / SHARE):
            if not separable:
                assert softmax_state(kappa, SHARE, weight, MEANS).error < 1e-5
            else:
                with pytest.raises(
                    ValueError, match=r"kappa must be .* about 0\.1[789], got 0\.23"
                ):
                    softmax_state(kappa, SHARE, weight, MEANS)


def observed(share, means, n_samples, kappa, n_runs, step):
    """P on the population, (n_runs, 2 settings, K, K): equal weights, inverse ones."""
    n_features = round(kappa * n_samples)
    y = np.repeat(np.arange(len(share)), np.rint(share * n_samples).astype(int))
    placed = np.pad(means, ((0, 0), (0, n_features - means.shape[1])))
    C, rule = contrasts(len(share)), normal_ball_quadrature(len(share) - 1, step, 5.0)
    found = []
    size = min(25, n_runs)
    for batch in range(n_runs // size):
        X = np.random.default_rng([1, batch]).standard_normal((size, n_samples, n_features))
        fit = fit_softmax(X + placed[y], y, np.stack([np.ones(len(share)), 1 / share]))
        assert (fit.status == "converged").all()
        for theta in fit.params.reshape(-1, *fit.params.shape[2:]):
            slope = C.T @ theta[:, :-1]
            noise = rule.nodes @ np.linalg.cholesky(slope @ slope.T).T
            z = (slope @ placed.T).T[:, None] + C.T @ theta[:, -1] + noise
            found.append([rule.mean(softmax(row @ C.T, axis=1)) for row in z])
    return np.reshape(found, (n_runs, 2, len(share), len(share)))


def check_against_fits(share, means, kappa, P):
    """Within 4 MCSE of the ratio of means in every class; returns z of a theory without noise."""
    of_wrong = []
    for setting, weight in enumerate((np.ones(len(share)), 1 / share)):
        mass, off = share * weight, P[:, setting] * (1 - np.eye(len(share)))
        left, right = mass * off.sum(axis=2), np.einsum("k,nkj->nj", mass, off)
        state = softmax_state(kappa, share, weight, means)
        for j in range(len(share)):
            ratio = left[:, j].mean() / right[:, j].mean()
            mcse = mcse_of_mean((left[:, j] - ratio * right[:, j]) / right[:, j].mean())
            assert abs(ratio - 1 - state.gap[j]) <= 4 * mcse, (setting, j)
            of_wrong.append(abs(ratio - 1) / mcse)  # the limit κ = 0: no gap
    return of_wrong


def test_any_number_of_classes_comes_through_one_function():
    state = state_evolution(
        0.05, class_share=[0.5, 0.3, 0.2], class_weight=[1, 2, 3], separation=2.0
    )
    by_hand = softmax_state(
        0.05, np.array([0.5, 0.3, 0.2]), np.array([1.0, 2.0, 3.0]), means_at(2.0, 3)
    )
    np.testing.assert_array_equal(state.mean_proba, by_hand.mean_proba)


def test_three_classes_are_as_fitted():
    P = observed(SHARE, MEANS, 500, 0.04, 50, 0.5)
    assert max(check_against_fits(SHARE, MEANS, 0.04, P)) > 6


@pytest.mark.slow
@pytest.mark.parametrize(("n_samples", "n_runs"), [(1000, 150), (4000, 15)])
def test_three_classes_are_as_fitted_at_size(n_samples, n_runs):
    P = observed(SHARE, MEANS, n_samples, 0.02, n_runs, 0.5)
    assert max(check_against_fits(SHARE, MEANS, 0.02, P)) > 6


@pytest.mark.slow
def test_five_classes_are_as_fitted():
    means = means_at(2.0, 5)
    P = observed(FIVE, means, 1000, 0.02, 50, 1.0)
    assert max(check_against_fits(FIVE, means, 0.02, P)) > 6
