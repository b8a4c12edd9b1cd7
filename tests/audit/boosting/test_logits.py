"""Boosters with a start predict what those do that know the weights of the samples."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

import learnprop as lp
from learnprop.equations.arguments import BadArgument

lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")

ROUNDS, RATE = 10, 0.1
SIZES = {2: (1800, 200), 3: (1200, 600, 200)}


def drawn(n_classes, seed=0):
    classes = lp.gaussian_classes(lp.class_means("simplex", n_classes, 3, 1.5))
    X, y = lp.sample(classes, SIZES[n_classes], np.random.default_rng(seed))
    weight = np.array([1.0, 2.0, 9.0]) if n_classes == 3 else np.array([1.0, 4.0])
    return X, y, weight


def lightgbm_classifier(X, y, omega, start):
    model = lightgbm.LGBMClassifier(
        n_estimators=ROUNDS, learning_rate=RATE, n_jobs=1, verbose=-1, num_leaves=7
    )
    return model.fit(X, y, sample_weight=omega, init_score=start)


def lightgbm_booster(X, y, omega, start):
    n_classes = len(np.unique(y))
    how = {"objective": "binary"}
    if n_classes > 2:
        how = {"objective": "multiclass", "num_class": n_classes}
    how |= {"learning_rate": RATE, "verbose": -1, "num_threads": 1, "num_leaves": 7}
    return lightgbm.train(how, lightgbm.Dataset(X, y, weight=omega, init_score=start), ROUNDS)


def xgboost_classifier(X, y, omega, start):
    model = xgboost.XGBClassifier(n_estimators=ROUNDS, learning_rate=RATE, n_jobs=1, max_depth=3)
    return model.fit(X, y, sample_weight=omega, base_margin=start)


def xgboost_booster(X, y, omega, start):
    n_classes = len(np.unique(y))
    how = {"objective": "binary:logistic"}
    if n_classes > 2:
        how = {"objective": "multi:softprob", "num_class": n_classes}
    how |= {"learning_rate": RATE, "nthread": 1, "max_depth": 3}
    return xgboost.train(how, xgboost.DMatrix(X, y, weight=omega, base_margin=start), ROUNDS)


def told_of_samples(library, X, y, omega):
    """Logits of the library's own start, up to a constant of each sample."""
    if library == "lightgbm":
        return lightgbm_classifier(X, y, omega, None).predict(X, raw_score=True)
    return xgboost_classifier(X, y, omega, None).predict(X, output_margin=True)


def centred(logits):
    return logits if logits.ndim == 1 else logits - logits.mean(axis=1, keepdims=True)


FITS = [lightgbm_classifier, lightgbm_booster, xgboost_classifier, xgboost_booster]


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit", FITS)
def test_they_are_those_of_the_librarys_own_start(fit, n_classes):
    X, y, weight = drawn(n_classes)
    omega, start = weight[y], lp.start_at_balance(y, weight)
    model = fit(X, y, omega, start)
    logits = lp.balanced_logits(model, X, start)
    library = fit.__name__.split("_")[0]
    expected = told_of_samples(library, X, y, omega)
    assert logits.dtype == np.float64
    assert logits.shape == start.shape
    np.testing.assert_allclose(centred(logits), centred(expected), atol=2e-5)  # float32
    if library == "lightgbm":
        forgotten = model.predict(X, raw_score=True)
        assert abs(centred(forgotten) - centred(expected)).max() > 0.1


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit", [xgboost_classifier, xgboost_booster])
def test_xgboost_puts_its_own_start_in_the_place_of_one_that_it_is_not_told(fit, n_classes):
    X, y, _weight = drawn(n_classes)
    start = np.zeros_like(lp.start_at_balance(y))
    model = fit(X, y, None, start)
    logits = lp.balanced_logits(model, X, start)
    of_matrix = isinstance(model, xgboost.Booster)
    told = xgboost.DMatrix(X, base_margin=start) if of_matrix else X
    how = {} if of_matrix else {"base_margin": start}
    np.testing.assert_allclose(logits, model.predict(told, output_margin=True, **how))
    forgotten = model.predict(xgboost.DMatrix(X) if of_matrix else X, output_margin=True)
    assert abs(centred(forgotten) - centred(logits)).max() > 0.1


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit", FITS)
def test_rounds_may_be_fewer_and_samples_other(fit, n_classes):
    X, y, weight = drawn(n_classes)
    start = lp.start_at_balance(y, weight)
    model = fit(X, y, weight[y], start)
    np.testing.assert_array_equal(
        lp.balanced_logits(model, X, start, n_rounds=ROUNDS), lp.balanced_logits(model, X, start)
    )
    few = lp.balanced_logits(model, X[:7], start, n_rounds=1)
    assert few.shape == start[:7].shape
    assert 0 < abs(few - start[:7]).max() < 4 * RATE  # one small step from the start
    many = lp.balanced_logits(model, X, start)[:7]
    np.testing.assert_array_equal(many, lp.balanced_logits(model, X[:7], start))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("fit", FITS)
