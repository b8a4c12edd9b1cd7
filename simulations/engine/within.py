"""How far a block is while it is computed: a line in a file of its own, which the driver reads.

A block is computed whole, in another process perhaps, and hands nothing over before it is done.
What it tells meanwhile determines no number and may be lost: where no file can be written, e.g. by
a worker of a cluster that does not see the folder, nothing is told.
"""

from __future__ import annotations

import shutil
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from learnprop.simulations.engine.study import block_runs

if TYPE_CHECKING:
    from learnprop.simulations.engine.tasks import Task

FOLDER = "records.running"
"""Beside a store, while a process writes it."""

_EVERY = 0.2
"""Seconds between two lines of a block: written at every epoch of 10 ms they would cost one in 50
of them."""


@dataclass
class _Teller:
    """Who computes: where its lines go, what they are of, and when the next may be written."""

    path: Path
    of: str
    next: float = 0.0


_teller: ContextVar[_Teller | None] = ContextVar("_teller", default=None)


def tell(step: str) -> None:
    """Tell how far the block is that is computed here; outside of one nothing happens.

    Parameters
    ----------
    step : str
        E.g. "epoch 3 of 20": what is done and, where it is known, how much there is to do.
    """
    teller, now = _teller.get(), time.monotonic()
    if teller is None or now < teller.next:
        return
    teller.next = now + _EVERY
    with suppress(OSError):
        teller.path.write_text(f"{teller.of}: {step}", encoding="utf-8")


@contextmanager
def part(name: str) -> Iterator[None]:
    """Put the name of a part before what is told within, e.g. "network 2 of 4"."""
    teller = _teller.get()
    if teller is None:
        yield
        return
    whole = teller.of
    teller.of = f"{whole}, {name}"
    try:
        yield
    finally:
        teller.of = whole


@contextmanager
def telling(tasks: Sequence[Task]) -> Iterator[None]:
    """Let what is told within go to the folder of these tasks, which are computed as one."""
    first = tasks[0]
    if first.running is None:
        yield
        return
    of = named(first.cell.name, block_runs(first.index, first.size))
    if len(tasks) > 1:
        of = f"{len(tasks)} blocks together"
    # Named by the block: one that is begun again, after its worker died, has the same file.
    name = f"{zlib.crc32(first.cell.name.encode()):08x}-{first.index}"
    teller = _Teller(first.running / name, of)
    token = _teller.set(teller)
    try:
        yield
    finally:
        _teller.reset(token)
        with suppress(OSError):
            teller.path.unlink(missing_ok=True)


def named(cell: str, runs: range) -> str:
    """Name a block.

    Examples
    --------
    >>> named("sim1", range(25, 50)), named("sim1", range(3, 4))
    ('sim1 runs 25-49', 'sim1 run 3')
    """
    which = f"run {runs.start}" if len(runs) == 1 else f"runs {runs.start}-{runs.stop - 1}"
    return f"{cell} {which}"


@contextmanager
def listening(folder: Path) -> Iterator[Path]:
    """Make the folder that blocks tell into, empty, and remove it in the end.

    Parameters
    ----------
    folder : Path
        One that is there was left by a process that was killed.

    Yields
    ------
    Path
    """
    shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):
        folder.mkdir()
    try:
        yield folder.absolute()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def told(folder: Path) -> list[str]:
    """Read what the blocks that are computed now told last.

    Parameters
    ----------
    folder : Path
        Of `listening`, perhaps of another process; without it nothing is told.

    Returns
    -------
    list of str
        A line for each block, or group that is computed as one.
    """
    lines = []
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            with suppress(OSError):  # it is done
                lines.append(path.read_text(encoding="utf-8"))
    return [line for line in lines if line]  # one that is written this instant is empty
