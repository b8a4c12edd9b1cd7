"""Inference on measured predictions: that of the equations, and it keeps its level with weights."""

import numpy as np
import pytest
from scipy import stats
from sklearn.dummy import DummyClassifier

from learnprop.audit.inference.statistics import (
    effective_weights,
    gaps,
    joint_test,
    residual_covariance,
)
from learnprop.audit.predictions import chunks as of_chunks
from learnprop.audit.predictions.arrays import measure_predictions
from learnprop.equations.inference.model import gaps_of_model, joint_test_of_model
from learnprop.equations.mean_proba import mean_proba_and_second_moments, proba_from_logits
from learnprop.equations.stationary import effective_class_weight_of_model


def posterior(sizes, separation, mass, rng, sharpness=1.0):
    """Labels, and logits of the true posterior of Gaussian classes, maybe too sure of itself."""
    n_classes = len(sizes)
    means = separation / np.sqrt(2) * np.eye(n_classes)
    y = np.repeat(np.arange(n_classes), sizes)
    x = means[y] + rng.normal(size=(len(y), n_classes))
    return y, sharpness * (x @ means.T - (means**2).sum(axis=1) / 2 + np.log(mass))


Y, LOGITS = posterior((400, 800, 500), 2.5, (1.0, 2.0, 1.0), np.random.default_rng(0))
MASS = np.array([1.0, 2.0, 1.0])


def ends(estimates):
    return np.array([[e.value, e.low, e.high] for e in estimates])


def test_it_is_the_inference_of_the_equations():
    proba = proba_from_logits(LOGITS)
    P, M = mean_proba_and_second_moments(Y, proba)
    n, found = np.bincount(Y), measure_predictions(Y, proba)
    for together in (False, True):
        expected = gaps_of_model(P, M, n, MASS, level=0.9, simultaneous=together)
        got = gaps(found, MASS, simultaneous=together)
        np.testing.assert_allclose(ends(got), ends(expected), rtol=1e-10)
    weights = effective_class_weight_of_model(P, M, n, n)
    np.testing.assert_allclose(ends(effective_weights(found, n)), ends(weights), rtol=1e-10)
    expected = joint_test_of_model(P, M, n, MASS)
    assert joint_test(found, MASS).p_value == pytest.approx(expected.p_value, rel=1e-9)


def test_two_classes_with_weights_are_welch_on_weighted_means():
    """Truth from outside: equal weights within classes are Welch's test of scipy."""
    y, z = posterior((300, 500), 2.0, (1.0, 1.0), np.random.default_rng(1))
    proba = proba_from_logits(z)
    found = joint_test(measure_predictions(y, proba, sample_weight=np.full(800, 3.0)), [2.0, 1.9])
    misses = 2.0 * proba[y == 0, 1], 1.9 * proba[y == 1, 0]
    expected = stats.ttest_ind(*misses, equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    assert found.df_residual == pytest.approx(expected.df, rel=1e-9)


def test_the_covariance_of_the_residual_is_that_over_test_samples():
    rng, found, n_runs = np.random.default_rng(2), [], 200
    for _ in range(n_runs):
        y, z = posterior((100, 200, 300), 2.0, MASS, rng)
        one = measure_predictions(y, y_logits=z, sample_weight=rng.gamma(2.0, size=len(y)))
        found.append((MASS - MASS @ one.mean_proba, residual_covariance(one, MASS)))
    r = np.array([residual for residual, _ in found])
    predicted = np.mean([covariance for _, covariance in found], axis=0)
    spread = r.var(axis=0, ddof=1)
    mcse = spread * np.sqrt(2 / (n_runs - 1))
    assert (np.abs(spread - np.diag(predicted)) <= 4 * mcse).all()
    train = residual_covariance(one, MASS, [100, 200, 300])
    plain = measure_predictions(y, y_logits=z)
    np.testing.assert_allclose(
        residual_covariance(plain, MASS, [100, 200, 300]), 2 * residual_covariance(plain, MASS)
    )
    assert (np.diag(train) > np.diag(residual_covariance(one, MASS))).all()


def test_one_heavy_sample_is_few_misses():
    """The largest share of one sample decides, not how many samples there are."""
    weight = np.ones(len(Y))
    plain = gaps(measure_predictions(Y, y_logits=LOGITS), MASS)
    assert all(gap.reason == "" for gap in plain)
    weight[0] = 1e4
    heavy = gaps(measure_predictions(Y, y_logits=LOGITS, sample_weight=weight), MASS)
    assert "samples of the largest weight" in heavy[0].reason
    assert heavy[0].high - heavy[0].low > 10 * (plain[0].high - plain[0].low)


def test_a_dummy_is_judged_without_spread():
    X, y = np.zeros((900, 1)), np.repeat([0, 1, 2], [100, 300, 500])
    prior = DummyClassifier(strategy="prior").fit(X, y)
    found = measure_predictions(y, prior.predict_proba(X))
    assert joint_test(found, [1.0, 3.0, 5.0]).p_value == 1.0
    assert joint_test(found, [1.0, 1.0, 1.0]).p_value == 0.0
    assert [round(g.value, 9) for g in gaps(found, [1.0, 3.0, 5.0])] == [0.0] * 3


def test_a_class_that_is_never_predicted_leaves_bounds():
    y, z = posterior((300, 300, 300), 2.0, (1.0, 1.0, 1.0), np.random.default_rng(0))
    proba = proba_from_logits(z)
    proba[:, 2] = 0.0
    proba /= proba.sum(axis=1, keepdims=True)
    found = joint_test(measure_predictions(y, proba), [1.0, 1.0, 1.0])
    assert found.reason
    assert found.p_value < 1e-9


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda p: gaps(p, [1.0, 2.0]), r"class_mass must be 3 positive numbers, got \[1.0, 2.0\]"),
        (lambda p: gaps(p, [1.0, 2.0, 0.0]), "class_mass must be 3 positive numbers"),
        (lambda p: gaps(p, MASS, level=90), "level must be between 0 and 1"),
        (lambda p: effective_weights(p, ["a"] * 3), "train_count must hold numbers"),
        (lambda p: joint_test(p, [1, 2, np.nan]), "class_mass holds a number that is not finite"),
    ],
)
def test_faults_are_named(call, match):
    with pytest.raises(ValueError, match=match):
        call(measure_predictions(Y, y_logits=LOGITS))


