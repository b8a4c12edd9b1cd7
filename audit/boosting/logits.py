"""Logits of boosted trees that were given a start."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, as_finite, as_whole


def balanced_logits(
    model: Any, X: Any, start: ArrayLike, *, n_rounds: int | None = None
) -> FloatArray:
    """Logits of a booster that was trained from a start, the start included.

    LightGBM leaves `init_score` out of what it predicts; XGBoost puts its own intercept in the
    place of a `base_margin` that it is not told again.

    Parameters
    ----------
    model : LGBMClassifier, XGBClassifier, or a Booster of either
        Fitted with `start` as its `init_score` or `base_margin`, to a logistic or softmax loss.
    X : array_like, shape (n_samples, n_features)
        As the library takes it, but no DMatrix. What it cannot read is an error of its own.
    start : array_like, shape (n_training_samples,) or (n_training_samples, n_classes)
        What `start_at_balance` returned: the same in every row.
    n_rounds : int, optional
        How many rounds to use; by default as many as the library's own ``predict`` does.

    Returns
    -------
    ndarray of float64, shape (n_samples,) of two classes, else (n_samples, n_classes)
        Log odds of class 1, or logits of all classes: what `proba_from_logits` and `measure` take.
        XGBoost computes in float32.

    Raises
    ------
    ValueError
        If the model is of neither library or its scores are no logits, or `start` has not their
        shape or is not the same in every row.

    Examples
    --------
    >>> import lightgbm
    >>> from learnprop import proba_from_logits, start_at_balance
    >>> X, y = np.zeros((100, 1)), np.repeat([0, 1], [90, 10])  # nothing to learn
    >>> start = start_at_balance(y, "balanced")
    >>> model = lightgbm.LGBMClassifier(is_unbalance=True, n_jobs=1, verbose=-1)
    >>> model = model.fit(X, y, init_score=start)
    >>> proba_from_logits(balanced_logits(model, X, start))[0].tolist()
    [0.5, 0.5]
    >>> model.predict(X, raw_score=True)[0].tolist()  # without its start
    0.0
    """
    library = _library(model)
    n_scores = (_scores_of_lightgbm if library == "lightgbm" else _scores_of_xgboost)(model)
    of_row = _row(start, n_scores)
    n_rounds = None if n_rounds is None else as_whole(n_rounds, "n_rounds", 1)
    if library == "lightgbm":
        raw = model.predict(X, raw_score=True, num_iteration=n_rounds)
        return np.asarray(raw, dtype=np.float64) + of_row
    return np.asarray(_margin_of_xgboost(model, X, of_row, n_rounds), dtype=np.float64)


def _library(model: Any) -> str:
    """Which of the two libraries it is of, without importing any."""
    for kind in type(model).__mro__:
        if (library := kind.__module__.split(".")[0]) in ("lightgbm", "xgboost"):
            return library
    raise BadArgument(
        "model",
        f"must be of LightGBM or XGBoost, got {shown(model)}; scikit-learn's "
        "HistGradientBoostingClassifier takes no start: it begins at balance",
    )


def _row(start: ArrayLike, n_scores: int) -> FloatArray:
    """The start of one sample, of shape () or (n_scores,)."""
    rows = as_finite(start, "start")
    wanted = "(n_samples,)" if n_scores == 1 else f"(n_samples, {n_scores})"
    if rows.ndim == 0 or not len(rows) or rows.shape[1:] != ((n_scores,) if n_scores > 1 else ()):
        raise BadArgument("start", f"must have shape {wanted} of this model, got {rows.shape}")
    if (rows != rows[0]).any():
        raise BadArgument("start", "must be the same in every row, as start_at_balance has it")
    return np.asarray(rows[0])


def _scores_of_lightgbm(model: Any) -> int:
    """How many raw scores a sample has; 1 of two classes."""
    booster = getattr(model, "booster_", model)  # of a classifier that is not fitted, its error
    objective = str(booster.dump_model(num_iteration=1).get("objective"))
    if objective != "binary sigmoid:1" and not objective.startswith("multiclass num_class:"):
        raise _no_logits(objective)
    return int(booster.num_model_per_iteration())


def _scores_of_xgboost(model: Any) -> int:
    """How many margins a sample has; 1 of two classes."""
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    learner = json.loads(booster.save_config())["learner"]
    objective = learner["objective"]["name"]
    if objective in ("binary:logistic", "binary:logitraw"):
        return 1
    if objective in ("multi:softprob", "multi:softmax"):
        return int(learner["learner_model_param"]["num_class"])
    raise _no_logits(objective)


def _no_logits(objective: str) -> BadArgument:
    said = "must have a logistic or softmax objective, whose raw scores are logits, got"
    return BadArgument("model", f"{said} {objective!r}")


def _margin_of_xgboost(model: Any, X: Any, of_row: FloatArray, n_rounds: int | None) -> Any:
    from xgboost import DMatrix

    if isinstance(X, DMatrix):
        raise BadArgument("X", "must hold the features as an array: a DMatrix has its own start")
    n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
    margin = np.tile(of_row, (n_samples, 1)) if of_row.ndim else np.full(n_samples, of_row)
    rounds = None if n_rounds is None else (0, n_rounds)
    if hasattr(model, "get_booster"):
        return model.predict(X, output_margin=True, base_margin=margin, iteration_range=rounds)
    matrix = DMatrix(X, base_margin=margin, enable_categorical=True)
    return model.predict(matrix, output_margin=True, iteration_range=rounds or (0, 0))
