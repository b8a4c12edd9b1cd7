"""How each of the paper's other statements is put to what was measured."""

from __future__ import annotations

import numpy as np

from learnprop.equations.limits.minimisers import linear_mean_proba, logistic_minimiser
from learnprop.equations.limits.quadrature import Quadrature
from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.claims.hard_class import HARD_CLASS
from learnprop.reports.claims.hardness import HARDNESS
from learnprop.reports.claims.readings import (
    Evidence,
    Put,
    accuracy,
    all_proba,
    computed,
    in_words,
    mean_log_proba,
    minus,
    own_proba,
    paired,
)
from learnprop.reports.statistics.claim import Claim, above, below, close, over_runs

IDENTITY = 1e-9
"""Largest difference of two numbers that theory says are one."""

COUNTEREXAMPLE = (  # docs/explanation/errata.md, 12: points (x1, x2) and their counts, by class
    (((1.61, 1.52), 10993), ((1.31, 3.04), 88876), ((-0.08, -4.08), 131)),
    (((-5.34, 1.97), 81), ((-1.51, 1.76), 1), ((-1.13, 3.08), 213), ((4.66, 0.76), 9706)),
)

_SETTINGS = ("equal", "inverse")


def _majority_above(found: Evidence) -> Claim:
    values = own_proba(found.test["majority", "equal"], 0)
    claim = "N0 = 10 N1, equal weights: p̄00 > 0.9"
    return over_runs(claim, "majority", "p̄00", "> 0.9", values, lambda e: above(e, 0.9))


def _worked_example(p00: float, p11: float) -> Put:
    def put(found: Evidence) -> Claim:
        design = f"p00 = {p00}"
        premise, values = (own_proba(found.test[design, "equal"], k) for k in (0, 1))
        return over_runs(
            f"p̄00 = {p00} implies p̄11 = {p11}", design, "p̄11", f"{p11}", values,
            lambda e: close(e, p11, found.margin), f"the premise: p̄00 is {in_words(premise, 4)}",
        )  # fmt: skip

    return put


def _most_are_missed(found: Evidence) -> Claim:
    rows = found.test["p00 = 0.92", "equal"]
    bound = 2 * own_proba(rows, 1)
    return over_runs(
        "p̄00 = 0.92: most of the minority is misclassified", "p00 = 0.92",
        "error rate of class 1", "> 0.5", 1 - accuracy(rows, 1), lambda e: above(e, 0.5),
        f"as p̄11 = 0.2 implies: accuracy <= 2 p̄11 by Markov's inequality, {in_words(bound)}; the "
        "paper's reason, p̄11 < 0.5, does not",
    )  # fmt: skip


def _equal_confidence(found: Evidence) -> Claim:
    rows = found.test["majority", "inverse"]
    return over_runs(
        "inverse weights: p̄00 = p̄11", "majority", "p̄00 / p̄11", "1",
        own_proba(rows, 0) / own_proba(rows, 1), lambda e: close(e, 1.0, found.margin),
    )  # fmt: skip


def _log_proba_rises(found: Evidence) -> Claim:
    change = paired(found.train, "majority", _SETTINGS, mean_log_proba, 1)
    return over_runs(
        "inverse weights: the minority's mean log-probability does not fall (ours)", "majority",
        "its change on train", ">= 0", change, lambda _: "holds" if change.min() >= 0 else "fails",
        f"guaranteed at the global minimum; the least of all runs: {change.min():+.3f}",
    )  # fmt: skip


def _proba_rises(found: Evidence) -> Claim:
    change = paired(found.test, "majority", _SETTINGS, own_proba, 1)
    return over_runs(
        "reweighting improves the minority, one feature: p̄11", "majority", "change of p̄11", "> 0",
        change, lambda e: above(e, 0.0),
        f"in this design; least of all runs {change.min():+.3f}. No guarantee: see two features",
    )  # fmt: skip


