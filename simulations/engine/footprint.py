"""How much memory a block takes at its peak, against how much there is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.engine.study import Study

NUMBER = 8
"""Bytes of a float64."""

WORKER = 300 * 2**20
"""Bytes of a worker before it computes: the libraries that it loads."""


@dataclass(frozen=True)
class BlockSize:
    """Numbers that say how large a block is.

    Attributes
    ----------
    n_runs, n_samples, n_features, n_classes, n_settings : int
        Samples are those of training, of all classes.
    """

    n_runs: int
    n_samples: int
    n_features: int
    n_classes: int
    n_settings: int

    @property
    def features(self) -> int:
        """Values of the features of all runs."""
        return self.n_runs * self.n_samples * self.n_features

    @property
    def fits(self) -> int:
        """Fits of all runs."""
        return self.n_runs * self.n_settings


def fresh_samples(size: BlockSize, *n_samples: int) -> float:
    """Bytes of samples that models are measured on, drawn side by side, measured one by one.

    Measured: 2.4 times their features while they are drawn, 2.1 times the logits of all settings.

    Parameters
    ----------
    size : BlockSize
    *n_samples : int
        Of each of them, of all classes.

    Returns
    -------
    float
    """
    logits = size.n_settings * size.n_classes * max(n_samples, default=0)
    return NUMBER * (2.4 * size.n_features * sum(n_samples) + 2.1 * logits)


def available_memory() -> int:
    """Bytes that this process may still take: of the machine, and of its control group.

    Examples
    --------
    >>> available_memory() > 2**20
    True
    """
    import psutil

    return min([psutil.virtual_memory().available, *_left_of_groups()])


_GROUPS = (
    # version 2 of control groups, then version 1
    ("/sys/fs/cgroup", "", "memory.max", "memory.current", "inactive_file"),
    ("/sys/fs/cgroup/memory", "memory", "memory.limit_in_bytes", "memory.usage_in_bytes",
     "total_inactive_file"),
)  # fmt: skip


def _left_of_groups(root: Path = Path("/")) -> list[int]:
    """Bytes that are left of the limit of every control group that this process is in."""
    left = []
    for mount, controller, limit, usage, reclaimed in _GROUPS:
        top = root / mount.lstrip("/")
        for group in {top, *_groups_below(root, top, controller)}:
            with suppress(OSError, ValueError):  # no such file, or "max": no limit
                most = int((group / limit).read_text())
                used = int((group / usage).read_text())
                stat = dict(map(str.split, (group / "memory.stat").read_text().splitlines()))
                left.append(max(0, most - used + int(stat.get(reclaimed, 0))))
    return left


def _groups_below(root: Path, top: Path, controller: str) -> list[Path]:
    """Folders of the group that the kernel names, and of those that it is in."""
    with suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers == controller:
                own = top / path.lstrip("/")
                return [own, *(p for p in own.parents if p.is_relative_to(top))]
    return []


def check_memory(argument: str, value: Any, n_bytes: float) -> None:
    """Refuse what takes more memory than there is.

    Parameters
    ----------
    argument : str
        That asks for most of it.
    value : object
        Of the argument; None is not shown.
    n_bytes : float

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> check_memory("dimension", 1000000, 8e12)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: dimension 1000000 takes about 7.28 TiB of memory at once, but ... are available
    """
    available = available_memory()
    if n_bytes > available:
        shown = f"{value} " if value is not None else ""
        raise BadArgument(
            argument,
            f"{shown}takes about {in_words(n_bytes)} of memory at once, but "
            f"{in_words(available)} are available",
        )


def block_bytes(study: Study) -> float:
    """Bytes that the largest block of a study takes; 0 where the study does not say.

    Parameters
    ----------
    study : Study

    Returns
    -------
    float
    """
    return max((sum(parts.values()) for parts in _footprints(study)), default=0.0)


def check_blocks(study: Study) -> None:
    """Refuse a study of which a block takes more memory than there is.

    Parameters
    ----------
    study : Study

    Raises
    ------
    BadArgument
        Naming the argument that takes most of it.
    """
    for parts in filter(None, _footprints(study)):
        argument = max(parts, key=lambda name: parts[name])
        value = study.design.get(argument)
        shown = ",".join(map(str, value)) if isinstance(value, list) else value
        check_memory(argument, shown, sum(parts.values()))


def _footprints(study: Study) -> list[Mapping[str, float]]:
    if study.footprint is None:
        return []
    return [study.footprint(cell, study.block_size) for cell in study.cells]


_SHORTAGE = re.compile(r"(can't|cannot) allocate memory|not enough memory")


def memory_shortage(error: BaseException) -> str | None:
    """Line of an error that says that the memory of the machine did not do; None of another.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    str or None

    Examples
    --------
    >>> memory_shortage(MemoryError("Unable to allocate 7.28 TiB"))
    'Unable to allocate 7.28 TiB'
    >>> memory_shortage(RuntimeError("shapes differ")) is None
    True
    """
    found = isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and _SHORTAGE.search(str(error))
    )
    return " ".join(str(error).split()) or "out of memory" if found else None


def in_words(n_bytes: float) -> str:
    """Write a number of bytes in the largest unit of which it has one.

    Examples
    --------
    >>> in_words(3 * 2**30), in_words(1500)
    ('3 GiB', '1.46 KiB')
    """
    size, units = float(n_bytes), ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.3g} {units[0]}" if size < 1000 else f"{size:.0f} {units[0]}"
