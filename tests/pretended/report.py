"""What a rehearsal found: counts, and what must not be; comparison with the processor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from tests.pretended.counts import HIDDEN, Counts, counted, listed


@dataclass(frozen=True)
class Part:
    """A part of a rehearsal.

    Attributes
    ----------
    name : str
    counts : Counts
        What the device was asked for.
    faults : list of str
    """

    name: str
    counts: Counts
    faults: list[str]


def rehearsed(
    name: str,
    compute: Callable[[str], Any],
    expected: Any,
    device: str,
    *,
    bound: float,
    skip: Sequence[str] = (),
) -> Part:
    """Compute something on the device, count, and compare it with what the processor found.

    Parameters
    ----------
    name : str
    compute : callable ``(device) -> arrays`` in dicts, sequences and dataclasses
    expected : the same
    device : str
    bound : float
        Of differences, relative to the largest number of an array, or to one if that is larger.
    skip : sequence of str
        Names that are not compared.

    Returns
    -------
    Part
        Hidden copies are a fault, too.
    """
    counted()
    try:
        found = compute(device)
    except (RuntimeError, TypeError) as error:  # what the device refuses
        return Part(name, counted(), [f"{name}: {error}"])
    counts = counted()
    faults = [f"{name}: {line}" for line in listed(counts, HIDDEN)]
    return Part(name, counts, faults + differences(name, found, expected, bound, skip))


def differences(
    name: str, found: Any, expected: Any, bound: float, skip: Sequence[str] = ()
) -> list[str]:
    """A line for every array that differs by more than a bound (see `rehearsed`)."""
    if is_dataclass(expected):
        found, expected = (
            {f.name: getattr(one, f.name) for f in fields(one)} for one in (found, expected)
        )
    elif isinstance(expected, list | tuple):
        found, expected = (dict(enumerate(one)) for one in (found, expected))
    if isinstance(expected, Mapping):
        if found.keys() != expected.keys():
            return [f"{name}: {list(found)}, on the processor {list(expected)}"]
        return [
            line
            for key, value in expected.items()
            if key not in skip
            for line in differences(f"{name}.{key}", found[key], value, bound, skip)
        ]
    if callable(expected) or expected is None:
        return []
    a, b = np.asarray(found), np.asarray(expected)
    if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
        return [f"{name}: {a.dtype} {a.shape}, on the processor {b.dtype} {b.shape}"]
    if b.dtype.kind != "f":
        n = int((a != b).sum())
        return [f"{name}: {n} of {a.size} differ"] if n else []
    if not (np.isfinite(a) == np.isfinite(b)).all():
        return [f"{name}: finite where the processor's is not, or not where it is"]
    finite = np.isfinite(b)
    away = float(np.abs(a - b, where=finite, out=np.zeros(b.shape)).max(initial=0.0))
    size = float(np.abs(b[finite]).max(initial=1.0))
    return [] if away <= bound * size else [f"{name}: differs by {away:.2g} of {size:.2g}"]
