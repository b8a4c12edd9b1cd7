"""The start is where libraries begin that are told weights of samples."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.utils.class_weight import compute_sample_weight

import learnprop as lp
from learnprop.equations.arguments import BadArgument

NAMES = np.repeat(["b", "a", "c"], [30, 10, 4])

CASES = [
    (np.repeat([0, 1], [30, 10]), "balanced"),
    (np.repeat([0, 1], [30, 10]), {0: 1.0, 1: 5.0}),
    (np.repeat([False, True], [30, 10]), {True: 5.0}),
    (np.repeat([3, 7, 9], [30, 10, 4]), {7: 2.0, 9: 0.5}),
    (NAMES, "balanced"),
    (NAMES, {"a": 2.5}),
    (pd.Series(NAMES, dtype="category"), None),
]


@pytest.mark.parametrize(("y", "class_weight"), CASES)
def test_it_is_the_share_of_the_weighted_classes(y, class_weight):
    weight = compute_sample_weight(class_weight, y) if class_weight is not None else None
    X = np.zeros((len(y), 1))
    for oracle in (DummyClassifier(strategy="prior"), HistGradientBoostingClassifier(max_iter=1)):
        expected = oracle.fit(X, y, sample_weight=weight).predict_proba(X)
        for start in (
            lp.start_at_balance(y, class_weight),
            lp.start_at_balance(y, sample_weight=weight),
        ):
            np.testing.assert_allclose(lp.proba_from_logits(start), expected, atol=1e-12)


def test_weights_of_classes_and_samples_multiply():
    y, rng = np.repeat([0, 1, 2], [30, 20, 10]), np.random.default_rng(0)
    omega, weight = rng.random(60), np.array([1.0, 2.0, 3.0])
    start = lp.start_at_balance(y, weight, sample_weight=omega)
    np.testing.assert_allclose(start, lp.start_at_balance(y, sample_weight=omega * weight[y]))
    np.testing.assert_allclose(start, lp.start_at_balance(y, 7 * weight, sample_weight=2 * omega))
    assert abs(start - lp.start_at_balance(y, weight)).max() > 0.01


def test_eq_9_holds_there():
    y, weight = np.repeat([0, 1, 2], [300, 40, 10]), np.array([1.0, 2.0, 9.0])
    mass = lp.class_mass(weight, lp.class_count(y, 3))
    P = lp.measure(y, lp.start_at_balance(y, weight)).mean_proba
    assert abs(lp.residual(P, mass) / mass).max() < 1e-14
    P = lp.measure(y, lp.start_at_balance(y)).mean_proba
    assert abs(lp.residual(P, mass) / mass).max() > 0.1  # the start without the weights


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0, 0],), "y must hold at least 2 classes, got [0.0]"),
        ((["a", "a"],), "y must hold at least 2 classes, got ['a']"),
        (([0.2, 0.7],), "y must hold labels, got numbers such as [0.2, 0.7]"),
        (([0, 1, np.nan],), "y holds a number that is not finite"),
        (([[0, 1], [1, 0]],), "y must be one-dimensional"),
        (([0, 1], {2: 1.0}), "class_weight must be of labels among [0.0, 1.0], got 2"),
        (([0, 1], {1: -1.0}), "class_weight must be positive and finite"),
        (([0, 1], [1, 2, 3]), "class_weight must hold 2 weights, one per class, got shape (3,)"),
        (([0, 1], "auto"), "class_weight must be one of equal, inverse"),
        (([0, 1], None, [1.0]), "sample_weight must hold 2 numbers, one per sample, got shape (1,"),
        (([0, 1], None, [1.0, -1.0]), "sample_weight must not be negative, got -1.0"),
        (([0, 1], None, [1.0, 0.0]), "sample_weight leaves class 1.0 without weight"),
    ],
)
def test_what_is_wrong_is_named(arguments, message):
    y, class_weight, sample_weight = (*arguments, None, None)[:3]
    with pytest.raises(BadArgument, match=f"^{re.escape(message)}"):
        lp.start_at_balance(y, class_weight, sample_weight=sample_weight)
