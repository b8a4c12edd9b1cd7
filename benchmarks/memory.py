"""What the largest process of a study holds."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.pairs import Comparison, Setting

MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run from a small process of its own: a child counts what its parent held when it was forked."""

WORKERS = 2


def mebibytes_held(command: Sequence[str]) -> float:
    """MiB that the largest process of a silent command held at most."""
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], check=True, capture_output=True, text=True
    )
    return int(answer.stdout) / 1024


def run(at: Setting) -> Iterator[Comparison]:
    command = ["learnprop", "table1", "--runs", str(at.runs), "--jobs", str(WORKERS)]
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        held = mebibytes_held([sys.executable, "-m", *command, "--quiet", "--out", folder])
    took = np.array([[time.perf_counter() - started]])
    note = f"its largest process holds {held:.0f} MiB"
    yield Comparison(" ".join(command), "study", took, workers=WORKERS, note=note)
