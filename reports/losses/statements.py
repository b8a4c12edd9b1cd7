"""The paper's statements about its losses, put to the runs of a study.

Each is put to every network that a study has: at the shared learning rate, and with steps matched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from itertools import combinations
from math import isfinite

import numpy as np

from learnprop.equations.inference.estimates import Estimate, Verdict, equivalence_verdict
from learnprop.equations.losses import chosen_loss
from learnprop.equations.losses.loss import ChosenLoss
from learnprop.reports.losses.differences import (
    class_differences,
    has_width,
    largest_class_error,
)
from learnprop.reports.losses.paper import (
    FIGURE_1,
    FIGURE_1_PANEL,
    MAY_BE_PRINTED_AS,
    TABLE_3,
    TABLE_5,
    TABLE_5_LOSS,
)
from learnprop.reports.losses.readings import (
    CLASSES,
    Pair,
    Row,
    Trained,
    design,
    difference,
    remarks_on,
)
from learnprop.reports.protocols.networks import NETWORK_NAMES
from learnprop.reports.statistics.claim import Claim, above, below
from learnprop.reports.statistics.runs import CONFIDENCE
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.studies.losses.block import LossCell

LGL, SML, INR = (chosen_loss(name) for name in ("lgl", "sml", "lgl-inr"))
"""Of Tables 3 and 4: LGL-INR at β = 1."""

MNIST_TYPE = tuple(dict.fromkeys(dataset for dataset, _ in TABLE_3))

OVERALL = "overall"
"""In place of a data set: the mean over those of Table 3 that there are, run by run."""

TIE = 1e-12
"""A difference of accuracies that is due to rounding."""

LARGER, SMALLER = "cnn5c", ("cnn2c", *(m for m, of in MAY_BE_PRINTED_AS.items() if of == "cnn2c"))


def statements(trained: Trained) -> list[Row]:
    """Put the paper's statements to what was trained.

    Parameters
    ----------
    trained : Trained

    Returns
    -------
    list of dict
        The fields of a `Claim`; ``unit``, that of its numbers; ``runs``; ``test_error``, the
        standard error due to a test set that all runs share, at most; where runs split one data
        set ``corrected_low``, ``corrected_high`` and ``corrected_verdict``, for new data. Empty
        where there are no two cells that a statement compares.
    """
    models = dict.fromkeys(cell.model for cell in trained.tests)
    return [
        row
        for put in _STATEMENTS
        for model in models
        for matched in (False, True)
        for row in put(trained, model, matched)
    ]


def _is_positive(found: Estimate) -> Verdict:
    return above(found, 0.0)


def _is_negative(found: Estimate) -> Verdict:
    return below(found, 0.0)


def _lgl_is_below_sml(trained: Trained, model: str, matched: bool) -> list[Row]:
    pairs = trained.pairs(LGL, SML, model, matched)
    gray = {d: pair for d, pair in pairs.items() if dataset_named(d).shape[0] == 1}
    claim = "LGL is worse than SML on MNIST-type data"
    return _ordered(trained, claim, "< 0", _is_negative, gray)


def _lgl_is_above_sml(trained: Trained, model: str, matched: bool) -> list[Row]:
    pairs = trained.pairs(LGL, SML, model, matched)
    colour = {d: pair for d, pair in pairs.items() if d == "cifar10"}
    return _ordered(trained, "LGL is better than SML on CIFAR10", "> 0", _is_positive, colour)


def _inr_outperforms(other: ChosenLoss, trained: Trained, model: str, matched: bool) -> list[Row]:
    pairs = trained.pairs(INR, other, model, matched)
    return _ordered(trained, "LGL-INR outperforms LGL and SML", "> 0", _is_positive, pairs)


def _ordered(
    trained: Trained,
    claim: str,
    claimed: str,
    verdict: Callable[[Estimate], Verdict],
    pairs: Mapping[str, Pair],
) -> list[Row]:
    """Put an order of two losses to each data set, and to the mean over those of Table 3."""
    parts: list[tuple[str, list[Pair], list[str]]] = [(d, [p], []) for d, p in pairs.items()]
    together = [dataset for dataset in pairs if dataset in MNIST_TYPE]
    if len(together) > 1:
        remark = f"mean over {', '.join(together)}, run by run"
        parts.append((OVERALL, [pairs[dataset] for dataset in together], [remark]))
    rows = []
    for dataset, part, remarks in parts:
        one, other = part[0]
        where = design(dataset, one.model, matched=one.matched)
        quantity = f"{one.loss.kind.label} less {other.loss.kind.label}"
        rows += difference(trained, (claim, where, quantity, claimed), part, verdict, *remarks)
    return rows


def _classes_ahead(
    other: ChosenLoss, least: int, trained: Trained, model: str, matched: bool
) -> list[Row]:
    """Figure 1: LGL-INR is ahead of another loss in at least so many classes."""
    pair = trained.pairs(INR, other, model, matched).get(FIGURE_1_PANEL[0])
    return [] if pair is None else _ahead(trained, pair, least)


def _ahead(trained: Trained, pair: Pair, least: int) -> list[Row]:
    """One row; none where no run has both losses."""
    one, other = pair
    tests = trained.tests[one], trained.tests[other]
    n_runs = len(np.intersect1d(tests[0].run, tests[1].run))
    if not n_runs:
        return []
    classes = class_differences(*tests)
    found = number_ahead(classes)
    failed = any(cell in trained.failed for cell in pair)
    remarks = [
        _class_by_class(classes, dataset_named(one.dataset).labels),
        f"the test set's error of a class: up to {100 * largest_class_error(tests):.1f} points",
        *remarks_on(trained, pair),
    ]
    if one.model != FIGURE_1_PANEL[1]:
        remarks.append(f"the figure is of {NETWORK_NAMES[FIGURE_1_PANEL[1]]}")
    than = other.loss.kind.label
    verdict = above(found, least - 0.5)  # of whole numbers: at least that many
    claim = Claim(
        claim=f"Fig. 1: LGL-INR is ahead of {than} in {least} classes",
        design=design(one.dataset, one.model, matched=one.matched),
        quantity=f"classes ahead of {than}",
        claimed=f">= {least}",
        observed=found.value,
        low=found.low,
        high=found.high,
        mcse=float("nan"),
        verdict="inconclusive" if failed else verdict,
        remark="; ".join(remarks),
    )
    return [asdict(claim) | {"unit": CLASSES, "runs": n_runs}]


def number_ahead(classes: Sequence[Estimate]) -> Estimate:
    """Count the classes with a positive difference; between those that surely, and may have one.

    Parameters
    ----------
    classes : sequence of Estimate
        With intervals that hold together, at whose level that of the number holds.

    Returns
    -------
    Estimate

    Examples
    --------
    >>> ends = [(0.01, 0.03), (-0.01, 0.02), (-0.03, -0.01)]
    >>> found = number_ahead([Estimate((low + high) / 2, low, high, 0.99) for low, high in ends])
    >>> found.value, found.low, found.high
    (2, 1, 2)
    """
    says = [has_width(e.low, e.high) for e in classes]
    ahead = sum(e.value > TIE for e in classes)
    surely = sum(e.low > 0 and known for e, known in zip(classes, says, strict=True))
    perhaps = sum(e.high > 0 or not known for e, known in zip(classes, says, strict=True))
    return Estimate(ahead, surely, perhaps, CONFIDENCE)


def _class_by_class(classes: Sequence[Estimate], labels: Sequence[str]) -> str:
    """Say the differences in percentage points."""
    parts = [
        f"{label} {100 * e.value:+.1f}"
        + (f" [{100 * e.low:+.1f}, {100 * e.high:+.1f}]" if isfinite(e.low) else "")
        for label, e in zip(labels, classes, strict=True)
    ]
    return f"points by class, intervals simultaneous: {', '.join(parts)}"


def _insensitive_to_beta(trained: Trained, model: str, matched: bool) -> list[Row]:
    """Every two β in the range of Table 5, and all of them together."""
    rows = []
    for dataset, of in trained.cells(model, matched).items():
        cells = [
            cell
            for loss, cell in of.items()
            if loss.name == TABLE_5_LOSS and min(TABLE_5) <= loss.parameters["beta"] <= max(TABLE_5)
        ]
        where = design(dataset, model, matched=matched)
        claim = "LGL-INR is not sensitive to β"
        found: list[Row] = []
        for low, high in combinations(sorted(cells, key=_beta), 2):
            quantity = f"β = {_beta(high):g} less β = {_beta(low):g}"
            words = (claim, where, quantity, "0")
            found += difference(trained, words, [(high, low)], partial(_is_none, trained.margin))
        rows += found
        if len(found) > 1:
            rows.append(_all_of(found))
    return rows


def _is_none(margin: float, found: Estimate) -> Verdict:
    return equivalence_verdict(found.low, found.high, margin)


def _beta(cell: LossCell) -> float:
    return cell.loss.parameters["beta"]


def _all_of(rows: Sequence[Row]) -> Row:
    """The largest of several differences, within the hull of their intervals; all must be none."""
    largest = max(rows, key=lambda row: abs(row["observed"]))
    found = largest | {"quantity": "the largest of these", "mcse": float("nan")}
    for prefix in ("", "corrected_") if "corrected_verdict" in largest else ("",):
        verdicts = {row[f"{prefix}verdict"] for row in rows}
        whole = "fails" if "fails" in verdicts else "inconclusive"
        found[f"{prefix}verdict"] = "holds" if verdicts == {"holds"} else whole
        found[f"{prefix}low"] = min(row[f"{prefix}low"] for row in rows)
        found[f"{prefix}high"] = max(row[f"{prefix}high"] for row in rows)
    return found


def _larger_is_better(trained: Trained, model: str, matched: bool) -> list[Row]:
    """CNN5C against CNN2C, as Table 2 prints it and with a hidden layer, loss by loss."""
    rows = []
    for smaller in SMALLER if model == LARGER else ():
        than = trained.cells(smaller, matched)
        for dataset, of in trained.cells(model, matched).items():
            where = design(dataset, model, matched=matched)
            for loss in (LGL, SML, INR):
                if not (loss in of and loss in than.get(dataset, {})):
                    continue
                pair = of[loss], than[dataset][loss]
                if pair[0].matched != matched:  # the softmax loss, which is the same at both
                    continue
                quantity = f"{loss.kind.label}: less {NETWORK_NAMES[smaller]}"
                words = ("a larger network is more accurate", where, quantity, "> 0")
                remark = "runs of two networks are independent: any pairing will do"
                rows += difference(trained, words, [pair], _is_positive, remark)
    return rows


_STATEMENTS: tuple[Callable[[Trained, str, bool], list[Row]], ...] = (
    _lgl_is_below_sml,
    _lgl_is_above_sml,
    partial(_inr_outperforms, LGL),
    partial(_inr_outperforms, SML),
    *(partial(_classes_ahead, chosen_loss(name), least) for name, least in FIGURE_1.items()),
    _insensitive_to_beta,
    _larger_is_better,
)
