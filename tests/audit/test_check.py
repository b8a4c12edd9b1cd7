"""`check` on classifiers of scikit-learn and on ones that are known."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from learnprop.audit.check import check
from learnprop.equations.arguments import BadArgument
from learnprop.equations.balance import residual

LABELS = np.array(["ham", "spam"])


def two_classes(rng, count, d=3, apart=1.5):
    y = np.repeat([0, 1], count)
    X = rng.normal(size=(len(y), d))
    X[:, 0] += apart * y
    return X, y


def test_a_logistic_regression_acts_upon_its_weights():
    rng = np.random.default_rng(0)
    X, y = two_classes(rng, (4000, 400))
    fresh, labels = two_classes(rng, (3000, 3000))
    model = LogisticRegression(C=np.inf, class_weight="balanced").fit(X, LABELS[y])
    proba = model.predict_proba(fresh)
    count = pd.Series(LABELS[y]).value_counts()
    report = check(LABELS[labels], proba, class_weight="balanced", train_count=count, labels=LABELS)
    assert (report.verdict, report.causes, report.considered) == ("holds", (), ())
    assert report.warnings == ()
    ratio = [e.value for e in report.effective]
    assert ratio[1] / ratio[0] == pytest.approx(10, rel=0.1)
    # Eq. (9), not by our functions.
    w = np.array([0.5, 0.5])
    P = np.stack([proba[labels == k].mean(axis=0) for k in (0, 1)])
    np.testing.assert_allclose(report.residual, w - w @ P, atol=1e-12)
    # The control: these weights were not those of the training.
    other = check(LABELS[labels], proba, train_count=count, labels=LABELS)
    assert other.verdict == "fails"
    # Of two classes fresh data tell the ratio, and not what made it.
    assert other.causes[0].name == "acts upon other weights than stated (9.97:1)"
    assert other.causes[1].name == "acts upon inverse weights"
    assert {cause.consistency for cause in other.causes} == {"possible"}
    assert "`train`" in other.warnings[-1]


def test_an_intercept_that_is_penalised_is_found():
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1, 2], (3000, 600, 100))
    X = rng.normal(size=(3700, 3)) + 1.2 * np.eye(3)[y]
    # A column of ones in X is an intercept that the penalty is on.
    design = np.column_stack([X, np.ones(len(X))])
    model = LogisticRegression(C=0.01, fit_intercept=False, tol=1e-10, max_iter=5000).fit(design, y)
    bias = model.coef_[:, -1]
    test = np.repeat([0, 1, 2], 2000)
    fresh = rng.normal(size=(6000, 3)) + 1.2 * np.eye(3)[test]
    proba = model.predict_proba(np.column_stack([fresh, np.ones(6000)]))
    report = check(test, proba, train=(y, model.predict_proba(design)), bias=bias)
    assert (report.causes[0].name, report.causes[0].consistency) == (
        "a penalised bias",
        "consistent",
    )
    np.testing.assert_allclose(report.causes[0].predicted, report.causes[0].observed, atol=1e-6)


def test_a_fitted_model_that_fails_through_its_own_sample_has_no_cause():
    """Small training sample, large test sample: the model fails, and the weights are right."""
    rng = np.random.default_rng(6)
    X, y = two_classes(rng, (300, 30))
    fresh, labels = two_classes(rng, (50_000, 50_000))
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(X, y)
    report = check(labels, model.predict_proba(fresh), train_count=(300, 30))
    assert report.joint.p_value < 1e-3  # of this model it is certain
    assert report.causes == ()
    if report.verdict == "fails":
        assert "no more than a training sample" in report.warnings[-1]


def test_too_few_misses_say_so_and_no_cause_is_named():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], (400, 12))
    proba = np.where(y == 1, 0.98, 0.02) + 0.01 * rng.random(412)
    report = check(y, proba, class_weight=[1, 30], train_count=(4000, 120))
    assert report.causes == report.considered == ()
    assert report.warnings == (
        "class 1 (0.18) has too few expected misses, 10 are needed: intervals of 2 of 2 classes "
        "are bounds that are true of every sample size",
        "no cause was looked for on fresh data: misses are too few for its tests, they cannot be "
        "trusted",
    )
    assert report.verdict == "inconclusive"


@pytest.mark.parametrize("n_classes", [5, 6])
def test_of_many_classes_with_too_few_misses_one_line_counts_them(n_classes):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(n_classes), 12)
    proba = 0.01 + 0.001 * rng.random((len(y), n_classes))
    proba[np.arange(len(y)), y] = 0.0
    proba[np.arange(len(y)), y] = 1 - proba.sum(axis=1)
    said = [line for line in check(y, proba).warnings if "true of every sample size" in line]
    assert len(said) == 1
    k = n_classes
    assert said[0].endswith(f"of {k} of {k} classes are bounds that are true of every sample size")


def test_sizes_that_were_not_given_are_said():
    rng = np.random.default_rng(0)
    p = rng.beta(2, 6, size=4000)
    y = rng.random(4000) < p
    assert "those of y_true were taken" in check(y, p).warnings[0]
    given = check(y[:2000], p[:2000], train=(y[2000:], p[2000:]))
    np.testing.assert_array_equal(given.train_count, np.bincount(y[2000:]))
    assert given.warnings == ()


def test_an_absent_class_is_named():
    with pytest.raises(BadArgument, match=r"^y_true holds no sample of 2: .*, or leave that c"):
        check([0, 0, 1, 1], np.full((4, 3), 1 / 3), labels=[0, 1, 2])
    with pytest.raises(BadArgument, match=r"^y_true holds one sample of 1: each class needs two; "):
        check([0, 0, 0, 1], np.full((4, 2), 1 / 2))


def test_predicted_stands_beside_observed_in_units_of_each_class():
    rng = np.random.default_rng(0)
    p = rng.beta(2, 6, size=20_000)
    y = (rng.random(20_000) < p).astype(int)
    report = check(y, p, class_weight="inverse", train_count=(15_000, 5_000))
    w = report.class_weight * report.train_count / (report.class_weight * report.train_count).sum()
    for cause in report.considered:
        np.testing.assert_allclose(cause.observed, residual(report.mean_proba, w) / w, atol=1e-12)
        assert (cause.error > 0).all()
    kinds = [cause.consistency for cause in report.considered]
    assert kinds == sorted(kinds, key=["consistent", "possible", "inconsistent"].index)
    assert report.causes == tuple(c for c in report.considered if c.consistency != "inconsistent")


def test_many_classes_need_no_cube():
    """80 classes: biases are found to first order, and the cause is."""
    rng = np.random.default_rng(0)
    n_classes, n = 80, 20_000
    z = 4 * rng.normal(size=(n, n_classes)) - np.linspace(0, 2, n_classes)
    proba = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    y = (proba.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, n_classes - 1)
    report = check(y, proba, class_weight="inverse", train_count=np.bincount(y))
    assert report.causes[0].name == "acts upon equal weights"
    assert report.causes[0].consistency == "consistent"


@pytest.mark.slow  # 40 s
def test_a_thousand_classes_take_a_few_arrays_and_the_cause_is_found():
    """Exact posteriors of Gaussian classes whose own coordinate is 3.5 larger, under a prior."""
    rng = np.random.default_rng(3)
    n_classes, n, distance = 1000, 60, 3.5
    y, count = np.repeat(np.arange(n_classes), n), np.linspace(500, 1000, n_classes).round()
    z = distance * rng.normal(size=(len(y), n_classes))
    z[np.arange(len(y)), y] += distance**2
    proba = softmax(z + np.log(count), axis=1)
    del z
    tracemalloc.start()
    report = check(y, proba, class_weight="inverse", train_count=count)
    largest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert largest < 4 * proba.nbytes  # a cube would be 17
    assert report.verdict == "fails"
    assert [cause.name for cause in report.causes] == ["acts upon equal weights"]
    assert report.causes[0].consistency == "consistent"
    assert len(str(report).splitlines()) < 60
    assert report._repr_html_().count("<tr") < 40


def test_groups_and_bins_are_measured():
    rng = np.random.default_rng(0)
    p = rng.beta(2, 2, size=40_000)
    group = rng.integers(2, size=40_000)
    y = (rng.random(40_000) < np.where(group, p, p**2)).astype(int)
    found = check(y, p, by=np.where(group, "calm", "wild"), bins=4)
    assert [one.name for one in found.groups][:2] == ["calm", "wild"]
    assert [one.verdict for one in found.groups][:2] == ["holds", "fails"]
    assert len(found.groups) == 2 + 4
    np.testing.assert_array_equal(sum(one.count for one in found.groups[:2]), np.bincount(y))
    with pytest.raises(BadArgument, match=r"^bins must be at least 2, got 1$"):
        check(y, p, bins=1)
