"""What is said of the gap on fresh data, each statement put to every cell that it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from learnprop.equations.inference.estimates import Estimate, Verdict
from learnprop.reports.fresh.compared import REPAIRED, Compared, of_ratios
from learnprop.reports.statistics.claim import Claim, above
from learnprop.simulations.studies.fresh.study import SHIFTED
from learnprop.simulations.studies.recording import LEFT_OUT

PREDICTED_UP_TO = 0.1
"""κ up to which left-out predictions are claimed to be right."""

LARGE_ENOUGH_UP_TO = 0.05
"""κ up to which the limit of many samples is claimed to be near; beyond, N matters."""

WORSE_FROM = 0.02
"""κ from which inverse weights are claimed to make the gap larger: below, it is small under any."""

BEYOND = 0.2
"""Gap from which the repair is put to the test."""

IDENTITY = 1e-9
"""Largest relative difference of two numbers that are equal at the minimum."""

WORST_FIRST: tuple[Verdict, ...] = (
    "fails", "not converged", "interpolated", "inconclusive", "holds",
)  # fmt: skip
"""Verdicts, as they count of a statement that is to hold everywhere."""

BEST_FIRST = WORST_FIRST[::-1]
"""As they count of a control that is to fail everywhere."""

Found = tuple[str, Estimate, Verdict]
"""Where a statement was put to the test, what was found, and the verdict."""

Put = Callable[[Sequence[Compared]], Iterable[Claim]]
"""Puts a statement to every cell, for each number of classes by itself."""


def _at(of: Compared, k: int | None = None) -> str:
    where = f"{of.cell.name}, {of.setting} weights"
    return where if k is None else f"{where}, class {k}"


def _told(of_classes: Sequence[Estimate]) -> list[tuple[int, Estimate]]:
    """Classes with their estimates; of two the rarer, whose equation is that of both."""
    return list(enumerate(of_classes))[1 if len(of_classes) == 2 else 0 :]


def far_from_zero(estimate: Estimate) -> float:
    """How much an estimate speaks against "is zero"."""
    return abs(estimate.value)


def near_zero(estimate: Estimate) -> float:
    """How much an estimate speaks against "is not zero"."""
    return -abs(estimate.value)


def low(estimate: Estimate) -> float:
    """How much an estimate speaks against "is positive"."""
    return -estimate.low


def every(
    claim: str,
    quantity: str,
    claimed: str,
    found: Sequence[Found],
    *,
    against: Callable[[Estimate], float] = far_from_zero,
    first: Sequence[Verdict] = WORST_FIRST,
) -> Claim:
    """One claim of many tests: holds if it holds in all, fails if it fails in any.

    What is told as observed is the test that speaks most against it.

    Parameters
    ----------
    claim, quantity, claimed : str
    found : sequence of Found
    against : callable
        Of those with the claim's verdict the estimate is told where this is largest.
    first : sequence of Verdict
        The claim has the first of them that any test has; in the order of `BEST_FIRST` it fails
        only if it fails in all.

    Returns
    -------
    Claim

    Examples
    --------
    >>> a, b = Estimate(0.01, 0.0, 0.02, 0.9), Estimate(0.03, -0.01, 0.07, 0.9)
    >>> tests = [("cell a", a, "holds"), ("cell b", b, "inconclusive")]
    >>> told = every("it is small", "gap", "0", tests)
    >>> told.verdict, told.observed, told.design, told.remark
    ('inconclusive', 0.03, 'cell b', '1 of 2 hold')
    >>> every("it fails", "gap", "0", tests, against=near_zero, first=BEST_FIRST).verdict
    'holds'
    """
    nan = float("nan")
    if not found:
        return Claim(claim, "-", quantity, claimed, nan, nan, nan, nan, "inconclusive", "not run")
    verdicts = [verdict for _, _, verdict in found]
    decisive = min(verdicts, key=first.index)
    alike = [one for one in found if one[2] == decisive]
    where, estimate, _ = max(alike, key=lambda one: against(one[1]))
    held = f"{verdicts.count('holds')} of {len(found)} hold"
    return Claim(
        claim, where, quantity, claimed, estimate.value, estimate.low, estimate.high, nan,
        decisive, held,
    )  # fmt: skip


def _by_classes(compared: Sequence[Compared]) -> dict[int, list[Compared]]:
    found: dict[int, list[Compared]] = {}
    for of in compared:
        found.setdefault(len(of.raw.mass), []).append(of)
    return found


def _with_numbers(compared: Sequence[Compared]) -> list[Compared]:
    return [of for of in compared if not of.refused]


def _kappas(compared: Sequence[Compared]) -> str:
    """Say which κ have numbers, of those that a statement is about, and why others have none.

    A κ is named among those without if it has none under any weights.
    """
    kappa = sorted({of.cell.kappa for of in _with_numbers(compared)})
    tested = ", ".join(f"{k:g}" for k in kappa)
    if len(kappa) > 3:
        tested = f"{kappa[0]:g} to {kappa[-1]:g}"
    refused = {of.cell.kappa: of.refused for of in compared if of.cell.kappa not in kappa}
    without = ", ".join(f"{k:g} ({why})" for k, why in refused.items())
    said = [f"κ = {tested}"] if tested else []
    return "; ".join([*said, *([f"not at κ = {without}"] if without else [])]) or "no κ"


def _within(of: Compared) -> str:
    return f"0, to ±{100 * of.margin:g} %"


def _left_out_predicts(compared: Sequence[Compared]) -> Iterable[Claim]:
    for n_classes, mine in _by_classes(compared).items():
        about = [of for of in mine if of.cell.kappa <= PREDICTED_UP_TO]
        tests = [
            (_at(of, k), difference, of.verdict_on(difference))
            for of in _with_numbers(about)
            for k, difference in _told(of.between("population", LEFT_OUT))
        ]
        yield every(
            f"K = {n_classes}: the training sample predicts the gap on fresh data (leave-one-out), "
            f"{_kappas(about)}",
            "left/right, observed over predicted, minus one", _within(compared[0]), tests,
        )  # fmt: skip


def _theory_predicts(compared: Sequence[Compared]) -> Iterable[Claim]:
    for n_classes, mine in _by_classes(compared).items():
        about = [of for of in mine if of.cell.kappa <= LARGE_ENOUGH_UP_TO]
        tests = [
            (_at(of, k), difference, of.verdict_on(difference))
            for of in _with_numbers(about)
            for k, difference in _told(of.from_theory() or [])
        ]
        yield every(
            f"K = {n_classes}: state evolution predicts the gap on fresh data, {_kappas(about)}",
            "left/right, observed over predicted, minus one", _within(compared[0]), tests,
        )  # fmt: skip


def _inverse_is_worse(compared: Sequence[Compared]) -> Iterable[Claim]:
    for n_classes, mine in _by_classes(compared).items():
        about = [of for of in mine if of.cell.kappa >= WORSE_FROM]
        of_setting = {(of.cell.name, of.setting): of for of in _with_numbers(about)}
        tests = []
        for (name, setting), of in of_setting.items():
            equal = of_setting.get((name, "equal"))
            if setting != "inverse" or equal is None or not np.array_equal(of.runs, equal.runs):
                continue
            pairs = [
                (one.sides["population"].left[:, -1], one.sides["population"].right[:, -1])
                for one in (of, equal)
            ]
            more = of_ratios(lambda a, b: np.abs(a - 1) - np.abs(b - 1), *pairs)
            tests.append((f"{name}, class {n_classes - 1}", more, above(more, 0.0)))
        yield every(
            f"K = {n_classes}: under inverse weights the rarest class's gap is larger than under "
            f"equal ones, {_kappas(about)}",
            "|gap| of inverse minus of equal weights", "> 0", tests, against=low,
        )  # fmt: skip


def _repaired(compared: Sequence[Compared]) -> Iterable[Claim]:
    for n_classes, mine in _by_classes(compared).items():
        tests = [
            (_at(of, k), of.sides[REPAIRED].gaps[k], of.sides[REPAIRED].verdicts[k])
            for of in _with_numbers(mine)
            for k, gap in _told(of.sides["population"].gaps)
            if gap.value > BEYOND
        ]
        yield every(
            f"K = {n_classes}: with its bias at the left-out balance a model has no gap on fresh "
            f"data, where the minimum's is beyond +{100 * BEYOND:g} %",
            "gap on the population after the repair", _within(compared[0]), tests,
        )  # fmt: skip


def _at_its_minimum(compared: Sequence[Compared]) -> Iterable[Claim]:
    for n_classes, mine in _by_classes(compared).items():
        tests: list[Found] = []
        for of in _with_numbers(mine):
            largest = of.largest_on_train
            estimate = Estimate(largest, largest, largest, 1.0)
            tests.append((_at(of), estimate, "holds" if largest <= IDENTITY else "fails"))
        yield every(
            f"K = {n_classes}: to refit the bias on the training sample changes nothing, there it "
            "balances",
            "largest relative difference of left and right on train", "0", tests,
        )  # fmt: skip


def _shift_is_predicted(compared: Sequence[Compared]) -> Iterable[Claim]:
    for n_classes, mine in _by_classes(compared).items():
        about = [of for of in mine if of.cell.kappa <= PREDICTED_UP_TO]
        tests: list[Found] = []
        for of in _with_numbers(about):
            difference = of.between(SHIFTED, LEFT_OUT)[0]
            tests.append((_at(of, 0), difference, of.verdict_on(difference)))
        yield every(
            f"K = {n_classes}, control that must fail in every cell: leave-one-out predicts the "
            f"gap of class 0 where that class has moved, {_kappas(about)}",
            "left/right, observed over predicted, minus one", _within(compared[0]), tests,
            against=near_zero, first=BEST_FIRST,
        )  # fmt: skip


CLAIMS: tuple[Put, ...] = (
    _left_out_predicts,
    _theory_predicts,
    _inverse_is_worse,
    _at_its_minimum,
    _repaired,
    _shift_is_predicted,
)
