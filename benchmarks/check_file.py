"""What `learnprop check FILE` takes beside pandas' reading of the file, and what it holds."""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

REPEATS, ROWS, CLASSES, PART = 3, 1_000_000, 10, 250_000
KINDS = ("csv", "parquet", "npz")

PANDAS = "import sys, pandas; pandas.read_csv(sys.argv[1], engine='c')"
OURS = """
import sys
from pathlib import Path
from learnprop.audit.predictions.files import Asked, measure_file, open_predictions
measure_file(open_predictions(Path(sys.argv[1]), Asked()))
"""
START_PANDAS = "import pandas"
START = "import pandas, pyarrow.csv, pyarrow.parquet, learnprop.audit.predictions.files"
MEASURE = """
import resource, subprocess, sys
subprocess.run([sys.executable, *sys.argv[1:]], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run from a small process of its own: a child counts what its parent held when it was forked."""


def write(folder: Path, rows: int) -> dict[str, Path]:
    """Write the same predictions as text with every digit, as Parquet and as npz."""
    rng = np.random.default_rng(0)
    paths = {kind: folder / f"predictions.{kind}" for kind in KINDS}
    names = [f"proba_{k}" for k in range(CLASSES)]
    proba = rng.dirichlet(np.ones(CLASSES), size=rows)
    y = (proba.cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    frame = pd.DataFrame(proba, columns=names)
    frame.insert(0, "y_true", y)
    for a in range(0, rows, PART):
        part, how = frame.iloc[a : a + PART], "a" if a else "w"
        part.to_csv(paths["csv"], index=False, header=not a, mode=how)
    frame.to_parquet(paths["parquet"])
    np.savez(paths["npz"], y_true=y, y_proba=proba)
    return paths


def cost(code: str, *arguments: Path) -> tuple[float, float, float]:
    """Wall-clock and processor seconds of a process, and MiB that it held at most."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, "-c", code, *map(str, arguments)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, processor, int(answer.stdout) / 1024


def middle(of: Callable[[], tuple[float, float, float]]) -> tuple[float, float, float]:
    """Median of each cost."""
    wall, processor, held = zip(*(of() for _ in range(REPEATS)), strict=True)
    return statistics.median(wall), statistics.median(processor), max(held)


def compare(paths: dict[str, Path], rows: int) -> None:
    """Print what each kind of file takes, in units of pandas' reading of the text."""

    def above(code: str, start: str, path: Path) -> tuple[float, float, float]:
        """Cost of a process above that of its imports; what it holds is all."""
        (wall, processor, held), (wall_0, processor_0, _) = cost(code, path), cost(start)
        return wall - wall_0, processor - processor_0, held

    theirs = middle(lambda: above(PANDAS, START_PANDAS, paths["csv"]))
    size = paths["csv"].stat().st_size / 1e6
    print(
        f"{rows} rows of {CLASSES} classes; pandas reads the csv ({size:.0f} MB) in "
        f"{theirs[0]:.1f} s, {theirs[1]:.1f} s of processors, and holds {theirs[2]:.0f} MiB"
    )
    for kind, path in paths.items():
        ours = middle(lambda path=path: above(OURS, START, path))  # type: ignore[misc]
        print(
            f"  {kind:8} read and measured: {ours[0] / theirs[0]:.2f} of its time, "
            f"{ours[1] / theirs[1]:.2f} of its processor time; holds {ours[2]:.0f} MiB"
        )


def run(_runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        compare(write(Path(folder), ROWS), ROWS)
