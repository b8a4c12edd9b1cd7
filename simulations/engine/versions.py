"""What besides the design determines the numbers: our sources and three libraries."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "scipy", "torch")


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
    root = Path(__file__).resolve().parents[2]
    source = {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        for folder in ("equations", "simulations")
        for path in sorted((root / folder).rglob("*.py"))
    }
    return {"source": source} | {name: metadata.version(name) for name in LIBRARIES}
