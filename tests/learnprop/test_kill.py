"""A kill fuzz: SIGKILL at random moments of a small Table 1 study, each followed by resume."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest

from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.store import canonical_dump, finished_runs
from learnprop.simulations.records.store_file import FILE_NAME, open_store, read_store
from learnprop.simulations.studies.table1.study import Options, make_study

N_KILLS = 32
OPTIONS = {"runs": 500, "train_size": (20, 60), "test_size": (20, 20), "max_iter": 3}
ARGUMENTS = ("--runs", 500, "--train-size", 20, 60, "--test-size", 20, 20, "--max-iter", 3,
             "--max-failures", 1)  # fmt: skip


def start(folder, log):
    command = [sys.executable, "-m", "learnprop", "table1", "--jobs", "2", "--out", folder]
    return subprocess.Popen(
        [*map(str, command), *map(str, ARGUMENTS)],
        stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
    )  # fmt: skip


def finished(folder):
    if not (folder / FILE_NAME).exists():
        return {}
    with read_store(folder) as store:
        assert store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return finished_runs(store)


def session_of(pid):
    alive = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == pid and process.status() != psutil.STATUS_ZOMBIE:
                alive.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            pass
    return alive


def wait_for_a_moment(process, log, rng):
    """Any moment from the start on, imports included; every other time, one among the blocks."""
    seconds = rng.uniform(0.1, 4.0)
    if rng.random() < 0.5:
        while process.poll() is None and " blocks" not in log.read_text():
            time.sleep(0.01)
        seconds /= 4
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(seconds)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_kills_at_random_moments_lose_only_blocks_in_flight(tmp_path):
    study = make_study(Options(**OPTIONS))
    reference = tmp_path / "reference"
    reference.mkdir()
    with open_store(reference, study.name, study.design) as store:
        list(run_study(study, store))
        wanted = list(canonical_dump(store))
    rng = random.Random(2026)
    folder, log = tmp_path / "killed", tmp_path / "stderr"
    kills, grew, reported = 0, 0, 0
    have = {}
    while kills < N_KILLS:
        with log.open("w+") as stderr:
            process = start(folder, stderr)
            wait_for_a_moment(process, log, rng)
            if process.poll() is not None:  # it was done before the kill: start over, kills go on
                assert process.returncode == 0, log.read_text()
                with read_store(folder) as store:
                    assert list(canonical_dump(store)) == wanted
                folder = tmp_path / f"killed{kills}"
                have = {}
                continue
            if rng.random() < 0.5:
                os.killpg(process.pid, signal.SIGKILL)
            else:
                os.kill(process.pid, signal.SIGKILL)  # the driver alone: its workers must go too
            process.wait()
            kills += 1
        text = log.read_text()
        assert "Traceback" not in text.partition("resource_tracker")[0]
        deadline = time.monotonic() + 20
        while (left := session_of(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not left, "workers outlive their driver"
        now = finished(folder)
        assert all(now.get(key, 0) >= runs for key, runs in have.items())
        n_reported = text.count(" blocks")
        assert len(now) - len(have) >= n_reported  # whatever was reported is kept
        grew += len(now) > len(have)
        reported += n_reported
        have = now
    with log.open("w") as stderr:
        assert start(folder, stderr).wait(120) == 0
    assert grew >= 5  # the kills fell among blocks, not before them
    assert reported >= 5
    with read_store(folder) as store:
        assert list(canonical_dump(store)) == wanted
