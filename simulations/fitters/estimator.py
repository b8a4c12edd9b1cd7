"""A classifier of scikit-learn's kind as a fitter: whatever has ``fit`` and ``predict_proba``.

λ goes in as the weights of samples where its ``fit`` takes them, else as weights of classes, scaled
to a mean of one over the training sample: `equal` is no weight, `inverse` is scikit-learn's
"balanced". What the classifier minimises is not known. By E1 minus the residual on train is what
the gradient of the plain loss in an output bias would be, and what `Fit.bias_gradient` holds.
"""

from __future__ import annotations

import pickle
import re
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.balance import class_mass, residual
from learnprop.equations.labels import class_count
from learnprop.equations.mean_proba import check_proba, mean_proba
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.fitters.estimator_weights import predicts_proba, weighted_by
from learnprop.simulations.fitters.fit import Fit, Fitted
from learnprop.simulations.fitters.fitter import Batch, Fitter, no_epochs
from learnprop.simulations.records.rows import CONVERGED, NOT_CONVERGED
from learnprop.simulations.registry import Chosen

_SET_HERE = ("random_state", "n_jobs")
"""Parameters, also of what is nested, that a replication sets."""

_ONE_AT_A_TIME = threading.Lock()
"""Warnings are caught for the whole process: two threads would take each other's."""


def choose_estimator(estimator: Any) -> Chosen:
    """Choose a user's classifier as the fitter.

    Parameters
    ----------
    estimator : object
        With ``fit``, ``predict_proba`` and scikit-learn's ``get_params``; it is not fitted itself.

    Returns
    -------
    Chosen
        With a clone of it.

    Raises
    ------
    BadArgument
        If it is no such classifier, λ cannot reach it or would be multiplied by a ``class_weight``
        of its own, or it cannot be handed to workers.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> chosen = choose_estimator(LogisticRegression(C=np.inf))
    >>> described = chosen.options["described"]
    >>> described["called"], described["params"]["C"], described["weighted_by"]
    ('LogisticRegression', 'inf', 'sample_weight')
    """
    from sklearn.base import clone

    if isinstance(estimator, type):
        raise BadArgument("estimator", f"must be an object, got a class: {estimator.__name__}()")
    lacks = [method for method in ("get_params", "fit") if not hasattr(estimator, method)]
    if lacks or not predicts_proba(estimator):
        raise BadArgument(
            "estimator",
            f"must be a classifier with predict_proba, as scikit-learn's are, got "
            f"{shown(estimator)} without {[*lacks, 'predict_proba'][0]}",
        )
    by = weighted_by(estimator)
    try:
        kept = clone(estimator)
        pickle.dumps(kept)
    except Exception as error:
        said = f"cannot be cloned and handed to workers: {_one_line(str(error))}"
        raise BadArgument("estimator", f"{said}; a function of a module can") from None
    described = {
        "class": _path_of(type(estimator)),
        "called": _called(estimator),
        "params": _params(estimator),
        "versions": _versions(estimator),
        "weighted_by": by,
    }
    return stored_estimator(described, kept)


def stored_estimator(described: Mapping[str, Any], estimator: Any = None) -> Chosen:
    """Choose the estimator of a stored design: enough to report, without it nothing is fitted.

    Parameters
    ----------
    described : mapping
        As a design has it.
    estimator : object, optional

    Returns
    -------
    Chosen
    """
    values = (("estimator", estimator), ("described", dict(described)))
    return Chosen("estimator", f"{__name__}:FITTER", values)


def _called(estimator: Any) -> str:
    """Name of its class; of a pipeline, of its steps."""
    steps = getattr(estimator, "steps", None)
    name = type(estimator).__name__
    return f"{name}({', '.join(_called(step) for _, step in steps)})" if steps else name


def _params(estimator: Any) -> dict[str, Any]:
    """All parameters as text, those of nested estimators too, but for what a replication sets."""
    given = sorted(estimator.get_params().items())
    return {name: _text(value) for name, value in given if _own(name) not in _SET_HERE}


def _own(name: str) -> str:
    """Name of a parameter without the path to what is nested."""
    return name.rpartition("__")[2]


def _text(value: Any) -> Any:
    """Write a parameter, the same in every process; of an estimator its class."""
    if isinstance(value, list | tuple):
        return [_text(one) for one in value]
    if hasattr(value, "get_params"):
        return _path_of(type(value))
    if hasattr(value, "__qualname__"):
        return _path_of(value)
    return _one_line(repr(value.tolist() if hasattr(value, "tolist") else value))


def _one_line(text: str) -> str:
    """Text without line ends, and without addresses in memory."""
    return " ".join(re.sub(r" at 0x[0-9a-f]+", "", text).split())


def _path_of(thing: Any) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def _versions(estimator: Any) -> dict[str, str]:
    """Versions of the packages that the estimator and what is nested in it come from."""
    parts = [estimator, *(v for v in estimator.get_params().values() if hasattr(v, "get_params"))]
    roots = {"sklearn"} | {type(part).__module__.partition(".")[0] for part in parts}
    found = {root: getattr(sys.modules.get(root), "__version__", None) for root in sorted(roots)}
    return {root: str(version) for root, version in found.items() if version is not None}


