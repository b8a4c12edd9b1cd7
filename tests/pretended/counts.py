"""What a device would be asked for, by the line of this project that asks."""

from __future__ import annotations

import linecache
import sys
import threading
from collections import Counter
from functools import cache
from pathlib import Path
from types import FrameType

import learnprop.equations
import learnprop.simulations

KERNEL, WAIT, COPY, HIDDEN = "kernel", "wait", "copy", "hidden copy"
"""What is counted: operators that compute; the processor waiting for the device; values moved
between the two; of these the ones that no line asks for."""

FLOORS = tuple(
    Path(str(floor.__file__)).resolve().parent
    for floor in (learnprop.equations, learnprop.simulations)
)
"""Folders whose lines are named, by their real paths: `learnprop` has links to them."""

Counts = Counter[tuple[str, str, str]]
"""By kind, operator and site."""

_counts: Counts = Counter()


def count(kind: str, operator: str) -> None:
    """Count something that is asked for now."""
    _counts[kind, operator, site()] += 1


def counted() -> Counts:
    """What was counted since this was asked last."""
    global _counts
    found, _counts = _counts, Counter()
    return found


def site() -> str:
    """Innermost line of the floors that is being executed, e.g. "simulations/registry.py:7".

    Autograd computes gradients in threads of its own: there it is the line that waits for them.
    """
    main = threading.main_thread().ident
    for frame in (sys._getframe(1), sys._current_frames().get(main or 0)):
        while frame is not None:
            name = _below_floors(frame.f_code.co_filename)
            if name:
                return f"{name}:{_line(frame)}"
            frame = frame.f_back
    return "elsewhere"


def _line(frame: FrameType) -> int:
    return frame.f_lineno or 0


@cache
def _below_floors(file: str) -> str:
    """Path of a file from its floor on; empty elsewhere."""
    path = Path(file).resolve()
    for floor in FLOORS:
        if path.is_relative_to(floor):
            return path.relative_to(floor.parent).as_posix()
    return ""


def source_of(place: str) -> str:
    """Text of the line at a site."""
    name, _, line = place.partition(":")
    return linecache.getline(str(FLOORS[0].parent / name), int(line or 0)).strip()


def total(counts: Counts, *kinds: str) -> int:
    """How many of some kinds."""
    return sum(n for (kind, _, _), n in counts.items() if kind in kinds)


def listed(counts: Counts, *kinds: str) -> list[str]:
    """A line per operator and site of some kinds, the most frequent first."""
    return [
        f"{n} {kind}: {operator} at {place}  {source_of(place)}"
        for (kind, operator, place), n in counts.most_common()
        if kind in kinds
    ]
