"""How each of the paper's other statements is put to what was measured."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from equations.in_negative import in_negative_residual
from equations.inference import Verdict
from equations.mean_proba import FloatArray
from equations.minimisers import linear_mean_proba, logistic_minimiser
from equations.quadrature import Quadrature
from reports.claims.readings import (
    Claim,
    Put,
    Readings,
    above,
    accuracy,
    all_proba,
    close,
    mean_log_proba,
    own_proba,
    paired,
    target_proba,
)
from reports.statistics import mean_with_interval
from simulations.studies.claims import LGL_INR

NOT_CONVERGED: Verdict = "not converged"

IDENTITY = 1e-9
"""Largest difference of two numbers that theory says are one."""

COUNTEREXAMPLE = (  # docs/errata.md, 12: points (x1, x2) and their counts, by class
    (((1.61, 1.52), 10993), ((1.31, 3.04), 88876), ((-0.08, -4.08), 131)),
    (((-5.34, 1.97), 81), ((-1.51, 1.76), 1), ((-1.13, 3.08), 213), ((4.66, 0.76), 9706)),
)


def _majority_above(test: Readings, _train: Readings, _b: Mapping, _m: float) -> Claim:
    found = mean_with_interval(own_proba(test["majority", "equal"], 0))
    return Claim(
        "N0 = 10 N1, equal weights: p̄00 > 0.9", "majority", "p̄00", "> 0.9", found.value,
        found.low, found.high, above(found, 0.9),
    )  # fmt: skip


def _worked_example(p00: float, p11: float) -> Put:
    def put(test: Readings, _train: Readings, _b: Mapping, margin: float) -> Claim:
        design = f"p00 = {p00}"
        found = mean_with_interval(own_proba(test[design, "equal"], 1))
        return Claim(
            f"p̄00 = {p00} implies p̄11 = {p11}", design, "p̄11", f"{p11}", found.value, found.low,
            found.high, close(found, p11, margin),
        )  # fmt: skip

    return put


def _most_are_missed(test: Readings, _train: Readings, _b: Mapping, _m: float) -> Claim:
    found = mean_with_interval(1 - accuracy(test["p00 = 0.92", "equal"], 1))
    return Claim(
        "p̄00 = 0.92: most of the minority is misclassified", "p00 = 0.92",
        "error rate of class 1", "> 0.5", found.value, found.low, found.high, above(found, 0.5),
        "follows from accuracy <= K p̄11 = 0.4",
    )  # fmt: skip


def _equal_confidence(test: Readings, _train: Readings, _b: Mapping, margin: float) -> Claim:
    rows = test["majority", "inverse"]
    found = mean_with_interval(own_proba(rows, 0) / own_proba(rows, 1))
    return Claim(
        "inverse weights: p̄00 = p̄11", "majority", "p̄00 / p̄11", "1", found.value, found.low,
        found.high, close(found, 1.0, margin),
    )  # fmt: skip


_SETTINGS = ("equal", "inverse")


def _log_proba_rises(_test: Readings, train: Readings, _b: Mapping, _m: float) -> Claim:
    change = paired(train, "majority", _SETTINGS, mean_log_proba, 1)
    found = mean_with_interval(change)
    return Claim(
        "inverse weights: the minority's mean log-probability does not fall (ours)", "majority",
        "its change on train", ">= 0", found.value, found.low, found.high,
        "holds" if change.min() >= 0 else "fails",
        f"guaranteed at the global minimum; the least of all runs: {change.min():+.3f}",
    )  # fmt: skip


def _proba_rises(test: Readings, _train: Readings, _b: Mapping, _m: float) -> Claim:
    found = mean_with_interval(paired(test, "majority", _SETTINGS, own_proba, 1))
    return Claim(
        "reweighting improves the minority, one feature: p̄11", "majority", "change of p̄11", "> 0",
        found.value, found.low, found.high, above(found, 0.0),
        "true of one-feature logistic regression and of true posteriors",
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


def _proba_falls(_test: Readings, _train: Readings, _b: Mapping, _m: float) -> Claim:
    proba, log_proba, _ = counterexample()
    change = float(proba[1] - proba[0])
    return Claim(
        "reweighting improves the minority, two features: p̄11", "counterexample",
        "change of p̄11", "> 0", change, change, change, "holds" if change > 0 else "fails",
        f"p̄11 from {proba[0]:.4f} to {proba[1]:.4f}; its mean log-probability rises from "
        f"{log_proba[0]:.3f} to {log_proba[1]:.3f}",
    )  # fmt: skip


def _accuracy_falls(test: Readings, _train: Readings, _b: Mapping, _m: float) -> Claim:
    found = mean_with_interval(paired(test, "three classes", _SETTINGS, accuracy, 1))
    return Claim(
        "reweighting improves a minority class, K = 3: accuracy", "three classes",
        "change of class 1's accuracy", "> 0", found.value, found.low, found.high,
        above(found, 0.0),
    )  # fmt: skip


def _skewness(reading: str, away: str, towards: str) -> Put:
    def put(test: Readings, _train: Readings, _b: Mapping, _m: float) -> Claim:
        def cost(design: str) -> FloatArray:
            lost = -paired(test, design, _SETTINGS, accuracy, 0)
            return lost / paired(test, design, _SETTINGS, accuracy, 1)

        first, second = cost(away), cost(towards)
        n = min(len(first), len(second))  # independent samples, any pairing will do
        found = mean_with_interval(second[:n] - first[:n])
        return Claim(
            f"a majority that skews away pays less ({reading})", away,
            "majority's loss per minority's gain, towards minus away", "> 0", found.value,
            found.low, found.high, above(found, 0.0),
        )  # fmt: skip

    return put


def _logistic_is_softmax(test: Readings, _train: Readings, _b: Mapping, _m: float) -> Claim:
    change = paired(test, "majority", ("equal", "equal, softmax"), all_proba, 0)
    largest = float(np.abs(change).max())
    return Claim(
        "logistic is softmax at K = 2", "majority", "largest difference of P over runs", "0",
        largest, largest, largest, "holds" if largest <= IDENTITY else "fails",
    )  # fmt: skip


def _swallowed(test: Readings, _train: Readings, balanced: Mapping, _m: float) -> Claim:
    change = paired(test, "one hard class", ("one-vs-all", "softmax"), accuracy, 1)
    found = mean_with_interval(change)
    swallowed = accuracy(test["one hard class", "one-vs-all"], 1).mean()
    return Claim(
        "one-vs-all: many easy classes average a hard one away", "one hard class",
        "softmax minus one-vs-all, accuracy of the hard class", "> 0", found.value, found.low,
        found.high, above(found, 0.0),
        f"accuracy {swallowed:.3f} under one-vs-all, whose equations: "
        f"{balanced['one hard class', 'one-vs-all']}",
    )  # fmt: skip


def _towards_target(test: Readings, _train: Readings, _b: Mapping, _m: float) -> Claim:
    found = mean_with_interval(
        paired(test, "one hard class", ("softmax", "one-vs-all"), target_proba, 1)
    )
    return Claim(
        "one-vs-all gives the hard class a higher p̄ of the target", "one hard class",
        "one-vs-all minus softmax, p̄(hard→target)", "> 0", found.value, found.low, found.high,
        above(found, 0.0), "what is lost is the hard class's own output",
    )  # fmt: skip


def _softmax_keeps_it(test: Readings, _train: Readings, balanced: Mapping, _m: float) -> Claim:
    rows = test["one hard class", "softmax"]
    found = mean_with_interval(accuracy(rows, 1) - rows.confusion[:, 1, 0] / rows.class_count[:, 1])
    return Claim(
        "softmax does not suffer from it", "one hard class",
        "hard class: accuracy minus share taken for the target", "> 0", found.value, found.low,
        found.high, above(found, 0.0),
        f"its equations: {balanced['one hard class', 'softmax']}",
    )  # fmt: skip


def _in_words(values: FloatArray) -> str:
    """Mean over runs with its 90 % interval."""
    found = mean_with_interval(values)
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def _recovers(claim: str, than: str, setting: str = "lgl-inr beta=1") -> Put:
    """Accuracy of the hard class under LGL-INR, against another setting."""

    def put(test: Readings, _train: Readings, balanced: Mapping, _m: float) -> Claim:
        design = "one hard class"
        found = mean_with_interval(paired(test, design, (than, setting), accuracy, 1))
        rows = test[design, setting]
        of_classes = [accuracy(rows, k) for k in range(rows.class_count.shape[1])]
        return Claim(
            claim, design, f"{setting} minus {than}, accuracy of the hard class", "> 0",
            found.value, found.low, found.high, above(found, 0.0),
            f"accuracy {_in_words(of_classes[1])} under {setting}, of all classes "
            f"{_in_words(np.mean(of_classes, axis=0))}; its equations (E10): "
            f"{balanced[design, setting]}",
        )  # fmt: skip

    return put


def _hardness_parts(test: Readings, _train: Readings, _b: Mapping, _m: float) -> Claim:
    design, settings = "one hard class", ("lgl-inr beta=1", "lgl-inr beta=0")
    found = mean_with_interval(paired(test, design, settings, target_proba, 1))
    own = paired(test, design, settings, own_proba, 1)
    target = -paired(test, design, settings, accuracy, 0)
    return Claim(
        "hardness weights lower the hard class's p̄ of the target, β = 1 against 0", design,
        "lgl-inr beta=0 minus lgl-inr beta=1, p̄(hard→target)", "> 0", found.value, found.low,
        found.high, above(found, 0.0),
        f"and its p̄ of itself by {_in_words(own)}: to its own output the target is the hard one, "
        f"whose accuracy gains {_in_words(target)}",
    )  # fmt: skip


def _balanced_by_hardness(_test: Readings, train: Readings, balanced: Mapping, _m: float) -> Claim:
    rows = {beta: train["one hard class", setting] for setting, beta in LGL_INR.items()}
    residuals = [in_negative_residual(r.mean_proba, r.miss_proba, b) for b, r in rows.items()]
    largest = float(max(np.abs(residual).max() for residual in residuals))
    stopped = any(balanced["one hard class", name] == NOT_CONVERGED for name in LGL_INR)
    return Claim(
        "LGL-INR balances each class against the others, by hardness (ours)", "one hard class",
        "largest residual of E10 on train over runs and β", "0", largest, largest, largest,
        NOT_CONVERGED if stopped else "holds" if largest <= IDENTITY else "fails",
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
    "skewness, tail": _skewness("its tail points away", "skew away", "skew towards"),
    "skewness, bulk": _skewness("its bulk lies away", "skew towards", "skew away"),
    "logistic is softmax": _logistic_is_softmax,
    "one hard class": _swallowed,
    "one hard class, target": _towards_target,
    "one hard class, softmax": _softmax_keeps_it,
    "LGL-INR": _recovers("LGL-INR raises the hard class's accuracy", "one-vs-all"),
    "LGL-INR, sizes": _recovers(
        "LGL-INR raises it above that of inverse weights", "one-vs-all inverse"
    ),
    "LGL-INR, hardness": _recovers(
        "hardness weights raise the hard class's accuracy, β = 1 against 0", "lgl-inr beta=0"
    ),
    "LGL-INR, more hardness": _recovers(
        "hardness weights raise the hard class's accuracy, β = 8 against 0",
        "lgl-inr beta=0",
        "lgl-inr beta=8",
    ),
    "LGL-INR, target": _hardness_parts,
    "LGL-INR, E10": _balanced_by_hardness,
}
