"""Where class sizes of training are not given chance is larger, and nothing is certain."""

import re

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from learnprop.audit.causes.unknown_sizes import covariance_without_sizes
from learnprop.audit.check import check
from learnprop.audit.inference.statistics import residual_covariance
from learnprop.audit.predictions.arrays import measure_predictions


def calibrated(n_samples, seed=0):
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 6, size=n_samples)
    return (rng.random(n_samples) < p).astype(int), p


@pytest.mark.parametrize("weighted", [False, True])
def test_the_covariance_is_that_of_a_mean_over_samples(weighted):
    """Within and between classes together: the plain covariance of λ_y (e_y - f)."""
    rng = np.random.default_rng(3)
    f = rng.dirichlet([2, 1, 0.6], size=5000)
    y = (f.cumsum(axis=1) > rng.random((5000, 1))).argmax(axis=1)
    omega = rng.choice([1.0, 3.0], size=5000) if weighted else np.ones(5000)
    p = measure_predictions(y, f, sample_weight=omega)
    weight, share = np.array([1.0, 2.0, 5.0]), p.weight_sum / p.weight_sum.sum()
    each = weight[y][:, None] * (np.eye(3)[y] - f)
    mean = np.average(each, axis=0, weights=omega)
    moved = omega[:, None] * (each - mean) / omega.sum()
    found = covariance_without_sizes(p, share, np.inf)(weight * share)
    # Within classes n_k - 1 divides, and weighted ones have their means under squared weights.
    within = np.diagonal(residual_covariance(p, weight * share))
    most = (0.02 if weighted else 2e-3) * found.max()
    np.testing.assert_allclose(found, moved.T @ moved, rtol=0, atol=most)
    assert (within < 0.9 * np.diagonal(found)).any()  # within alone
    both = covariance_without_sizes(p, share, 5000.0)(weight * share)
    if not weighted:
        np.testing.assert_allclose(both, 2 * found, rtol=1e-12)


def test_nothing_is_consistent_and_the_size_is_said():
    y, p = calibrated(20_000)
    report = check(y, p, class_weight="balanced")
    assert [c.consistency for c in report.causes][:1] == ["possible"]
    assert not any(c.consistency == "consistent" for c in report.considered)
    (said,) = [w for w in report.warnings if "fewer than about" in w]
    assert float(re.search(r"about ([\d,]+)", said)[1]) < 100
    known = check(y, p, class_weight="balanced", train_count=np.bincount(y))
    assert not any("fewer than about" in w for w in known.warnings)


def test_the_scale_of_weights_does_not_matter():
    y, p = calibrated(5000)
    omega = np.random.default_rng(1).exponential(size=5000)
    one, other = (
        check(y, p, class_weight="balanced", sample_weight=w) for w in (omega, omega / 1e4)
    )
    assert [c.name for c in one.causes] == [c.name for c in other.causes] != []
    np.testing.assert_allclose(one.train_count, other.train_count, rtol=1e-9)
    kish = sum(omega[y == k].sum() ** 2 / (omega[y == k] ** 2).sum() for k in (0, 1))
    assert one.train_count.sum() == pytest.approx(kish)


def drawn(rng, n_samples):
    y = (rng.random(n_samples) < 0.3).astype(int)
    X = rng.normal(size=(n_samples, 3))
    X[:, 0] += np.where(y == 1, 1, -1)
    return X, y


@pytest.mark.slow
@pytest.mark.parametrize(("n_train", "n_test"), [(500, 40_000), (2000, 40_000), (5000, 5000)])
def test_a_clean_classifier_is_given_a_cause_at_the_stated_rate(n_train, n_test):
    runs, named, below = 100, 0, 0
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        (X, y), (X_test, y_test) = drawn(rng, n_train), drawn(rng, n_test)
        report = check(y_test, LogisticRegression(C=np.inf).fit(X, y).predict_proba(X_test))
        named += bool(report.causes)
        said = [w for w in report.warnings if "fewer than about" in w]
        below += bool(said) and float(
            re.search(r"about ([\d,]+)", said[0])[1].replace(",", "")
        ) < n_train  # fmt: skip
    most = (0.05 + 4 * np.sqrt(0.05 * 0.95 / runs)) * runs
    assert named <= most
    assert below <= most  # the size said is above that of training in all but 5 of 100
