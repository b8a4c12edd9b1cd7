"""Ours, a peer, ours, a peer: what both took, and how far that varies from pair to pair."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from learnprop.equations.arrays import FloatArray

TIMES_AS_FAST = "peer / ours"
TIMES_AS_LONG = "ours / peer"
MORE = "ours - peer"
ALONE = "ours"

QUANTITIES: dict[str, Callable[[FloatArray], FloatArray]] = {
    TIMES_AS_FAST: lambda seconds: seconds[:, 1] / seconds[:, 0],
    TIMES_AS_LONG: lambda seconds: seconds[:, 0] / seconds[:, 1],
    MORE: lambda seconds: seconds[:, 0] - seconds[:, 1],
    ALONE: lambda seconds: seconds[:, 0],
}
"""What a pair says, by name; the first is to be large, the others small."""


@dataclass(frozen=True)
class Setting:
    """How much is timed.

    Attributes
    ----------
    runs : int
        Replications of a study; what else a benchmark repeats goes with it.
    pairs : int or None
        By default each benchmark's own number.
    """

    runs: int = 100
    pairs: int | None = None

    def share(self, usual: int) -> int:
        """As many of what is usual as the replications are of a hundred.

        Examples
        --------
        >>> Setting(runs=10).share(20_000)
        2000
        """
        return max(1, usual * self.runs // 100)

    def pairs_or(self, usual: int) -> int:
        """Pairs that were asked for, else the usual number."""
        return self.pairs or usual


@dataclass(frozen=True)
class Goal:
    """What the median of the pairs is to reach: a speed-up at least, anything else at most.

    Attributes
    ----------
    quantity : str
        Of `QUANTITIES`.
    bound : float
        Times, or seconds of one unit.

    Examples
    --------
    >>> str(Goal(TIMES_AS_FAST, 20)), str(Goal(MORE, 6e-5))
    ('peer / ours at least 20', 'ours - peer at most 60 µs')
    """

    quantity: str
    bound: float

    def met(self, found: float) -> bool:
        """Whether it is reached."""
        if self.quantity == TIMES_AS_FAST:
            return found >= self.bound
        return found <= self.bound

    def __str__(self) -> str:
        how = "at least" if self.quantity == TIMES_AS_FAST else "at most"
        return f"{self.quantity} {how} {in_words(self.quantity, self.bound)}"


@dataclass(frozen=True)
class Comparison:
    """Pairs of one thing and one peer.

    Attributes
    ----------
    what : str
        What is ours.
    unit : str
        What one is, of which `seconds` are.
    seconds : ndarray of shape (n_pairs, 2)
        Ours and the peer's; of shape (n_pairs, 1) where there is no peer.
    peer : str
    ratio : str
        `TIMES_AS_FAST` or `TIMES_AS_LONG`.
    goal : Goal or None
    ours_n, peer_n : int
        Units that were timed together; a loop over many is timed on some of them.
    workers, threads : int
        Ours; the peer's are in its name where they are others.
    note : str
        What else was found.
    """

    what: str
    unit: str
    seconds: FloatArray
    peer: str = ""
    ratio: str = TIMES_AS_LONG
    goal: Goal | None = None
    ours_n: int = 1
    peer_n: int = 1
    workers: int = 1
    threads: int = 1
    note: str = ""

    def spread(self, quantity: str) -> tuple[float, float, float]:
        """Median over pairs of a quantity, its least and its largest."""
        found = QUANTITIES[quantity](self.seconds)
        return float(np.median(found)), float(found.min()), float(found.max())

    @property
    def met(self) -> bool | None:
        """Whether the goal is; None where there is none."""
        return None if self.goal is None else self.goal.met(self.spread(self.goal.quantity)[0])

    def __str__(self) -> str:
        quantities = [self.ratio] if self.peer else [ALONE]
        if self.goal is not None and self.goal.quantity not in quantities:
            quantities.append(self.goal.quantity)
        middle = [in_words(ALONE, s) for s in np.median(self.seconds, axis=0)]
        against = f" against {self.peer}" if self.peer else ""
        parts = [f"{self.what}{against}: {' and '.join(middle)} each {self.unit}"]
        for quantity in quantities:
            median, low, high = (in_words(quantity, v) for v in self.spread(quantity))
            parts.append(f"{quantity} {median} ({low} to {high})")
        parts.append(f"{len(self.seconds)} {'pairs' if self.peer else 'times'}")
        if self.goal is not None:
            parts.append(f"{self.goal}: {'met' if self.met else 'NOT met'}")
        return "; ".join(parts + [self.note] * bool(self.note))


def interleaved(n_rounds: int, *works: Callable[[], float]) -> FloatArray:
    """Call each in turn, again and again: what else the machine does slows all of them.

    Parameters
    ----------
    n_rounds : int
    *works : callable
        Ours first; each returns the seconds of one unit.

    Returns
    -------
    ndarray of shape (n_rounds, n_works)
    """
    return np.array([[work() for work in works] for _ in range(n_rounds)])


def seconds(
    work: Callable[..., object], *arguments: object, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds of one call, by the clock on the wall or another."""
    started = clock()
    work(*arguments)
    return clock() - started


def in_words(quantity: str, value: float) -> str:
    """Value of a quantity as text.

    Examples
    --------
    >>> in_words(ALONE, 0.00123), in_words(MORE, 1.5), in_words(TIMES_AS_LONG, 9.99)
    ('1.23 ms', '1.5 s', '9.99')
    """
    if quantity in (TIMES_AS_FAST, TIMES_AS_LONG):
        return f"{value:.3g}"
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} µs"
