"""Claims on a hard class among easy ones: their number, their place, and the sizes, crossed.

The *loss* is the accuracy of the hard class under softmax less that under one-vs-all. With no easy
class it is zero, the two being one model, so that it is also what easy classes cost under
one-vs-all beyond what they cost under softmax. Effects count from the margin on.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from learnprop.equations.mean_proba import FloatArray
from learnprop.reports.claims.readings import (
    Evidence,
    Put,
    accuracy,
    in_words,
    minus,
    own_proba,
    paired,
    taken_for_target,
    target_proba,
)
from learnprop.reports.statistics.claim import Claim, above, close, over_runs
from learnprop.simulations.generators.posterior import posterior_balance
from learnprop.simulations.studies.claims.hard_class import (
    BALANCED,
    HARD_SIZE,
    N_EASY,
    PUBLISHED,
    hard_and_easy,
    hard_class_cell,
    train_size,
)

COMPARED = ("one-vs-all", "softmax")
WORDS = {0: "no easy class", 1: "one easy class", 2: "two easy classes", 6: "six easy classes"}
HARD = {"rare": "a rare hard class", "equal": "a hard class of equal size"}


def many(place: str) -> int:
    """Largest number of easy classes at a place.

    Examples
    --------
    >>> many("behind"), many("beside")
    (6, 2)
    """
    return N_EASY[place][-1]


def lost(found: Evidence, place: str, n_easy: int, sizes: str) -> FloatArray:
    """Softmax minus one-vs-all, accuracy of the hard class, one per run."""
    return paired(found.test, hard_class_cell(place, n_easy, sizes), COMPARED, accuracy, 1)


def hard_accuracy(found: Evidence, place: str, n_easy: int, sizes: str, loss: str) -> FloatArray:
    """Accuracy of the hard class, one per run."""
    return accuracy(found.test[hard_class_cell(place, n_easy, sizes), loss], 1)


def _averaged_away(place: str, sizes: str) -> Put:
    n, design = many(place), hard_class_cell(place, many(place), sizes)

    def put(found: Evidence) -> Claim:
        own = found.test[design, COMPARED[0]]
        return over_runs(
            f"one-vs-all: {WORDS[n]} {place} average {HARD[sizes]} away", design,
            "softmax minus one-vs-all, accuracy of the hard class", f"> {found.margin:g}",
            lost(found, place, n, sizes), lambda e: above(e, found.margin),
            f"accuracy {in_words(accuracy(own, 1))} under one-vs-all, whose equations: "
            f"{found.balanced[design, COMPARED[0]]}",
        )  # fmt: skip

    return put


def _more_cost_more(place: str, sizes: str) -> Put:
    n, designs = many(place), [hard_class_cell(place, k, sizes) for k in (1, many(place))]

    def put(found: Evidence) -> Claim:
        change = minus(lost(found, place, n, sizes), lost(found, place, 1, sizes))
        of_one = hard_accuracy(found, place, 1, sizes, COMPARED[0])
        nothing_left = "; no more could be lost" if of_one.mean() < found.margin else ""
        return over_runs(
            f"one-vs-all: {WORDS[n]} {place} average {HARD[sizes]} away more than one does",
            "; ".join(designs), "change of softmax minus one-vs-all", f"> {found.margin:g}",
            change, lambda e: above(e, found.margin),
            f"accuracy {in_words(of_one)} under one-vs-all with one easy class{nothing_left}",
        )  # fmt: skip

    return put


def _rarity(place: str, n_easy: int) -> Put:
    designs = [hard_class_cell(place, n_easy, sizes) for sizes in HARD_SIZE]

    def put(found: Evidence) -> Claim:
        def cost(loss: str) -> FloatArray:
            rare, equal = (hard_accuracy(found, place, n_easy, s, loss) for s in HARD_SIZE)
            return minus(equal, rare)

        where = f"{WORDS[n_easy]} {place}" if n_easy else WORDS[n_easy]
        return over_runs(
            f"one-vs-all: rarity costs the hard class accuracy, {where} (ours)",
            "; ".join(designs), "accuracy of the hard class, of equal size minus rare",
            f"> {found.margin:g}", cost(COMPARED[0]), lambda e: above(e, found.margin),
            f"under softmax {in_words(cost(COMPARED[1]))}",
        )  # fmt: skip

    return put


def _more_if_rare(place: str) -> Put:
    n, designs = many(place), [hard_class_cell(place, many(place), s) for s in HARD_SIZE]

    def put(found: Evidence) -> Claim:
        rare, equal = (lost(found, place, n, sizes) for sizes in HARD_SIZE)
        return over_runs(
            f"one-vs-all: {WORDS[n]} {place} average a hard class away more if it is rare (ours)",
            "; ".join(designs), "change of softmax minus one-vs-all", f"> {found.margin:g}",
            minus(rare, equal), lambda e: above(e, found.margin),
        )  # fmt: skip

    return put


def _main_obstacle(place: str) -> Put:
    n = many(place)
    designs = hard_class_cell(place, 0, "rare"), hard_class_cell(place, n, "equal")

    def put(found: Evidence) -> Claim:
        alone = hard_accuracy(found, place, 0, "rare", COMPARED[0])
        among = hard_accuracy(found, place, n, "equal", COMPARED[0])
        return over_runs(
            f"one-vs-all: {WORDS[n]} {place} cost the hard class more than being rare does",
            "; ".join(designs), "accuracy of the hard class, rare and alone minus neither", "> 0",
            minus(alone, among), lambda e: above(e, 0.0),
            "cost of the easy classes minus cost of rarity, the same at either level of the other; "
            "of this rarity, 5 : 1, and these distances",
        )  # fmt: skip

    return put


def _against_softmax(claim: str, quantity: str, of: Callable, place: str) -> Put:
    n, design = many(place), hard_class_cell(place, many(place), "rare")

    def put(found: Evidence) -> Claim:
        rows = {loss: found.test[design, loss] for loss in COMPARED}
        both = [f"{in_words(own_proba(rows[loss], 1))} under {loss}" for loss in COMPARED]
        return over_runs(
            f"{claim}, {WORDS[n]} {place}", design, f"one-vs-all minus softmax, {quantity}", "> 0",
            paired(found.test, design, COMPARED[::-1], of, 1), lambda e: above(e, 0.0),
            "the hard class's p̄ of itself: " + ", ".join(both),
        )  # fmt: skip

    return put


def _softmax_is_the_posterior(found: Evidence) -> Claim:
    n = many("behind")
    posterior = posterior_balance(hard_and_easy(n, "behind"), train_size(n, "rare"))
    own = float(posterior.mean_proba[1, 1])
    ratio = {loss: own_proba(found.test[PUBLISHED, loss], 1) / own for loss in COMPARED}
    fall = minus(*(hard_accuracy(found, "behind", k, "rare", COMPARED[1]) for k in (0, n)))
    return over_runs(
        "softmax does not suffer from it: the hard class gets what the true posterior gives",
        PUBLISHED, "p̄(hard→hard), softmax over true posterior", "1", ratio[COMPARED[1]],
        lambda e: close(e, 1.0, found.margin),
        f"under one-vs-all {in_words(ratio[COMPARED[0]])}; its accuracy falls under softmax too, "
        f"by {in_words(fall)} from no easy class to six, which overlap with it",
    )  # fmt: skip


def _balanced_does_not(found: Evidence) -> Claim:
    settings = ("lgl-inr beta=0", "softmax")
    return over_runs(
        f"positives and negatives balanced (β = 0): six behind average {HARD['equal']} away",
        BALANCED, "softmax minus lgl-inr beta=0, accuracy of the hard class", f"> {found.margin:g}",
        paired(found.test, BALANCED, settings, accuracy, 1), lambda e: above(e, found.margin),
        "β = 0 averages over the easy classes as one-vs-all does, but target and others have the "
        "same mass: what one-vs-all loses at equal sizes is one against seven",
    )  # fmt: skip


HARD_CLASS: dict[str, Put] = {
    **{f"easy, {p}, {s}": _averaged_away(p, s) for p, s in product(N_EASY, HARD_SIZE)},
    **{f"more easy, {p}, {s}": _more_cost_more(p, s) for p, s in product(N_EASY, HARD_SIZE)},
    **{f"rarity, {n}": _rarity("behind", n) for n in N_EASY["behind"]},
    **{f"rarity, loss, {p}": _more_if_rare(p) for p in N_EASY},
    **{f"main obstacle, {p}": _main_obstacle(p) for p in N_EASY},
    "balanced": _balanced_does_not,
    **{
        f"target, p, {p}": _against_softmax(
            "one-vs-all gives the hard class a higher p̄ of the target",
            "p̄(hard→target)", target_proba, p,
        )
        for p in N_EASY
    },
    **{
        f"target, taken, {p}": _against_softmax(
            "one-vs-all takes more of the hard class for the target",
            "share of the hard class predicted as the target", taken_for_target, p,
        )
        for p in N_EASY
    },
    "softmax": _softmax_is_the_posterior,
}  # fmt: skip
