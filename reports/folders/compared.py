"""Two folders of one study, what one computed held against what the other did: a reproduction."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from learnprop.equations.arguments import is_number
from learnprop.simulations.records.design_changes import summary_of

ZERO = 1e-11
"""Rounding of what is zero by construction, e.g. of a gap on train at the minimum."""

_WORDS, _LONGEST = 5, 24
"""How many words of a row name it, and how long each is at most."""

Row = dict[str, str]


class NotComparable(ValueError):
    """A folder that holds no results, or those of another study."""


@dataclass(frozen=True)
class Difference:
    """A value that is not the reference's.

    Attributes
    ----------
    where : str
        File, line, and the words that name the row.
    column : str
    ours, reference : str
        As they are written.
    relative : float
        abs(a - b) / max(abs(a), abs(b)) of two numbers, those within `ZERO` being zero; else inf.
    """

    where: str
    column: str
    ours: str
    reference: str
    relative: float = math.inf


@dataclass(frozen=True)
class Compared:
    """What two folders of a study have in common.

    Attributes
    ----------
    study : str
    n_verdicts, n_values : int
        That were compared.
    verdicts, values : tuple of Difference
        Those that differ; `values` are all that is no verdict.
    missing : tuple of str
        Files, rows and columns that only one of the folders has.
    design : str
        How the options and sources differ; empty where they do not.
    about : pair of dict
        ``provenance.json`` of both.
    """

    study: str
    n_verdicts: int
    n_values: int
    verdicts: tuple[Difference, ...]
    values: tuple[Difference, ...]
    missing: tuple[str, ...]
    design: str
    about: tuple[dict[str, Any], dict[str, Any]]

    @property
    def largest(self) -> Difference | None:
        """The value that differs most; None where none does."""
        return max(self.values, key=lambda d: d.relative, default=None)

    def is_reproduced(self, within: float = math.inf) -> bool:
        """Whether all verdicts are the same, nothing is missing, and no value differs by more."""
        far = self.largest is not None and self.largest.relative > within
        return not (self.verdicts or self.missing or far)


def compare_folders(folder: Path, reference: Path) -> Compared:
    """Compare every table that two folders of a study hold as CSV, and where they come from.

    Parameters
    ----------
    folder, reference : Path
        Written by ``--out``.

    Returns
    -------
    Compared

    Raises
    ------
    NotComparable
        If one of them holds no results that can be read, or they are of two studies.
    """
    about = _about(folder), _about(reference)
    studies = [str(a["study"]) for a in about]
    if studies[0] != studies[1]:
        raise NotComparable(f"{folder} holds {studies[0]}, {reference} holds {studies[1]}")
    here, there = _tables(folder), _tables(reference)
    missing = _in_one_only(here, there, "file")
    counts, verdicts, values = {True: 0, False: 0}, list[Difference](), list[Difference]()
    for name in sorted(here & there):
        ours, theirs = _read(folder / name), _read(reference / name)
        missing += _unlike(name, ours, theirs)
        for line, (ours_of, theirs_of) in enumerate(zip(ours, theirs, strict=False), 2):
            for column in (c for c in theirs_of if c in ours_of):
                is_verdict = "verdict" in column
                counts[is_verdict] += 1
                a, b = ours_of[column], theirs_of[column]
                if relative := relative_difference(a, b):
                    where = f"{name}, line {line}{_named(theirs_of)}"
                    found = Difference(where, column, a, b, relative)
                    (verdicts if is_verdict else values).append(found)
    design = summary_of(_design(about[1]), _design(about[0]))
    return Compared(
        studies[0], counts[True], counts[False], tuple(verdicts), tuple(values), tuple(missing),
        design, about,
    )  # fmt: skip


def relative_difference(a: str, b: str) -> float:
    """Difference of two values as they are written, relative to the larger; 0 where none.

    Parameters
    ----------
    a, b : str

    Returns
    -------
    float
        Infinite unless both are finite numbers, or the same.

    Examples
    --------
    >>> relative_difference("8.0", "10"), relative_difference("1e-12", "-3e-13")
    (0.2, 0.0)
    >>> relative_difference("holds", "fails"), relative_difference("inf", "inf")
    (inf, 0.0)
    """
    if a == b:
        return 0.0
    try:
        x, y = (0.0 if abs(float(v)) <= ZERO else float(v) for v in (a, b))
    except ValueError:
        return math.inf
    if x == y:
        return 0.0
    return abs(x - y) / max(abs(x), abs(y)) if math.isfinite(x) and math.isfinite(y) else math.inf


def _about(folder: Path) -> dict[str, Any]:
    path = folder / "provenance.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        said = f"{folder} holds no results of a study: {path.name} is not there"
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            said = f"{path} cannot be read: {error.strerror}"
        raise NotComparable(said if folder.is_dir() else f"{folder} is no folder") from None
    except ValueError:
        raise NotComparable(f"{path} is damaged: it is no JSON") from None
    if not (isinstance(found, dict) and "study" in found):
        raise NotComparable(f"{path} names no study")
    return found


def _read(path: Path) -> list[Row]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file)) or [[]]
        return [dict(zip(header, row, strict=True)) for row in rows]
    except (OSError, ValueError, csv.Error):
        raise NotComparable(f"{path} is damaged: it is no table") from None


def _tables(folder: Path) -> set[str]:
    found = {path.name for path in folder.glob("*.csv")}
    if not found:
        raise NotComparable(f"{folder} holds no table: no .csv file is there")
    return found


def _unlike(name: str, ours: list[Row], theirs: list[Row]) -> Iterator[str]:
    """What only one of two tables has, in words."""
    if len(ours) != len(theirs):
        yield f"{name} has {len(ours)} rows, the reference's {len(theirs)}"
    if ours and theirs:
        yield from _in_one_only(set(ours[0]), set(theirs[0]), f"{name}: column")


def _in_one_only(ours: set[str], theirs: set[str], what: str) -> list[str]:
    return [
        f"{what} {name} is in the {where} only"
        for names, where in ((ours - theirs, "folder"), (theirs - ours, "reference"))
        for name in sorted(names)
    ]


def _named(row: Row) -> str:
    """Words of a row that name it, in parentheses."""
    words = [v for c, v in row.items() if "verdict" not in c and v and not is_number(v)]
    words = [word for word in words if len(word) <= _LONGEST][:_WORDS]
    return f" ({', '.join(words)})" if words else ""


def _design(about: Mapping[str, Any]) -> dict[str, Any]:
    """Options and sources of a study, and how many runs; versions stand by themselves."""
    chosen = dict(about.get("configuration") or {})
    code = chosen.get("code")
    source = code.get("source") if isinstance(code, dict) else None
    return chosen | {"runs": about.get("runs"), "code": {"source": source or {}}}
