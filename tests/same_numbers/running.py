"""The small studies: their command lines, and how a checkout runs them."""

from __future__ import annotations

import os
import random
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]

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
        "all": "--runs 2 --epochs 1 --loss lgl,sml,lgl-inr --inr-beta 0.5,2 --match-step"
        " --device cpu --seed 16",
        "cosine": "--runs 2 --epochs 2 --loss sml,lgl --batch-size 128 --schedule cosine"
        " --momentum 0.9 --weight-decay 0.0001 --augment --device cpu --seed 17",
    },
    "fresh": {
        "both": "--runs 6 --train-size 200 --kappa 0.02,0.1,0.5 --imbalance 4 --shift 0.7 --seed 18"
    },
}
"""Study to case to its options; ``--out`` and how it is run are added.

An option that a checkout spells otherwise has its other spelling in `RESPELT`.
"""

RESPELT: dict[str, dict[str, str]] = {"losses": {"--inr-beta": "--beta"}}
"""Study to {option: its other spelling}; tried where the first spelling exits with status 2."""

HOW = "--jobs 1 --backend sequential"
EXPORTED = ("table1/bfgs", "multiclass/softmax", "explore/no-minimum", "losses/all", "cnn/decay")
PLANS = {
    "table1": "--train-size 40 120 --test-size 50 50 --max-iter 12 --mcse 0.05 --seed 1",
    "multiclass": "--classes 3 --train-size 90 --test-size 50 --mcse 0.01 --seed 3",
}


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
                    line = f"export {case} --table {table} --out {case}-{table}.csv"
                    _learnprop(root, folder, study, f"export-{case}-{table}", line)
        if all_of_it and study in PLANS:
            _learnprop(root, folder, study, "plan", f"plan {study} {HOW} {PLANS[study]}")
        print(f"{study:12}{time.perf_counter() - start:6.1f} s", flush=True)
    if all_of_it:
        (folder / "report").mkdir()
        stored = " ".join(f"../{study}/{next(iter(STUDIES[study]))}" for study in studies)
        _learnprop(root, folder, "report", "report", f"report {stored} --out all")
        (folder / "report" / "all" / "report.tex").rename(folder / "report" / "report.tex")
        shutil.rmtree(folder / "report" / "all")  # copies of what the studies wrote


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