def _fit(batch: Batch, *, estimator: Any, described: Mapping[str, Any]) -> list[Fitted]:
    """Clone and fit for every replication under every setting, from one state of its own each."""
    if estimator is None:
        raise StudyError(
            f"the estimator {described['called']} was given from Python and is not stored; with "
            "it, learnprop.explore goes on in this folder"
        )
    n_classes = len(batch.values[0])
    found = []
    for X, rng in zip(batch.X, batch.rngs("start"), strict=True):
        start = _of_replication(estimator, rng)
        by, weights = described["weighted_by"], map(np.asarray, batch.values)
        found.append([_fit_one(start, by, X, batch.y, weight) for weight in weights])
    models = np.empty((len(batch.X), len(batch.values)), dtype=object)
    for at in np.ndindex(models.shape):
        models[at] = found[at[0]][at[1]][0]
    status, loss, bias_gradient, n_iter = (
        np.array([[one[i] for one in of_run] for of_run in found]) for i in range(1, 5)
    )
    fit = Fit(
        params=models,
        loss=loss,
        gradient_norm=np.full(models.shape, np.nan),  # of an objective that is not known
        bias=np.full((*models.shape, n_classes), np.nan),
        bias_gradient=bias_gradient,
        n_iter=n_iter,
        status=status,
    )
    return [Fitted(batch.settings, *no_epochs(), fit, partial(_logits_of, n_classes=n_classes))]


def _of_replication(estimator: Any, rng: np.random.Generator) -> Any:
    """A clone with the random states of a replication, on one thread."""
    from sklearn.base import clone

    model = clone(estimator)
    for name, value in sorted(model.get_params().items()):
        if _own(name) == "random_state":
            model.set_params(**{name: int(rng.integers(2**31 - 1))})
        elif _own(name) == "n_jobs" and value is not None:
            model.set_params(**{name: 1})
        elif hasattr(value, "random_state") and not hasattr(value, "get_params"):
            value.random_state = int(rng.integers(2**31 - 1))  # what draws folds, say
    return model


def _fit_one(
    start: Any, by: str, X: FloatArray, y: IntArray, class_weight: FloatArray
) -> tuple[Any, str, float, FloatArray, int]:
    """Model, status, loss, what a bias gradient would be over Σw, and number of iterations."""
    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning

    mass = class_mass(class_weight, class_count(y, len(class_weight)))
    weight = class_weight * (len(y) / mass.sum())
    model = clone(start)
    arguments = {}
    if _own(by) == "sample_weight":
        arguments[by] = weight[y]
    else:
        model.set_params(**{by: dict(enumerate(weight.tolist()))})
    with _quietly() as warned:
        model.fit(X, y, **arguments)
    left_off = any(issubclass(w.category, ConvergenceWarning) for w in warned)
    log_proba = _log_proba(model, X, len(class_weight))
    own = log_proba[np.arange(len(y)), y]
    r = residual(mean_proba(y, np.exp(log_proba)), mass)
    return (
        model,
        NOT_CONVERGED if left_off else CONVERGED,
        float(-(class_weight[y] * own).sum()),
        -r / mass.sum(),
        int(np.max(getattr(model, "n_iter_", 0))),
    )


@contextmanager
def _quietly() -> Iterator[list[warnings.WarningMessage]]:
    """Keep the warnings of a classifier, whatever the filters are."""
    with _ONE_AT_A_TIME, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def _log_proba(model: Any, X: FloatArray, n_classes: int) -> FloatArray:
    """Logarithms of the predicted probabilities, (n_samples, n_classes); of zero minus infinity.

    As logits they give the probabilities back, zeros too: a class that is impossible is missed
    with probability zero or one, and the log-loss of a sample that is of it is infinite.
    """
    with _quietly():
        proba = check_proba(model.predict_proba(X), "predict_proba")
    if proba.shape != (len(X), n_classes):
        raise ValueError(f"predict_proba must be {(len(X), n_classes)}, got shape {proba.shape}")
    order = np.asarray(getattr(model, "classes_", range(n_classes))).tolist()
    if len(order) != n_classes or set(order) != set(range(n_classes)):
        raise ValueError(f"classes_ must be the labels 0 to {n_classes - 1}, got {shown(order)}")
    proba = proba[:, np.argsort(order)]
    with np.errstate(divide="ignore", under="ignore"):
        return np.asarray(np.log(proba / proba.sum(axis=1, keepdims=True)))


def _logits_of(X: FloatArray, models: Sequence[Any], *, n_classes: int) -> FloatArray:
    return np.stack([_log_proba(model, X, n_classes) for model in models])


def _headline(**_: object) -> tuple[int, str]:
    return no_epochs()


FITTER = Fitter(
    title="{described[called]} given from Python, with the parameters that provenance.json lists; "
    "λ is its {described[weighted_by]}, scaled to a mean of one. What it minimises is not known: "
    "the bias gradient is that of the plain loss (E1), and `converged` says no more than that no "
    "ConvergenceWarning was raised",
    fit=_fit,
    headline=_headline,
)
