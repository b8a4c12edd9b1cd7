"""What whole processes take: how long they start, and how much memory a study holds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.pairs import ALONE, MORE, Comparison, Goal, Setting, interleaved, seconds

PAIRS, STUDIES, WORKERS = 15, 3, 2
BARE = ("-c", "pass")
STARTS = {
    "learnprop --help": (("-m", "learnprop", "--help"), Goal(MORE, 0.15)),
    "import learnprop": (("-c", "import learnprop"), Goal(MORE, 0.1)),
}
FIRST = ("learnprop", "table1", "--runs", "2")

MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""Run from a small process of its own: a child counts what its parent held when it was forked."""


def run_startup(at: Setting) -> Iterator[Comparison]:
    for what, (arguments, goal) in STARTS.items():
        process(*arguments)  # from disk into memory
        works = partial(process, *arguments), partial(process, *BARE)
        pairs = interleaved(at.pairs_or(PAIRS), *works)
        yield Comparison(what, "process", pairs, peer="python -c pass", goal=goal)

    def study() -> float:
        with TemporaryDirectory() as folder:
            return process("-m", *FIRST, "--quiet", "--out", folder)

    times = interleaved(at.pairs_or(STUDIES), study)
    yield Comparison(" ".join(FIRST), "process", times, goal=Goal(ALONE, 5.0))


def process(*arguments: str) -> float:
    """Seconds of an interpreter, from its start to its end."""
    command = [sys.executable, *arguments]
    return seconds(partial(subprocess.run, command, check=True, capture_output=True))


def run_memory(at: Setting) -> Iterator[Comparison]:
    command = ("learnprop", "table1", "--runs", str(at.runs), "--jobs", str(WORKERS))
    held = list[float]()
    with TemporaryDirectory() as folder:
        whole = [sys.executable, "-m", *command, "--quiet", "--out", folder]
        took = seconds(lambda: held.append(mebibytes_held(whole)))
    note = f"its largest process holds {held[0]:.0f} MiB"
    yield Comparison(" ".join(command), "study", np.array([[took]]), workers=WORKERS, note=note)


def mebibytes_held(command: Sequence[str]) -> float:
    """MiB that the largest process of a silent command held at most."""
    answer = subprocess.run(
        [sys.executable, "-c", MEASURE, *command], check=True, capture_output=True, text=True
    )
    return int(answer.stdout) / 1024
