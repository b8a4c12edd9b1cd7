"""`BalancedClassifier`: scikit-learn's own checks, and its probabilities on fresh samples."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import pairwise_distances, roc_auc_score
from sklearn.model_selection import (
    GroupKFold,
    LeaveOneOut,
    StratifiedKFold,
    StratifiedShuffleSplit,
    cross_val_predict,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import learnprop as lp
from learnprop.equations.arguments import BadArgument

pytestmark = pytest.mark.filterwarnings("ignore:class .* expected misses:UserWarning")
N_TRAIN, N_FRESH = 3000, 20_000


def of_a_forest(model):
    """What cannot be of ten trees: the first is what scikit-learn expects of its own forest."""
    if not isinstance(model.estimator, RandomForestClassifier):
        return {}
    what = "check_sample_weight_equivalence_on"
    return {
        f"{what}_dense_data": "is bootstrapped",
        f"{what}_sparse_data": "is bootstrapped",
        "check_class_weight_classifiers": "its zeros balance for no weights of 10 million to one",
    }


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")  # of NaN, by scikit-learn
@parametrize_with_checks(
    [lp.BalancedClassifier(GaussianNB(), class_weight="balanced", cv=3)],
    expected_failed_checks=of_a_forest,
)
def test_the_checks_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
@parametrize_with_checks(
    [
        lp.BalancedClassifier(LogisticRegression(class_weight="balanced"), cv=3),
        lp.BalancedClassifier(LogisticRegression(), class_weight="sqrt-inverse", cv=3),
        lp.BalancedClassifier(RandomForestClassifier(10, min_samples_leaf=2, random_state=0), cv=3),
    ],
    expected_failed_checks=of_a_forest,
)
def test_the_checks_of_scikit_learn_with_other_estimators(estimator, check):
    check(estimator)


def samples(n_classes=2, seed=0):
    shares = [0.9] if n_classes == 2 else [0.7, 0.2]
    X, y = make_classification(
        N_TRAIN + N_FRESH, n_informative=4, n_classes=n_classes, weights=shares, random_state=seed
    )
    return X[:N_TRAIN], y[:N_TRAIN], X[N_TRAIN:], y[N_TRAIN:]


def fresh_gaps(proba, y, class_mass):
    P, M = lp.mean_proba_and_second_moments(y, proba)
    return lp.gaps_of_model(P, M, np.bincount(y), class_mass, level=0.9)


FITTED = [
    LogisticRegression(class_weight="balanced"),
    LogisticRegression(class_weight={0: 1, 1: 50}),
    GaussianNB(),
    pytest.param(
        CalibratedClassifierCV(LinearSVC(class_weight="balanced"), method="temperature"),
        marks=pytest.mark.slow,
    ),
    pytest.param(
        RandomForestClassifier(50, class_weight="balanced", min_samples_leaf=5, random_state=0),
        marks=pytest.mark.slow,
    ),
    pytest.param(RandomForestClassifier(50, random_state=0), marks=pytest.mark.slow),
    pytest.param(KNeighborsClassifier(15), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("class_weight", [None, "balanced"])
@pytest.mark.parametrize("estimator", FITTED)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_fresh_predictions_balance_for_the_weights_asked_for(n_classes, estimator, class_weight):
    """The bias has the sampling error of the training sample, the gap that of the fresh one too."""
    X, y, X_fresh, y_fresh = samples(n_classes)
    model = lp.BalancedClassifier(estimator, class_weight=class_weight).fit(X, y)
    count = np.bincount(y)
    mass = count if class_weight is None else np.ones(n_classes)
    before, after = (
        fresh_gaps(m.predict_proba(X_fresh), y_fresh, mass) for m in (model.estimator_, model)
    )
    inflation = np.sqrt(1 + N_FRESH / N_TRAIN)
    errors = [inflation * (gap.high - gap.low) / (2 * 1.645) for gap in after]
    assert all(abs(gap.value) <= 4 * e for gap, e in zip(after, errors, strict=True)), after
    acts_upon = model.effective_class_weight_
    assert acts_upon.sum() == pytest.approx(1)
    off = max(abs(gap.value) for gap in before)
    if off > 0.5:  # the control: without the bias
        assert max(abs(g.value) / e for g, e in zip(before, errors, strict=True)) > 4
    if n_classes == 2:
        auc = [roc_auc_score(y_fresh, m.predict_proba(X_fresh)[:, 1])
               for m in (model.estimator_, model)]  # fmt: skip
        assert auc[0] == pytest.approx(auc[1], abs=1e-6)  # ties of a forest are broken by rounding


def test_the_bias_is_the_root_of_the_balance_of_left_out_predictions():
    X, y, _, _ = samples()
    estimator = LogisticRegression(class_weight="balanced")
    z = logit(cross_val_predict(estimator, X, y, cv=5, method="predict_proba")[:, 1])
    for class_weight, wanted in ((None, [1, 1]), ({1: 3}, [1, 3]), ([2.0, 1.0], [2, 1])):
        w = wanted * np.bincount(y)

        def unbalanced(b, w=w):
            p = expit(z + b)
            return w[1] * (1 - p[y == 1]).mean() - w[0] * p[y == 0].mean()

        model = lp.BalancedClassifier(estimator, class_weight=class_weight).fit(X, y)
        found = model.bias_[1] - model.bias_[0]
        assert found == pytest.approx(brentq(unbalanced, -20, 20, xtol=1e-13), abs=1e-9)
        expected = expit(logit(model.estimator_.predict_proba(X)[:, 1]) + found)
        np.testing.assert_allclose(model.predict_proba(X)[:, 1], expected, rtol=1e-9)
        assert abs(model.bias_.sum()) < 1e-12
    P = lp.mean_proba(y, expit(z))
    np.testing.assert_allclose(
        model.effective_class_weight_, lp.effective_class_weight(P, np.bincount(y)), rtol=1e-12
    )


def test_a_sample_that_weighs_two_is_two_samples():
    X, y, _, _ = samples(3)
    X, y = X[:900], y[:900]
    twice = np.arange(900) % 3 == 0
    raw = FrozenEstimator(GaussianNB().fit(X[:300], y[:300]))
    weighted = lp.BalancedClassifier(raw, class_weight="balanced").fit(X, y, 1.0 + twice)
    doubled = lp.BalancedClassifier(raw, class_weight="balanced")
    doubled.fit(np.vstack([X, X[twice]]), np.append(y, y[twice]))
    np.testing.assert_allclose(weighted.bias_, doubled.bias_, atol=1e-9)
    np.testing.assert_allclose(
        weighted.effective_class_weight_, doubled.effective_class_weight_, rtol=1e-9
    )
    assert abs(weighted.bias_ - clone(weighted).fit(X, y).bias_).max() > 1e-3  # the control


def test_a_frozen_estimator_is_not_fitted_again():
    X, y, X_fresh, y_fresh = samples()
    raw = LogisticRegression(class_weight="balanced").fit(X, y)
    model = lp.BalancedClassifier(FrozenEstimator(raw)).fit(X_fresh, y_fresh)
    assert model.estimator_.estimator is raw
    gaps = fresh_gaps(model.predict_proba(X_fresh), y_fresh, np.bincount(y_fresh))
    assert max(abs(gap.value) for gap in gaps) < 1e-10  # on the sample of the bias: exact
    with pytest.raises(
        BadArgument, match=r"estimator knows the classes \[0, 1\], y holds \[0, 1, 2"
    ):
        clone(model).fit(X[:3], [0, 1, 2])
    with pytest.raises(BadArgument, match=r"y must hold more than one class, got \[1\]"):
        clone(model).fit(X[:3], [1, 1, 1])


def test_names_of_classes_are_the_estimators_own():
    """`cross_val_predict` fits to 0 and 1, which the dict does not hold."""
    X, y, _, _ = samples()
    names, weights = np.array(["no", "yes"])[y], {"no": 1, "yes": 20}
    by_name = LogisticRegression(class_weight=weights)
    model = lp.BalancedClassifier(by_name, class_weight={"yes": 2}).fit(X, names)
    same = LogisticRegression(class_weight={0: 1, 1: 20})
    expected = lp.BalancedClassifier(same, class_weight=[1, 2]).fit(X, y)
    np.testing.assert_array_equal(model.bias_, expected.bias_)
    assert set(model.predict(X)) == {"no", "yes"}
    frame = pd.DataFrame(X).add_prefix("x")
    named = clone(model).fit(frame, pd.Series(names))
    assert named.feature_names_in_.tolist() == frame.columns.tolist()
    with pytest.raises(BadArgument, match=r"class_weight must be of labels among .*, got 'maybe'"):
        clone(model).set_params(class_weight={"maybe": 2}).fit(X, names)


@pytest.mark.parametrize(
    "cv", [3, StratifiedKFold(4, shuffle=True, random_state=0), LeaveOneOut(),
           StratifiedShuffleSplit(6, random_state=0)],
)  # fmt: skip
def test_any_splits_do(cv):
    X, y, _, _ = samples()
    X, y = X[:300], y[:300]
    model = lp.BalancedClassifier(GaussianNB(), cv=cv).fit(X, y)
    assert abs(model.predict_proba(X)[:, 1].mean() - y.mean()) < 0.05


def test_precomputed_kernels_are_split_both_ways():
    X, y, _, _ = samples()
    X, y = X[:200], y[:200]
    expected = lp.BalancedClassifier(KNeighborsClassifier(), cv=3).fit(X, y)
    of_distances = lp.BalancedClassifier(KNeighborsClassifier(metric="precomputed"), cv=3)
    found = of_distances.fit(pairwise_distances(X), y)
    np.testing.assert_allclose(found.bias_, expected.bias_, atol=1e-12)


def test_zeros_stay_and_too_many_of_them_are_refused():
    X, y, X_fresh, _ = samples()
    X, y, X_fresh = X[:1000], y[:1000], X_fresh[:1000]
    model = lp.BalancedClassifier(RandomForestClassifier(10, random_state=0)).fit(X, y)
    raw, moved = (m.predict_proba(X_fresh) for m in (model.estimator_, model))
    assert (raw == 0).any()
    np.testing.assert_array_equal(raw == 0, moved == 0)
    log_proba = model.predict_log_proba(X_fresh)
    np.testing.assert_array_equal(np.isneginf(log_proba), moved == 0)
    np.testing.assert_allclose(np.exp(log_proba), moved)
    tree = lp.BalancedClassifier(DecisionTreeClassifier(random_state=0), class_weight="balanced")
    with pytest.raises(BadArgument, match="estimator predicts so many probabilities of exactly 0"):
        tree.fit(X, y)
    smooth = CalibratedClassifierCV(DecisionTreeClassifier(random_state=0))
    lp.BalancedClassifier(smooth, class_weight="balanced").fit(X, y)
    certain = lp.BalancedClassifier(DecisionTreeClassifier()).fit([[0], [1]] * 9, [0, 1] * 9)
    assert certain.bias_.tolist() == [0, 0]
    assert certain.expected_misses_.tolist() == [0, 0]
    assert np.isnan(certain.effective_class_weight_).all()


def test_a_bias_from_few_misses_is_warned_of():
    X, y, _, _ = samples()
    with pytest.warns(UserWarning, match=r"class . has \d\.\d expected misses, fewer"):
        lp.BalancedClassifier(GaussianNB()).fit(X[:60], y[:60])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lp.BalancedClassifier(GaussianNB()).fit(X, y)  # the control


class Recorder(ClassifierMixin, BaseEstimator):
    """Remembers what its `fit` got; predicts the shares of the classes."""

    def fit(self, X, y, sample_weight=None, cost=None):
        self.classes_, self.count_ = np.unique(y, return_counts=True)
        self.got_ = {"sample_weight": sample_weight, "cost": cost}
        for values in (sample_weight, cost):
            assert values is None or len(values) == len(X)
        return self

    def predict_proba(self, X):
        return np.tile(self.count_ / self.count_.sum(), (len(X), 1))


def test_metadata_is_routed():
    X, y, weight = np.zeros((12, 1)), np.arange(12) % 2, np.arange(1.0, 13)
    plain = lp.BalancedClassifier(Recorder(), cv=2).fit(X, y, sample_weight=weight, cost=weight)
    np.testing.assert_array_equal(plain.estimator_.got_["sample_weight"], weight)
    np.testing.assert_array_equal(plain.estimator_.got_["cost"], weight)
    groups = np.arange(12) // 4
    with sklearn.config_context(enable_metadata_routing=True):
        inner = Recorder().set_fit_request(sample_weight=False, cost="price")
        model = lp.BalancedClassifier(inner, cv=GroupKFold(3))
        model.fit(X, y, sample_weight=weight, price=weight, groups=groups)
        assert model.estimator_.got_["sample_weight"] is None
        np.testing.assert_array_equal(model.estimator_.got_["cost"], weight)
        np.testing.assert_allclose(  # the weights are those of the balance all the same
            model.predict_proba(X)[0], np.bincount(y, weights=weight) / weight.sum()
        )
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match="sample_weight"):
            lp.BalancedClassifier(Recorder(), cv=2).fit(X, y, sample_weight=weight)
        with pytest.raises(TypeError, match="unexpected argument"):
            lp.BalancedClassifier(Recorder(), cv=2).fit(X, y, colour=weight)
        scaled = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            LogisticRegression().set_fit_request(sample_weight=True),
        )
        lp.BalancedClassifier(scaled, cv=2).fit(X + y[:, None], y, sample_weight=weight)
    with pytest.raises(BadArgument, match="sample_weight is not taken by the fit of Pipeline: met"):
        lp.BalancedClassifier(scaled, cv=2).fit(X, y, sample_weight=weight)


X_SMALL, Y_SMALL = np.random.default_rng(0).normal(size=(9, 2)), np.array(list("aaaabbbbc"))


@pytest.mark.parametrize(
    ("arguments", "more", "message"),
    [
        ({"estimator": LinearSVC()}, {}, "estimator must have predict_proba, got LinearSVC"),
        ({"estimator": 3}, {}, "estimator must have predict_proba, got 3"),
        ({"cv": LeaveOneOut()}, {}, "cv leaves no sample of class 'c' to fit to in fold 8"),
        ({"cv": [(np.arange(4), np.arange(4, 9))]}, {}, "cv leaves no sample of class 'b' to fit "),
        ({"cv": [(np.arange(9), np.arange(8))]}, {}, "cv leaves out no sample of class 'c' that"),
        ({"cv": [(np.arange(9), [0, 5, 8])]}, {"sample_weight": [1, 1, 1, 1, 1, 0, 1, 1, 1]},
         "cv leaves out no sample of class 'b' that has a weight"),
        ({"class_weight": "heavy"}, {}, "class_weight must be one of equal, inverse, sqrt-invers"),
        ({"class_weight": [1, 2]}, {}, r"class_weight must hold 3 weights, one per class, got sh"),
        ({"class_weight": {"a": 0}}, {}, r"class_weight must be positive and finite, got \[0"),
        ({}, {"sample_weight": [1] * 8 + [0]}, "sample_weight is zero throughout class 'c'"),
        ({}, {"sample_weight": [1] * 8 + [-1]}, "sample_weight must not be negative, got -1"),
        ({}, {"sample_weight": [1] * 8}, r"sample_weight must have shape \(9,\), got \(8,\)"),
        ({}, {"sample_weight": [np.nan] * 9}, "sample_weight holds a number that is not finite"),
    ],
)  # fmt: skip
def test_mistakes_are_named(arguments, more, message):
    model = lp.BalancedClassifier(**{"estimator": GaussianNB()} | arguments)
    with pytest.raises(BadArgument, match=f"^{message}"):
        model.fit(X_SMALL, Y_SMALL, **more)
