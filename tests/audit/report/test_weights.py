"""A class's weight against the others: its interval is that of the ratio, derived anew."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from learnprop.audit.report.weights import reference, relative_weights, shown_weights
from learnprop.equations.inference.estimates import Estimate
from tests.audited import acting, made_up, sample_acting


def sd_of_log(estimate):
    return math.log(estimate.high / estimate.low) / 2 / stats.norm.ppf(0.975)


def test_of_two_classes_it_is_the_ratio_with_the_delta_methods_interval():
    # E4: λ_1 / λ_0 = (1 - p̄_00) N_0 / (p̄_10 N_1), two means of two samples, so that the variance of
    # the logarithm is the sum of the squared relative errors of both.
    y, proba = sample_acting([1, 45], [10_000, 100])
    report = acting([1, 45], [1, 100], [10_000, 100])
    missed, caught = proba[y == 0, 1], proba[y == 1, 1]
    N = np.bincount(y)
    # p̄_10 is 1 - p̄_11, and missed are p̄_01.
    ratio = missed.mean() * N[0] / ((1 - caught).mean() * N[1])
    squares = [x.var(ddof=1) / len(x) / x.mean() ** 2 for x in (missed, 1 - caught)]
    reach = stats.norm.ppf(0.975) * math.sqrt(sum(squares))
    light, heavy = relative_weights(report)
    assert heavy.value == pytest.approx(ratio / 100, rel=1e-9)
    assert heavy.low == pytest.approx(ratio / 100 * math.exp(-reach), rel=1e-4)
    assert heavy.high == pytest.approx(ratio / 100 * math.exp(reach), rel=1e-4)
    assert light.value * heavy.value == pytest.approx(1, rel=1e-9)
    assert light.low * heavy.high == pytest.approx(1, rel=1e-9)  # one interval, seen from two sides


def test_of_three_classes_the_interval_is_as_long_as_resampling_says():
    sizes, weight = [4000, 2000, 500], [1, 3, 20]
    y, proba = sample_acting(weight, sizes, n=6000)
    report = acting(weight, [1, 1, 1], sizes, n=6000)
    rng, logs = np.random.default_rng(1), []
    N = np.bincount(y)
    for _ in range(400):
        P = np.array([
            rows[rng.integers(len(rows), size=len(rows))].mean(axis=0)
            for rows in (proba[y == k] for k in range(3))
        ])  # fmt: skip
        values, vectors = np.linalg.eig(P.T)
        pi = np.abs(vectors[:, np.argmax(values.real)].real)
        share = pi / N / (pi / N).sum()
        logs.append(np.log(share / (1 - share)))
    sd = np.std(logs, axis=0, ddof=1)
    for k, estimate in enumerate(relative_weights(report)):
        assert abs(sd_of_log(estimate) - sd[k]) <= 4 * sd[k] / math.sqrt(2 * 399)


def test_weights_that_were_stated_are_one_times_as_stated():
    as_stated = relative_weights(acting([1, 5, 9], [1, 5, 9], [3000, 900, 300], n=200_000))
    assert all(abs(math.log(e.value)) <= 4 * sd_of_log(e) for e in as_stated)
    off = relative_weights(acting([1, 5, 9], [1, 1, 1], [3000, 900, 300], n=200_000))
    assert abs(math.log(off[2].value)) > 4 * sd_of_log(off[2])  # the control


def test_bounds_are_carried_over_as_they_are():
    report = made_up(3)
    bounds = tuple(Estimate(0.2, 0.0, 1.0, 0.95, "few misses") for _ in range(3))
    for estimate in relative_weights(replace(report, effective=bounds)):
        assert (estimate.low, estimate.high, estimate.reason) == (0.0, math.inf, "few misses")
    half = tuple(Estimate(1 / 3, 0.25, 0.5, 0.95, "few misses") for _ in range(3))
    equal = replace(report, effective=half, class_weight=np.full(3, 1 / 3))
    # odds of 1/4 and 1/2 are 1/3 and 1, those of the stated third 1/2
    assert relative_weights(equal)[0].low == pytest.approx(2 / 3)
    assert relative_weights(equal)[0].high == pytest.approx(2)


def test_what_cannot_be_told_is_nan():
    nothing = tuple(Estimate(math.nan, 0.0, 1.0, 0.95, "on this sample") for _ in range(2))
    found = relative_weights(replace(made_up(2), effective=nothing))
    assert [math.isnan(e.value) for e in found] == [True, True]
    assert (found[0].low, found[0].high) == (0.0, math.inf)


def test_a_share_near_one_has_its_odds_without_cancellation():
    tiny = 1e-18
    shares = tuple(Estimate(v, v / 2, v * 2, 0.95) for v in (tiny, 1.0))
    report = replace(made_up(2), effective=shares, class_weight=np.array([0.5, 0.5]))
    assert relative_weights(report)[1].value == pytest.approx(1e18)


def test_the_lightest_is_the_unit():
    report = acting([45, 1], [100, 1], [100, 10_000])
    stated, effective = shown_weights(report)
    assert reference(report) == 1
    assert stated.tolist() == pytest.approx([100, 1])
    assert (effective[1].value, effective[1].low, effective[1].high) == (1, 1, 1)
    assert abs(math.log(effective[0].value / 45)) <= 4 * sd_of_log(effective[0])


def test_of_many_classes_each_has_its_odds():
    report = made_up(1000)
    weight = np.array([e.value for e in report.effective])
    stated = report.class_weight
    for k, estimate in enumerate(relative_weights(report)):
        others, stated_others = np.delete(weight, k).sum(), np.delete(stated, k).sum()
        expected = weight[k] / others / (stated[k] / stated_others)
        assert estimate.value == pytest.approx(expected, rel=1e-12)
