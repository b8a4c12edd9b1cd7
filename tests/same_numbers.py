"""Show that sources that were moved or rewritten still give the same numbers.

    python -m tests.same_numbers run DIR [--root CHECKOUT]   every study, small, into DIR
    python -m tests.same_numbers compare A B                 two such folders
    python -m tests.same_numbers against REV                 this checkout against a revision
    python -m tests.same_numbers reference                   the CSVs that the test compares with

Only the command line, the files that it writes and sqlite3 are used: nothing is imported from the
packages, which may be moved. What is compared, exactly unless asked otherwise: every row of every
store, but for times, tracebacks and the code's version; every CSV, exports included. Differences of
texts (.tex, .md, what is printed) are shown and do not count: a wording may be improved.
"""

from __future__ import annotations

import argparse
import csv
import difflib
import json
import math
import os
import random
import re
import shlex
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = Path(__file__).with_suffix("").with_name("same_numbers_reference")

STUDIES = {
    "table1": {
        "bfgs": "--runs 6 --train-size 40 120 --test-size 50 50 --max-iter 12 --seed 1",
        "adam": "--runs 6 --train-size 40 120 --test-size 50 50 --as-printed --sim1-reading mixture"
        " --sim2-reading standard-deviation --training adam --epochs 2 --seed 2",
    },
    "multiclass": {
        "softmax": "--runs 6 --classes 3 --train-size 90 --test-size 50 --imbalance 3 --seed 3"
        " --weights equal --weights inverse --weights effective-number --weights 1,2,3 --beta 0.9",
        "one-vs-all": "--runs 6 --classes 3 --train-size 90 --test-size 50 --fitter one-vs-all"
        " --imbalance 3 --dimension 3 --means simplex --covariance per-class --profile step"
        " --seed 4",
        "mlp": "--runs 6 --sizes 60,40,20 --classes 3 --test-size 50 --fitter mlp --hidden 4"
        " --epochs 2 --means random --weights equal --weights sqrt-inverse --seed 5",
    },
    "controls": {"all": "--runs 3 --seed 6"},
    "claims": {"all": "--runs 3 --seed 7"},
    "explore": {
        "sim1": "--runs 6 --ratios 1,5 --train-size 100 --test-size 50 --lambda0-grid 0.1 0.9 3"
        " --weights inverse --weights 0.3 --seed 8",
        "sim2-mlp": "--runs 6 --generator sim2 --ratios 3 --train-size 90 --test-size 50"
        " --fitter mlp --hidden 4 --epochs 2 --weights equal --weights sqrt-inverse --seed 9",
        "one-vs-all": "--runs 6 --generator gaussian --ratios 2 --train-size 60 --test-size 50"
        " --fitter one-vs-all --profile step --covariance per-class --weights effective-number"
        " --weights 0.5,0.3,0.2 --beta 0.9 --seed 10",
        "no-minimum": "--runs 6 --generator gaussian --classes 4 --ratios 1,30 --train-size 30"
        " --test-size 20 --separation 4 --weights equal --weights inverse --max-failures 1"
        " --seed 11",
        "csv": "--runs 6 --data ../mine.csv --label kind --drop row --ratios 1,3 --weights inverse"
        " --weights 0.3 --seed 12",
        "npz": "--runs 6 --data ../mine.npz --label y --ratios 2 --rarest 0 --train-size 40"
        " --weights equal --weights inverse --seed 13",
    },
    "cnn": {
        "plain": "--runs 3 --imbalance 5,2 --train-size 40 --epochs 2 --batch-size 32"
        " --device cpu --seed 14",
        "decay": "--runs 2 --sizes 20,18,16,14,12,10,9,8,7,6 --weights effective-number --epochs 2"
        " --weights 1,1,1,1,1,2,2,2,2,2 --beta 0.9 --weight-decay 0.01 --decay-bias --augment"
        " --schedule step --momentum 0.9 --measure-at 1 --device cpu --seed 15",
    },
    "losses": {
        "all": "--runs 2 --epochs 1 --loss lgl,sml,lgl-inr --beta 0.5,2 --match-step --device cpu"
        " --seed 16",
        "cosine": "--runs 2 --epochs 2 --loss sml,lgl --batch-size 128 --schedule cosine"
        " --momentum 0.9 --weight-decay 0.0001 --augment --device cpu --seed 17",
    },
}  # fmt: skip
"""Study to case to its options; ``--out`` and how it is run are added.

An option that a checkout spells otherwise has its other spelling in `RESPELT`.
"""

RESPELT: dict[str, dict[str, str]] = {}
"""Study to {option: its other spelling}; tried where the first spelling exits with status 2."""

