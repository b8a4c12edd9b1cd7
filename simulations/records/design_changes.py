"""What differs between two designs, in words: why a stored study is refused."""

from __future__ import annotations

import json
from typing import Any

_ABSENT = object()

LONGEST = 100
"""Characters of a value that are shown."""


def changes(old: Any, new: Any, name: str = "") -> list[str]:
    """What differs between two designs, one entry per value.

    Parameters
    ----------
    old, new : JSON-able
    name : str
        Of the values themselves, for the entries.

    Returns
    -------
    list of str

    Examples
    --------
    >>> changes({"seed": 0, "size": [1, 2]}, {"seed": 1, "size": [1, 2], "margin": 0.1})
    ['margin (none) -> 0.1', 'seed 0 -> 1']
    >>> changes({"code": {"source": {"a.py": "12"}}}, {"code": {"source": {"a.py": "34"}}})
    ['a.py was edited']
    """
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            change
            for key in sorted(old.keys() | new.keys())
            for change in changes(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{name}.{key}")
        ]
    if old == new:
        return []
    name = name.removeprefix(".")
    if name.startswith("code.source."):
        verb = "was added" if old is _ABSENT else "is gone" if new is _ABSENT else "was edited"
        return [f"{name.removeprefix('code.source.')} {verb}"]
    before, after = map(_written, (old, new))
    return [f"{name.removeprefix('code.')} {before} -> {after}"]


def _written(value: Any) -> str:
    if value is _ABSENT:
        return "(none)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def summary_of(differences: list[str], at_most: int = 6) -> str:
    """Write differences on one line, the first `at_most` of them.

    Examples
    --------
    >>> summary_of(["a", "b", "c"], at_most=2)
    'a; b; and 1 more'
    """
    rest = len(differences) - at_most
    return "; ".join(differences[:at_most] + ([f"and {rest} more"] if rest > 0 else []))
