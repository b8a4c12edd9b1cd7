"""What differs between two designs, in words: why a stored study is refused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

_ABSENT = object()

_LAST = ("code", "source")
"""Keys that stand behind their neighbours."""

LONGEST = 100
"""Characters of a value that are shown."""


def changes(old: Any, new: Any, name: str = "") -> list[str]:
    """What differs between two designs, one entry per value: options, then code.

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
    return [change for _, change in _differences(old, new, name)]


def _differences(old: Any, new: Any, name: str) -> Iterator[tuple[str, str]]:
    """What happened to a source, empty of any other value; and the entry."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys(), key=lambda key: (key in _LAST, key)):
            yield from _differences(old.get(key, _ABSENT), new.get(key, _ABSENT), f"{name}.{key}")
        return
    if old == new:
        return
    name = name.removeprefix(".")
    if name.startswith("code.source."):
        verb = "added" if old is _ABSENT else "gone" if new is _ABSENT else "edited"
        was = "is" if verb == "gone" else "was"
        yield verb, f"{name.removeprefix('code.source.')} {was} {verb}"
        return
    before, after = map(_written, (old, new))
    yield "", f"{name.removeprefix('code.')} {before} -> {after}"


def _written(value: Any) -> str:
    if value is _ABSENT:
        return "(none)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def summary_of(old: Any, new: Any, name: str = "", at_most: int = 6) -> str:
    """Write what differs between two designs on one line; empty if nothing does.

    Parameters
    ----------
    old, new, name
        As of `changes`.
    at_most : int
        Values that are written; sources are counted where there are more than half as many.

    Returns
    -------
    str

    Examples
    --------
    >>> summary_of({"a": 1, "b": 1, "c": 1}, {"a": 2, "b": 2, "c": 2}, at_most=2)
    'a 1 -> 2; b 1 -> 2; and 1 more'
    >>> old = {"seed": 0, "code": {"source": {f"{name}.py": "1" for name in "abcd"}}}
    >>> summary_of(old, {"seed": 1, "code": {"source": {"a.py": "1", "b.py": "2", "e.py": "1"}}})
    'seed 0 -> 1; 4 sources differ (1 added, 1 edited, 2 gone)'
    """
    found = list(_differences(old, new, name))
    values = [change for verb, change in found if not verb]
    sources = [change for verb, change in found if verb]
    rest = len(values) - at_most
    said = values[:at_most] + ([f"and {rest} more"] if rest > 0 else [])
    if len(sources) > at_most // 2:
        counted = sorted(Counter(verb for verb, _ in found if verb).items())
        counts = ", ".join(f"{count} {verb}" for verb, count in counted)
        sources = [f"{len(sources)} sources differ ({counts})"]
    return "; ".join(said + sources)
