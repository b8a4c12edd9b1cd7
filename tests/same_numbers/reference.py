"""Small CSVs that are kept, and by what another machine's may differ from them."""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from pathlib import Path

from tests.same_numbers.compare import Table, differences, read_csv
from tests.same_numbers.running import ROOT, STUDIES, run

REFERENCE = Path(__file__).parents[1] / "same_numbers_reference"
LONG, EVERY = 50, 7
"""Of a CSV of more rows one row in seven is kept: seven is prime to the numbers of classes, splits
and settings, so that all of them are among those.
"""

# By what a number may differ: relatively, or absolutely. Measured on one processor whose vector
# instructions were taken from NumPy, OpenBLAS, PyTorch and oneDNN:
# - float64 fits that converge, and short minibatch trainings, moved by less than 1e-9; some are
#   rounding noise themselves (a gap on train is 1e-15). Eight digits are kept.
LINEAR = (1e-6, 1e-9)
# - Table 1's BFGS stops at 12 iterations, far from the minimum, where a line search amplifies
#   rounding: a gap moved by 0.6 %, or 3e-4.
STOPPED = (0.05, 1e-3)
# - float32 networks drift, and an image that changes sides is a step of accuracy: accuracies moved
#   by 0.012, sides of an equation by 0.008. Intervals over two or three runs, standard errors and
#   the verdicts on them are ratios of such small numbers, maxima and single images are erratic
#   too; they are compared only exactly, on one machine, by `compare`.
NETWORKS = (0.05, 0.05)
TOLERANCE = {"table1/bfgs": STOPPED} | {
    f"{study}/{case}": NETWORKS for study in ("cnn", "losses") for case in STUDIES[study]
}
ERRATIC = re.compile(
    r"low|high|mcse|_sd|error|gap|verdict|due_to|images"
    r"|path_difference|largest_difference|max_relative_difference"
)
"""Columns of networks that are not compared between machines."""


def write_reference(folder: Path) -> None:
    """Run every study and keep the CSVs, with eight digits, in place of those that are there."""
    with tempfile.TemporaryDirectory() as scratch:
        ran = Path(scratch, "run")
        run(ran, ROOT, STUDIES, all_of_it=False)
        shutil.rmtree(folder, ignore_errors=True)
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
    for name in sorted(names):
        if missing := [f for f in (reference, ran) if not (f / name).exists()]:
            lines.append(f"{name}: not in {missing[0]}")
            continue
        tolerance = TOLERANCE.get(name.parent.as_posix(), LINEAR)
        kept, fresh = read_csv(reference / name), _kept(read_csv(ran / name))
        columns = {column for row in kept.values() for column in row}
        skip = [c for c in columns if tolerance is NETWORKS and ERRATIC.search(c)]
        found = differences(kept, fresh, *tolerance, skip)
        lines += [f"{name}: {line}" for line in found]
    return lines


def _kept(table: Table) -> Table:
    rows = list(table.values())[:: EVERY if len(table) > LONG else 1]
    return {f"row {i}": row for i, row in enumerate(rows, 1)}


def _rounded(value: str) -> str:
    if not re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", value):
        return value
    return "0" if abs(float(value)) < 1e-10 else f"{float(value):.8g}"
