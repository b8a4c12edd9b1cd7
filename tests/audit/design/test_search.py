import numpy as np
import pytest

from learnprop.audit.design.fits import Fresh
from learnprop.audit.design.search import find
from learnprop.audit.design.target import check_target

COUNT = np.array([100, 1000])
PRIOR = COUNT / COUNT.sum()
RNG = np.random.default_rng(0)
Y = np.repeat([0, 1], 5000)
PLAIN = np.stack([np.zeros(10_000), np.log(10) + 2 * RNG.normal(size=10_000) + 4 * Y - 2], axis=1)


def model(power):
    """Predictions of a model on which weights act as a bias: to a power, 1 of a true model."""
    calls = []

    def predict(part, log_weight):
        assert part == "design"
        calls.append(log_weight)
        logits = PLAIN + power * log_weight[:, None, None, :]
        return Fresh(logits, Y, 1, 1)

    return predict, calls


@pytest.mark.parametrize("asked", [{"recall": {0: 0.8}}, {"mean_proba": {0: 0.8}}])
def test_weights_that_act_as_a_bias_are_found_at_once(asked):
    predict, calls = model(1.0)
    found = find(predict, check_target(asked, ["0", "1"]), PRIOR, COUNT)
    assert found.n_fits == len(calls) == 2
    assert found.met
    assert found.log_weight == pytest.approx(found.bias)
    assert not calls[0].any()  # the first has equal weights


@pytest.mark.parametrize("power", [0.4, 2.5])
def test_weights_that_act_less_or_more_are_found_from_their_effect(power):
    predict, calls = model(power)
    found = find(predict, check_target({"mean_proba": {0: 0.8}}, ["0", "1"]), PRIOR, COUNT)
    assert found.met
    assert len(calls) <= 4  # a secant: exact where the effect is linear
    assert power * found.log_weight == pytest.approx(found.bias, abs=0.01)


def test_weights_without_an_effect_do_not_meet_the_target():
    predict, _ = model(0.0)
    found = find(predict, check_target({"recall": {0: 0.9}}, ["0", "1"]), PRIOR, COUNT)
    assert not found.met
    assert found.left_over > 0.05


def test_weights_of_costs_of_two_classes_are_those_of_the_truth():
    predict, calls = model(1.0)
    target = check_target({"cost": [[-1, 4], [1, 0]]}, ["0", "1"])
    found = find(predict, target, np.array([0.5, 0.5]), COUNT)
    # λ0 N0 : λ1 N1 = 0.5 (4 + 1) : 0.5 (1 - 0)
    assert np.exp(found.log_weight[0] - found.log_weight[1]) == pytest.approx(5 * 10)
    assert not calls
