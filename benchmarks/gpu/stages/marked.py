"""Tests that need a CUDA device; where there is none they say so and skip."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.gpu.stages.at import At

TESTS = Path(__file__).parents[3] / "tests"


class Outcomes:
    """Counts what pytest reports."""

    def __init__(self) -> None:
        self.found = Counter[str]()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a test once, and its set-up or end where that is not passed."""
        if report.when == "call" or report.outcome != "passed":
            self.found[report.outcome] += 1


def run(at: At) -> None:
    """Run the files in which the mark is: others may ask for what is not installed here."""
    files = [str(p) for p in sorted(TESTS.rglob("test_*.py")) if "mark.cuda" in p.read_text()]
    outcomes = Outcomes()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # pytest ends, and counts are said
    # Warnings are errors elsewhere; another version of a library may have new ones.
    options = ["-m", "cuda", "-W", "default", "-p", "no:cacheprovider", "--quiet", *files]
    status = pytest.main(options, plugins=[outcomes]) if files else pytest.ExitCode.OK
    for outcome in ("passed", "failed", "skipped"):
        at.say(outcome, outcomes.found[outcome], "tests")
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        raise SystemExit(f"pytest ended with {int(status)}: {outcomes.found['failed']} failed")
