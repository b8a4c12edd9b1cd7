"""A start off balance is left as the first order says, and as trees of one leaf say exactly."""

import numpy as np
import pytest

import learnprop as lp
from benchmarks.boosting.decay import fitted, one_leaf, rate_of

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

SIZES = {2: (1270, 100), 3: (800, 400, 100)}
LIBRARIES = ("LightGBM", "XGBoost")


def left_of_residual(library, n_classes, weight, start, rate, n_rounds, *, learn=True):
    """Residual of the rarest class on the training sample, over that of the start; no penalty."""
    classes = lp.gaussian_classes(lp.class_means("simplex", n_classes, 3, 2.0))
    X, y = lp.sample(classes, SIZES[n_classes], np.random.default_rng(0))
    X = X if learn else np.zeros_like(X)
    mass = lp.class_mass(weight, SIZES[n_classes])
    model = fitted(library, X, y, weight[y], start, rate, n_rounds, reg_lambda=0.0)
    after = lp.balanced_logits(model, X, start)
    after, before = (lp.residual(lp.measure(y, z).mean_proba, mass) for z in (after, start))
    return after[-1] / before[-1]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("begins", ["prior", "zero"])
def test_small_steps_leave_exp_of_minus_rate_times_rounds(library, begins):
    # Of two classes. In time t = ηT a leaf moves by G/H dt, and its sum of probabilities by
    # H (G/H) dt = G dt, so the residual, the sum of all G, falls as e^-t, whatever the trees. A
    # finite η adds a term in proportion to it, which 2 f(η/2) - f(η) is without.
    y = np.repeat([0, 1], SIZES[2])
    weight = np.array([1.0, 12.7]) if begins == "prior" else np.ones(2)
    start = lp.start_at_balance(y) if begins == "prior" else np.zeros(len(y))
    coarse, fine = (
        left_of_residual(library, 2, weight, start, rate, round(1 / rate)) for rate in (0.02, 0.01)
    )
    assert abs(2 * fine - coarse - np.exp(-1)) < 2e-3
    assert abs(fine - np.exp(-1)) < abs(coarse - np.exp(-1))


@pytest.mark.parametrize(("library", "slower"), [("LightGBM", 1.0), ("XGBoost", 0.75)])
def test_of_three_classes_xgboost_is_slower(library, slower):
    # At equal probabilities, F' = η c (r_j - f Σ_{l≠j} r_l / (1 - f)) = η c K/(K-1) r_j at f = 1/K,
    # with c = (K-1)/K of LightGBM, 1/2 of XGBoost: of three classes η and 3η/4.
    rate = 0.01
    assert rate_of(library, 3, rate) == pytest.approx(slower * rate)
    start = np.zeros((sum(SIZES[3]), 3))
    left = left_of_residual(library, 3, np.ones(3), start, rate, 1)
    assert (1 - left) / rate == pytest.approx(slower, abs=0.02)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_trees_of_one_leaf_are_exact(n_classes):
    # Of features that say nothing XGBoost grows trees of one leaf. Leaves are of float32.
    weight = np.array([1.0, 5.0]) if n_classes == 2 else np.array([1.0, 3.0, 4.0])
    y = np.repeat(range(n_classes), SIZES[n_classes])
    start, mass = lp.start_at_balance(y), lp.class_mass(weight, SIZES[n_classes])
    logits = np.log(np.bincount(y) / len(y))
    for rate, n in ((0.1, 10), (0.3, 5)):
        left = left_of_residual("XGBoost", n_classes, weight, start, rate, n, learn=False)
        expected = one_leaf(logits, mass / mass.sum(), "XGBoost", rate, n)[-1]
        assert left == pytest.approx(expected, abs=1e-5)
        assert abs((1 - rate_of("XGBoost", n_classes, rate)) ** n - expected) > 0.01


def test_the_rate_is_that_of_two_classes_in_both():
    for library in LIBRARIES:
        assert rate_of(library, 2, 0.1) == pytest.approx(0.1)
