"""Fresh data alone: no cause is told with confidence that they cannot tell."""

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from learnprop.audit.causes.evidence import LARGEST_SMOOTHING
from learnprop.audit.check import check


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_trees_that_overfit(n_classes, seed):
    share = [0.9, 0.1] if n_classes == 2 else [0.75, 0.15, 0.1]
    X, y = make_classification(
        4000, 12, n_informative=6, n_classes=n_classes, n_clusters_per_class=1, weights=share,
        class_sep=0.8, flip_y=0.05, random_state=seed,
    )  # fmt: skip
    model = RandomForestClassifier(20, min_samples_leaf=3, class_weight="balanced", random_state=0)
    model.fit(X[:2000], y[:2000])
    trained, fresh = (model.predict_proba(part) for part in (X[:2000], X[2000:]))
    given = {"class_weight": "balanced", "train_count": np.bincount(y[:2000])}
    alone = check(y[2000:], fresh, **given)
    assert alone.causes[0].name.startswith("acts upon other weights than stated")
    assert {cause.consistency for cause in alone.causes} == {"possible"}
    assert not any("minibatch" in cause.name for cause in alone.causes)
    assert alone.warnings[-1].startswith("fresh data alone do not tell other weights from early")
    both = check(y[2000:], fresh, train=(y[:2000], trained), **given)
    assert both.causes[0].name == "overfitting"


def acting_upon(ratio, n=20_000, seed=0):
    """Labels, and the posterior under other weights, 1 to the ratio."""
    rng = np.random.default_rng(seed)
    p = rng.beta(1, 9, n)
    y = (rng.random(n) < p).astype(int)
    return y, ratio * p / (ratio * p + 1 - p)


@pytest.mark.parametrize("ratio", [0.3, 2.0, 4.6, 45.0])
def test_two_classes_tell_a_ratio(ratio):
    y, proba = acting_upon(ratio)
    report = check(y, proba, class_weight=[1, 9], train_count=(90_000, 10_000))
    first = report.causes[0]
    found = float(first.name.removeprefix("acts upon other weights than stated (")[:-3])
    assert found == pytest.approx(ratio, rel=0.1)
    assert {cause.consistency for cause in report.causes} == {"possible"}
    assert not any("minibatch" in cause.name for cause in report.considered)
    np.testing.assert_allclose(first.predicted, first.observed)
    for cause in report.causes:  # what is not fitted is not possible
        assert (np.abs(cause.predicted - cause.observed) <= 4 * cause.error).all()


def test_a_head_that_was_refined_on_few_rare_samples():
    """As a fit of 500 samples leaves it: the bias is off by their error, and nothing else is."""
    for seed, ratio in enumerate((5.5, 7.0, 12.0)):
        y, proba = acting_upon(ratio, seed=seed)
        report = check(y, proba, class_weight=[1, 9], train_count=(90_000, 10_000))
        assert not any("minibatch" in cause.name for cause in report.considered)


def test_a_batch_size_that_was_stated_is_held_against_the_ratio():
    from learnprop.equations.violations.minibatch_mean import minibatch_mean_class_weight

    stated, count = np.array([1.0, 9.0]), np.array([90_000.0, 10_000.0])
    acts = minibatch_mean_class_weight(stated, count, 16)
    y, proba = acting_upon(acts[1] / acts[0])
    given = {"class_weight": stated, "train_count": count}
    first = check(y, proba, batch_size=16, **given).causes[0]
    assert (first.name, first.consistency) == ("minibatch mean, 16 at once", "consistent")
    refuted = check(y, proba, batch_size=512, **given)
    assert not any("minibatch" in cause.name for cause in refuted.causes)
    assert any("minibatch" in cause.name for cause in refuted.considered)


def test_nobody_smooths_by_much():
    y, proba = acting_upon(5.0)
    report = check(y, proba, train_count=(90_000, 10_000))  # equal weights are stated
    smoothing = [cause for cause in report.considered if "smoothing" in cause.name]
    assert smoothing
    for cause in smoothing:
        if float(cause.name.rsplit(" ", 1)[1]) >= LARGEST_SMOOTHING:
            assert cause.consistency == "inconsistent"
            assert "nobody uses" in cause.why
    assert report.causes[0].name.startswith("acts upon other weights than stated (5")
    assert not any("The loss has" in cause.why for cause in report.considered)
