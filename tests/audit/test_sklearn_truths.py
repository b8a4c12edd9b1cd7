"""Which weights scikit-learn's classifiers act upon: truths from outside, by what we measure.

Of a fit's own training sample there is no sampling error: where its intercept is free, effective
weights are those of its loss to the solver's tolerance. On fresh samples they have the error of
both samples. Samples are `make_classification`'s, of 20 features, one of ten in class 1.
"""

import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier

import learnprop as lp

N = 20_000
SEEDS = (0, 1, 2)
BALANCED = {"class_weight": "balanced"}


def halves(n_classes=2, seed=0):
    """Two samples of one population, to fit to and to measure on."""
    shares = [0.9] if n_classes == 2 else [0.7, 0.2]
    informative = {} if n_classes == 2 else {"n_informative": 4}
    X, y = make_classification(
        2 * N, n_classes=n_classes, weights=shares, random_state=seed, **informative
    )
    return X[:N], y[:N], X[N:], y[N:]


def asked(y, class_weight):
    count = np.bincount(y)
    return 1 / count if class_weight == "balanced" else np.array(class_weight, float)


def on_train(model, X, y):
    """Effective weights of a model on its own training sample, those of class 0 being one."""
    weight = lp.effective_class_weight(lp.mean_proba(y, model.predict_proba(X)), np.bincount(y))
    return weight / weight[0]


def acted_upon(model, y, X_fresh, y_fresh, wanted):
    """Logarithms of effective weights over others, with the errors of both samples, as large."""
    P, M = lp.mean_proba_and_second_moments(y_fresh, model.predict_proba(X_fresh))
    found = lp.effective_class_weight_of_model(P, M, np.bincount(y_fresh), np.bincount(y))
    assert not any(estimate.reason for estimate in found)
    value = np.log([e.value for e in found]) - np.log(np.divide(wanted, sum(wanted)))
    error = [np.log(e.high / e.low) / 2 / stats.norm.ppf(0.975) * np.sqrt(2) for e in found]
    return value, np.array(error)


def of_ratio(log_weight):
    """λ_1 / λ_0 of two."""
    return np.exp(log_weight[1] - log_weight[0])


@pytest.mark.parametrize(
    ("n_classes", "seed"),
    [(2, 0), (2, 1), (2, 2), (3, 0), *(pytest.param(3, s, marks=pytest.mark.slow) for s in (1, 2))],
)
def test_logistic_regression_acts_upon_the_weights_asked_for(n_classes, seed):
    X, y, X_fresh, y_fresh = halves(n_classes, seed)
    weight = [1.0, 30.0, 7.0][:n_classes]
    for class_weight, given in (("balanced", "balanced"), (dict(enumerate(weight)), weight)):
        wanted = asked(y, given)
        model = LogisticRegression(class_weight=class_weight, tol=1e-8, max_iter=1000).fit(X, y)
        np.testing.assert_allclose(on_train(model, X, y), wanted / wanted[0], rtol=1e-5)
        value, error = acted_upon(model, y, X_fresh, y_fresh, wanted)
        assert (abs(value) <= 4 * error).all()
        plain, error = acted_upon(  # the control: weights of one are not those
            LogisticRegression(tol=1e-8).fit(X, y), y, X_fresh, y_fresh, wanted
        )
        assert (abs(plain) > 4 * error).any()


