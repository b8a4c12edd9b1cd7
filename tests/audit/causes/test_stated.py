"""What users state of a training; and what they get wrong."""

import numpy as np
import pytest

from learnprop.audit.causes.facts import TrainingFacts, check_facts
from learnprop.audit.causes.training_sample import measure_training
from learnprop.audit.check import check
from learnprop.equations.arguments import BadArgument

LABELS = ("cat", "dog", "emu")
COUNT = np.array([60.0, 30.0, 10.0])
Y = np.repeat(LABELS, COUNT.astype(int))


def test_facts():
    facts = check_facts(3, batch_size=64, replicas=4, label_smoothing=0.1, bias=[1.0, 2.0, 6.0])
    assert (facts.normalised_together, facts.label_smoothing) == (16, 0.1)
    np.testing.assert_array_equal(facts.bias, [-2.0, -1.0, 3.0])  # up to a constant
    assert check_facts(3, bias=False).bias is False
    assert check_facts(3, batch_size=64, micro_batch=8).normalised_together == 8
    assert check_facts(3, micro_batch=8).normalised_together == 8  # whatever the step
    assert check_facts(3, batch_size=64, micro_batch=8, replicas=4).normalised_together == 8
    assert TrainingFacts() == check_facts(3)


def test_a_training_sample_in_all_its_forms():
    y, one = np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.6, 0.8])
    two, X = np.stack([1 - one, one], axis=1), np.arange(8.0).reshape(4, 2)
    logits = np.log(one / (1 - one))
    forms = [(y, one), [y, two], (y, two, X), {"y_true": y, "y_proba": two}, (y, two, None)]
    for form in forms:
        found, layer = measure_training(form, (0, 1))
        np.testing.assert_allclose(found.mean_proba, [[0.8, 0.2], [0.3, 0.7]])
        assert (layer is None) == (len(form) == 2 or form[2] is None)
    _, layer = measure_training((y, two, X), (0, 1))
    np.testing.assert_allclose(layer.logits[:, 1] - layer.logits[:, 0], logits)
    assert layer.classes.tolist() == [0, 0, 1, 1]


PROBA = np.tile([0.5, 0.3, 0.2], (100, 1)) + np.eye(3)[np.repeat([0, 1, 2], [60, 30, 10])]
PROBA = (PROBA + np.random.default_rng(0).random((100, 3))) / 1.0
PROBA /= PROBA.sum(axis=1, keepdims=True)

WRONG = [
    ({"class_weight": {"cow": 1}}, "class_weight must be of labels among ['cat', 'dog', 'emu'], g"),
    ({"class_weight": [1, 2]}, "class_weight must hold 3 weights, one per class, got shape (2,)"),
    ({"class_weight": "heavy"}, "class_weight must be one of equal, inverse, sqrt-inverse, eff"),
    ({"class_weight": [1, 2, 0]}, "class_weight must be positive and finite, got [1.0, 2.0, 0.0]"),
    ({"train_count": [5, 5, 0]}, "train_count must be positive, got [5.0, 5.0, 0.0]"),
    ({"train_count": {"cat": 5, "dog": 5}}, "train_count must hold a number for every label, got "),
    ({"train_count": [5, 5]}, "train_count must hold 3 sizes, got shape (2,)"),
    ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
    ({"batch_size": 2.5}, "batch_size must be a whole number, got 2.5"),
    ({"batch_size": 8, "micro_batch": 16}, "micro_batch must divide the 8 samples of a step on"),
    ({"batch_size": 64, "micro_batch": 32, "replicas": 4}, "micro_batch must divide the 16 sampl"),
    ({"batch_size": 64, "replicas": 0}, "replicas must be at least 1, got 0"),
    ({"replicas": 2}, "replicas must go with batch_size, which they share"),
    ({"batch_size": 2, "replicas": 4}, "replicas must divide batch_size 2, got 4"),
    ({"label_smoothing": 1.0}, "label_smoothing must be in [0, 1), got 1.0"),
    ({"label_smoothing": "0.1"}, "label_smoothing must be a number, got '0.1'"),
    ({"bias": [1.0, 2.0]}, "bias must hold 3 numbers, one per class, got (2,)"),
    ({"bias": True}, "bias must hold the output bias, or be False where there is none"),
    ({"bias": [1.0, np.nan, 0.0]}, "bias holds a number that is not finite: nan at position 1"),
    ({"sampler_weight": {"cow": 1}}, "sampler_weight must be of labels among ['cat', 'dog', 'emu'"),
    ({"margin": 0}, "margin must be a share between 0 and 1, e.g. 0.05, got 0"),
    ({"level": 95}, "level must be between 0 and 1, got 95"),
    ({"train": (Y,)}, "train must be (y, proba) or (y, proba, X), got "),
    ({"train": (Y, PROBA[:, :2])}, "train has 2 columns, and there are 3 classes"),
    ({"train": {"y_true": Y, "proba": PROBA}}, "train must have y_true, y_proba, X, got 'proba'"),
    ({"train": {"y_true": Y}}, "train must hold labels, and probabilities or logits"),
    ({"train": (Y, PROBA * 2)}, "train must sum to one: row 17 sums to 2"),
    ({"train": (np.where(Y == "emu", "yak", Y), PROBA)}, "train must hold labels among ['cat', "),
    ({"train": (Y[:89], PROBA[:89])}, "train holds less than two samples of 'emu'"),
    ({"train": (Y[:91], PROBA[:91])}, "train holds less than two samples of 'emu'"),
    ({"train": (Y, PROBA, np.ones(100))}, "train must have features of shape (100, n_features), "),
    ({"train": (Y, PROBA, np.full((100, 1), np.nan))}, "train holds a number that is not finite"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_mistakes_are_named(given, message):
    with pytest.raises(BadArgument) as caught:
        check(Y, PROBA, labels=LABELS, **given)
    assert str(caught.value).startswith(message), str(caught.value)
    assert "\n" not in str(caught.value)