HOW = "--jobs 1 --backend sequential"
EXPORTED = ("table1/bfgs", "multiclass/softmax", "explore/no-minimum", "losses/all", "cnn/decay")
PLANS = {
    "table1": "--train-size 40 120 --test-size 50 50 --max-iter 12 --mcse 0.05 --seed 1",
    "multiclass": "--classes 3 --train-size 90 --test-size 50 --mcse 0.01 --seed 3",
}

LEFT_OUT = {"block": {"seconds"}, "fit": {"traceback"}}
"""Columns of a store that are no result: times, and what names paths."""

TEXTS = (".tex", ".md", ".out")
_DURATION = re.compile(r"about [^,\n]+ on \d+ worker")

Table = dict[str, dict[str, str]]
"""Row to column to value, all as text."""


class CommandFailedError(Exception):
    """A command that did not end with status 0."""


def run(folder: Path, root: Path, studies: Collection[str], *, all_of_it: bool = True) -> None:
    """Run studies of the checkout `root` into `folder`, and unless told otherwise what reads them.

    Parameters
    ----------
    folder : Path
        New or empty.
    root : Path
    studies : collection of str
    all_of_it : bool
        Exports, plans and the report of all too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise CommandFailedError(f"{folder} must be empty")
    _write_own_data(folder)
    where = _called(root, folder, ["-c", "import learnprop; print(learnprop.__file__)"]).stdout
    if not Path(where.strip()).is_relative_to(root):
        raise CommandFailedError(f"learnprop is imported from {where.strip()}, not from {root}")
    for study in studies:
        start = time.perf_counter()
        (folder / study).mkdir()
        for case, options in STUDIES[study].items():
            _learnprop(root, folder, study, case, f"{study} --out {case} {HOW} {options}")
            if all_of_it and f"{study}/{case}" in EXPORTED:
                for table in ("measurements", "fits"):
                    _learnprop(root, folder, study, f"export-{case}-{table}",
                               f"export {case} --table {table} --out {case}-{table}.csv")  # fmt: skip
        if all_of_it and study in PLANS:
            _learnprop(root, folder, study, "plan", f"plan {study} {HOW} {PLANS[study]}")
        print(f"{study:12}{time.perf_counter() - start:6.1f} s", flush=True)
    if all_of_it:
        (folder / "report").mkdir()
        stored = " ".join(f"../{study}/{next(iter(STUDIES[study]))}" for study in studies)
        _learnprop(root, folder, "report", "report", f"report {stored} --out all")


def _learnprop(root: Path, folder: Path, study: str, name: str, line: str) -> None:
    """Run a command in the folder of its study, and keep what it prints."""
    words, other = shlex.split(line), RESPELT.get(study, {})
    done = _called(root, folder / study, ["-m", "learnprop", *words])
    if done.returncode == 2 and other:
        done = _called(
            root, folder / study, ["-m", "learnprop", *(other.get(word, word) for word in words)]
        )
    if done.returncode:
        raise CommandFailedError(
            f"learnprop {line}\nended with {done.returncode}: {done.stderr[-2000:]}"
        )
    (folder / study / f"{name}.out").write_text(done.stdout, encoding="utf-8")


def _called(root: Path, cwd: Path, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Call Python with the sources of `root` first; -P keeps the working directory out."""
    environment = {k: v for k, v in os.environ.items() if k != "LEARNPROP_DATA"} | {
        "PYTHONPATH": str(root),
        "COLUMNS": "150",
        "NO_COLOR": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    return subprocess.run(
        [sys.executable, "-P", *arguments],
        cwd=cwd, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def _write_own_data(folder: Path) -> None:
    """What a user brings: a CSV with names of labels, and an npz of three classes."""
    draw = random.Random(0)
    lines = ["row,x,z,kind"] + [
        f"{i},{draw.gauss(i % 3 == 0, 1):.6f},{draw.gauss(0, 2):.6f},"
        f"{'a_b & 50 %' if i % 3 == 0 else 'common'}"
        for i in range(150)
    ]
    (folder / "mine.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    y = np.repeat([0, 1, 2], [60, 50, 40])
    X = np.array([[round(draw.gauss(label / 2, 1), 6) for _ in range(3)] for label in y.tolist()])
    np.savez(folder / "mine.npz", X=X, y=y)


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
    """Rows of a CSV by their number and first cells."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return {
        f"row {i} ({', '.join(row[:4])})": dict(zip(header, row, strict=True))
        for i, row in enumerate(rows, 1)
    }


def differences(
    a: Table, b: Table, relative: float = 0.0, absolute: float = 0.0, skip: Collection[str] = ()
) -> list[str]:
    """Where two tables differ, a line each; the numbers of rows that the tolerance lets pass do not.

    With a tolerance, rows are paired by their order: their names hold numbers.
    """
    if relative or absolute:
        a, b = ({f"row {i}": row for i, row in enumerate(t.values(), 1)} for t in (a, b))
    lines = [f"{row}: only in the first" for row in a if row not in b]
    lines += [f"{row}: only in the second" for row in b if row not in a]
    for row in (row for row in a if row in b):
        for column in [*a[row], *(c for c in b[row] if c not in a[row])]:
            x, y = a[row].get(column, "no such column"), b[row].get(column, "no such column")
            if x != y and column not in skip and not _close(x, y, relative, absolute):
                lines.append(f"{row}, {column}: {_shown(x, y)}")
    return lines


def _close(x: str, y: str, relative: float, absolute: float) -> bool:
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
        What numbers of a CSV may differ by; 0 means printed alike.
    stores : bool
        Whether stores are compared too.
    without : collection of str
        Rows of stores that are left out, e.g. ``"study design.beta"``.
    """
    found: list[str] = []
    n_compared = 0
    for study in [*STUDIES, "report"]:
        counts = {}
        for suffix in (".sqlite", ".csv") if stores else (".csv",):
            files = sorted({p.relative_to(f) for f in (a, b) for p in (f / study).rglob(f"*{suffix}")})
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
                tolerance = relative if suffix == ".csv" else 0.0
                lines += [f"{file}: {line}" for line in differences(one, other, tolerance)]
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
    print(f"DIFFERENT: {len(found)} differences" if found else f"the same numbers: {n_compared} files")
    return not found


def _text_differences(a: Path, b: Path, study: str) -> Iterator[list[str]]:
    names = {
        p.relative_to(f) for f in (a, b) for p in (f / study).rglob("*") if p.suffix in TEXTS
    }
    for name in sorted(names):
        one, other = (_text_of(f, name) for f in (a, b))
        if one != other:
            yield list(difflib.unified_diff(one, other, f"{a / name}", f"{b / name}", "", "", 0, ""))


def _text_of(folder: Path, name: Path) -> list[str]:
    """Lines of a text without what is no result: where it was run, how long it takes."""
    if not (folder / name).exists():
        return ["no such file"]
    text = (folder / name).read_text(encoding="utf-8").replace(str(folder.resolve()), "DIR")
    return _DURATION.sub("about TIME on 1 worker", text).splitlines()


def write_reference(folder: Path) -> None:
    """Run everything and keep the CSVs, of nine digits: fewer than a machine determines."""
    with tempfile.TemporaryDirectory() as scratch:
        run(Path(scratch, "run"), ROOT, STUDIES, all_of_it=False)
        for path in Path(scratch, "run").glob("*/*/*.csv"):
            kept = folder / path.relative_to(Path(scratch, "run"))
            kept.parent.mkdir(parents=True, exist_ok=True)
            with path.open(newline="", encoding="utf-8") as file:
                rows = [[_nine_digits(value) for value in row] for row in csv.reader(file)]
            with kept.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows(rows)


def _nine_digits(value: str) -> str:
    return f"{float(value):.9g}" if re.fullmatch(r"-?\d+\.\d+(e-?\d+)?", value) else value


def against(revision: str, **how: object) -> bool:
    """Run a revision and this checkout, and compare."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
        try:
            run(Path(scratch, "before"), tree, STUDIES)
            run(Path(scratch, "after"), ROOT, STUDIES)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
        return compare(Path(scratch, "before"), Path(scratch, "after"), **how)  # type: ignore[arg-type]


def main() -> int:
    """Command line of this file."""
    parser = argparse.ArgumentParser(prog="python -m tests.same_numbers", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run")
    runs.add_argument("folder", type=Path)
    runs.add_argument("--root", type=Path, default=ROOT, help="checkout whose sources are run")
    runs.add_argument("--study", action="append", choices=STUDIES, help="by default all")
    two = commands.add_parser("compare")
    two.add_argument("a", type=Path)
    two.add_argument("b", type=Path)
    revision = commands.add_parser("against")
    revision.add_argument("revision")
    for command in (two, revision):
        command.add_argument("--digits", action="store_true", help="CSVs within 1e-9, relatively")
        command.add_argument("--csv-only", action="store_true", help="leave the stores out")
        command.add_argument("--without", action="append", default=[], metavar="ROW",
                             help="row of a store left out, e.g. 'study design.beta'")  # fmt: skip
    commands.add_parser("reference")
    chosen = parser.parse_args()
    try:
        if chosen.command == "run":
            run(chosen.folder.resolve(), chosen.root.resolve(), chosen.study or STUDIES)
            return 0
        if chosen.command == "reference":
            write_reference(REFERENCE)
            return 0
        how: Mapping[str, object] = {
            "relative": 1e-9 if chosen.digits else 0.0,
            "stores": not chosen.csv_only,
            "without": chosen.without,
        }
        if chosen.command == "compare":
            return 0 if compare(chosen.a, chosen.b, **how) else 1  # type: ignore[arg-type]
        return 0 if against(chosen.revision, **how) else 1
    except CommandFailedError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