DESIGNS = {
    "equal": ((400, 400), 2.0, (1.0, 1.0), False),
    "unequal": ((200, 2000), 2.0, (1.0, 10.0), False),
    "confident": ((3000, 3000), 4.5, (1.0, 1.0), False),
    "few misses": ((100, 1000), 4.5, (1.0, 10.0), False),
    "weighted": ((400, 400), 2.0, (1.0, 1.0), True),
    "five, weighted": ((150, 200, 400, 800, 1600), 2.5, (1.0, 2.0, 4.0, 8.0, 16.0), True),
    "few misses, weighted": ((100, 1000), 4.5, (1.0, 10.0), True),
    "hundred": ((60,) * 100, 3.5, (1.0,) * 100, False),
}


def outcomes(sizes, separation, mass, weighted, seed):
    """Whether gaps and weights cover, the joint test rejects, and whether it says it cannot."""
    rng = np.random.default_rng([5, seed])
    y, z = posterior(sizes, separation, mass, rng)
    weight = rng.gamma(1.0, size=len(y)) if weighted else None
    found = measure_predictions(y, y_logits=z, sample_weight=weight)
    true = np.array(mass) / sizes / np.sum(np.array(mass) / sizes)
    one_by_one = [gap.low <= 0 <= gap.high for gap in gaps(found, mass)]
    weights = effective_weights(found, np.array(sizes, float))
    covered = [e.low <= value <= e.high for e, value in zip(weights, true, strict=True)]
    joint = joint_test(found, mass)
    return np.mean(one_by_one), np.mean(covered), joint.p_value <= 0.05, joint.reason != ""


@pytest.mark.slow
@pytest.mark.parametrize("design", DESIGNS)
def test_intervals_keep_their_level(design):
    """The true posterior: nominal are 0.90, 0.95 and 0.05, or bounds that cover and say so."""
    n = 60 if design == "hundred" else 300
    found = np.array([outcomes(*DESIGNS[design], seed) for seed in range(n)], dtype=float)
    gap, weight, rejects, said = found.mean(axis=0)
    mcse = found.std(axis=0, ddof=1) / np.sqrt(n)
    assert gap >= 0.90 - 4 * mcse[0]
    assert weight >= 0.95 - 4 * mcse[1]
    assert rejects <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / n)
    if said == 0:
        assert abs(gap - 0.90) <= 4 * mcse[0]
        assert abs(weight - 0.95) <= 4 * mcse[1]
    assert said == 1 or not design.startswith("few misses")


def test_a_hundred_classes_go_the_way_of_many():
    found = measure_predictions(*DESIGNS_OF_HUNDRED)
    assert found.second_moment is None
    assert len(found.labels) > of_chunks.MANY
    assert all(gap.reason == "" for gap in gaps(found, np.ones(100)))
    assert joint_test(found, np.ones(100)).p_value > 1e-6
    # The control: one class's mass a tenth off.
    wrong = np.ones(100)
    wrong[0] = 3.0
    assert joint_test(found, wrong).p_value < 1e-6


_Y, _Z = posterior((60,) * 100, 3.5, (1.0,) * 100, np.random.default_rng(3))
DESIGNS_OF_HUNDRED = (_Y, proba_from_logits(_Z))
