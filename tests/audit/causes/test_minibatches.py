"""A size of minibatches that was not stated is fitted; what no size explains is refuted."""

import numpy as np
import pytest
from scipy import integrate, stats

from learnprop.audit.causes.evidence import Evidence
from learnprop.audit.causes.explanations.minibatches import SIZES, fitted_minibatch_mean
from learnprop.audit.causes.facts import TrainingFacts
from learnprop.audit.check import check
from learnprop.equations.violations.minibatch_mean import (
    minibatch_mean_class_weight,
    weight_in_minibatches,
)


def posterior(seed, n_samples, n_classes):
    """Calibrated probabilities, labels drawn by them, and the shares of the classes."""
    rng = np.random.default_rng(seed)
    alpha = np.linspace(2, 0.5, n_classes)
    P = rng.dirichlet(alpha, size=n_samples)
    y = (P.cumsum(axis=1) > rng.random((n_samples, 1))).argmax(axis=1)
    return P, y, alpha / alpha.sum()


def trained(P, weight):
    f = P * weight
    return f / f.sum(axis=1, keepdims=True)


def fit(seed, n_samples, n_classes, size):
    """The cause, where a mean over minibatches of inverse weights was minimised."""
    P, y, prior = posterior(seed, n_samples, n_classes)
    acts = minibatch_mean_class_weight(1 / prior, prior * 1e6, size)
    report = check(y, trained(P, acts), class_weight=1 / prior, train_count=1e9 * prior)
    found = [c for c in report.considered if c.name.startswith("minibatch mean")]
    return found[0] if found else None, report


def fitted_size(cause):
    return float(cause.name.split()[-3])


def test_between_whole_sizes_the_integral_is_that_of_quadrature():
    weight, share = np.array([0.05, 0.25, 0.7]), np.array([0.6, 0.3, 0.1])
    for size in (1.2, 7.5, 300.25):
        found = weight_in_minibatches(weight, share, size)
        for k in range(3):
            direct, _ = integrate.quad(
                lambda t, k=k, size=size: (
                    np.exp(-t * weight[k]) * (share @ np.exp(-t * weight)) ** (size - 1)
                ),
                0, np.inf, epsabs=0, epsrel=1e-10,
            )  # fmt: skip
            assert found[k] == pytest.approx(weight[k] * direct, rel=1e-8)


@pytest.mark.parametrize("size", [4, 8, 10, 24])
def test_sizes_off_any_grid_are_found(size):
    cause, report = fit(0, 40_000, 5, size)
    assert cause in report.causes[:2]
    assert fitted_size(cause) == pytest.approx(size, rel=0.25)
    assert cause.p_value > 0.01


@pytest.mark.parametrize("factor", [3.0, 0.02])
def test_of_two_classes_no_size_is_guessed(factor):
    P, y, prior = posterior(0, 20_000, 2)
    acts = np.array([1, factor]) / prior
    report = check(y, trained(P, acts), class_weight=1 / prior, train_count=1e9 * prior)
    assert report.causes
    assert not [c for c in report.considered if c.name.startswith("minibatch mean")]


def test_other_weights_are_no_minibatch_mean():
    P, y, prior = posterior(1, 20_000, 5)
    acts = prior ** -np.random.default_rng(0).normal(size=5)
    report = check(y, trained(P, acts), class_weight=1 / prior, train_count=1e9 * prior)
    (cause,) = (c for c in report.considered if c.name.startswith("minibatch mean"))
    assert (cause.consistency, cause.p_value < 1e-6) == ("inconsistent", True)
    equal = check(y, P, class_weight=1 / prior, train_count=1e9 * prior)
    assert [c.name for c in equal.causes][:1] == ["acts upon equal weights"]
    assert not any("minibatch" in c.name for c in equal.causes)


def test_nothing_is_fitted_where_nothing_is_open():
    prior = np.array([0.7, 0.3])
    evidence = Evidence("test", np.eye(2), np.zeros(2), lambda a: np.eye(2), np.inf)  # noqa: ARG005
    known = {"facts": TrainingFacts(), "evidence": evidence, "error": 0.05}
    assert fitted_minibatch_mean(np.ones(2), prior, **known) is None
    known["facts"] = TrainingFacts(batch_size=16)
    assert fitted_minibatch_mean(1 / prior, prior, **known) is None


@pytest.mark.slow
def test_interval_and_p_value_have_their_level():
    """Of the interval that `why` gives; p-values over three degrees of freedom are uniform."""
    covered, p_values, runs = 0, [], 60
    for seed in range(runs):
        cause, _ = fit(seed, 20_000, 5, 8)
        p_values.append(cause.p_value)
        words = cause.why.split("From ")[1].split()
        covered += float(words[0]) <= 8 <= float(words[2])
    assert SIZES[0] < 8 < SIZES[1]
    assert covered >= (0.95 - 4 * np.sqrt(0.95 * 0.05 / runs)) * runs
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3
