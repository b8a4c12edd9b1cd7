"""The ways in which boosted trees are told class weights, each fitted once for all rounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from learnprop.audit.boosting.logits import balanced_logits
from learnprop.audit.boosting.start import start_at_balance
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.mean_proba import proba_from_logits

RATE = 0.1

Predict = Callable[[Any, int], FloatArray]
"""Probabilities (n_samples, n_classes) of the first so many rounds."""


@dataclass(frozen=True)
class Option:
    """A way to be told weights.

    Attributes
    ----------
    library, says : str
    rare : float, or None
        Weight of the rarest class over that of the largest that it asks for; None of inverse
        frequencies.
    fit : callable ``(X, y, weight of each sample, start, n_rounds) -> predict``
    squared : bool
        Whether the weight is told twice, and so asked for squared.
    """

    library: str
    says: str
    fit: Callable[[FloatArray, IntArray, FloatArray, FloatArray, int], Predict]
    rare: float | None = None
    squared: bool = False


def lightgbm(*, weigh: bool = False, begin: bool = False, **how: Any) -> Any:
    """Fit LightGBM, with weights of samples, a start, or neither."""

    def fit(
        X: FloatArray, y: IntArray, weight: FloatArray, start: FloatArray, n_rounds: int
    ) -> Predict:
        from lightgbm import LGBMClassifier

        model = LGBMClassifier(
            n_estimators=n_rounds, learning_rate=RATE, n_jobs=1, verbose=-1, **how
        )
        if not begin:
            model.fit(X, y, sample_weight=weight if weigh else None)
            return lambda x, n: model.predict_proba(x, num_iteration=n)
        model.fit(X, y, sample_weight=weight if weigh else None, init_score=start)
        return lambda x, n: proba_from_logits(balanced_logits(model, x, start, n_rounds=n))

    return fit


def xgboost(*, weigh: bool = False, begin: bool = False, **how: Any) -> Any:
    """Fit XGBoost, with weights of samples, a start, or neither."""

    def fit(
        X: FloatArray, y: IntArray, weight: FloatArray, start: FloatArray, n_rounds: int
    ) -> Predict:
        from xgboost import XGBClassifier

        model = XGBClassifier(
            n_estimators=n_rounds, learning_rate=RATE, n_jobs=1, verbosity=0, **how
        )
        if not begin:
            model.fit(X, y, sample_weight=weight if weigh else None)
            return lambda x, n: proba_from_logits(
                model.predict(x, output_margin=True, iteration_range=(0, n)).astype(np.float64)
            )
        model.fit(X, y, sample_weight=weight if weigh else None, base_margin=start)
        return lambda x, n: proba_from_logits(balanced_logits(model, x, start, n_rounds=n))

    return fit


def scikit_learn(*, weigh: bool = False, **how: Any) -> Any:
    """Fit HistGradientBoostingClassifier; all rounds, where by default it may stop early."""

    def fit(
        X: FloatArray, y: IntArray, weight: FloatArray, _start: FloatArray, n_rounds: int
    ) -> Predict:
        from sklearn.ensemble import HistGradientBoostingClassifier

        model = HistGradientBoostingClassifier(
            max_iter=n_rounds, learning_rate=RATE, early_stopping=False, **how
        ).fit(X, y, sample_weight=weight if weigh else None)

        def predict(x: FloatArray, n: int) -> FloatArray:
            staged = model.staged_decision_function(x)
            return proba_from_logits(next(z for i, z in enumerate(staged, 1) if i == n))

        return predict

    return fit


RATIO = 12.7

TWO = (
    Option("LightGBM", "`is_unbalance`", lightgbm(is_unbalance=True)),
    Option("LightGBM", "`scale_pos_weight=12.7`", lightgbm(scale_pos_weight=RATIO)),
    Option(
        "LightGBM", "`is_unbalance`, `boost_from_average=False`",
        lightgbm(is_unbalance=True, boost_from_average=False),
    ),
    Option("LightGBM", "`scale_pos_weight=3`", lightgbm(scale_pos_weight=3), 3),
    Option(
        "LightGBM", "`scale_pos_weight=3`, `boost_from_average=False`",
        lightgbm(scale_pos_weight=3, boost_from_average=False), 3,
    ),
    Option("LightGBM", '`class_weight="balanced"`', lightgbm(class_weight="balanced")),
    Option("LightGBM", "`sample_weight`", lightgbm(weigh=True)),
    Option("LightGBM", "`is_unbalance`, `init_score`", lightgbm(is_unbalance=True, begin=True)),
    Option("LightGBM", "`is_unbalance` and `sample_weight`",
           lightgbm(is_unbalance=True, weigh=True), squared=True),
    Option("XGBoost", "`scale_pos_weight=12.7`", xgboost(scale_pos_weight=RATIO)),
    Option("XGBoost", "`scale_pos_weight=3`", xgboost(scale_pos_weight=3), 3),
    Option(
        "XGBoost", "`scale_pos_weight=3`, `base_score=0.5`",
        xgboost(scale_pos_weight=3, base_score=0.5), 3,
    ),
    Option("XGBoost", "`sample_weight`", xgboost(weigh=True)),
    Option(
        "XGBoost", "`scale_pos_weight=3`, `base_margin`",
        xgboost(scale_pos_weight=3, begin=True), 3,
    ),
    Option("scikit-learn", '`class_weight="balanced"`', scikit_learn(class_weight="balanced")),
    Option("scikit-learn", "`sample_weight`", scikit_learn(weigh=True)),
)  # fmt: skip
"""Of two classes."""

THREE = (
    Option("LightGBM", "`is_unbalance`", lightgbm(is_unbalance=True)),
    Option("LightGBM", '`class_weight="balanced"`', lightgbm(class_weight="balanced")),
    Option("LightGBM", "`sample_weight`, `init_score`", lightgbm(weigh=True, begin=True)),
    Option("XGBoost", "`scale_pos_weight=8`", xgboost(scale_pos_weight=8)),
    Option("XGBoost", "`sample_weight`", xgboost(weigh=True)),
    Option("scikit-learn", '`class_weight="balanced"`', scikit_learn(class_weight="balanced")),
)  # fmt: skip
"""Of three."""


def weights_of(option: Option, y: IntArray) -> tuple[FloatArray, FloatArray]:
    """λ that an option asks for, the most frequent class having 1, and the start of its balance."""
    count = np.bincount(y)
    weight = count.max() / count if option.rare is None else np.array([1.0, option.rare])
    return weight, start_at_balance(y, weight)
