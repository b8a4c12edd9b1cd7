"""What two folders have in common, in words: verdicts, values, machines."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from learnprop.reports.folders.compared import Compared, Difference
from learnprop.reports.layout.console import Titled
from learnprop.reports.layout.grid import Grid

MOST_NAMED = 8
"""Differences of a kind that are named one by one."""


def compared_text(found: Compared) -> Iterator[str]:
    """Say whether verdicts and values are the reference's, and which differs most.

    Parameters
    ----------
    found : Compared

    Yields
    ------
    str
        Lines.
    """
    if found.verdicts:
        yield f"{found.study}: {len(found.verdicts)} of {found.n_verdicts} verdicts differ:"
        yield from _several([f"{d.where}: {_two(d)}" for d in found.verdicts])
    elif found.n_verdicts:
        yield f"{found.study}: the same verdicts, all {found.n_verdicts}"
    else:
        yield f"{found.study}: there are no verdicts to compare"
    largest = found.largest
    if largest is None:
        yield f"All {found.n_values} other values are the same to the last digit"
    else:
        size = f"{largest.relative:.2g}" if math.isfinite(largest.relative) else "not a number's"
        yield (
            f"{len(found.values)} of {found.n_values} other values differ; largest relative "
            f"difference {size}: {largest.where}: {_two(largest)}"
        )
    yield from _several(list(found.missing))
    if found.design:
        yield f"Computed from another design, reference -> folder: {found.design}"


def _two(d: Difference) -> str:
    return f"{d.column} {d.ours or '(empty)'}, reference {d.reference or '(empty)'}"


def _several(lines: list[str]) -> Iterator[str]:
    for line in lines[:MOST_NAMED]:
        yield f"  {line}"
    if len(lines) > MOST_NAMED:
        yield f"  and {len(lines) - MOST_NAMED} more"


def machines(found: Compared) -> Titled:
    """Lay out on which machine and with which versions each was computed.

    Parameters
    ----------
    found : Compared

    Returns
    -------
    Titled
    """
    sides = [_machine(about) for about in found.about]
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    rows = tuple((name, *(side.get(name, "-") for side in sides)) for name in names)
    heads = ("", "this folder", "reference")
    return Titled("Where they were computed", Grid(heads, rows, verbatim=(1, 2)))


def _machine(about: dict[str, Any]) -> dict[str, str]:
    machine, git = about.get("machine") or {}, about.get("git") or {}
    changed = ", sources changed" if git.get("sources_changed") else ""
    said = {
        "finished": about.get("finished"),
        **machine,
        **(about.get("packages") or {}),
        "revision": git.get("revision", "")[:12] + changed,
    }
    return {name: str(value) for name, value in said.items() if value}
