"""The harness: seed keys, blocks, workers and resume. joblib runs things, SQLite keeps things.

The unit of work is a block of 25 replications of one data cell with all its λ settings, always
computed whole: its composition, and so its arithmetic, depends neither on the number of workers
nor on ``--runs``. Randomness is keyed by (data cell, replication, stream) and by nothing else.
"""

from __future__ import annotations

import hashlib
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib import metadata
from itertools import product
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from simulations.records import Block, stack_fits
from simulations.store import Store, finished_runs, save_block

BLOCK_SIZE = 25
BACKENDS = ("loky", "threading", "sequential")
STREAMS = {"train": 0, "test": 1, "population": 2, "start": 3, "minibatch": 4}
MAX_SEED = 2**63


class Cell(Protocol):
    """A data cell: one distribution with its sizes and λ settings. Frozen and picklable."""

    @property
    def name(self) -> str:
        """Key of the cell's randomness, unique in its study."""

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the λ settings."""


@dataclass(frozen=True)
class Study:
    """What to compute.

    Attributes
    ----------
    name : str
    seed : int
    n_runs : int
        Replications of every cell.
    cells : tuple of Cell
    compute_block : callable ``(cell, seed, runs) -> Block``
        A module-level function; all randomness through `replication_rng`.
    design : mapping
        All that determines the numbers apart from `n_runs`, JSON-able.
    """

    name: str
    seed: int
    n_runs: int
    cells: tuple[Any, ...]
    compute_block: Callable[[Any, int, range], Block]
    design: Mapping[str, Any]


@dataclass(frozen=True)
class Progress:
    """How far a study is, after a block."""

    done: int
    total: int
    block: Block
    seconds: float


def replication_rng(seed: int, cell: str, run: int, stream: str) -> np.random.Generator:
    """Return the random generator of one stream of one replication of one data cell.

    Parameters
    ----------
    seed : int
        Of the study, 0 <= seed < 2**63.
    cell : str
        Name of the data cell; the key is its hash, so that cells may be added or reordered.
    run : int
    stream : {"train", "test", "population", "start", "minibatch"}

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
    words = np.frombuffer(hashlib.sha256(cell.encode()).digest()[:16], dtype="<u4")
    key = (*words.tolist(), run, STREAMS[stream])
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))


def code_version() -> dict[str, str]:
    """Hash of the sources that determine numbers, and versions of the libraries that do.

    Returns
    -------
    dict with the keys ``source``, ``numpy``, ``scipy`` and ``torch``
    """
    digest = hashlib.sha256()
    root = Path(__file__).resolve().parent.parent
    for folder in ("equations", "simulations"):
        for path in sorted((root / folder).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    versions = {name: metadata.version(name) for name in ("numpy", "scipy", "torch")}
    return {"source": digest.hexdigest()[:16], **versions}


def block_runs(index: int) -> range:
    """Replications of a block.

    Examples
    --------
    >>> block_runs(1)
    range(25, 50)
    """
    return range(index * BLOCK_SIZE, (index + 1) * BLOCK_SIZE)


def pending_blocks(study: Study, store: Store) -> list[tuple[Any, int]]:
    """Blocks that the store does not hold to the extent that `study.n_runs` asks for."""
    have = finished_runs(store)
    n_blocks = -(-study.n_runs // BLOCK_SIZE)
    return [
        (cell, index)
        for cell, index in product(study.cells, range(n_blocks))
        if have.get((cell.name, index), 0) < len(_kept(study, index))
    ]


def _kept(study: Study, index: int) -> range:
    runs = block_runs(index)
    return range(runs.start, min(runs.stop, study.n_runs))


def run_study(
    study: Study, store: Store, *, jobs: int, backend: str = "loky"
) -> Iterator[Progress]:
    """Compute the blocks that are missing, in parallel, and write each as it is finished.

    Parameters
    ----------
    study : Study
    store : Store
    jobs : int
        Workers; with one, everything runs in this process.
    backend : {"loky", "threading", "sequential"}
        joblib's name.

    Yields
    ------
    Progress
        After each block, once it is in the store.
    """
    from joblib import Parallel, delayed, parallel_config

    todo = pending_blocks(study, store)
    total = len(study.cells) * -(-study.n_runs // BLOCK_SIZE)
    started = time.monotonic()
    sequential = jobs == 1 or backend == "sequential"
    options: dict[str, Any] = {}
    if backend == "loky" and not sequential:
        options = {"inner_max_num_threads": 1, "initializer": ignore_interrupts}
    with parallel_config("sequential" if sequential else backend, **options):
        blocks = Parallel(n_jobs=1 if sequential else jobs, return_as="generator_unordered")(
            delayed(compute_one)(study.compute_block, cell, study.seed, index)
            for cell, index in todo
        )
        for n, block in enumerate(blocks, start=1):
            save_block(store, block, _kept(study, block.index))
            yield Progress(total - len(todo) + n, total, block, time.monotonic() - started)


def ignore_interrupts() -> None:
    """Leave Ctrl-C, which a terminal sends to workers too, to the driver."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def compute_one(
    compute_block: Callable[[Any, int, range], Block], cell: Cell, seed: int, index: int
) -> Block:
    """Compute a block on one thread; what raises is recorded as failed, with its reason."""
    started = time.monotonic()
    runs = block_runs(index)
    with one_thread():
        try:
            block = compute_block(cell, seed, runs)
        except Exception as error:
            reason = "".join(traceback.format_exception(error))
            nan = float("nan")
            rows = product(cell.settings, runs)
            block = Block(
                cell=cell.name,
                index=index,
                fits=stack_fits(
                    (s, r, 0, "raw", "failed", reason, 0, nan, nan, nan) for s, r in rows
                ),
                measurements=None,
            )
    return replace(block, index=index, seconds=time.monotonic() - started)


@contextmanager
def one_thread() -> Iterator[None]:
    """One BLAS, OpenMP and torch thread, so that sums are taken in one order everywhere."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
