"""A classifier of scikit-learn's whose probabilities balance: `BalancedClassifier`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import check_cv
from sklearn.utils import column_or_1d, get_tags, indexable
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    _routing_enabled,
    process_routing,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from learnprop.audit.predictions.arrays import measure_predictions
from learnprop.audit.reweighting.balancing_bias import balancing_bias
from learnprop.audit.reweighting.left_out import left_out_proba, proba_of
from learnprop.audit.reweighting.reweight import log_proba_with_bias, proba_with_bias
from learnprop.audit.stated_weights import weights_by_class
from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, IntArray, as_finite
from learnprop.equations.stationary import effective_class_weight


class BalancedClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    r"""Classifier with the bias for which its left-out predictions balance, Eq. (9).

    Whatever weights the estimator acts upon, its probabilities are moved to those that are asked
    for: :math:`f_j \propto p_j e^{b_j}`, p what the estimator predicts and b the bias for which

    .. math:: w_j \Big(1 - \bar f_{jj}\Big) = \sum_{k \ne j} w_k \bar f_{kj},
              \qquad w_k = \lambda_k N_k,

    on predictions of samples that were left out of the fit. The estimator is then fitted to all
    samples. Its features, and of two classes its ranking, are what they are without the bias.

    Parameters
    ----------
    estimator : classifier
        With `predict_proba`; it keeps what weights it has of its own. One that is fitted already
        is given as ``FrozenEstimator(estimator)``, and `fit` gets samples that it has not seen.
    class_weight : None, str, dict, Series or array_like, shape (n_classes,)
        λ that the probabilities shall act upon: None or ``equal``, which is calibration in the
        mean of each class; ``balanced`` (``inverse``), ``sqrt-inverse``, ``effective-number``; by
        label, where a label that is missing weighs 1; or in the order of `classes_`.
    cv : int, splitter or iterable of (train, test), optional
        Stratified 5 folds by default. Any splits do, in which samples may be left out several
        times. Not looked at where the estimator is frozen.
    n_jobs : int, optional
        Folds at once.

    Attributes
    ----------
    estimator_ : classifier
        Fitted to all samples.
    classes_ : ndarray, shape (n_classes,)
    bias_ : ndarray of float64, shape (n_classes,)
        b, summing to zero.
    effective_class_weight_ : ndarray of float64, shape (n_classes,)
        λ that the estimator's left-out predictions act upon before the bias, summing to one; NaN
        where they act upon none, as those that are never wrong.
    expected_misses_ : ndarray of float64, shape (n_classes,)
        Sum over the samples of each class of the probability of the others, left out, with the
        bias: what the bias is known from. Below about ten in a class it is hardly known.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Both where the estimator has them.

    Raises
    ------
    ValueError
        By `fit`: if the estimator predicts no probabilities or does not take `sample_weight`, a
        class would be missing from a fit, or no bias balances. A probability of exactly zero
        stays, whatever the bias: some trees predict little else.

    See Also
    --------
    learnprop.reweight : The same move by weights that are known, without a sample.

    Notes
    -----
    N_k is the sum of `sample_weight` over class k of the sample given to `fit`: for other class
    sizes n_k, of a population say, multiply `class_weight` by n_k / N_k. So ``balanced`` counts
    weighted samples, as scikit-learn's LogisticRegression does from 1.9 on; its
    HistGradientBoosting and LightGBM count samples, whatever their weights.

    On fresh samples the two sides differ by sampling error, that of the training sample included,
    and the folds are fitted to fewer samples than `estimator_` is. The bias mends how much
    probability each class has in all, not how it is spread over samples, which calibrators do.

    Examples
    --------
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> X, y = make_classification(2000, weights=[0.9], random_state=0)
    >>> weighted = LogisticRegression(class_weight="balanced")
    >>> print(weighted.fit(X, y).predict_proba(X)[:, 1].mean().round(2), y.mean())
    0.15 0.104
    >>> model = BalancedClassifier(weighted).fit(X, y)
    >>> print(model.predict_proba(X)[:, 1].mean().round(2))
    0.1
    >>> w = model.effective_class_weight_
    >>> print(round(w[1] / w[0], 1), "acted upon of", round((y == 0).sum() / y.sum(), 1))
    7.4 acted upon of 8.6
    """

    def __init__(
        self,
        estimator: Any,
        *,
        class_weight: Any = None,
        cv: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.class_weight = class_weight
        self.cv = cv
        self.n_jobs = n_jobs

    def fit(
        self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None, **fit_params: Any
    ) -> BalancedClassifier:
        """Fit the estimator, and the bias to its left-out predictions.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)
            Whatever the estimator takes.
        y : array_like, shape (n_samples,)
        sample_weight : array_like, shape (n_samples,), optional
            Of the balance, and of the estimator's fit: where metadata routing is enabled if the
            estimator requests it, else always.
        **fit_params : object
            For the estimator's `fit`, and with metadata routing for the splitter.

        Returns
        -------
        BalancedClassifier
        """
        if not hasattr(self.estimator, "predict_proba"):
            said = f"must have predict_proba, got {shown(self.estimator)}"
            raise BadArgument("estimator", f"{said}: CalibratedClassifierCV gives it one")
        of_estimator, of_splitter = self._routed(sample_weight, fit_params)
        check_classification_targets(y)
        X, given = indexable(X, y)
        target: np.ndarray = column_or_1d(given, warn=True)
        self.classes_, classes = np.unique(target, return_inverse=True)
        weight, count = self._counted(classes, sample_weight)
        wanted = weights_by_class(self.class_weight, self.classes_.tolist(), class_count=count)
        proba, rows = self._left_out(X, target, of_estimator, of_splitter)
        of, weight = classes[rows], weight[rows]
        left_out = np.bincount(of, weights=weight, minlength=len(count))
        if not left_out.all():
            never = shown(self.classes_.tolist()[int(left_out.argmin())])
            raise BadArgument("cv", f"leaves out no sample of class {never} that has a weight")
        self.bias_ = balancing_bias(proba, of, wanted * count, weight, self.classes_.tolist())
        before, after = (
            measure_predictions(of, f, sample_weight=weight, labels=range(len(count)))
            for f in (proba, proba_with_bias(proba, self.bias_))
        )
        self.effective_class_weight_ = _effective(before.mean_proba, count)
        self.expected_misses_ = after.miss_proba * np.bincount(classes)
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(self.estimator_, name):
                setattr(self, name, getattr(self.estimator_, name))
        return self

    def predict_proba(self, X: Any) -> FloatArray:
        """Probabilities with the bias, a column for each of `classes_`.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        return proba_with_bias(proba_of(self.estimator_, X, self.classes_), self.bias_)

    def predict_log_proba(self, X: Any) -> FloatArray:
        """Logarithms of `predict_proba`.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray of float64, shape (n_samples, n_classes)
            -inf where a probability is zero.
        """
        check_is_fitted(self)
        return log_proba_with_bias(proba_of(self.estimator_, X, self.classes_), self.bias_)

    def predict(self, X: Any) -> np.ndarray:
        """Label of the largest probability.

        Parameters
        ----------
        X : array_like, shape (n_samples, n_features)

        Returns
        -------
        ndarray, shape (n_samples,)
        """
        largest = self.predict_log_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[largest])

    def get_metadata_routing(self) -> MetadataRouter:
        """Where what `fit` gets besides samples goes: to the estimator's `fit`, and the splitter.

        Returns
        -------
        MetadataRouter
        """
        fits = MethodMapping().add(caller="fit", callee="fit")
        splits = MethodMapping().add(caller="fit", callee="split")
        router = MetadataRouter(owner=self).add_self_request(self)
        router.add(estimator=self.estimator, method_mapping=fits)
        return router.add(splitter=self.cv, method_mapping=splits)

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags, tags.non_deterministic = inner.input_tags, inner.non_deterministic
        if inner.classifier_tags is not None:
            tags.classifier_tags.multi_class = inner.classifier_tags.multi_class
            tags.classifier_tags.poor_score = inner.classifier_tags.poor_score
        return tags

    def _routed(
        self, sample_weight: ArrayLike | None, fit_params: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """What goes to the estimator's `fit`, and what to the splitter."""
        if _routing_enabled():
            routed = process_routing(self, "fit", sample_weight=sample_weight, **fit_params)
            return routed.estimator.fit, routed.splitter.split
        frozen = isinstance(self.estimator, FrozenEstimator)
        if sample_weight is None or frozen:
            return fit_params, {}
        if not has_fit_parameter(self.estimator, "sample_weight"):
            said = f"is not taken by the fit of {type(self.estimator).__name__}: metadata routing"
            raise BadArgument("sample_weight", f"{said} says who takes it")
        return {**fit_params, "sample_weight": sample_weight}, {}

    def _counted(
        self, classes: IntArray, sample_weight: ArrayLike | None
    ) -> tuple[FloatArray, FloatArray]:
        """Weights of samples, and their sum over each class."""
        if len(self.classes_) < 2:
            found = shown(self.classes_.tolist())
            raise BadArgument("y", f"must hold more than one class, got {found}")
        weight = np.ones(len(classes))
        if sample_weight is not None:
            weight = as_finite(sample_weight, "sample_weight")
            if weight.shape != classes.shape:
                said = f"must have shape {classes.shape}, got {weight.shape}"
                raise BadArgument("sample_weight", said)
            if (weight < 0).any():
                raise BadArgument("sample_weight", f"must not be negative, got {weight.min()}")
        count = np.bincount(classes, weights=weight).astype(np.float64)
        if not count.all():
            nothing = shown(self.classes_.tolist()[int(count.argmin())])
            raise BadArgument("sample_weight", f"is zero throughout class {nothing}")
        return weight, count

    def _left_out(
        self, X: Any, y: np.ndarray, of_estimator: dict[str, Any], of_splitter: dict[str, Any]
    ) -> tuple[FloatArray, IntArray]:
        """Left-out predictions and the numbers of their samples; fits `estimator_`, too."""
        if isinstance(self.estimator, FrozenEstimator):
            self.estimator_ = self.estimator
            return proba_of(self.estimator_, X, self.classes_), np.arange(len(y))
        splits = list(check_cv(self.cv, y, classifier=True).split(X, y, **of_splitter))
        proba = left_out_proba(
            self.estimator, X, y, splits, fit_params=of_estimator, n_jobs=self.n_jobs
        )
        self.estimator_ = clone(self.estimator).fit(X, y, **of_estimator)
        return proba, np.concatenate([test for _, test in splits])


def _effective(P: FloatArray, count: FloatArray) -> FloatArray:
    """Effective class weights; NaN where there are none."""
    try:
        return effective_class_weight(P, count)
    except BadArgument:
        return np.full(len(count), np.nan)
