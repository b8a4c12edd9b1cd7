"""Chunks of predictions in pieces that stay in a processor's cache, made misses, class by class."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from learnprop.equations.arguments import BadArgument, shown
from learnprop.equations.arrays import FloatArray, IntArray, as_numbers
from learnprop.equations.mean_proba import (
    ROW_SUM_TOLERANCE,
    Activation,
    check_proba,
    proba_from_logits,
)

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

NUMBERS = 2**18
"""Of a piece. Measured at K = 10: 2**16 to 2**18 are within 10 %, 2**20 takes 1.5 times as long."""

MOST_ROUNDED = 0.1
"""What a row may miss one by if its numbers were rounded: twenty of them to two decimals."""

Result = TypeVar("Result")
Item = TypeVar("Item")


@dataclass(frozen=True)
class Chunk:
    """Some of the samples.

    Attributes
    ----------
    classes : ndarray of integers, shape (n_samples,)
        Numbers of classes, ``0 .. n_classes-1``.
    values : ndarray of float, shape (n_samples, n_classes)
        Probabilities or logits, as they came: float32 keeps the rounding that it has.
    weight : ndarray of float, shape (n_samples,), optional
        Of samples; finite and not negative.
    """

    classes: IntArray
    values: Any
    weight: FloatArray | None = None


@dataclass(frozen=True)
class Source:
    """Chunks that can be asked for again, and what their numbers are.

    ``name`` is what an error calls them, ``epsilon`` the machine epsilon of their type where numpy
    does not know it.
    """

    chunks: Callable[[], Iterable[Chunk]]
    n_classes: int
    activation: Activation
    are_logits: bool
    name: str
    epsilon: float = 0.0


@dataclass(frozen=True)
class Piece:
    """A chunk, or a part of one: its number, and that of its first row."""

    number: int
    first_row: int
    chunk: Chunk


@dataclass(frozen=True)
class Misses:
    """A piece in the order of its classes, with each own probability replaced by its miss.

    ``rows`` are the class by class boundaries (n_classes + 1,), ``values`` (n, n_classes).
    """

    classes: IntArray
    rows: IntArray
    values: FloatArray
    weight: FloatArray | None


def pieces_of(source: Source) -> Iterator[Piece]:
    """All samples, in pieces; many classes have longer ones, whose products are worth their sum."""
    K = source.n_classes
    length = max(NUMBERS // K, min(2 * K, 8 * NUMBERS // K), 1)
    number = first = 0
    for chunk in source.chunks():
        n = len(chunk.classes)
        for a in range(0, n, length):
            part = slice(a, a + length)
            weight = None if chunk.weight is None else chunk.weight[part]
            yield Piece(number, first + a, Chunk(chunk.classes[part], chunk.values[part], weight))
            number += 1
        first += n


def misses_of(piece: Piece, source: Source) -> Misses:
    """A piece made misses; refused where its numbers are none or are no probabilities."""
    chunk, K = piece.chunk, source.n_classes
    proba, missed = _probabilities(piece, source)
    classes = np.asarray(chunk.classes)
    if len(classes) and not (classes.min() >= 0 and classes.max() < K):
        raise BadArgument("classes", f"must hold numbers 0..{K - 1}, got {shown(classes)}")
    classes = classes.astype(np.int16 if K < 2**15 else np.int32)
    order = np.argsort(classes, kind="stable")  # of int16 a radix sort
    classes, values = classes[order], proba.take(order, axis=0)  # four times as fast as [order]
    rows = np.searchsorted(classes, np.arange(K + 1))
    own = np.arange(len(classes))
    if missed is not None:
        values[own, classes] = missed[order]
    else:
        values[own, classes] = 0.0
        values[own, classes] = values @ np.ones(K)
    weight = None if chunk.weight is None else np.asarray(chunk.weight, np.float64)[order]
    return Misses(classes, rows, values, weight)


def _probabilities(piece: Piece, source: Source) -> tuple[FloatArray, FloatArray | None]:
    """Probabilities (n, K), and with sigmoids what the own class is missed by, (n,)."""
    given, name = piece.chunk.values, source.name
    own = np.arange(len(piece.chunk.classes)), piece.chunk.classes
    if source.are_logits:
        z = as_numbers(given, name)
        if not np.isfinite(z).all():
            row = piece.first_row + int(np.argmin(np.isfinite(z).all(axis=1)))
            raise BadArgument(name, f"holds a number that is not finite in row {row}")
        proba = proba_from_logits(z, source.activation)
        if source.activation == "softmax":
            return proba, None
        return proba, proba_from_logits(-z, "sigmoid")[own]
    values = as_numbers(given, name)
    least = values.min(initial=1.0)
    if source.activation == "sigmoid":
        fine = least >= 0 and values.max(initial=0.0) <= 1
    else:
        off = np.abs(values @ np.ones(source.n_classes) - 1).max(initial=0.0)
        fine = least >= 0 and off <= ROW_SUM_TOLERANCE
    if not fine:  # also NaN
        try:
            values = check_proba(
                given, name, source.activation, first_row=piece.first_row, epsilon=source.epsilon
            )
        except BadArgument as error:
            said = what_to_do(values) if name == "y_proba" else ""
            raise BadArgument(name, error.problem + said) from None
    return values, None if source.activation == "softmax" else np.maximum(1 - values[own], 0.0)


def what_to_do(values: FloatArray) -> str:
    """What to do with rows that are no probabilities, for an error; nothing where that is unclear.

    Examples
    --------
    >>> what_to_do(np.array([[2.5, -1.0]])), what_to_do(np.array([[0.34, 0.33, 0.34]]))
    ('; logits are given as `y_logits`', '; if they were rounded, divide each row by its sum')
    """
    one = values.shape[1] == 1
    with np.errstate(invalid="ignore"):
        off = np.abs(values.sum(axis=1) - 1).max(initial=0.0)
    if values.min(initial=0.0) < -ROW_SUM_TOLERANCE:
        return "; logits are given as `y_logits`"
    if values.max(initial=0.0) > (1 if one else 2):
        return "; logits are given as `y_logits`, percentages are divided by 100"
    if off < MOST_ROUNDED and not one:
        return "; if they were rounded, divide each row by its sum"
    return ""


def in_order(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Results of `work`, which threads do at once, in the order of the items.

    No more than a few items are taken ahead, and BLAS has one thread in each: what is added up in
    this order is the same for any number of threads.

    Examples
    --------
    >>> list(in_order(lambda x: x * x, range(5)))
    [0, 1, 4, 9, 16]
    """
    from joblib import cpu_count

    iterator = iter(items)
    first = list(islice(iterator, 2))
    with _blas().limit(limits=1, user_api="blas"):
        if len(first) < 2:
            yield from map(work, first)
            return
        threads = min(int(cpu_count()), 8)
        yield from _threaded(work, chain(first, iterator), threads)


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """What limits the threads of BLAS; to look for its libraries takes a few milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _threaded(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Result]:
    ahead: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) > 2 * threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()
