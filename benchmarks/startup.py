"""How long the command line and the import take, above a bare interpreter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from tempfile import TemporaryDirectory

from benchmarks.pairs import ALONE, MORE, Comparison, Goal, Setting, interleaved, seconds

PAIRS, STUDIES = 15, 3
BARE = ("-c", "pass")
STARTS = {
    "learnprop --help": (("-m", "learnprop", "--help"), Goal(MORE, 0.15)),
    "import learnprop": (("-c", "import learnprop"), Goal(MORE, 0.1)),
}
FIRST = "learnprop table1 --runs 2"


def process(*arguments: str) -> float:
    """Seconds of an interpreter, from its start to its end."""
    command = [sys.executable, *arguments]
    return seconds(partial(subprocess.run, command, check=True, capture_output=True))


def run(at: Setting) -> Iterator[Comparison]:
    for what, (arguments, goal) in STARTS.items():
        process(*arguments)  # from disk into memory
        works = partial(process, *arguments), partial(process, *BARE)
        pairs = interleaved(at.pairs_or(PAIRS), *works)
        yield Comparison(what, "process", pairs, peer="python -c pass", goal=goal)

    def study() -> float:
        with TemporaryDirectory() as folder:
            return process("-m", *FIRST.split(), "--quiet", "--out", folder)

    times = interleaved(at.pairs_or(STUDIES), study)
    yield Comparison(FIRST, "process", times, goal=Goal(ALONE, 5.0))