def counterexample() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Logistic regression on the weighted points of errata 12, equal and inverse weights.

    Returns
    -------
    mean_proba : ndarray, shape (2,)
        p̄(1→1) under equal and under inverse weights.
    log_proba : ndarray, shape (2,)
        Mean log-probability of class 1, likewise.
    accuracy : ndarray, shape (2,)
        Of class 1, likewise.

    Examples
    --------
    >>> counterexample()[0].round(4).tolist()
    [0.938, 0.9352]
    """
    points = [np.array([x for x, _ in rows]) for rows in COUNTEREXAMPLE]
    counts = [np.array([n for _, n in rows], dtype=float) for rows in COUNTEREXAMPLE]
    classes = [Quadrature(x, n / n.sum()) for x, n in zip(points, counts, strict=True)]
    found = []
    for mass in ([n.sum() for n in counts], [1.0, 1.0]):
        theta = logistic_minimiser(classes, mass)
        z = points[1] @ theta[:2] + theta[2]
        minority = classes[1]
        found.append(
            (
                linear_mean_proba(classes, theta)[1, 1],
                minority.mean(-np.logaddexp(0, -z)),
                minority.mean((z > 0).astype(float)),
            )
        )
    proba, log_proba, accuracy = np.array(found).T
    return proba, log_proba, accuracy


def _proba_falls(_found: Evidence) -> Claim:
    proba, log_proba, _ = counterexample()
    change = float(proba[1] - proba[0])
    return computed(
        "reweighting improves the minority, two features: p̄11", "counterexample",
        "change of p̄11", "> 0", change, "holds" if change > 0 else "fails",
        f"p̄11 from {proba[0]:.4f} to {proba[1]:.4f}; its mean log-probability rises from "
        f"{log_proba[0]:.3f} to {log_proba[1]:.3f}",
    )  # fmt: skip


def _accuracy_falls(found: Evidence) -> Claim:
    change = paired(found.test, "three classes", _SETTINGS, accuracy, 1)
    return over_runs(
        "reweighting is no guarantee for a minority class, K = 3: it can lose accuracy",
        "three classes", "change of class 1's accuracy", "< 0", change, lambda e: below(e, 0.0),
        "the paper says so too: for K > 2 its effect is not determined; one example is enough",
    )  # fmt: skip


def _skewness(found: Evidence) -> Claim:
    def cost(design: str) -> FloatArray:
        lost = -paired(found.test, design, _SETTINGS, accuracy, 0)
        return lost / paired(found.test, design, _SETTINGS, accuracy, 1)

    difference = minus(cost("skew towards"), cost("skew away"))
    return over_runs(
        "a majority that skews away, its tail that is, pays less (by its bulk: sign reversed)",
        "skew away; skew towards", "majority's loss per minority's gain, towards minus away", "> 0",
        difference, lambda e: above(e, 0.0),
        "statistics names skewness by the tail; if the paper names it by the bulk, the same number "
        f"changes its sign (mean and SD are fixed), {in_words(-difference)}, and the remark holds",
    )  # fmt: skip


def _logistic_is_softmax(found: Evidence) -> Claim:
    change = paired(found.test, "majority", ("equal", "equal, softmax"), all_proba, 0)
    largest = float(np.abs(change).max())
    return computed(
        "logistic is softmax at K = 2", "majority", "largest difference of P over runs", "0",
        largest, "holds" if largest <= IDENTITY else "fails",
    )  # fmt: skip


CLAIMS: dict[str, Put] = {
    "majority": _majority_above,
    "p00 = 0.98": _worked_example(0.98, 0.8),
    "p00 = 0.92": _worked_example(0.92, 0.2),
    "most are missed": _most_are_missed,
    "inverse weights": _equal_confidence,
    "log-probability": _log_proba_rises,
    "one feature": _proba_rises,
    "two features": _proba_falls,
    "three classes": _accuracy_falls,
    "skewness": _skewness,
    "logistic is softmax": _logistic_is_softmax,
    **HARD_CLASS,
    **HARDNESS,
}
