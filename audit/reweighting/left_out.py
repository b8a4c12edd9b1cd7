"""What an estimator predicts of samples that it was not fitted to.

scikit-learn's ``cross_val_predict`` would not do: it fits to labels 0..K-1, for which an
estimator's own ``class_weight={"yes": 10}`` holds nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from sklearn.base import clone
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import _check_method_params

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.mean_proba import check_proba

Split: TypeAlias = tuple[IntArray, IntArray]
"""Numbers of the samples to fit to, and of those to predict."""


def proba_of(estimator: Any, X: Any, labels: np.ndarray) -> FloatArray:
    """Probabilities that a fitted estimator predicts, a column for each label.

    Parameters
    ----------
    estimator : classifier
    X : array_like, shape (n_samples, n_features)
    labels : ndarray, shape (n_classes,)

    Returns
    -------
    ndarray of float64, shape (n_samples, n_classes)

    Raises
    ------
    BadArgument
        If the estimator knows other classes, or rows do not sum to one.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> proba_of(DummyClassifier().fit([[0], [0]], ["a", "b"]), [[1]], np.array(["a", "b"]))
    array([[0.5, 0.5]])
    """
    if not np.array_equal(estimator.classes_, labels):
        said = f"knows the classes {shown(estimator.classes_)}, `y` holds {shown(labels)}"
        raise BadArgument("estimator", said)
    return check_proba(estimator.predict_proba(X), "predict_proba")


def left_out_proba(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    splits: Sequence[Split],
    *,
    fit_params: Mapping[str, Any],
    n_jobs: int | None = None,
) -> FloatArray:
    """Probabilities of the left-out samples of each split, one split after another.

    Parameters
    ----------
    estimator : classifier
        Fitted anew, as a clone, for each split.
    X : array_like, shape (n_samples, n_features)
    y : ndarray, shape (n_samples,)
    splits : sequence of (train, test)
    fit_params : mapping
        For `fit`; those with an entry for each sample are split as samples are.
    n_jobs : int, optional

    Returns
    -------
    ndarray of float64, shape (n_left_out, n_classes)

    Raises
    ------
    BadArgument
        If a split leaves no sample of a class to fit to.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> X, y = np.zeros((4, 1)), np.array(["a", "a", "b", "b"])
    >>> splits = [(np.array([0, 2, 3]), np.array([1]))]
    >>> left_out_proba(DummyClassifier(strategy="prior"), X, y, splits, fit_params={}).round(3)
    array([[0.333, 0.667]])
    """
    labels = np.unique(y)
    for fold, (train, _) in enumerate(splits):
        absent = np.setdiff1d(labels, y[train])
        if len(absent):
            said = f"leaves no sample of class {shown(absent.tolist()[0])} to fit to in fold {fold}"
            raise BadArgument("cv", said)
    found = Parallel(n_jobs=n_jobs)(
        delayed(_left_out)(estimator, X, y, labels, split, fit_params) for split in splits
    )
    return np.concatenate(found)


def _left_out(
    estimator: Any,
    X: Any,
    y: np.ndarray,
    labels: np.ndarray,
    split: Split,
    fit_params: Mapping[str, Any],
) -> FloatArray:
    train, test = split
    mine = clone(estimator)
    X_train, y_train = _safe_split(mine, X, y, train)
    X_test, _ = _safe_split(mine, X, None, test, train)
    mine.fit(X_train, y_train, **_check_method_params(X, fit_params, indices=train))
    return proba_of(mine, X_test, labels)
