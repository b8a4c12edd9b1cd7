"""``results/benchmarks.csv``: a row per comparison, with its machine, versions and day."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.pairs import Comparison
from learnprop.reports.layout.files import write_text

COMPARISON = (
    "benchmark", "what", "unit", "ours_seconds", "ours_n", "peer", "peer_seconds", "peer_n",
    "ratio", "ratio_median", "ratio_low", "ratio_high", "n_pairs", "goal", "goal_median",
    "goal_low", "goal_high", "met", "workers", "threads", "note",
)  # fmt: skip
MACHINE = (
    "machine", "cores", "memory_gib", "load", "python", "numpy", "torch", "scikit_learn",
    "revision", "date",
)  # fmt: skip
COLUMNS = (*COMPARISON, *MACHINE)

Row = Mapping[str, str]


class BadTable(ValueError):
    """One line that says why a file cannot be written or added to."""


def machine_columns(provenance: Mapping[str, Any]) -> dict[str, str]:
    """Where and with what, from what `learnprop.reports.folders.provenance.provenance` says.

    ``load`` is how many processes ran on average in the last minute: on an idle machine, none.
    """
    packages, git = provenance["packages"], provenance["git"]
    revision = "" if git is None else git["revision"][:12] + " changed" * git["sources_changed"]
    values = (
        provenance["machine"]["processor"], provenance["machine"]["cores"],
        f"{psutil.virtual_memory().total / 2**30:.1f}", f"{psutil.getloadavg()[0]:.1f}",
        packages["python"], packages["numpy"], packages["torch"], packages["scikit-learn"],
        revision, provenance["started"],
    )  # fmt: skip
    return dict(zip(MACHINE, map(str, values), strict=True))


def as_row(benchmark: str, found: Comparison, machine: Mapping[str, str]) -> dict[str, str]:
    """Row of a comparison; what it does not have is empty."""
    middle = np.median(found.seconds, axis=0)
    row: dict[str, object] = {
        "benchmark": benchmark, "what": found.what, "unit": found.unit, "ours_seconds": middle[0],
        "ours_n": found.ours_n, "n_pairs": len(found.seconds), "workers": found.workers,
        "threads": found.threads, "note": found.note,
    }  # fmt: skip
    if found.peer:
        row |= {"peer": found.peer, "peer_seconds": middle[1], "peer_n": found.peer_n}
        row |= {"ratio": found.ratio, **_spread("ratio", found, found.ratio)}
    if found.goal is not None:
        row |= {"goal": found.goal, "met": "yes" if found.met else "no"}
        row |= _spread("goal", found, found.goal.quantity)
    texts = {k: f"{v:.4g}" if isinstance(v, float) else str(v) for k, v in row.items()}
    return {name: (texts | machine).get(name, "") for name in COLUMNS}


def _spread(name: str, found: Comparison, quantity: str) -> dict[str, object]:
    keys = (f"{name}_{end}" for end in ("median", "low", "high"))
    return dict(zip(keys, found.spread(quantity), strict=True))


def replaced(
    old: Sequence[Row], new: Sequence[Row], measured: Sequence[str], order: Sequence[str]
) -> list[Row]:
    """All rows, those of the benchmarks that were measured anew in the place of their old ones.

    Parameters
    ----------
    old, new : sequence of mapping
    measured : sequence of str
        Benchmarks of `new`.
    order : sequence of str
        All benchmarks there are; rows of others are dropped.

    Returns
    -------
    list of mapping

    Examples
    --------
    >>> old = [{"benchmark": name, "met": "no"} for name in ("sim1", "sim2", "gone")]
    >>> new = [{"benchmark": "sim1", "met": "yes"}]
    >>> [tuple(row.values()) for row in replaced(old, new, ["sim1"], ["sim1", "sim2"])]
    [('sim1', 'yes'), ('sim2', 'no')]
    """
    return [
        row
        for name in order
        for row in (new if name in measured else old)
        if row["benchmark"] == name
    ]


def read_rows(path: Path) -> list[Row]:
    """Rows of a file; none where there is no file.

    Raises
    ------
    BadTable
        If it is no such table.
    """
    if not path.exists():
        return []
    try:
        reader = csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")), strict=True)
        rows = list(reader)
    except (OSError, ValueError, csv.Error) as error:
        raise BadTable(
            f"{path} cannot be read: {getattr(error, 'strerror', None) or error}"
        ) from None
    if tuple(reader.fieldnames or ()) != COLUMNS or any(None in (*r, *r.values()) for r in rows):
        raise BadTable(f"{path} is no table of benchmarks with these columns: run all of them")
    return rows


def check_place(path: Path) -> None:
    """Refuse what is no place for a file, before minutes are spent.

    Raises
    ------
    BadTable
        Naming what is in the way.
    """
    if path.is_dir():
        raise BadTable(f"{path} is a folder")
    nearest = next(p for p in path.absolute().parents if p.exists())
    if not nearest.is_dir():
        raise BadTable(f"{nearest} is no folder")


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write the table, whole or not at all."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text.getvalue())
