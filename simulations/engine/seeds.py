"""Seed keys: randomness belongs to (seed, data cell, replication, stream) and to nothing else.

Not to a worker, an order or a number of runs: cells may be added and reordered, and runs added,
and every replication keeps its numbers. A stream has one purpose; what a report draws has "limit".

A data cell is its name. Two studies with cells of one name, grids of two generators or trainings on
two data sets, say, draw the same random numbers under one seed and are not independent: they are
compared in pairs, or given two seeds.
"""

from __future__ import annotations

import hashlib

import numpy as np

from learnprop.equations.arguments import BadArgument, one_of, shown
from learnprop.equations.arrays import as_whole

STREAMS = {"train": 0, "test": 1, "population": 2, "start": 3, "minibatch": 4, "limit": 5}
"""Numbers of the streams, each of one purpose: "limit" is that of
`generators.large_sample_limit`."""

MAX_SEED = 2**63


def replication_key(cell: str, run: int, stream: str) -> tuple[int, ...]:
    """Return the spawn key of one stream of one replication of one data cell.

    Parameters
    ----------
    cell : str
        Name of the data cell; the first four words are its SHA-256, cut to 128 bits.
    run : int
    stream : {"train", "test", "population", "start", "minibatch", "limit"}

    Returns
    -------
    tuple of 6 int
        For `numpy.random.SeedSequence`.

    Examples
    --------
    >>> replication_key("sim1", 7, "test")[4:]
    (7, 1)
    """
    if not isinstance(cell, str):
        raise BadArgument("cell", f"must be the name of a cell, got {shown(cell)}")
    words = np.frombuffer(hashlib.sha256(cell.encode()).digest()[:16], dtype="<u4")
    number = STREAMS[one_of(stream, "stream", STREAMS)]
    return (*words.tolist(), as_whole(run, "run", 0), number)


def replication_rng(seed: int, cell: str, run: int, stream: str) -> np.random.Generator:
    """Return the random generator of one stream of one replication of one data cell.

    Parameters
    ----------
    seed : int
        Of the study, 0 <= seed < 2**63.
    cell : str
    run : int
    stream : {"train", "test", "population", "start", "minibatch", "limit"}

    Returns
    -------
    numpy.random.Generator

    Examples
    --------
    >>> a = replication_rng(0, "sim1", 7, "train").random()
    >>> a == replication_rng(0, "sim1", 7, "train").random()
    True
    >>> a == replication_rng(0, "sim1", 7, "test").random()
    False
    """
    return np.random.default_rng(replication_seed(seed, cell, run, stream))


def replication_seed(seed: int, cell: str, run: int, stream: str) -> np.random.SeedSequence:
    """Return the seed of `replication_rng`, for what draws with a generator of its own.

    Parameters
    ----------
    seed : int
    cell : str
    run : int
    stream : {"train", "test", "population", "start", "minibatch", "limit"}

    Returns
    -------
    numpy.random.SeedSequence
    """
    seed = as_whole(seed, "seed", 0)
    return np.random.SeedSequence(seed, spawn_key=replication_key(cell, run, stream))