def test_weights_of_classes_and_of_samples_multiply():
    X, y, _, _ = halves()
    model = LogisticRegression(class_weight={1: 4}, tol=1e-8, max_iter=1000)
    model.fit(X, y, sample_weight=np.where(y == 1, 3.0, 1.0))
    np.testing.assert_allclose(on_train(model, X, y), [1, 12], rtol=1e-5)
    model.set_params(class_weight="balanced").fit(X, y, sample_weight=np.where(y == 1, 3.0, 1.0))
    n = np.bincount(y)  # "balanced" is by weighted counts since scikit-learn 1.8
    assert on_train(model, X, y)[1] == pytest.approx(n[0] / n[1], rel=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_liblinear_penalises_the_intercept(seed):
    r"""C Σ ω ℓ + (|w|² + b²) / 2 has r_1 = b / C on train, (E8) with α = 1 / C.

    Of "balanced" it acts upon 0.97, 0.98, 1.00 at C = 1e-3 on these samples, as its intercept
    happens to be; of 1:100, where it is far from zero, upon 0.83. A large `intercept_scaling`
    takes the penalty off.
    """
    X, y, X_fresh, y_fresh = halves(seed=seed)
    options = {"solver": "liblinear", "C": 1e-3, "tol": 1e-9, "max_iter": 10_000}
    model = LogisticRegression(class_weight={1: 100}, **options).fit(X, y)
    mass = [1, 100] * np.bincount(y)
    residual = lp.residual(lp.mean_proba(y, model.predict_proba(X)), mass)
    assert residual[1] == pytest.approx(model.intercept_[0] / 1e-3, rel=1e-3)
    assert 0.78 < on_train(model, X, y)[1] / 100 < 0.9
    value, error = acted_upon(model, y, X_fresh, y_fresh, [1, 100])
    assert value[1] - value[0] < -2 * error.sum()
    free = LogisticRegression(class_weight={1: 100}, **options, intercept_scaling=1e3).fit(X, y)
    assert abs(on_train(free, X, y)[1] / 100 - 1) < 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_without_an_intercept_it_acts_upon_other_weights(seed):
    """Of "balanced" 0.80, 0.90, 1.05 on these samples, of 1:100 a tenth."""
    X, y, X_fresh, y_fresh = halves(seed=seed)
    wanted = asked(y, "balanced")
    model = LogisticRegression(**BALANCED, fit_intercept=False, tol=1e-8).fit(X, y)
    assert abs(on_train(model, X, y)[1] * wanted[0] / wanted[1] - 1) > 0.04
    model.set_params(class_weight={1: 100}).fit(X, y)
    value, error = acted_upon(model, y, X_fresh, y_fresh, [1, 100])
    assert value[1] - value[0] + 4 * error.sum() < np.log(0.25)


@pytest.mark.parametrize("seed", SEEDS)
def test_sgd_acts_upon_less_than_it_was_asked_for_here(seed):
    """Of "balanced" 0.80, 0.87, 0.94 on train: its last steps still move the intercept."""
    X, y, X_fresh, y_fresh = halves(seed=seed)
    model = SGDClassifier(loss="log_loss", **BALANCED, random_state=seed).fit(X, y)
    value, error = acted_upon(model, y, X_fresh, y_fresh, asked(y, "balanced"))
    assert value[1] - value[0] < -2 * error.sum()


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_a_temperature_does_not_undo_weights_and_other_calibrators_do(seed):
    X, y, X_fresh, y_fresh = halves(seed=seed)
    ratio = of_ratio(np.log(asked(y, "balanced")))
    for method in ("temperature", "sigmoid", "isotonic"):
        model = CalibratedClassifierCV(LogisticRegression(**BALANCED), method=method).fit(X, y)
        value, error = acted_upon(model, y, X_fresh, y_fresh, [1, 1])
        if method == "temperature":
            assert (abs(value) > 20 * error).all()
            assert of_ratio(value) > 0.9 * ratio
        else:
            assert (abs(value) <= 4 * error).all()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS[:2])
def test_of_three_classes_calibrators_undo_nearly_all_of_the_weights(seed):
    """Each is one against the rest, then scaled to sum to one: 4 to 16 % of a ratio are left."""
    X, y, X_fresh, y_fresh = halves(3, seed)
    weighted = LogisticRegression(**BALANCED)
    for method in ("temperature", "sigmoid", "isotonic"):
        model = CalibratedClassifierCV(weighted, method=method).fit(X, y)
        value, error = acted_upon(model, y, X_fresh, y_fresh, np.ones(3))
        assert (abs(value) > 4 * error).any()
        if method == "temperature":
            kept = np.exp(value - value[0]) / asked(y, "balanced") * asked(y, "balanced")[0]
            assert (kept > 0.9).all()
        else:
            assert (abs(value - value[0]) < 0.2).all()
    value, error = acted_upon(
        lp.BalancedClassifier(weighted).fit(X, y), y, X_fresh, y_fresh, np.ones(3)
    )
    assert (abs(value) <= 4 * error).all()


@pytest.mark.slow
def test_trees_act_upon_a_part_of_the_weights_on_fresh_samples():
    """A forest's leaves are too pure on its own sample: on fresh ones a quarter of the ratio."""
    X, y, X_fresh, y_fresh = halves()
    wanted = asked(y, "balanced")
    for model, low, high in (
        (RandomForestClassifier(30, **BALANCED, random_state=0), 0.15, 0.4),
        (RandomForestClassifier(30, **BALANCED, min_samples_leaf=5, random_state=0), 0.35, 0.7),
        (HistGradientBoostingClassifier(**BALANCED, random_state=0), 0.4, 0.8),
    ):
        value, _ = acted_upon(model.fit(X, y), y, X_fresh, y_fresh, wanted)
        assert low < of_ratio(value) < high, model


def test_solvers_that_stop_early_are_told_by_scikit_learn():
    """The control: far from its minimum lbfgs does not act upon the weights, either."""
    X, y, _, _ = halves()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(**BALANCED, max_iter=1).fit(X, y)
    wanted = asked(y, "balanced")
    assert abs(on_train(model, X, y)[1] * wanted[0] / wanted[1] - 1) > 1e-3
