r"""How fast a start off balance is left: the residual by rounds, predicted beside observed.

A leaf's step is η times the sum of gradients over that of curvatures, so that to first order in η
the residual of Eq. (8) falls by the factor :math:`1 - \eta` a round, whatever the trees. Of K > 2
classes a library takes :math:`f_k (1 - f_k)` for the curvature of class k, times a constant 1/c,
and all classes move at once; near equal probabilities the factor is :math:`1 - \eta c K / (K - 1)`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import softmax

from benchmarks.boosting.acted_upon import SEEDS, SIZES, drawn
from learnprop.audit.boosting.logits import balanced_logits
from learnprop.audit.boosting.start import start_at_balance
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.balance import class_mass, residual
from learnprop.equations.inference.estimates import mcse_of_mean
from learnprop.simulations.records.measure import measure

RATES = (0.05, 0.1, 0.3)
TIMES = (0.5, 1.0, 2.0, 3.0, 4.0)
"""η T, at which the residual is looked at."""

STARTS = ("prior", "zero")
"""Class shares without the weights that are asked for; equal shares without any weights."""

STEP = {"LightGBM": lambda n_classes: (n_classes - 1) / n_classes, "XGBoost": lambda _: 0.5}
"""c: LightGBM takes K / (K - 1) f (1 - f), XGBoost 2 f (1 - f); of two classes both are c = 1/2
of each of two logits, which is all of their difference."""


def rate_of(library: str, n_classes: int, rate: float) -> float:
    """Share of the residual that a round takes away, to first order."""
    return float(rate * STEP[library](n_classes) * n_classes / (n_classes - 1))


def one_leaf(
    start: FloatArray, share: FloatArray, library: str, rate: float, n_rounds: int
) -> FloatArray:
    """What is left of the residual of each class by trees of one leaf, to every order.

    Parameters
    ----------
    start, share : ndarray, shape (n_classes,)
        Logits of the start, and the shares at balance.
    library : {"LightGBM", "XGBoost"}
    rate : float
    n_rounds : int

    Returns
    -------
    ndarray, shape (n_classes,)
    """
    step, z = rate * STEP[library](len(share)), start.copy()
    for _ in range(n_rounds):
        f = softmax(z)
        z = z + step * (share - f) / (f * (1 - f))
    return (share - softmax(z)) / (share - softmax(start))


def fitted(
    library: str, X: FloatArray, y: IntArray, weight: FloatArray, start: FloatArray,
    rate: float, n_rounds: int, **how: Any,
) -> Any:  # fmt: skip
    """A booster of so many rounds from a start; further options are its own."""
    if library == "LightGBM":
        from lightgbm import LGBMClassifier

        model = LGBMClassifier(
            n_estimators=n_rounds, learning_rate=rate, n_jobs=1, verbose=-1, **how
        )
        return model.fit(X, y, sample_weight=weight, init_score=start)
    from xgboost import XGBClassifier

    model = XGBClassifier(n_estimators=n_rounds, learning_rate=rate, n_jobs=1, **how)
    return model.fit(X, y, sample_weight=weight, base_margin=start)


def rows_of(
    library: str, n_classes: int, begins: str, rate: float, seed: int
) -> list[dict[str, object]]:
    """What is left of the rarest class's residual on the training sample, a row per η T."""
    (X, y), _ = drawn(n_classes, seed)
    count = np.bincount(y)
    weight = count.max() / count if begins == "prior" else np.ones(n_classes)
    start = start_at_balance(y) if begins == "prior" else np.zeros_like(start_at_balance(y))
    mass = class_mass(weight, count)
    mass /= mass.sum()
    rounds = [round(time / rate) for time in TIMES]
    model = fitted(library, X, y, weight[y], start, rate, rounds[-1])
    logits = np.log(count / len(y)) if begins == "prior" else np.zeros(n_classes)
    at_start = residual(measure(y, start).mean_proba, mass)[-1]
    rows = []
    for time, n in zip(TIMES, rounds, strict=True):
        P = measure(y, balanced_logits(model, X, start, n_rounds=n)).mean_proba
        rows.append(
            {
                "library": library, "classes": n_classes, "start": begins, "rate": rate,
                "time": time, "rounds": n, "seed": seed,
                "first_order": (1 - rate_of(library, n_classes, rate)) ** n,
                "one_leaf": one_leaf(logits, mass, library, rate, n)[-1],
                "observed": residual(P, mass)[-1] / at_start,
            }
        )  # fmt: skip
    return rows


def table(seeds: int = SEEDS) -> pd.DataFrame:
    """One row per library, classes, start, rate and rounds: mean over seeds with its error."""
    tasks = [
        (library, n_classes, begins, rate, seed)
        for n_classes in SIZES
        for library in STEP
        for begins in STARTS
        for rate in RATES
        for seed in range(seeds)
    ]
    found = Parallel(n_jobs=-1)(delayed(rows_of)(*task) for task in tasks)
    rows = pd.DataFrame([row for part in found for row in part])
    keys = ["classes", "library", "start", "rate", "time", "rounds", "first_order", "one_leaf"]
    grouped = rows.groupby(keys, sort=False)["observed"]
    return grouped.agg(observed="mean", mcse=mcse_of_mean, seeds="count").reset_index()


def as_markdown(rows: pd.DataFrame) -> str:
    """Lay the table out for docs, at η T = 1 and 3."""
    lines = [
        "| classes | library | start | η | T | first order | one leaf | observed "
        "| T | first order | one leaf | observed |",
        "| --- | --- | --- | --- |" + " --- |" * 8,
    ]
    keys = ["classes", "library", "start", "rate"]
    for key, group in rows[rows["time"].isin([1.0, 3.0])].groupby(keys, sort=False):
        cells = [
            f"{r.rounds} | {r.first_order:.3f} | {r.one_leaf:.3f} | {r.observed:.3f} ± {r.mcse:.3f}"
            for r in group.itertuples()
        ]
        lines.append(f"| {' | '.join(map(str, key))} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