def test_from_there_training_keeps_its_balance(fit, n_classes):
    X, y, weight = drawn(n_classes)
    mass = lp.class_mass(weight, SIZES[n_classes])
    start = lp.start_at_balance(y, weight)

    def residual(start):
        logits = lp.balanced_logits(fit(X, y, weight[y], start), X, start)
        return abs(lp.residual(lp.measure(y, logits).mean_proba, mass) / mass).max()

    # Steps of second order in the rate are what is left; off balance, a third of the start's.
    assert residual(start) < 0.02
    assert residual(lp.start_at_balance(y)) > 0.1


def test_frames_are_taken():
    X, y, _weight = drawn(2)
    frame, start = pd.DataFrame(X, columns=["age", "mass", "size"]), lp.start_at_balance(y)
    for fit in (lightgbm_classifier, xgboost_classifier, xgboost_booster):
        np.testing.assert_array_equal(
            lp.balanced_logits(fit(frame, y, None, start), frame, start),
            lp.balanced_logits(fit(X, y, None, start), X, start),
        )


def test_early_stopping_is_the_librarys():
    X, y, weight = drawn(2)
    start = lp.start_at_balance(y, weight)
    model = lightgbm_booster(X, y, weight[y], start)
    model.best_iteration = 3
    np.testing.assert_array_equal(
        lp.balanced_logits(model, X, start), lp.balanced_logits(model, X, start, n_rounds=3)
    )


X, Y, _ = drawn(2)
START = lp.start_at_balance(Y)


@pytest.mark.parametrize(
    ("model", "start", "message"),
    [
        (LogisticRegression, START, "model must be of LightGBM or XGBoost, got LogisticRegression"),
        (HistGradientBoostingClassifier, START, "model must be of LightGBM or XGBoost, got HistG"),
        (lambda: lightgbm.LGBMRegressor(n_estimators=1, n_jobs=1, verbose=-1), START,
         "model must have a logistic or softmax objective, whose raw scores are logits, got 'regr"),
        (lambda: xgboost.XGBRegressor(n_estimators=1, n_jobs=1), START,
         "model must have a logistic or softmax objective, whose raw scores are logits, got 'reg:"),
        (lambda: lightgbm.LGBMClassifier(n_estimators=1, n_jobs=1, verbose=-1, sigmoid=2.0), START,
         "model must have a logistic or softmax objective, whose raw scores are logits, got 'bina"),
        (lambda: lightgbm.LGBMClassifier(n_estimators=1, n_jobs=1, verbose=-1), np.zeros((2000, 2)),
         "start must have shape (n_samples,) of this model, got (2000, 2)"),
        (lambda: xgboost.XGBClassifier(n_estimators=1, n_jobs=1), 0.5,
         "start must have shape (n_samples,) of this model, got ()"),
        (lambda: xgboost.XGBClassifier(n_estimators=1, n_jobs=1), X[:, 0],
         "start must be the same in every row, as start_at_balance has it"),
        (lambda: xgboost.XGBClassifier(n_estimators=1, n_jobs=1), [np.inf],
         "start holds a number that is not finite"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(model, start, message):
    fitted = model().fit(X, Y)
    with pytest.raises(BadArgument, match=f"^{re.escape(message)}"):
        lp.balanced_logits(fitted, X, start)


def test_three_classes_need_three_scores():
    features, y, _ = drawn(3)
    model = xgboost_classifier(features, y, None, None)
    with pytest.raises(BadArgument, match=r"^start must have shape \(n_samples, 3\) of this mod"):
        lp.balanced_logits(model, features, START)


def test_rounds_and_matrices_are_looked_at():
    model = xgboost_booster(X, Y, None, START)
    with pytest.raises(BadArgument, match=r"^n_rounds must be at least 1, got 0"):
        lp.balanced_logits(model, X, START, n_rounds=0)
    with pytest.raises(BadArgument, match=r"^X must hold the features as an array"):
        lp.balanced_logits(model, xgboost.DMatrix(X), START)
