"""The engine's memory does not grow with the number of replications."""

import subprocess
import sys

import pytest

CODE = """
import resource, sys, tempfile
from pathlib import Path
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.engine.workers import Workers
from tests.toys import toy_study

n_runs, jobs = int(sys.argv[1]), int(sys.argv[2])
study = toy_study(n_runs=n_runs)
with tempfile.TemporaryDirectory() as folder:
    with open_store(Path(folder), study.name, study.design) as store:
        for step in run_study(study, store, Workers(jobs)):
            if step.done == 100:
                print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        (count,) = store.connection.execute("SELECT COUNT(*) FROM measurement").fetchone()
        assert count == 2 * n_runs
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 2])
def test_memory_does_not_grow_over_100_000_replications(jobs):
    """From the 2,500th to the last: at most the 2 MiB of SQLite's page cache, and slack for 2."""
    answer = subprocess.run(
        [sys.executable, "-c", CODE, "100000", str(jobs)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    early, late = (int(line) / 1024 for line in answer.stdout.split())
    assert late - early <= 4, f"{early:.1f} MiB, then {late:.1f} MiB"
