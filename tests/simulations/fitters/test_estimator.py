"""Classifiers of scikit-learn's kind as fitters, against scikit-learn itself and our own fits."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.fitters import FITTERS
from learnprop.simulations.fitters.estimator import FITTER, choose_estimator
from learnprop.simulations.fitters.fitter import Batch
from learnprop.simulations.studies.recording import record

SETTINGS = ("equal", "inverse", "other")


class ByClassWeight(LogisticRegression):
    """Takes weights as ``class_weight`` alone."""

    def fit(self, X, y):
        return super().fit(X, y)


class Talkative(GaussianNB):
    """Warns whatever one does."""

    def fit(self, X, y, sample_weight=None):
        warnings.warn("of fitting", stacklevel=1)
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X):
        warnings.warn("of predicting", stacklevel=1)
        return super().predict_proba(X)


class Predicts(ClassifierMixin, BaseEstimator):
    """Predicts the same rows whatever it is shown."""

    def __init__(self, row=(1.0, 1.0)):
        self.row = row

    def fit(self, X, y, sample_weight=None):  # noqa: ARG002
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.tile(self.row, (len(X), 1))


class TakesKeywords(GaussianNB):
    """Hands on what it is given."""

    def fit(self, X, y, **more):
        return super().fit(X, y, **more)


WEIGHTED = {"weighted_by": "sample_weight", "called": "it"}


@pytest.fixture(params=[2, 3])
def batch(request):
    return batch_of(request.param)


def batch_of(n_classes=2, seed=0):
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(n_classes), [30, 60, 90][:n_classes])
    X = rng.normal(size=(2, len(y), 2)) + np.eye(n_classes, 2)[y]
    count = np.bincount(y)
    inverse = 1 / count / (1 / count).sum()
    values = [np.full(n_classes, 1 / n_classes), inverse, np.arange(1.0, 1 + n_classes)]
    return Batch(X, y, SETTINGS, values, "cpu", lambda _: np.random.default_rng(seed).spawn(2))


def fitted(estimator, batch):
    (found,) = FITTER.fit(batch, **choose_estimator(estimator).options)
    return found


def proba_of(fitted, X):
    """Probabilities that are measured, (n_runs, n_settings, n_samples, n_classes)."""
    z = np.stack([fitted.logits_of(*pair) for pair in zip(X, fitted.fit.params, strict=True)])
    z = z if z.ndim == 4 else np.stack([np.zeros_like(z), z], axis=-1)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("wrapped", "weighted_by"),
    [
        (lambda e: e, "sample_weight"),
        (lambda e: ByClassWeight(**e.get_params()), "class_weight"),
        (lambda e: make_pipeline(StandardScaler(), e), "logisticregression__sample_weight"),
        (
            lambda e: make_pipeline(
                make_pipeline(StandardScaler(), ByClassWeight(**e.get_params()))
            ),
            "pipeline__byclassweight__class_weight",
        ),
    ],
)
def test_an_unpenalised_logistic_regression_is_ours_however_weights_go_in(
    batch, wrapped, weighted_by
):
    estimator = wrapped(LogisticRegression(C=np.inf, tol=1e-12, solver="newton-cg"))
    assert choose_estimator(estimator).options["described"]["weighted_by"] == weighted_by
    ours = FITTERS["logistic" if len(batch.values[0]) == 2 else "softmax"].record
    (own,), found = ours.fit(batch), fitted(estimator, batch)
    expected, proba = proba_of(own, batch.X), proba_of(found, batch.X)
    np.testing.assert_allclose(proba, expected, atol=1e-6)
    assert np.abs(proba[:, 0] - expected[:, 1]).max() > 0.01  # the weights do arrive
    np.testing.assert_allclose(found.fit.loss, own.fit.loss, rtol=1e-9)
    assert np.abs(found.fit.bias_gradient).max() < 1e-6
    assert (found.fit.status == "converged").all()


def test_weights_have_a_mean_of_one_as_balanced_weights_do(batch):
    """A penalty makes the scale of the weights matter."""
    proba = proba_of(fitted(LogisticRegression(C=0.01), batch), batch.X)
    for setting, class_weight in ((0, None), (1, "balanced")):
        model = LogisticRegression(C=0.01, class_weight=class_weight).fit(batch.X[0], batch.y)
        expected = model.predict_proba(batch.X[0])
        np.testing.assert_allclose(proba[0, setting], expected, atol=1e-6)


def test_the_bias_gradient_is_that_of_the_plain_loss(batch):
    found, h = fitted(GaussianNB(), batch), 1e-5
    weight = np.array(batch.values)[:, batch.y]
    for run in range(2):
        logits = found.logits_of(batch.X[run], found.fit.params[run])

        def loss(bias, logits=logits):
            z = logits + bias
            own = np.take_along_axis(z, batch.y[None, :, None], axis=2)[..., 0]
            return (weight * (np.logaddexp.reduce(z, axis=2) - own)).sum(axis=1)

        np.testing.assert_allclose(found.fit.loss[run], loss(0.0), rtol=1e-12)
        for j, unit in enumerate(h * np.eye(len(batch.values[0]))):
            slope = (loss(unit) - loss(-unit)) / (2 * h) / weight.sum(axis=1)
            np.testing.assert_allclose(found.fit.bias_gradient[run, :, j], slope, atol=1e-8)
    assert np.abs(found.fit.bias_gradient).max() > 1e-3


def test_exact_zeros_stay_zeros_and_make_no_nan():
    batch = batch_of()
    found = fitted(DecisionTreeClassifier(), batch)
    rng = np.random.default_rng(5)
    fresh = rng.normal(size=batch.X[0].shape), batch.y
    block = record(
        "cell", range(2), [found], lambda i: {"train": (batch.X[i], batch.y), "test": fresh}
    )
    m = block.measurements
    train = m.split == "train"
    assert (m.mean_proba[train] == np.eye(2)).all()
    assert (m.miss_proba[train] == 0).all()
    assert (m.log_loss[train] == 0).all()
    # A sample that the tree is wrongly certain of has an infinite loss; P is that of a count.
    np.testing.assert_allclose(m.miss_proba[~train], m.mean_proba[~train][:, [0, 1], [1, 0]])
    np.testing.assert_allclose(m.mean_proba * m.class_count[..., None], m.confusion, atol=1e-9)
    assert np.isinf(m.log_loss[~train]).all()
    for name in ("mean_proba", "miss_proba", "log_loss", "second_moment"):
        assert not np.isnan(getattr(m, name)).any()


def test_rows_are_normalised_within_rounding():
    batch = batch_of()
    found = fitted(Predicts((0.25, 0.75 + 4e-7)), batch)
    np.testing.assert_allclose(proba_of(found, batch.X).sum(axis=-1), 1, rtol=1e-15)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ((np.nan, 1.0), "holds NaN"),
        ((-0.5, 1.5), "holds a negative number: -0.5 in row 0"),
        ((0.0, 0.0), "must sum to one: row 0 sums to 0"),
        ((0.9, 0.6), "must sum to one: row 0 sums to 1.5"),
    ],
)
def test_what_is_no_distribution_is_a_failure_that_is_named(row, problem):
    with pytest.raises(ValueError, match=f"^predict_proba {problem}"):
        fitted(Predicts(row), batch_of())


def test_a_column_for_every_class_is_needed():
    with pytest.raises(ValueError, match=r"predict_proba must be \(90, 2\), got shape \(90, 3\)"):
        fitted(Predicts((0.2, 0.3, 0.5)), batch_of())


def test_columns_are_those_of_the_classes_that_it_says():
    class Reversed(GaussianNB):
        """Its columns are in another order."""

        def fit(self, X, y, sample_weight=None):
            super().fit(X, y, sample_weight)
            self.classes_ = self.classes_[::-1]  # it predicts in the order of its means
            self.theta_, self.var_ = self.theta_[::-1], self.var_[::-1]
            self.class_prior_ = self.class_prior_[::-1]
            return self

    class Strange(Predicts):
        """Its classes are not those of the labels."""

        def fit(self, X, y, sample_weight=None):
            super().fit(X, y, sample_weight)
            self.classes_ = self.classes_ + 1
            return self

    batch = batch_of(3)
    found, expected = (
        FITTER.fit(batch, estimator=e, described=WEIGHTED)[0] for e in (Reversed(), GaussianNB())
    )
    np.testing.assert_allclose(proba_of(found, batch.X), proba_of(expected, batch.X), rtol=1e-12)
    with pytest.raises(ValueError, match=r"^classes_ must be the labels 0 to 1, got \[1, 2\]"):
        FITTER.fit(batch_of(), estimator=Strange((0.5, 0.5)), described=WEIGHTED)


def test_searches_votes_and_own_keywords_take_weights():
    """Control: a weight of almost nothing for class 0 leaves it without probability."""
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    votes = VotingClassifier([("a", GaussianNB()), ("b", LogisticRegression())], voting="soft")
    stack = StackingClassifier([("a", GaussianNB()), ("b", LogisticRegression())], cv=2)
    grid = {"logisticregression__C": [1.0, 10.0]}
    batch = replace(batch_of(), values=[np.array([1e-4, 1.0]), np.ones(2), np.array([1, 1e-4])])
    for estimator in (GridSearchCV(pipeline, grid, cv=2), votes, stack, TakesKeywords()):
        proba = proba_of(fitted(estimator, batch), batch.X)[..., 0].mean(axis=(0, 2))
        assert proba[0] < 0.2 < proba[1] < 0.6 < proba[2], estimator


@pytest.mark.parametrize(
    ("estimator", "name"),
    [
        (LogisticRegression(class_weight="balanced"), "class_weight"),
        (ByClassWeight(class_weight={0: 2.0}), "class_weight"),
        (make_pipeline(StandardScaler(), RandomForestClassifier(class_weight="balanced")), ""),
        (CalibratedClassifierCV(LogisticRegression(class_weight="balanced")), "estimator__"),
    ],
)
def test_its_own_weights_are_refused(estimator, name):
    """They would multiply λ: `equal` would not be equal."""
    with pytest.raises(BadArgument) as caught:
        choose_estimator(estimator)
    said = str(caught.value)
    name = name if name.endswith("class_weight") else f"{name}class_weight"
    assert said.startswith(f"estimator must leave {name} to the study's λ, got ")


def test_a_warning_of_convergence_is_kept_and_others_are_not_errors():
    found = fitted(LogisticRegression(max_iter=1), batch_of())
    assert (found.fit.status == "not converged").all()
    assert (found.fit.n_iter == 1).all()
    assert (fitted(Talkative(), batch_of()).fit.status == "converged").all()


@pytest.mark.parametrize(
    "estimator",
    [
        RandomForestClassifier(n_estimators=3, random_state=7, n_jobs=-1),
        make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=3)),
        CalibratedClassifierCV(GaussianNB(), cv=StratifiedKFold(3, shuffle=True)),
        GradientBoostingClassifier(n_estimators=3, subsample=0.5),
    ],
)
def test_random_states_are_those_of_the_replication(estimator):
    batch = batch_of()
    before = repr(estimator)
    first, again = fitted(estimator, batch), fitted(estimator, batch)
    assert repr(estimator) == before
    assert not hasattr(estimator, "classes_")
    proba = proba_of(first, batch.X)
    np.testing.assert_array_equal(proba, proba_of(again, batch.X))
    other = batch_of(seed=1)
    assert np.abs(proba_of(fitted(estimator, other), other.X) - proba).max() > 1e-3
    # A user's own state is not used, nor do settings differ in theirs.
    states = [
        {k: v for k, v in model.get_params().items() if k.endswith(("random_state", "n_jobs"))}
        for model in first.fit.params.ravel()
    ]
    assert states[0] == states[1] == states[2]
    assert states[0] != states[3] or not states[0].keys() - {"n_jobs"}
    assert all(state.get("n_jobs") in (None, 1) for state in states)


def test_settings_alone_have_the_numbers_that_they_have_together():
    batch, estimator = batch_of(), RandomForestClassifier(n_estimators=3)
    alone = replace(batch, settings=SETTINGS[1:2], values=batch.values[1:2])
    expected = proba_of(fitted(estimator, batch), batch.X)[:, 1:2]
    np.testing.assert_array_equal(proba_of(fitted(estimator, alone), batch.X), expected)


REFUSED = [
    (None.__class__, "must be an object, got a class: NoneType()"),
    (LogisticRegression, "must be an object, got a class: LogisticRegression()"),
    (
        "softmax",
        "must be a classifier with predict_proba, as scikit-learn's are, got 'softmax' wit",
    ),
    (
        StandardScaler(),
        "must be a classifier with predict_proba, as scikit-learn's are, got Standar",
    ),
    (SVC(), "as scikit-learn's are, got SVC() without predict_proba"),
    (
        KNeighborsClassifier(),
        "KNeighborsClassifier takes no weights: neither sample_weight in fit nor",
    ),
    (
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        "KNeighborsClassifier takes no weights",
    ),
    (GridSearchCV(KNeighborsClassifier(), {}), "KNeighborsClassifier takes no weights"),
    (
        VotingClassifier([("a", KNeighborsClassifier())], voting="soft"),
        "VotingClassifier takes no sample_weight: Underlying estimator KNeighborsClassifier does",
    ),
    (
        VotingClassifier([("a", GaussianNB())], voting="hard"),
        "as scikit-learn's are, got VotingClassifier",
    ),
    (
        make_pipeline(FunctionTransformer(lambda X: X), GaussianNB()),
        "cannot be cloned and handed to workers: Can't pickle <function <lambda>>: ",
    ),
]


@pytest.mark.parametrize(("estimator", "message"), REFUSED)
def test_what_cannot_be_is_refused_on_one_line(estimator, message):
    with pytest.raises(BadArgument) as caught:
        choose_estimator(estimator)
    assert caught.value.argument == "estimator"
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
