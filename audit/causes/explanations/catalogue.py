"""Explanations that are tried: other weights, minibatch means, smoothing, a penalised bias."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from learnprop.audit.causes.explanations.explanation import Explanation
from learnprop.audit.causes.facts import TrainingFacts
from learnprop.equations.arrays import FloatArray
from learnprop.equations.class_weights import class_weights
from learnprop.equations.violations.minibatch_mean import minibatch_mean_class_weight

ALIKE = 0.01
"""Weights whose ratios differ by less than this are one and the same explanation."""

WHY_MINIBATCHES = (
    "A weighted mean over a minibatch divides by the minibatch's own weights, which undoes a part "
    "of them: PyTorch's `reduction='mean'`."
)

DIVIDE = (
    "Divide by a constant (reduction='sum' over the batch size), or pass weights from "
    "`class_weight_for_minibatch_mean`."
)

LEAVE_OUT = "Leave one of the two out."

RESTATE = "State these weights, or train with those that are meant; or `reweight`."


def explanations(
    weight: FloatArray, count: FloatArray, facts: TrainingFacts, labels: tuple[Any, ...]
) -> list[Explanation]:
    """All that is tried besides the stated weights, none of which are alike.

    Parameters
    ----------
    weight : ndarray, shape (n_classes,)
        As stated.
    count : ndarray, shape (n_classes,)
        N.
    facts : TrainingFacts
    labels : tuple
        The label of each class.

    Returns
    -------
    list of Explanation
        Of total mass one, as near as smoothing leaves it.

    Examples
    --------
    >>> found = explanations(np.array([0.1, 0.9]), np.array([90.0, 10.0]), TrainingFacts(), (0, 1))
    >>> [e.name for e in found][:2]
    ['acts upon equal weights', 'acts upon sqrt-inverse weights']
    """
    known, found = [weight], []
    others = [
        *_minibatch_means(weight, count, facts),
        *_other_weights(weight, count, facts, labels),
    ]
    # In the order of what a reader expects to see: schemes, then what was stated of the training.
    for name, other, why, remedy, n_free, is_told in sorted(others, key=lambda other: other[4]):
        if all(differ(other, before) for before in known):
            known.append(other)
            mass = other * count / (other * count).sum()
            found.append(Explanation(name, why, remedy, mass, n_free=n_free, is_told=is_told))
    return found + list(_smoothed(weight, count, facts)) + list(_penalised(weight, count, facts))


def differ(one: FloatArray, other: FloatArray) -> bool:
    """Whether weights are not one and the same explanation."""
    return bool(np.ptp(np.log(one) - np.log(other)) > ALIKE)


Weights = tuple[str, FloatArray, str, str, int, bool]


def _other_weights(
    weight: FloatArray, count: FloatArray, facts: TrainingFacts, labels: tuple[Any, ...]
) -> Iterator[Weights]:
    for scheme in ("equal", "inverse", "sqrt-inverse"):
        why = f"It behaves as under {scheme} class weights, and not as under the stated ones."
        yield f"acts upon {scheme} weights", class_weights(scheme, count), why, RESTATE, 0, False
    if facts.sampler_weight is not None:
        why = "A sampler's weights count as the loss's do: what acts is their product."
        name, product = "acts upon the sampler's weights too", weight * facts.sampler_weight
        yield name, product, why, LEAVE_OUT, 0, True
    twice = (
        "It behaves as under the weights squared: weights of samples or of a sampler, and weights "
        "of classes, multiply."
    )
    yield "the weights act twice", weight**2, twice, LEAVE_OUT, 0, False
    balanced = (
        "It behaves as under the weights and a sampler that draws all classes alike, which weighs "
        "each by 1 / N."
    )
    yield "acts upon a balanced sampler too", weight / count, balanced, LEAVE_OUT, 0, False
    upside_down = "It behaves as under the weights by which one should divide."
    yield "acts upon one over the weights", 1 / weight, upside_down, "Invert them.", 0, False
    remedy = "Give the weights in the order of the columns, or as a dict by label."
    for order, words in _orders(count, labels):
        why = f"It behaves as under the weights in {words}, in which the columns are not."
        yield f"the weights in {words}", weight[order], why, remedy, 0, False


def _orders(count: FloatArray, labels: tuple[Any, ...]) -> Iterator[tuple[np.ndarray, str]]:
    """Positions, in a list of weights that is in another order, of each class's."""
    n = len(labels)
    yield np.arange(n)[::-1], "the opposite order"
    for listed, words in (
        (
            np.argsort([str(label) for label in labels], kind="stable"),
            "the order of labels as text",
        ),
        (np.argsort(-count, kind="stable"), "the order of class sizes, largest first"),
        (np.argsort(count, kind="stable"), "the order of class sizes, smallest first"),
    ):
        yield np.argsort(listed), words


def _minibatch_means(
    weight: FloatArray, count: FloatArray, facts: TrainingFacts
) -> Iterator[Weights]:
    size = facts.normalised_together
    if size is not None:
        sampler = facts.sampler_weight
        effective = minibatch_mean_class_weight(weight, count, size, sampler_weight=sampler)
        yield f"minibatch mean, {size} at once", effective, WHY_MINIBATCHES, DIVIDE, 0, True


def _smoothed(weight: FloatArray, count: FloatArray, facts: TrainingFacts) -> Iterator[Explanation]:
    n_classes, epsilon = len(weight), facts.label_smoothing
    if epsilon == 0:
        return
    n_free = int(epsilon is None)
    mass, share = weight * count / (weight * count).sum(), np.full(n_classes, 1 / n_classes)
    remedy = "Train without smoothing, or refine the output bias on hard labels."
    name = "label smoothing of {:.3g}"
    yield Explanation(
        name,
        "Smoothing gives mass of the large classes to the small ones.",
        remedy, mass, (mass, share), number=epsilon, n_free=n_free, is_told=not n_free,
    )  # fmt: skip
    if differ(weight, np.ones_like(weight)):
        per_class = weight / (weight * count).sum()
        yield Explanation(
            f"PyTorch's {name}",
            "PyTorch weighs the smoothed part with the weight of the class that it is given to.",
            remedy, mass, (count, per_class * share), number=epsilon, n_free=n_free,
            is_told=not n_free,
        )  # fmt: skip
        size = facts.normalised_together
        if size is not None:
            # λ_y E 1/(λ_y + S) is the effective weight, so E 1/(λ_y + S) is it over λ_y.
            effective = minibatch_mean_class_weight(
                weight, count, size, sampler_weight=facts.sampler_weight
            )
            total = (effective * count).sum()
            yield Explanation(
                f"minibatch mean, {size} at once, and PyTorch's {name}",
                "Both are in PyTorch's weighted cross-entropy: each minibatch is divided by its "
                "own weights, and the smoothed part has those of the classes it is given to.",
                "Divide by a constant, and train without smoothing.",
                effective * count / total,
                (effective * count / (weight * total), weight * share),
                number=epsilon, n_free=n_free, is_told=not n_free,
            )  # fmt: skip


def _penalised(
    weight: FloatArray, count: FloatArray, facts: TrainingFacts
) -> Iterator[Explanation]:
    if isinstance(facts.bias, np.ndarray) and np.ptp(facts.bias) > 0:
        yield Explanation(
            "a penalised bias",
            "A penalty (α/2) Σ b² on the output bias leaves a residual of α b: weight decay, or a "
            "solver that penalises the intercept.",
            "Leave the output bias out of the penalty, or refine it.",
            weight * count / (weight * count).sum(), bias=facts.bias, n_free=1,
        )  # fmt: skip
