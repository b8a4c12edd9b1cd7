import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

from learnprop.audit.design.fits import Fresh
from learnprop.audit.design.roads import area_under_curve, decide_by_cost, measure_runs, road
from learnprop.audit.design.target import Target, check_target

RNG = np.random.default_rng(0)
Y = np.repeat([0, 1], [300, 200])
LOGITS = RNG.normal(size=(1, 4, 500, 2)).round(1) + Y[:, None] * [0, 1]
FRESH = Fresh(LOGITS, Y, 1, 1)
PRIOR = np.array([0.9, 0.1])
TARGET = check_target({"cost": [[0, 1], [20, 0]]}, ["0", "1"])


def test_numbers_of_a_run_are_those_of_scikit_learn_with_the_shares_of_the_prior():
    runs = measure_runs(FRESH, 0, TARGET, PRIOR)
    weight = (PRIOR / [300, 200])[Y]
    for run, logits in enumerate(LOGITS[0]):
        said = logits.argmax(axis=1)
        proba = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
        assert runs.accuracy[run] == pytest.approx(accuracy_score(Y, said, sample_weight=weight))
        assert runs.log_loss[run] == pytest.approx(log_loss(Y, proba, sample_weight=weight))
        assert runs.auc[run] == pytest.approx(roc_auc_score(Y, logits[:, 1] - logits[:, 0]))
        cost = 0.9 * (said[Y == 0] == 1).mean() + 0.1 * 20 * (said[Y == 1] == 0).mean()
        assert runs.cost[run] == pytest.approx(cost)


def test_of_more_classes_there_is_no_area_under_the_curve():
    assert np.isnan(area_under_curve(np.zeros((3, 3)), np.arange(3)))


def test_the_decision_by_costs_of_two_classes_is_a_threshold():
    count = np.array([30, 70])
    runs = decide_by_cost(FRESH, 0, TARGET, PRIOR, count)
    # say 1 where (f1 / 70) 0.1 · 20 > (f0 / 30) 0.9 · 1
    says_1 = LOGITS[0, :, :, 1] - LOGITS[0, :, :, 0] > np.log(0.9 / 30) - np.log(2 / 70)
    assert runs.recall[:, 1] == pytest.approx(says_1[:, Y == 1].mean(axis=1))
    assert runs.recall[:, 0] == pytest.approx(1 - says_1[:, Y == 0].mean(axis=1))


@pytest.mark.parametrize(
    ("asked", "margin", "side"),
    [
        (0.8, 0.2, "reached"), (0.8, 0.001, "inconclusive"),
        (0.99, 0.001, "below"), (0.5, 0.001, "above"),
    ],
)  # fmt: skip
def test_a_road_is_inside_the_margin_outside_or_neither(asked, margin, side):
    runs = measure_runs(FRESH, 0, TARGET, PRIOR)
    at = float(runs.recall[:, 1].mean()) - 0.8
    goal = Target("recall", np.array([1]), np.array([asked + at]))
    found = road("weights", runs, goal, 0, 0.9, margin)
    assert found.sides == (side,)
    assert found.verdict == (side if side in ("reached", "inconclusive") else "not reached")
    assert found.reached is (side == "reached")
    assert 0 <= found.recall[1].low <= found.recall[1].high <= 1
    # t, 90 %, df = 3; the search has as much of an error again
    half = 2.3534 * np.sqrt(2 * runs.recall[:, 1].var(ddof=1) / 4)
    assert (found.off[0].high - found.off[0].low) / 2 == pytest.approx(half, rel=1e-4)
