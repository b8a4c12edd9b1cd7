import math
import shlex
import subprocess
import sys
from dataclasses import replace

import numpy as np

from learnprop.reports.folders.status import status_text, study_status
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.within import FOLDER, listening
from learnprop.simulations.records.rows import Block, fit_without_model, stack_fits
from learnprop.simulations.records.store import canonical_dump, save_block, write_session
from learnprop.simulations.records.store_file import open_store, read_store
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
        assert status.left.seconds == (2 * 4 + 4 + 4) / 2
        assert (status.running, status.told, status.left.unseen) == (2, (), 1)
        with listening(tmp_path / FOLDER) as running:
            (running / "x-1").write_text("x runs 25-49: 3 of 25 runs measured")
            told = "x runs 25-49: 3 of 25 runs measured"
            assert study_status(store).told == (told,)
            assert f"  {told}" in status_text(study_status(store), tmp_path)[1]
    with read_store(tmp_path) as store:
        assert study_status(store).running == 0  # its writer has gone


def test_blocks_that_are_computed_together_run_and_end_together(tmp_path):
    x = Toy("x")
    study = toy_study(x, n_runs=250)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store, blocks=[(x, i) for i in range(4)]))
        store.connection.execute("UPDATE block SET seconds = 3")
        write_session(store, {"runs": {"x": 250}, "workers": 2, "blocks_at_once": 4})
        status = study_status(store)
        assert (status.running, status.left.seconds) == (6, 6 * 3 / 2)
        write_session(store, {"runs": {"x": 250}, "workers": 2, "blocks_at_once": 6})
        status = study_status(store)
        assert (status.running, status.left.seconds) == (6, 6 * 3)  # work for one worker


def test_why_replications_failed_the_most_frequent_first(tmp_path):
    study = toy_study(compute=never_end, n_runs=75)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store, timeout=0.5))
        bad = replace(study, cells=(Toy("y", bad_runs=(3,)),), compute_block=raise_in_bad_runs)
        list(run_study(bad, store))
        status = study_status(store)
    assert status.reasons == (
        ("timed out: the block took longer than 0.5 s", "x", 25, 25),
        ("FloatingPointError: run 3 of y broke", "y", 3, 1),
    )
    assert len(status.notes) == 1
    assert status.notes[0].startswith("y block 0: computed replication by replication")
    assert status.left.seconds == 0


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
        assert math.isnan(status.left.seconds)
        assert np.isnan(status.cells[0].seconds_per_block)
        code, stdout, _ = cli("status", tmp_path)
        assert code == 0
        assert "time left: about unknown" not in stdout
        assert "time left: not known before the first block" in stdout
        assert "(process 7 on here), blocks at a time: 2" in stdout
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
    assert "failed, 1 replication: FloatingPointError: run 3 of x broke" in stdout
    assert f"learnprop replay {tmp_path} --cell x --run 3" in stdout


def test_a_finished_study_is_done(cli, tmp_path):
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(toy_study(), store))
    assert "done" in cli("status", tmp_path)[1].splitlines()


