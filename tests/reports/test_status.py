import math
from dataclasses import replace

import numpy as np
import pytest

from reports.status import study_status
from simulations.monte_carlo import run_study
from simulations.store import open_store, read_store
from simulations.tables import write_session
from tests.toys import Toy, never_end, raise_in_bad_runs, toy_study


def session(store, workers=2, **runs):
    write_session(store, {"runs": runs, "workers": workers, "pid": 7, "host": "here"})


def test_what_is_done_asked_failed_and_left(tmp_path):
    x, y = Toy("x"), Toy("y", bad_runs=(3, 30))
    study = toy_study(x, y, compute=raise_in_bad_runs, n_runs=60)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store, blocks=[(x, 0), (y, 0), (y, 1)]))
        store.connection.execute("UPDATE block SET seconds = 4 WHERE cell = 'x'")
        store.connection.execute("UPDATE block SET seconds = 2 + 4 * block WHERE cell = 'y'")
        session(store, x=60, y=60, z=25)
        status = study_status(store)
        cells = {c.cell: c for c in status.cells}
        # x: 1 of 3 blocks; y: 2 of 3, one failed run in each; z: none of 1
        assert [(c.done, c.asked, c.failed) for c in status.cells] == [
            (25, 60, 0), (50, 60, 2), (0, 25, 0),
        ]  # fmt: skip
        assert [c.blocks_asked - c.blocks_done for c in status.cells] == [2, 1, 1]
        assert (cells["x"].seconds_per_block, cells["y"].seconds_per_block) == (4, 4)
        # two blocks of x at 4 s, one of y at (2 + 6) / 2 s, one of z at the mean of both; 2 workers
        assert status.seconds_left == (2 * 4 + 4 + 4) / 2
        assert status.running == 2
    with read_store(tmp_path) as store:
        assert study_status(store).running == 0  # its writer has gone


def test_why_replications_failed_the_most_frequent_first(tmp_path):
    study = toy_study(compute=never_end, n_runs=75)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store, timeout=0.1))
        bad = replace(study, cells=(Toy("y", bad_runs=(3,)),), compute_block=raise_in_bad_runs)
        list(run_study(bad, store))
        status = study_status(store)
    assert status.reasons == (
        ("timed out: the block took longer than 0.1 s", "x", 25, 25),
        ("FloatingPointError: run 3 of y broke", "y", 3, 1),
    )
    assert len(status.notes) == 1
    assert status.notes[0].startswith("y block 0: computed replication by replication")
    assert status.seconds_left == 0


def test_fewer_runs_asked_than_held(tmp_path):
    study = toy_study(Toy("x", bad_runs=(60,)), compute=raise_in_bad_runs, n_runs=75)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store))
        session(store, x=30)
        (cell,) = study_status(store).cells
    assert (cell.done, cell.asked, cell.failed) == (30, 30, 0)
    assert (cell.blocks_done, cell.blocks_asked) == (2, 2)


def test_time_left_is_unknown_before_the_first_block(tmp_path, cli):
    with open_store(tmp_path, "toy", {}) as store:
        session(store, x=50)
        status = study_status(store)
        assert math.isnan(status.seconds_left)
        assert np.isnan(status.cells[0].seconds_per_block)
        code, stdout, _ = cli("status", tmp_path)
        assert code == 0
        assert "time left: about unknown" not in stdout
        assert "time left: not known before the first block" in stdout
        assert "(process 7 on here): 2 blocks at a time" in stdout
    assert "not running: the command that began it resumes" in cli("status", tmp_path)[1]


def test_a_folder_without_a_store_is_one_line(cli, tmp_path):
    status, stdout, stderr = cli("status", tmp_path)
    assert (status, stdout) == (2, "")
    assert stderr == (
        f"learnprop: {tmp_path} holds no records.sqlite: not a folder written by --out\n"
    )


def test_failures_come_with_the_command_that_replays_them(cli, tmp_path):
    study = toy_study(Toy("x", bad_runs=(3,)), compute=raise_in_bad_runs, n_runs=25)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store))
    stdout = cli("status", tmp_path)[1]
    assert "failed, 1 replications: FloatingPointError: run 3 of x broke" in stdout
    assert f"learnprop replay {tmp_path} --cell x --run 3" in stdout


@pytest.mark.parametrize("word", ["done"])
def test_a_finished_study_is_done(cli, tmp_path, word):
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(toy_study(), store))
    assert word in cli("status", tmp_path)[1].splitlines()
