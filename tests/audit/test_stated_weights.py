"""Weights and sizes as users state them: the same wherever, and refused in the same words."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.dummy import DummyClassifier
from sklearn.utils.class_weight import compute_class_weight

import learnprop as lp
from learnprop.audit.stated_weights import stated_count, stated_weights, weights_by_class
from learnprop.equations.arguments import BadArgument

LABELS = ("cat", "dog", "emu")
COUNT = np.array([60.0, 30.0, 10.0])
CLASSES = np.repeat([0, 1, 2], COUNT.astype(int))
Y = np.array(LABELS)[CLASSES]
PROBA = np.full((100, 3), 0.2) + 0.4 * np.eye(3)[CLASSES]


@pytest.mark.parametrize(
    "given", [None, "balanced", {"emu": 5.0}, {"dog": 2, "cat": 0.5, "emu": 1}, {}]
)
def test_weights_are_scikit_learns(given):
    theirs = compute_class_weight(given, classes=np.array(LABELS), y=Y)
    np.testing.assert_allclose(stated_weights(given, LABELS, COUNT), theirs / theirs.sum())


def test_weights_and_sizes_by_label_in_any_order():
    in_any_order = pd.Series({"emu": 3.0, "cat": 1.0, "dog": 2.0})
    for given in (in_any_order, [1, 2, 3], dict(in_any_order), pd.Series([1, 2, 3])):
        np.testing.assert_array_equal(weights_by_class(given, LABELS), [1.0, 2.0, 3.0])
        np.testing.assert_allclose(stated_weights(given, LABELS, COUNT), [1 / 6, 1 / 3, 1 / 2])
    counted = pd.Series(Y).value_counts()[["emu", "cat", "dog"]]
    np.testing.assert_array_equal(stated_count(counted, LABELS), COUNT)
    numbers = pd.Series([5, 7], index=[1, 0])
    np.testing.assert_array_equal(stated_count(numbers, (0, 1)), [7, 5])
    with pytest.raises(BadArgument, match="counts of samples, not shares, got"):
        stated_count([0.9, 0.1], (0, 1))
    np.testing.assert_array_equal(stated_weights({True: 3}, (False, True), COUNT[:2]), [0.25, 0.75])


def test_an_index_that_only_counts_names_no_labels():
    rest = pd.Series([9.0, 2.0, 3.0, 4.0])[1:]  # which has its labels still: 1, 2, 3
    np.testing.assert_array_equal(weights_by_class(rest, (3, 1, 2)), [4.0, 2.0, 3.0])
    with pytest.raises(BadArgument, match=r"must be of labels among \['cat', .*\], got 1"):
        weights_by_class(rest, LABELS)
    with pytest.raises(BadArgument, match=r"must hold 2 weights, one per class, got shape \(4,\)"):
        weights_by_class(pd.Series([9.0, 2.0, 3.0, 4.0]), (1, 0))


def test_schemes_other_than_equal_need_class_sizes():
    np.testing.assert_array_equal(weights_by_class("equal", LABELS), np.ones(3))
    with pytest.raises(BadArgument, match=r"^class_count is needed where to is 'sqrt-inverse'$"):
        weights_by_class("sqrt-inverse", LABELS, "to")


def refine(given):
    network = torch.nn.Linear(3, 3)
    pairs = [(torch.tensor(PROBA, dtype=torch.float32), torch.tensor(CLASSES))]
    return lp.refine_output_bias(network, pairs, class_weight=given)


PLACES = {
    "check": lambda given: lp.check(Y, PROBA, class_weight=given),
    "a sampler": lambda given: lp.check(Y, PROBA, batch_size=8, sampler_weight=given),
    "to": lambda given: lp.reweight(PROBA, labels=LABELS, to=given, train_count=COUNT),
    "acts_upon": lambda given: lp.reweight(PROBA, labels=LABELS, acts_upon=given),
    "classifier": lambda given: lp.BalancedClassifier(
        DummyClassifier(), class_weight=given, cv=2
    ).fit(PROBA, Y),
    "boosting": lambda given: lp.start_at_balance(Y, given),
    "refine": refine,
    "monitor": lambda given: lp.BalanceMonitor(3, class_weight=given),
}
TWICE = pd.Series([1.0, 2.0], index=["emu", "emu"])
WRONG = [
    ({"cow": 2.0}, "must be of labels among {}, got 'cow'"),
    (TWICE, "must hold one number for each label: its index repeats one"),
    ([1, 2], "must hold 3 weights, one per class, got shape (2,)"),
    ([1, 2, 0], "must be positive and finite, got [1.0, 2.0, 0.0]"),
    ("heavy", "must be one of equal, inverse, sqrt-inverse, effective-number, balanced, got 'hea"),
]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("given", "message"), WRONG)
def test_mistakes_are_named_alike(place, given, message):
    argument = {"a sampler": "sampler_weight", "to": "to", "acts_upon": "acts_upon"}.get(
        place, "class_weight"
    )
    labels = [0, 1, 2] if place in ("refine", "monitor") else list(LABELS)
    with pytest.raises(BadArgument) as caught:
        PLACES[place](given)
    assert str(caught.value).startswith(f"{argument} {message.format(labels)}"), str(caught.value)


@pytest.mark.filterwarnings("ignore:class .* expected misses:UserWarning")
def test_all_take_weights_by_label():
    by_label, by_number, weight = {"emu": 5.0}, {2: 5.0}, [1.0, 1.0, 5.0]
    for place, of_place in PLACES.items():
        if place in ("check", "to", "acts_upon", "classifier", "boosting"):
            found, expected = of_place(by_label), of_place(weight)
            if place == "check":
                found, expected = found.class_weight, expected.class_weight
            if place == "classifier":
                found, expected = found.bias_, expected.bias_
            np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(refine(by_number).after.class_weight, np.array(weight) / 7)
    monitor = lp.BalanceMonitor(3, class_weight=pd.Series(by_number))
    monitor.update(torch.tensor(np.log(PROBA)), torch.tensor(CLASSES))
    np.testing.assert_allclose(monitor.compute().class_weight, np.array(weight) / 7)
