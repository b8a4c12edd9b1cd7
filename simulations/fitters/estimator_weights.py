"""Where λ goes into a user's classifier: which argument of fit, or which parameter, takes it."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import numpy as np

from learnprop.equations.arguments import BadArgument, shown

N_TRIED = 40
"""Samples of a trial fit, half of each of two classes: enough for ten folds."""


def weighted_by(estimator: Any) -> str:
    """Name of the argument of fit, or else the parameter, by which λ goes in.

    Parameters
    ----------
    estimator : object
        Of scikit-learn's kind.

    Returns
    -------
    str
        ``sample_weight`` or ``class_weight``, behind the path to what takes it.

    Raises
    ------
    BadArgument
        If nothing takes it, or there is a ``class_weight`` that it would be multiplied by.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.model_selection import GridSearchCV
    >>> weighted_by(GridSearchCV(LogisticRegression(), {"C": [1, 10]}))
    'sample_weight'
    >>> weighted_by(LogisticRegression(class_weight="balanced"))
    Traceback (most recent call last):
    ValueError: estimator must leave class_weight to the study's λ, got 'balanced'
    """
    from sklearn.pipeline import Pipeline

    last, of_fit, of_params = estimator, "", ""
    while True:
        arguments = inspect.signature(last.fit).parameters
        if isinstance(last, Pipeline):
            step, last = last.steps[-1]
            of_fit, of_params = f"{of_fit}{step}__", f"{of_params}{step}__"
        elif "sample_weight" not in arguments and _hands_on(last):
            last, of_params = last.estimator, f"{of_params}estimator__"
        else:
            break
    _refuse_class_weight(last)
    if "sample_weight" in arguments:
        return f"{of_fit}sample_weight"
    if "class_weight" in last.get_params(deep=False):
        return f"{of_params}class_weight"
    name = type(last).__name__
    if not any(one.kind is inspect.Parameter.VAR_KEYWORD for one in arguments.values()):
        said = "takes no weights: neither sample_weight in fit nor class_weight"
        raise BadArgument("estimator", f"{name} {said}")
    _, why = _tried(last, sample_weight=np.ones(N_TRIED))
    if why and not _tried(last)[1]:  # where it fails without as well, it was not the weights
        raise BadArgument("estimator", f"{name} takes no sample_weight: {why}")
    return f"{of_fit}sample_weight"


def _hands_on(estimator: Any) -> bool:
    """Whether it is a search, which hands what fit is given to that of its estimator."""
    from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

    return isinstance(estimator, GridSearchCV | RandomizedSearchCV)


def _refuse_class_weight(estimator: Any) -> None:
    """Refuse weights of its own, also those of what is nested: λ would be multiplied by them."""
    for name, value in sorted(estimator.get_params().items()):
        if name.rpartition("__")[2] == "class_weight" and value is not None:
            said = f"must leave {name} to the study's λ, got {shown(value)}"
            raise BadArgument("estimator", said)


def predicts_proba(estimator: Any) -> bool:
    """Whether it has predict_proba; some, such as a stack of classifiers, only once it is fitted.

    Parameters
    ----------
    estimator : object

    Returns
    -------
    bool

    Examples
    --------
    >>> from sklearn.svm import SVC
    >>> predicts_proba(SVC())
    False
    """
    if hasattr(estimator, "predict_proba"):
        return True
    if not hasattr(type(estimator), "predict_proba"):
        return False
    fitted, _ = _tried(estimator)
    return hasattr(fitted, "predict_proba")


def _tried(estimator: Any, **weight: Any) -> tuple[Any, str]:
    """A clone that was fitted to a few numbers, and why it could not be."""
    from sklearn.base import clone

    y = np.arange(N_TRIED) % 2
    X = np.random.default_rng(0).random((N_TRIED, 2)) + y[:, None] / 2  # some take no negative ones
    fitted = clone(estimator)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fitted.fit(X, y, **weight)
        except Exception as error:
            return fitted, " ".join(str(error).split()) or type(error).__name__
    return fitted, ""
