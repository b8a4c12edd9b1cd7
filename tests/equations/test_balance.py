import numpy as np
import pytest
from scipy.special import expit, log_softmax
from sklearn.linear_model import LogisticRegression

from equations.balance import (
    binary_ratio,
    binary_ratio_in_theory,
    class_mass,
    effective_class_weight,
    gap,
    left_side,
    residual,
    right_side,
    stationary_distribution,
)
from equations.mean_proba import class_count, mean_proba, proba_from_logits


@pytest.fixture
def softmax_problem():
    rng = np.random.default_rng(3)
    y = rng.integers(0, 4, 300)
    return y, rng.normal(size=(300, 4)), np.array([0.3, 2.0, 1.0, 0.7])


def finite_difference(loss, n, h=1e-5):
    unit = h * np.eye(n)
    return np.array([(loss(u) - loss(-u)) / (2 * h) for u in unit])


def test_residual_is_minus_the_bias_gradient_of_the_softmax_loss(softmax_problem):
    y, logits, weight = softmax_problem

    def loss(bias):
        return -(weight[y] * log_softmax(logits + bias, axis=1)[np.arange(len(y)), y]).sum()

    P = mean_proba(y, proba_from_logits(logits))
    r = residual(P, class_mass(weight, class_count(y, 4)))
    np.testing.assert_allclose(r, -finite_difference(loss, 4), atol=1e-6)
    assert abs(r.sum()) < 1e-12 * np.abs(r).sum()  # E2: only K - 1 are independent


def test_residual_is_minus_the_bias_gradient_of_the_one_vs_all_loss(softmax_problem):
    y, logits, weight = softmax_problem
    target = np.eye(4)[y]

    def loss(bias):
        z = logits + bias
        return (weight[y, None] * (np.logaddexp(0, z) - target * z)).sum()

    proba = expit(logits)
    P = np.stack([proba[y == k].mean(axis=0) for k in range(4)])
    miss = np.array([expit(-logits[y == k, k]).mean() for k in range(4)])
    r = residual(P, class_mass(weight, class_count(y, 4)), miss)
    np.testing.assert_allclose(r, -finite_difference(loss, 4), atol=1e-6)
    assert abs(r.sum()) > 1e-3  # here the K equations are independent


def test_residual_is_w_minus_wp(softmax_problem):
    y, logits, weight = softmax_problem
    P = mean_proba(y, proba_from_logits(logits))
    w = class_mass(weight, class_count(y, 4))
    np.testing.assert_allclose(residual(P, w), w - w @ P, atol=1e-11)
    np.testing.assert_allclose(left_side(P, w) - right_side(P, w), residual(P, w))


def test_batches_are_their_members(softmax_problem):
    y, logits, weight = softmax_problem
    P = mean_proba(y, proba_from_logits(logits))
    Q = np.roll(P, 1, axis=0)
    w = class_mass(weight, class_count(y, 4))
    for function in (left_side, right_side, residual, gap):
        np.testing.assert_array_equal(
            function(np.stack([P, Q]), w), [function(P, w), function(Q, w)]
        )


def test_scikit_learn_balances_and_without_intercept_does_not():
    rng = np.random.default_rng(4)
    y = np.repeat([0, 1], [200, 1000])
    X = rng.normal(size=(1200, 2)) + np.where(y == 0, 0.8, -0.2)[:, None]
    weight = {0: 0.7, 1: 0.3}
    mass = class_mass([0.7, 0.3], [200, 1000])
    gaps = []
    for fit_intercept in (True, False):
        model = LogisticRegression(
            C=np.inf, class_weight=weight, fit_intercept=fit_intercept, solver="newton-cholesky",
            tol=1e-10,
        ).fit(X, y)  # fmt: skip
        gaps.append(np.abs(gap(mean_proba(y, model.predict_proba(X)), mass)).max())
    assert gaps[0] < 1e-9
    assert gaps[1] > 0.05


