import numpy as np
import pytest
from scipy.special import expit, log_softmax
from sklearn.linear_model import LogisticRegression

from learnprop.equations.accuracy_bounds import accuracy_bounds
from learnprop.equations.balance import (
    binary_ratio,
    binary_ratio_in_theory,
    class_mass,
    detailed_balance_asymmetry,
    gap,
    left_side,
    residual,
    right_side,
    split_residual,
)
from learnprop.equations.labels import class_count
from learnprop.equations.mean_proba import mean_proba, proba_from_logits


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
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_asymmetry_sums_to_the_residual_and_vanishes_for_a_posterior(softmax_problem):
    y, logits, weight = softmax_problem
    P, w = mean_proba(y, proba_from_logits(logits)), class_mass(weight, class_count(y, 4))
    a = detailed_balance_asymmetry(P, w)
    np.testing.assert_allclose(a, -a.T)
    np.testing.assert_allclose(a.sum(axis=1), residual(P, w), atol=1e-12)
    # A discrete x with class densities g (3, 5): the posterior is w g / Σ w g, summed exactly.
    rng = np.random.default_rng(0)
    g, w = rng.dirichlet(np.ones(5), size=3), np.array([1.0, 5.0, 0.2])
    posterior = w[:, None] * g / (w @ g)
    assert np.abs(detailed_balance_asymmetry(g @ posterior.T, w)).max() < 1e-15
    # Eq. (9) alone does not make it vanish: a rotation among three classes balances, too.
    rotation = np.array([[0.8, 0.2, 0.0], [0.0, 0.8, 0.2], [0.2, 0.0, 0.8]])
    assert np.abs(residual(rotation, np.ones(3))).max() < 1e-15
    assert detailed_balance_asymmetry(rotation, np.ones(3))[0, 1] == pytest.approx(0.2)


@pytest.mark.parametrize("n_classes", [2, 5])
def test_accuracy_bounds_hold_and_are_sharp(n_classes):
    rng = np.random.default_rng(n_classes)
    for sharpness in (0.1, 1.0, 5.0):
        y = np.repeat(np.arange(n_classes), 50)
        logits = sharpness * (rng.normal(size=(len(y), n_classes)) + np.eye(n_classes)[y])
        low, high = accuracy_bounds(mean_proba(y, proba_from_logits(logits)))
        accuracy = [(logits[y == k].argmax(axis=1) == k).mean() for k in range(n_classes)]
        assert (low <= np.array(accuracy) + 1e-12).all()
        assert (np.array(accuracy) <= high + 1e-12).all()
    # Sharp: half the samples certain, half just missed at 1/2: p̄ = 3/4, accuracy 1/2 = 2 p̄ - 1.
    assert accuracy_bounds([[0.75, 0.25], [0.5, 0.5]])[0].tolist() == [0.5, 0.0]


def test_the_split_adds_up_to_the_residual_on_test():
    rng = np.random.default_rng(1)
    train, test, population = rng.normal(size=(3, 7, 4))
    split = split_residual(train, test, population)
    total = split.optimisation + split.overfitting + split.sampling
    np.testing.assert_allclose(total, test)
    without = split_residual(train, test)
    assert without.overfitting is None
    np.testing.assert_allclose(without.optimisation + without.sampling, test)


@pytest.mark.filterwarnings("ignore:the string cache:DeprecationWarning")  # its own, of polars
def test_residual_against_model_diagnostics(softmax_problem):
    """Its bias is the weighted mean of prediction minus observation: -r_j / Σw for class j."""
    from model_diagnostics.calibration import compute_bias

    y, logits, weight = softmax_problem
    proba = proba_from_logits(logits)
    mass = class_mass(weight, class_count(y, 4))
    r = residual(mean_proba(y, proba), mass)
    for j in range(4):
        found = compute_bias(y_obs=(y == j).astype(float), y_pred=proba[:, j], weights=weight[y])
        assert found["bias_mean"][0] == pytest.approx(-r[j] / mass.sum(), rel=1e-9)


@pytest.mark.parametrize("side", [left_side, residual, gap])
def test_what_sigmoids_miss_must_be_said(side):
    """Rows of 0.7 + 0.2: the row gives away 0.2, and misses 0.3. Percentages are no P either."""
    P, mass = [[0.7, 0.2], [0.4, 0.6]], [1.0, 2.0]
    for wrong in (P, [[[0.8, 0.2], [0.4, 0.6]], P], [[80, 20], [40, 60]]):
        with pytest.raises(
            ValueError, match=r"^miss_proba is needed: the rows of mean_proba do no"
        ):
            side(wrong, mass)
    right = np.array([0.8, 0.2])
    expected = {left_side: [0.3, 0.8], residual: [-0.5, 0.6], gap: [0.3 / 0.8 - 1, 3.0]}
    found = side(P, mass, [0.3, 0.4])
    np.testing.assert_allclose(found, expected[side], rtol=1e-12)
    np.testing.assert_allclose(right_side(P, mass), right, rtol=1e-12)
    absent = side([[0.8, 0.2], [np.nan, np.nan]], mass)  # a class without samples is no sigmoid
    assert np.isnan(absent[1])