HOLD = """
import sys
from filelock import FileLock
with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_that_writes_is_seen_until_it_is_killed(tmp_path):
    x = Toy("x")
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(toy_study(x, n_runs=75), store, blocks=[(x, 0)]))
        session(store, workers=8, x=75)

    def running():
        with read_store(tmp_path) as store:
            return study_status(store).running

    assert running() == 0
    command = [sys.executable, "-c", HOLD, str(tmp_path / "records.sqlite.lock")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        try:
            assert writer.stdout.readline() == "held\n"
            assert running() == 2  # no more than the blocks that are left, whatever the workers
        finally:
            writer.kill()
    assert (tmp_path / "records.sqlite.lock").exists()  # what a kill leaves is no writer
    assert running() == 0


def test_it_is_read_while_blocks_are_written_and_changes_nothing(tmp_path, cli):
    study = toy_study(n_runs=75)
    with open_store(tmp_path, "toy", {}) as store:
        session(store, workers=1, x=75)
        for n, _ in enumerate(run_study(study, store), start=1):
            before = list(canonical_dump(store)), {p.name for p in tmp_path.iterdir()}
            store.connection.execute("UPDATE block SET seconds = 40")
            with read_store(tmp_path) as other:
                status = study_status(other)
            code, stdout, stderr = cli("status", tmp_path)
            assert (code, stderr) == (0, "")
            (cell,) = status.cells
            assert (cell.done, cell.blocks_done, cell.blocks_asked) == (25 * n, n, 3)
            assert status.left.seconds == 40 * (3 - n)
            # 80 s and 40 s left, then nothing
            line = {1: "time left: about 1 min 20 s", 2: "time left: about 40 s", 3: "done"}[n]
            assert line in stdout.splitlines()
            assert before == (list(canonical_dump(store)), {p.name for p in tmp_path.iterdir()})
        assert n == 3


def test_more_workers_than_blocks_left_do_not_help(tmp_path):
    x = Toy("x")
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(toy_study(x, n_runs=100), store, blocks=[(x, 0), (x, 1)]))
        store.connection.execute("UPDATE block SET seconds = 6")
        for workers, seconds in ((1, 12.0), (2, 6.0), (64, 6.0)):
            session(store, workers=workers, x=100)
            assert study_status(store).left.seconds == seconds


def failures(reasons):
    """One fit per run: (run, setting, reason)."""
    about = {"status": "failed", "traceback": "trace", "n_classes": 2}
    return stack_fits(
        [fit_without_model(s, r, 0, "raw", reason=why, **about) for r, s, why in reasons]
    )


def test_the_five_most_frequent_reasons(tmp_path):
    # reason k, k = 0 to 6, in k + 1 replications, after those of the reasons before: the first of
    # reason k is run 0 + 1 + ... + k = k (k + 1) / 2
    whys = [f"reason {k}" for k in range(7) for _ in range(k + 1)]
    fits = failures([(run, "a", why) for run, why in enumerate(whys)])
    with open_store(tmp_path, "toy", {}) as store:
        save_block(store, Block("x", 0, fits, None), range(28))
        reasons = study_status(store).reasons
    assert reasons == tuple((f"reason {k}", "x", k * (k + 1) // 2, k + 1) for k in (6, 5, 4, 3, 2))


def test_a_replication_counts_once_per_reason(tmp_path):
    rows = [(4, "a", "one"), (4, "b", "one"), (9, "a", "one"), (9, "b", "two")]
    with open_store(tmp_path, "toy", {}) as store:
        save_block(store, Block("x", 0, failures(rows), None), range(25))
        status = study_status(store)
    assert status.reasons == (("one", "x", 4, 2), ("two", "x", 9, 1))
    assert status.cells[0].failed == 2


def test_a_study_that_is_not_done_is_not_said_to_be(cli, tmp_path):
    x = Toy("x")
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(toy_study(x), store, blocks=[(x, 0)]))
        session(store, x=75)
    assert "done" not in cli("status", tmp_path)[1].splitlines()


def test_a_folder_that_is_not_there_and_a_damaged_store_are_one_line(cli, tmp_path):
    status, stdout, stderr = cli("status", tmp_path / "none")
    assert (status, stdout, len(stderr.splitlines())) == (2, "", 1)
    assert "none holds no records.sqlite" in stderr
    (tmp_path / "records.sqlite").write_bytes(b"SQLite format 3\x00 and no more")
    status, stdout, stderr = cli("status", tmp_path)
    assert (status, stdout, len(stderr.splitlines())) == (2, "", 1)
    assert "records.sqlite is damaged" in stderr


def test_commands_can_be_pasted(cli, tmp_path):
    folder = tmp_path / "a folder [" / "b]"
    folder.mkdir(parents=True)
    study = toy_study(Toy("ratio 2 [red]", bad_runs=(3,)), compute=raise_in_bad_runs, n_runs=25)
    with open_store(folder, "toy", {}) as store:
        list(run_study(study, store))
    status, stdout, stderr = cli("status", folder)
    assert (status, stderr) == (0, "")
    assert f"toy in {folder}" in " ".join(stdout.split())
    (line,) = (line for line in stdout.splitlines() if "learnprop replay" in line)
    assert shlex.split(line)[2:] == [
        "learnprop", "replay", str(folder), "--cell", "ratio 2 [red]", "--run", "3",
    ]  # fmt: skip


def test_a_store_without_a_session_is_not_done(cli, tmp_path):
    with open_store(tmp_path, "toy", {}):
        pass
    lines = cli("status", tmp_path)[1].splitlines()
    assert "nothing is computed yet" in lines
    assert "done" not in lines
