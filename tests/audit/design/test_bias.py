import itertools

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import recall_score

from learnprop.audit.design.bias import OutOfReach, bias_for, distance, mean_cost
from learnprop.audit.design.target import check_target

K, N = 3, 2000
NAMES = ["0", "1", "2"]
PRIOR = np.array([0.5, 0.3, 0.2])


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(K), N)
    return 2 * rng.normal(size=(K * N, K)) + 2 * np.eye(K)[y], y


def own_means(logits, y):
    proba = softmax(logits, axis=1)
    return np.array([proba[y == k, k].mean() for k in range(K)])


def test_mean_probabilities_are_as_asked(sample):
    logits, y = sample
    target = check_target({"mean_proba": {0: 0.8, 2: 0.4}}, NAMES)
    found = own_means(logits + bias_for(target, logits, y, PRIOR), y)
    assert found[[0, 2]] == pytest.approx([0.8, 0.4], abs=1e-9)
    assert not np.allclose(own_means(logits, y)[[0, 2]], [0.8, 0.4], atol=0.05)  # control


def test_equal_mean_probabilities_are_equal(sample):
    logits, y = sample
    logits = logits + np.array([0.0, 1.0, -2.0])
    found = own_means(
        logits + bias_for(check_target("equal-mean-probas", NAMES), logits, y, PRIOR), y
    )
    assert np.ptp(found) < 1e-9
    assert np.ptp(own_means(logits, y)) > 0.3


@pytest.mark.parametrize("asked", [{0: 0.9}, {0: 0.8, 1: 0.5}, {1: 0.123}])
def test_recalls_are_as_asked_to_one_sample(sample, asked):
    logits, y = sample
    b = bias_for(check_target({"recall": asked}, NAMES), logits, y, PRIOR)
    found = recall_score(y, (logits + b).argmax(axis=1), average=None)
    for k, value in asked.items():
        assert abs(found[k] - value) <= 1 / N


def test_the_bias_of_a_class_of_which_nothing_is_asked_keeps_its_ratio(sample):
    logits, y = sample
    b = bias_for(check_target({"recall": {0: 0.9}}, NAMES), logits, y, PRIOR)
    assert b[1] == pytest.approx(b[2])


@pytest.mark.parametrize("n_classes", [2, 3])
def test_equal_recalls_are_equal_to_a_sample_of_each(sample, n_classes):
    logits, y = sample
    kept = y < n_classes
    logits, y = logits[kept, :n_classes] + [0.0, 2.0, -1.0][:n_classes], y[kept]
    target = check_target("equal-recalls", NAMES[:n_classes])
    b = bias_for(target, logits, y, PRIOR[:n_classes])
    found = recall_score(y, (logits + b).argmax(axis=1), average=None)
    assert np.ptp(found) <= 2 / N
    assert np.ptp(recall_score(y, logits.argmax(axis=1), average=None)) > 0.3


def test_two_classes_that_cannot_be_told_apart_are_not_both_found():
    logits, y = np.zeros((300, 3)), np.repeat([0, 1, 2], 100)
    logits[:, 0] = np.random.default_rng(0).normal(size=300)
    logits[:, 1] = -logits[:, 0]
    with pytest.raises(OutOfReach):
        bias_for(check_target({"recall": {0: 0.95, 1: 0.95}}, NAMES), logits, y, PRIOR)
    with pytest.raises(OutOfReach):
        bias_for(check_target({"mean_proba": {0: 0.95, 1: 0.95}}, NAMES), logits, y, PRIOR)


def test_a_class_that_is_impossible_everywhere_is_out_of_reach():
    logits = np.array([[0.0, -np.inf]] * 4)
    for kind in ("recall", "mean_proba"):
        with pytest.raises(OutOfReach):
            bias_for(check_target({kind: {1: 0.5}}, NAMES[:2]), logits, np.array([0, 0, 1, 1]),
                     PRIOR[:2])  # fmt: skip


def test_the_least_cost_is_next_to_that_of_a_grid(sample):
    logits, y = sample
    target = check_target({"cost": [[0, 9, 9], [1, 0, 1], [2, 2, 0]]}, NAMES)

    def cost(b):
        return mean_cost(target, (logits + b).argmax(axis=1), y, PRIOR)

    least = min(cost(np.array([a, b, 0])) for a, b in itertools.product(np.arange(-3, 5, 0.25),
                                                                        repeat=2))  # fmt: skip
    found = cost(bias_for(target, logits, y, PRIOR))
    assert found <= 1.01 * least
    assert cost(np.zeros(3)) > 1.1 * least


def test_the_cost_of_decisions_is_that_of_each_class_times_its_share():
    target = check_target({"cost": [[0, 1, 2], [3, 0, 4], [5, 6, 0]]}, NAMES)
    y, said = np.array([0, 0, 1, 2]), np.array([0, 2, 0, 1])
    # class 0 costs (0 + 2) / 2, class 1 costs 3, class 2 costs 6
    assert mean_cost(target, said, y, PRIOR) == pytest.approx(0.5 * 1 + 0.3 * 3 + 0.2 * 6)


def test_the_distance_is_that_of_the_class_that_is_furthest_off():
    target = check_target({"recall": {0: 0.5, 1: 0.5}}, NAMES)
    logits = np.eye(3)[[0, 0, 1, 0, 2]]  # recalls 1, 1/2, 1
    assert distance(target, logits, np.array([0, 0, 1, 1, 2])) == pytest.approx(0.5)
