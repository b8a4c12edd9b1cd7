"""What is found, as JSON lines: one is whole as soon as it is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu.parts import Part, Whole

LOG = "log.jsonl"

DONE, FAILED, STOPPED, SKIPPED = "done", "failed", "stopped", "skipped"
"""What became of a stage; `STOPPED` is at its limit, `SKIPPED` for want of time."""

NOT_CAPTURED = "captured steps failed"
"""With these words a stage fails after which studies had better not capture theirs."""


@dataclass(frozen=True)
class Machine:
    """Where it runs.

    Attributes
    ----------
    device : str
        Name of the card, or of the processor.
    quick : bool
        Whether it is a rehearsal.
    provenance : dict
        As a study's ``provenance.json``.
    """

    device: str
    quick: bool
    provenance: dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """A number that a stage found.

    Attributes
    ----------
    stage, what : str
    value : float
    unit : str
    networks : int or None
        How many were trained at once, where any was.
    """

    stage: str
    what: str
    value: float
    unit: str
    networks: int | None = None


@dataclass(frozen=True)
class Ended:
    """A stage that is over.

    Attributes
    ----------
    stage, status : str
    seconds : float
    note : str
        Why it failed or was skipped; empty otherwise.
    study : str
        Name of the folder of its study; empty where it has none.
    archive : Whole or None
        That folder, packed.
    """

    stage: str
    status: str
    seconds: float
    note: str = ""
    study: str = ""
    archive: Whole | None = None


Entry = Machine | Reading | Ended
_KINDS = {kind.__name__.lower(): kind for kind in (Machine, Reading, Ended)}


class BadLog(ValueError):
    """One line that says what is wrong with a log."""


def write_entry(path: Path, entry: Entry) -> None:
    """Append an entry."""
    line = json.dumps({"kind": type(entry).__name__.lower(), **asdict(entry)})
    with path.open("ab", buffering=0) as log:
        log.write(line.encode() + b"\n")


def read_entries(path: Path) -> list[Entry]:
    """Read a log.

    Raises
    ------
    BadLog
        If there is none, or naming the line that is not whole.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadLog(f"{path} cannot be read: {getattr(error, 'strerror', error)}") from None
    entries = []
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        try:
            if not line.endswith("\n"):
                raise ValueError
            entries.append(_entry(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BadLog(f"{path}: line {number} is no whole entry") from None
    return entries


def _entry(fields: dict[str, Any]) -> Entry:
    kind: Callable[..., Entry] = _KINDS[fields.pop("kind")]
    archive = fields.get("archive")
    if archive is not None:
        parts = tuple(Part(**part) for part in archive.pop("parts"))
        fields["archive"] = Whole(**archive, parts=parts)
    return kind(**fields)
