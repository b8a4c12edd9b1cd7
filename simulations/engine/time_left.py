"""How long a study still takes: cells differ, and so do the numbers of their blocks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TimeLeft:
    """How long a study still takes.

    Attributes
    ----------
    seconds : float
        NaN where blocks are missing and none of any cell has been seen.
    unseen : int
        Cells of which blocks are missing and none has been seen.
    """

    seconds: float
    unseen: int = 0


def time_left(
    missing: Mapping[str, int],
    per_block: Mapping[str, float],
    workers: int = 1,
    at_once: int = 1,
) -> TimeLeft:
    """Time until blocks are computed, at the speed that blocks of their own cells had.

    Parameters
    ----------
    missing : mapping of str to int
        Blocks that are to be computed, by cell.
    per_block : mapping of str to float
        Seconds that a block took, by cell. One that is not there is taken to be as slow as the
        others on average.
    workers : int
    at_once : int
        Blocks that a worker computes as one.

    Returns
    -------
    TimeLeft
        Work is shared evenly, as far as there is some for everybody, and lasts as long as its
        longest block.

    Examples
    --------
    A hundred blocks of a second each and two of 100 s, on one worker and on four:

    >>> missing, seen = {"fast": 100, "slow": 2}, {"fast": 1.0, "slow": 100.0}
    >>> [time_left(missing, seen, workers).seconds for workers in (1, 2, 4)]
    [300.0, 150.0, 100.0]
    >>> time_left(missing, {"fast": 1.0})
    TimeLeft(seconds=102.0, unseen=1)
    """
    left = {cell: n for cell, n in missing.items() if n > 0}
    if not left:
        return TimeLeft(0.0)
    unseen = sum(cell not in per_block for cell in left)
    if not per_block:
        return TimeLeft(math.nan, unseen)
    typical = sum(per_block.values()) / len(per_block)
    seconds = {cell: per_block.get(cell, typical) for cell in left}
    work = sum(n * seconds[cell] for cell, n in left.items())
    busy = min(workers, -(-sum(left.values()) // at_once))
    return TimeLeft(max(work / busy, *seconds.values()), unseen)
