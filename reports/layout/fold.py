"""Rows without numbers, folded into a line below the table."""

from __future__ import annotations

import math
from collections.abc import Callable
from textwrap import wrap
from typing import Any

MANY = 10
"""So many rows without numbers are folded; fewer are shown."""

WIDTH = 90
"""Letters of a line of a note: a table is as wide as its widest."""


def fold(
    groups: list[list[dict[str, Any]]],
    name: Callable[[dict[str, Any]], str],
    number: str = "mean_proba",
) -> tuple[list[list[dict[str, Any]]], list[str]]:
    """Leave out groups of rows that have a verdict and no numbers, where these are many.

    Parameters
    ----------
    groups : list of list of dict
        Rows that stand together; each has a ``verdict``.
    name : callable ``(row) -> str``
        Of a group, from its first row.
    number : str
        What rows with numbers have.

    Returns
    -------
    kept : list of list of dict
    notes : list of str
        They name the others by their verdict; a page breaks them at a vertical tab.

    Examples
    --------
    >>> ours = [[{"name": "equal", "verdict": "holds", "mean_proba": 0.8}]]
    >>> empty = [[{"name": f"λ0 = 0.{i}", "verdict": "no minimum"}] * 5 for i in (1, 2)]
    >>> kept, notes = fold([*ours, *empty], lambda row: row["name"])
    >>> kept == ours, notes
    (True, ['no numbers, no minimum: 2 of 3: λ0 = 0.1; λ0 = 0.2'])
    >>> fold([*ours, *empty[:1]], lambda row: row["name"])[1]
    []
    """

    def is_empty(group: list[dict[str, Any]]) -> bool:
        return all(math.isnan(row.get(number, math.nan)) for row in group)

    empty = [group for group in groups if is_empty(group)]
    if sum(map(len, empty)) < MANY:
        return groups, []
    names: dict[str, list[str]] = {}
    for group in empty:
        verdicts = ", ".join(dict.fromkeys(str(row["verdict"]) for row in group))
        names.setdefault(verdicts, []).append(name(group[0]))
    notes: list[str] = []
    for verdict, found in names.items():
        which = "" if len(found) == len(groups) else ": " + "; ".join(found)
        said = f"no numbers, {verdict}: {len(found)} of {len(groups)}{which}"
        notes.append("\v".join(wrap(said, WIDTH)))
    return [group for group in groups if not is_empty(group)], notes
