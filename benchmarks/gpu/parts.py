"""Files cut into parts that are small enough to travel, and put together again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Part:
    """A part of a file: its name, bytes, and SHA-256."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Whole:
    """A file: its name, bytes, SHA-256, and parts in order."""

    name: str
    size: int
    sha256: str
    parts: tuple[Part, ...]


class BadPart(ValueError):
    """One line that names a part and what is wrong with it."""


def split(content: bytes, name: str, folder: Path, most: int) -> Whole:
    """Write a file as parts of at most so many bytes.

    Parameters
    ----------
    content : bytes
    name : str
        Parts are called by it, with ``.0``, ``.1`` and so on.
    folder : Path
    most : int

    Returns
    -------
    Whole

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     whole = split(b"abcde", "letters", Path(folder), 2)
    ...     [part.name for part in whole.parts], join(whole, Path(folder))
    (['letters.0', 'letters.1', 'letters.2'], b'abcde')
    """
    parts = []
    for number, first in enumerate(range(0, max(1, len(content)), most)):
        piece = content[first : first + most]
        part = Part(f"{name}.{number}", len(piece), _sha256(piece))
        (folder / part.name).write_bytes(piece)
        parts.append(part)
    return Whole(name, len(content), _sha256(content), tuple(parts))


def join(whole: Whole, folder: Path) -> bytes:
    """Content of a file from its parts.

    Parameters
    ----------
    whole : Whole
    folder : Path
        Where the parts are.

    Returns
    -------
    bytes

    Raises
    ------
    BadPart
        Naming the first part that is missing or damaged.
    """
    content = b"".join(_read(part, folder) for part in whole.parts)
    if (len(content), _sha256(content)) != (whole.size, whole.sha256):
        raise BadPart(f"{folder}: the parts of {whole.name} do not make it up")
    return content


def _read(part: Part, folder: Path) -> bytes:
    path = folder / part.name
    try:
        piece = path.read_bytes()
    except OSError as error:
        reason = "is missing" if isinstance(error, FileNotFoundError) else error.strerror
        raise BadPart(f"part {path} {reason}") from None
    if len(piece) != part.size:
        raise BadPart(f"part {path} is damaged: {len(piece)} bytes, not {part.size}")
    if _sha256(piece) != part.sha256:
        raise BadPart(f"part {path} is damaged: its SHA-256 is not that of the manifest")
    return piece


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
