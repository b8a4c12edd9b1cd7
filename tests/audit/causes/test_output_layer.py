"""Moments of an output layer, and its leave-one-out residual."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from learnprop.audit.causes.explanations.explanation import Explanation
from learnprop.audit.causes.output_layer import (
    OutputLayer,
    left_out_mean_proba,
    share_of_scale,
    size_of_moments,
)
from learnprop.audit.check import check
from learnprop.simulations.fitters.leave_one_out import leave_one_out

COUNT = np.array([200, 80, 40])
RNG = np.random.default_rng(0)
Y = np.repeat([0, 1, 2], COUNT)
X = RNG.normal(size=(320, 4)) + np.eye(3, 4)[Y]


def fitted(C=np.inf, **options):
    model = LogisticRegression(C=C, tol=1e-12, max_iter=10_000, **options).fit(X, Y)
    return model, OutputLayer(X, model.decision_function(X), Y)


def test_moments_vanish_for_the_weights_that_were_minimised_and_no_others():
    _, layer = fitted(class_weight="balanced")
    inverse = Explanation("", "", "", np.full(3, 1 / 3))
    equal = Explanation("", "", "", COUNT / COUNT.sum())
    assert size_of_moments(layer, inverse, 0.0, COUNT) < 1e-3
    assert size_of_moments(layer, equal, 0.0, COUNT) > 1
    penalised = fitted(C=0.01)[1]
    assert size_of_moments(penalised, equal, 0.0, COUNT) > 0.5
    assert share_of_scale(penalised, equal, COUNT) > 0.5  # a penalty shrinks what was learnt


def test_left_out_probabilities_are_those_of_leave_one_out():
    _, layer = fitted()
    constant = OutputLayer(np.column_stack([X, np.ones(320)]), layer.logits, Y)
    expected = leave_one_out(X, Y, [1.0, 1.0, 1.0], fitter="softmax").mean_proba
    for one in (layer, constant):
        P, miss = left_out_mean_proba(one, np.ones(3))
        np.testing.assert_allclose(P, expected, atol=1e-5)
        np.testing.assert_allclose(miss, 1 - np.diagonal(P))
    large = OutputLayer(RNG.normal(size=(9, 2000)), np.zeros((9, 3)), Y[:9])
    assert left_out_mean_proba(large, np.ones(3)) is None


def test_weights_that_no_scheme_names_are_told_by_features():
    model, _ = fitted(class_weight={0: 1, 1: 7, 2: 1.3})
    proba = model.predict_proba(X)
    fresh = np.repeat([0, 1, 2], 1000)
    features = RNG.normal(size=(3000, 4)) + np.eye(3, 4)[fresh]
    told = check(fresh, model.predict_proba(features), train=(Y, proba, X), train_count=COUNT)
    assert told.causes[0].name == "acts upon weights of no scheme"
    assert told.causes[0].consistency == "consistent"
    untold = check(fresh, model.predict_proba(features), train=(Y, proba), train_count=COUNT)
    assert "acts upon weights of no scheme" not in [cause.name for cause in untold.considered]


def test_overfitting_is_told_from_a_shift_by_leaving_one_out():
    rng = np.random.default_rng(3)
    count, d = np.array([250, 50]), 30
    y, fresh = np.repeat([0, 1], count), np.repeat([0, 1], 5000)
    mean = np.zeros(d)
    mean[0] = 2.0
    features = rng.normal(size=(300, d)) + y[:, None] * mean
    new = rng.normal(size=(10_000, d)) + fresh[:, None] * mean
    model = LogisticRegression(C=np.inf, class_weight="balanced", tol=1e-12, max_iter=10_000)
    model.fit(features, y)
    given = (y, model.predict_proba(features), features)
    report = check(fresh, model.predict_proba(new), class_weight="balanced", train=given)
    first = report.causes[0]
    assert (first.name, first.consistency) == ("overfitting", "consistent")
    assert (np.abs(first.observed - first.predicted) <= 4 * first.error).all()
    shifted = check(
        fresh, model.predict_proba(new + 0.5 * mean), class_weight="balanced", train=given
    )
    assert shifted.causes[0].name == "shift of P(x|y)"