def test_gap_of_two_classes_is_that_of_eq_10():
    P = np.array([[0.7, 0.3], [0.02, 0.98]])
    mass = class_mass([0.5, 0.5], [1000, 10000])
    # 0.3 / 0.02 = 15 against 10: gap +0.5; the other class sees the inverse, 10 / 15 - 1.
    np.testing.assert_allclose(gap(P, mass), [0.5, -1 / 3])
    assert binary_ratio(P) / binary_ratio_in_theory(mass) - 1 == pytest.approx(0.5)


def test_an_interpolated_row_has_no_gap():
    P = np.array([[1 - 1e-14, 1e-14], [1e-16, 1.0]])
    assert np.isnan(gap(P, np.array([1.0, 1.0]))).all()


def test_stationary_distribution_against_an_eigenvector(softmax_problem):
    y, logits, _ = softmax_problem
    P = mean_proba(y, proba_from_logits(logits))
    values, vectors = np.linalg.eig(P.T)
    expected = np.real(vectors[:, np.argmax(values.real)])
    np.testing.assert_allclose(stationary_distribution(P), expected / expected.sum(), rtol=1e-12)


def test_stationary_distribution_keeps_its_digits_next_to_the_identity():
    # w_i P_ij = eps s_ij with s symmetric is detailed balance, so the answer is w exactly.
    w = np.array([0.1, 0.2, 0.3, 0.4])
    s = np.array([[0, 1, 5, 2], [1, 0, 3, 7], [5, 3, 0, 1], [2, 7, 1, 0]], dtype=float)
    P = 1e-14 * s / w[:, None]
    np.fill_diagonal(P, 1 - P.sum(axis=1))
    np.testing.assert_allclose(stationary_distribution(P), w, rtol=1e-14)
    values, vectors = np.linalg.eig(P.T)  # the control: the obvious way loses ten digits
    naive = np.real(vectors[:, np.argmax(values.real)])
    assert np.abs(naive / naive.sum() - w).max() > 1e-8


def test_effective_weight_recovers_lambda():
    rng = np.random.default_rng(5)
    y = np.repeat([0, 1, 2], [50, 200, 400])
    X = rng.normal(size=(650, 2)) + np.array([[0, 1], [1, 0], [-1, -1]])[y]
    weight = np.array([5.0, 1.0, 2.0])
    model = LogisticRegression(
        C=np.inf, class_weight=dict(enumerate(weight)), solver="newton-cholesky", tol=1e-10
    ).fit(X, y)
    P = mean_proba(y, model.predict_proba(X))
    found = effective_class_weight(P, class_count(y, 3))
    np.testing.assert_allclose(found, weight / weight.sum(), rtol=1e-6)


@pytest.mark.parametrize("weight", [[0.0, 1.0], [-1.0, 1.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_bad_weights_are_named(weight):
    with pytest.raises(ValueError, match="class_weight must be positive and finite"):
        class_mass(weight, [1, 1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: class_mass([1.0], [1]), "class_weight must hold at least 2 classes"),
        (lambda: class_mass([1.0, 1.0], [0, 1]), "class_count must be positive"),
        (lambda: class_mass([1.0, 1.0], [1, 1, 1]), "class_count must have 2 classes"),
        (lambda: residual([[0.5, np.nan], [0.5, 0.5]], [1, 1]), "mean_proba must hold finite"),
        (lambda: residual([[0.5, 0.5]], [1, 1]), "mean_proba must have shape"),
        (lambda: binary_ratio(np.full((3, 3), 1 / 3)), "mean_proba must have 2 classes"),
        (lambda: binary_ratio_in_theory([1.0, 1.0, 1.0]), "class_mass must have 2 classes"),
        (lambda: stationary_distribution(np.eye(2)), "no unique positive stationary distribution"),
        (lambda: stationary_distribution([[0.9, 0.2], [0.1, 0.9]]), "rows that sum to one"),
        (lambda: effective_class_weight(np.full((2, 2), 0.5), [1, 0]), "class_count"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
