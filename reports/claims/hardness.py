"""Claims on LGL-INR: whether it gives the hard class back, and by its weights by hardness."""

from __future__ import annotations

import numpy as np

from learnprop.equations.inference.estimates import Verdict
from learnprop.equations.losses.hardness import in_negative_residual
from learnprop.reports.claims.readings import (
    Evidence,
    Put,
    accuracy,
    computed,
    in_words,
    own_proba,
    paired,
    target_proba,
)
from learnprop.reports.statistics.claim import Claim, above, over_runs
from learnprop.simulations.studies.claims.hard_class import PUBLISHED
from learnprop.simulations.studies.claims.study import LGL_INR

NOT_CONVERGED: Verdict = "not converged"

IDENTITY = 1e-9
"""Largest residual of equations that theory says are met."""


def _recovers(claim: str, than: str, setting: str = "lgl-inr beta=1") -> Put:
    """Accuracy of the hard class under LGL-INR, against another setting."""

    def put(found: Evidence) -> Claim:
        rows = found.test[PUBLISHED, setting]
        of_classes = [accuracy(rows, k) for k in range(rows.class_count.shape[1])]
        return over_runs(
            claim, PUBLISHED, f"{setting} minus {than}, accuracy of the hard class", "> 0",
            paired(found.test, PUBLISHED, (than, setting), accuracy, 1), lambda e: above(e, 0.0),
            f"accuracy {in_words(of_classes[1])} under {setting}, of all classes "
            f"{in_words(np.mean(of_classes, axis=0))}; its equations (E10): "
            f"{found.balanced[PUBLISHED, setting]}",
        )  # fmt: skip

    return put


def _parts_target(found: Evidence) -> Claim:
    settings = ("lgl-inr beta=1", "lgl-inr beta=0")
    own = paired(found.test, PUBLISHED, settings, own_proba, 1)
    target = -paired(found.test, PUBLISHED, settings, accuracy, 0)
    rows = found.train[PUBLISHED, settings[0]]
    others = np.delete(rows.mean_proba[:, :, 1], 1, axis=1)  # of the hard class's output
    hardest = int((others.argmax(axis=1) == 0).sum())
    return over_runs(
        "hardness weights lower the hard class's p̄ of the target, β = 1 against 0", PUBLISHED,
        "lgl-inr beta=0 minus lgl-inr beta=1, p̄(hard→target)", "> 0",
        paired(found.test, PUBLISHED, settings, target_proba, 1), lambda e: above(e, 0.0),
        f"and its p̄ of itself by {in_words(own)}, while the target's accuracy gains "
        f"{in_words(target)}: to the hard class's own output the target is the hardest sub-class "
        f"in {hardest} of {len(rows)} runs",
    )  # fmt: skip


def _balanced_by_hardness(found: Evidence) -> Claim:
    rows = {beta: found.train[PUBLISHED, setting] for setting, beta in LGL_INR.items()}
    residuals = [in_negative_residual(r.mean_proba, r.miss_proba, b) for b, r in rows.items()]
    largest = float(max(np.abs(residual).max() for residual in residuals))
    stopped = any(found.balanced[PUBLISHED, name] == NOT_CONVERGED for name in LGL_INR)
    return computed(
        "LGL-INR balances each class against the others, by hardness (ours)", PUBLISHED,
        "largest residual of E10 on train over runs and β", "0", largest,
        NOT_CONVERGED if stopped else "holds" if largest <= IDENTITY else "fails",
    )  # fmt: skip


HARDNESS: dict[str, Put] = {
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
    "LGL-INR, target": _parts_target,
    "LGL-INR, E10": _balanced_by_hardness,
}
