"""What `learnprop check FILE` takes beside pandas' reading of the file, and what it holds."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.pairs import Comparison, Setting, interleaved
from benchmarks.processes import mebibytes_held

PAIRS, ROWS, CLASSES, PART = 3, 1_000_000, 10, 250_000
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
    held = mebibytes_held([sys.executable, "-c", code, *map(str, arguments)])
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, processor, held


@dataclass
class Above:
    """Cost of a process above that of its imports; what it holds is all."""

    code: str
    start: str
    path: Path
    processor: list[float] = field(default_factory=list)
    held: float = 0.0

    def __call__(self) -> float:
        """Seconds on the wall; keeps those of processors."""
        (wall, processor, held), (wall_0, processor_0, _) = (
            cost(self.code, self.path), cost(self.start)
        )  # fmt: skip
        self.processor.append(processor - processor_0)
        self.held = max(self.held, held)
        return wall - wall_0


def run(at: Setting) -> Iterator[Comparison]:
    rows = at.share(ROWS)
    with tempfile.TemporaryDirectory() as folder:
        paths = write(Path(folder), rows)
        for kind, path in paths.items():
            ours, theirs = Above(OURS, START, path), Above(PANDAS, START_PANDAS, paths["csv"])
            wall = interleaved(at.pairs_or(PAIRS), ours, theirs)
            processor = np.stack([ours.processor, theirs.processor], axis=1)
            size = path.stat().st_size / 1e6
            held = f"holds {ours.held:.0f} MiB, the peer {theirs.held:.0f}; {size:.0f} MB"
            for clock, pairs in (("the wall", wall), ("processors", processor)):
                yield Comparison(
                    f"{kind} of {rows} rows, {CLASSES} classes, read and measured", "file", pairs,
                    "pandas.read_csv of the same as text", note=f"seconds of {clock}; {held}",
                )  # fmt: skip
