"""What besides the design determines the numbers: our sources and three libraries."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "scipy", "torch")
_ABSENT = object()


@cache
def code_version() -> dict[str, Any]:
    """Hashes of the sources that determine numbers, and versions of the libraries that do.

    Taken once per process: a source that is edited later is not what the process runs.

    Returns
    -------
    dict
        ``source`` maps each file of `equations` and `simulations` to its hash; ``numpy``,
        ``scipy`` and ``torch`` are versions.
    """
    root = Path(__file__).resolve().parent.parent
    source = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for folder in ("equations", "simulations")
        for path in sorted((root / folder).rglob("*.py"))
    }
    return {"source": source} | {name: metadata.version(name) for name in LIBRARIES}


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
    before, after = (
        "(none)" if v is _ABSENT else json.dumps(v, ensure_ascii=False) for v in (old, new)
    )
    return [f"{name.removeprefix('code.')} {before} -> {after}"]


def summary_of(differences: list[str], at_most: int = 6) -> str:
    """Write differences on one line, the first `at_most` of them.

    Examples
    --------
    >>> summary_of(["a", "b", "c"], at_most=2)
    'a; b; and 1 more'
    """
    rest = len(differences) - at_most
    return "; ".join(differences[:at_most] + ([f"and {rest} more"] if rest > 0 else []))
