"""Predictions measured in chunks: arrays, files and streams alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from learnprop.audit.predictions.keeping import (
    Drawn,
    Held,
    drawn_of,
    hold,
    kept_of,
    nothing_held,
)
from learnprop.audit.predictions.many_classes import (
    add_sums,
    products,
    sums_of,
    within_many_classes,
)
from learnprop.audit.predictions.moments import (
    ROUNDING,
    Moments,
    covariances,
    moments_of,
    second_moments,
    together,
)
from learnprop.audit.predictions.pieces import Chunk as Chunk
from learnprop.audit.predictions.pieces import (
    Misses,
    Piece,
    Source,
    in_order,
    misses_of,
    pieces_of,
)
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.inference.within_class import WithinClass, within_class_of_covariances
from learnprop.equations.mean_proba import Activation, check_activation

MANY = 64
"""Classes above which K³ moments are not held: 2 MiB in each piece that is under way."""


def measure_chunks(
    chunks: Callable[[], Iterable[Chunk]],
    labels: tuple[Any, ...],
    *,
    activation: Activation = "softmax",
    are_logits: bool = False,
    name: str = "",
    epsilon: float = 0.0,
) -> Predictions:
    r"""Measure predictions within each true class, in as many passes as there must be.

    Of up to 64 classes there is one pass, and covariances come of second moments; of more there are
    two, and one for each sum over classes that inference needs later, so that no K³ numbers are
    held. Results do not depend on the number of threads.

    What a class is missed by is the sum of what others are given, never one minus a probability:
    rows that sum to one only within the rounding of their type are taken to miss by that.

    Parameters
    ----------
    chunks : callable
        Gives all chunks, in one order whenever it is called; each with arrays of numpy.
    labels : tuple
        The label of each class, in the order of the columns.
    activation : {"softmax", "sigmoid"}
    are_logits : bool
    name : str
        What an error calls the numbers, by default ``y_logits`` or ``y_proba``.
    epsilon : float
        Machine epsilon of the type that they had, if numpy has no such type (bfloat16).

    Returns
    -------
    Predictions
        The row of a class without samples is NaN, its count 0.

    Raises
    ------
    BadArgument
        With the number of the row, from 0: if a number is not finite or, of probabilities,
        negative, or a row does not sum to one (`check_proba`); with no sample at all, or if the
        weights of a class that has samples are all zero.

    Examples
    --------
    >>> def chunks():
    ...     yield Chunk(np.array([0, 0]), np.array([[0.9, 0.1], [0.7, 0.3]]))
    ...     yield Chunk(np.array([1]), np.array([[0.4, 0.6]]))
    >>> found = measure_chunks(chunks, ("no", "yes"))
    >>> found.mean_proba.round(12).tolist(), found.count.tolist()
    ([[0.8, 0.2], [0.4, 0.6]], [2, 1])
    """
    check_activation(activation)
    name = name or ("y_logits" if are_logits else "y_proba")
    source = Source(chunks, len(labels), activation, are_logits, name, epsilon)
    many = source.n_classes > MANY
    added, held, seen = _pass(source, *((sums_of, add_sums) if many else (moments_of, together)))
    sizes = added.sizes
    for k in np.flatnonzero((seen > 0) & (sizes.first == 0)):
        raise BadArgument("sample_weight", f"is zero for every sample of class {labels[k]!r}")
    centre = np.where(sizes.first[:, None] > 0, added.centre, np.nan)
    miss = np.diagonal(centre).copy()
    mean = centre.copy()
    np.fill_diagonal(mean, 1 - miss)
    names = tuple(map(str, labels))
    second, of_products = None, None
    if many:
        spread = within_many_classes(source, sizes, centre, mean, miss, names)
        of_products = partial(products, source, sizes)
    else:
        second, spread = second_moments(added, mean), within_of(added, mean, miss, names)
    return Predictions(
        tuple(labels), activation, sizes.count, sizes.effective, sizes.first, mean, miss, second,
        kept_of(held, source), spread, of_products, epsilon=max(epsilon, held.epsilon),
    )  # fmt: skip


def _pass(
    source: Source, measure: Callable[[Misses], Any], add: Callable[[Any, Any], Any]
) -> tuple[Any, Held, IntArray]:
    """What `measure` finds of all pieces, what is kept of them, and samples seen of each class."""
    held = [nothing_held(source.n_classes)]

    def of_piece(piece: Piece) -> tuple[Any, Drawn, IntArray]:
        misses = misses_of(piece, source)
        return measure(misses), drawn_of(piece, source, held[0].below), np.diff(misses.rows)

    whole, seen = None, np.zeros(source.n_classes, dtype=np.int64)
    for found, drawn, count in in_order(of_piece, pieces_of(source)):
        whole = found if whole is None else add(whole, found)
        held[0] = hold(held[0], drawn)
        seen += count
    if not seen.any():
        raise BadArgument(source.name, "holds no sample")
    return whole, held[0], seen


def within_of(
    moments: Moments, mean_proba: FloatArray, miss_proba: FloatArray, names: tuple[str, ...]
) -> WithinClass:
    """`WithinClass` from moments of few classes."""
    S = covariances(moments)
    same = np.abs(mean_proba - mean_proba[0]).max() <= ROUNDING
    return within_class_of_covariances(
        mean_proba, S, moments.sizes.effective, moments.sizes.unit, miss_proba,
        own_is_exact=True, constant=bool(same and not S.any()), names=names,
    )  # fmt: skip
