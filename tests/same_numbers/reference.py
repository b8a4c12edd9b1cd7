"""Small CSVs that are kept, and by what another machine's may differ from them."""

from __future__ import annotations

import csv
import re
import tempfile
from pathlib import Path

from tests.same_numbers.compare import Table, differences, read_csv
from tests.same_numbers.running import ROOT, STUDIES, run

REFERENCE = Path(__file__).parents[1] / "same_numbers_reference"
LONG, EVERY = 50, 7
"""Of a CSV of more rows one row in seven is kept: seven is prime to the numbers of classes, splits
and settings, so that all of them are among those.
"""

LINEAR = (1e-6, 1e-9)
TOLERANCE = {}


def write_reference(folder: Path) -> None:
    """Run everything and keep the CSVs, with eight digits."""
    with tempfile.TemporaryDirectory() as scratch:
        ran = Path(scratch, "run")
        run(ran, ROOT, STUDIES, all_of_it=False)
        for path in sorted(ran.glob("*/*/*.csv")):
            kept = folder / path.relative_to(ran)
            kept.parent.mkdir(parents=True, exist_ok=True)
            rows = list(_kept(read_csv(path)).values())
            with kept.open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(rows[0])
                writer.writerows([_rounded(value) for value in row.values()] for row in rows)


def differences_from(reference: Path, ran: Path, study: str) -> list[str]:
    """Where the CSVs of a study that `run` wrote differ from those that are kept."""
    names = {p.relative_to(f) for f in (reference, ran) for p in (f / study).glob("*/*.csv")}
    lines = [] if names else [f"{study}: nothing to compare"]
    relative, absolute = TOLERANCE.get(study, LINEAR)
    for name in sorted(names):
        if missing := [f for f in (reference, ran) if not (f / name).exists()]:
            lines.append(f"{name}: not in {missing[0]}")
            continue
        fresh = _kept(read_csv(ran / name))
        found = differences(read_csv(reference / name), fresh, relative, absolute)
        lines += [f"{name}: {line}" for line in found]
    return lines


def _kept(table: Table) -> Table:
    rows = list(table.values())[:: EVERY if len(table) > LONG else 1]
    return {f"row {i}": row for i, row in enumerate(rows, 1)}


def _rounded(value: str) -> str:
    if not re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", value):
        return value
    return "0" if abs(float(value)) < 1e-10 else f"{float(value):.8g}"
