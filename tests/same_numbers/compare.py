"""Compare what two checkouts wrote: stores, CSVs and texts."""

from __future__ import annotations

import csv
import difflib
import json
import math
import re
import sqlite3
import struct
from collections.abc import Collection, Iterator
from pathlib import Path

from learnprop.reports.folders.compared import ZERO
from tests.same_numbers.running import STUDIES

LEFT_OUT = {"block": {"seconds"}, "fit": {"traceback"}}
"""Columns of a store that are no result: times, and what names paths."""

TEXTS = (".tex", ".md", ".out")
_NO_RESULT = re.compile(
    r"about [^,\n]+ on \d+ worker|\\item\[(Times|Packages|Machine|Revision)\].*"
)

Table = dict[str, dict[str, str]]
"""Row to column to value, all as text."""


def read_store(path: Path) -> Table:
    """Everything in a store that is a result, plainly: rows by their key, floats in hexadecimal."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        tables = [name for (name,) in connection.execute(names)]
        found: Table = {}
        for table in tables:
            about = connection.execute(f"PRAGMA table_info({table})").fetchall()
            columns, keys = [c[1] for c in about], [c[1] for c in about if c[5]]
            for values in connection.execute(f"SELECT * FROM {table}"):
                row = dict(zip(columns, values, strict=True))
                if table == "study":
                    found |= _study_rows(row["key"], row["value"])
                    continue
                name = " ".join([table, *(f"{k}={row[k]}" for k in sorted(keys))])
                if name in found:
                    raise ValueError(f"{path}: two rows {name}")
                found[name] = {
                    c: _text(v) for c, v in row.items() if c not in LEFT_OUT.get(table, ())
                }
    finally:
        connection.close()
    return found


def _study_rows(key: str, value: str) -> Table:
    """A row per option of the design; no versions, and nothing of who computed it."""
    if key == "design":
        return {
            f"study design.{option}": {"value": json.dumps(chosen, sort_keys=True)}
            for option, chosen in json.loads(value).items()
            if option != "code"
        }
    return {"study": {"value": value}} if key == "study" else {}


def _text(value: object) -> str:
    if isinstance(value, float | bytes):
        return value.hex()
    return json.dumps(value)


def read_csv(path: Path) -> Table:
    """Rows of a CSV by their number; the tracebacks of an export name paths, and are left out."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    found: Table = {}
    for i, row in enumerate(rows, 1):
        cells = dict(zip(header, row, strict=True))
        cells.pop("traceback", None)
        found[f"row {i}"] = cells
    return found


def differences(
    a: Table, b: Table, relative: float = 0.0, absolute: float = 0.0, skip: Collection[str] = ()
) -> list[str]:
    """Where two tables differ, a line each.

    Parameters
    ----------
    a, b : Table
    relative, absolute : float
        By what numbers may differ.
    skip : collection of str
        Columns left out.
    """
    lines = [f"{row}: only in the first" for row in a if row not in b]
    lines += [f"{row}: only in the second" for row in b if row not in a]
    for row in (row for row in a if row in b):
        for column in [*a[row], *(c for c in b[row] if c not in a[row])]:
            x, y = a[row].get(column, "no such column"), b[row].get(column, "no such column")
            if x != y and column not in skip and not _is_close(x, y, relative, absolute):
                first = f" ({', '.join([*a[row].values()][:4])})" if row.startswith("row ") else ""
                lines.append(f"{row}{first}, {column}: {_shown(x, y)}")
    return lines


def _is_close(x: str, y: str, relative: float, absolute: float) -> bool:
    if not (relative or absolute):
        return False
    try:
        return math.isclose(float(x), float(y), rel_tol=relative, abs_tol=absolute)
    except ValueError:
        return False


def _shown(x: str, y: str) -> str:
    """Both values; of blobs the first eight bytes that differ, as a float64 each."""
    if len(x) == len(y) > 40 and not set(x + y) - set("0123456789abcdef"):
        at = next(i for i in range(0, len(x), 16) if x[i : i + 16] != y[i : i + 16])
        words = [bytes.fromhex(v[at : at + 16].ljust(16, "0")) for v in (x, y)]
        one, other = (struct.unpack("<d", word)[0] for word in words)
        return f"number {at // 16} is {one!r} and {other!r}"
    return f"{x[:60]} and {y[:60]}"


def compare(
    a: Path, b: Path, *, relative: float = 0.0, stores: bool = True, without: Collection[str] = ()
) -> bool:
    """Compare two folders written by `run`, and print a line per study; whether they agree.

    Parameters
    ----------
    a, b : Path
    relative : float
        What numbers of a CSV may differ by, those that are nearly zero by `ZERO`; 0 means printed
        alike.
    stores : bool
        Whether stores are compared too.
    without : collection of str
        Rows of stores that are left out, e.g. ``"study design.beta"``.
    """
    found: list[str] = []
    n_compared = 0
    for study in [*STUDIES, "report"]:
        if not any((folder / study).exists() for folder in (a, b)):
            continue
        counts = {}
        for suffix in (".sqlite", ".csv") if stores else (".csv",):
            files = sorted(
                {p.relative_to(f) for f in (a, b) for p in (f / study).rglob(f"*{suffix}")}
            )
            lines = []
            for file in files:
                if missing := [str(f) for f in (a, b) if not (f / file).exists()]:
                    lines.append(f"{file}: not in {missing[0]}")
                    continue
                one, other = (
                    read_csv(f / file) if suffix == ".csv" else read_store(f / file) for f in (a, b)
                )
                for row in without:
                    one.pop(row, None), other.pop(row, None)
                allowed = (relative, ZERO) if relative and suffix == ".csv" else (0.0, 0.0)
                lines += [f"{file}: {line}" for line in differences(one, other, *allowed)]
            counts[suffix] = f"{len(files)} {suffix[1:]}, {len(lines) or 'no'} differences"
            n_compared += len(files)
            found += lines
            for line in lines[:5]:
                print(f"    {line}")
        texts = list(_text_differences(a, b, study))
        for diff in texts:
            print("\n".join(f"    {line}" for line in diff[:12]))
        print(f"{study:12}{'; '.join(counts.values())}; texts that differ: {len(texts)}")
    if not n_compared:
        found.append("nothing to compare")
    print(
        f"DIFFERENT: {len(found)} differences" if found else f"the same numbers: {n_compared} files"
    )
    return not found


def _text_differences(a: Path, b: Path, study: str) -> Iterator[list[str]]:
    names = {p.relative_to(f) for f in (a, b) for p in (f / study).rglob("*") if p.suffix in TEXTS}
    for name in sorted(names):
        one, other = (_text_of(f, name) for f in (a, b))
        if one != other:
            yield list(
                difflib.unified_diff(one, other, f"{a / name}", f"{b / name}", "", "", 0, "")
            )


def _text_of(folder: Path, name: Path) -> list[str]:
    """Lines of a text without what is no result: where it was run, how long it takes."""
    if not (folder / name).exists():
        return ["no such file"]
    text = (folder / name).read_text(encoding="utf-8").replace(str(folder.resolve()), "DIR")
    return _NO_RESULT.sub("...", text).splitlines()
