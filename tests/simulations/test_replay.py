import json
import math
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from reports.replay import replay_text
from simulations.monte_carlo import run_study
from simulations.replay import replay
from simulations.store import StoreError, open_store, read_store
from simulations.studies.table1 import Options, make_study
from simulations.tables import MEASUREMENT_ARRAYS, row_type
from tests.toys import Toy, compute_toy, dump, never_end, raise_in_bad_runs, toy_study

STUDY = toy_study(Toy("x"), Toy("y", bad_runs=(30,)), compute=raise_in_bad_runs, n_runs=40)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(STUDY, store))
        yield store


ROW = "WHERE cell = 'x' AND run = 7 AND setting = 'b'"


def read(store):
    """The arrays of one measurement, to be changed and written back with `write`."""
    (blob,) = store.connection.execute(f"SELECT arrays FROM measurement {ROW}").fetchone()
    return np.frombuffer(blob, row_type(MEASUREMENT_ARRAYS, 2)).copy()


def write(store, arrays):
    store.connection.execute(f"UPDATE measurement SET arrays = ? {ROW}", (arrays.tobytes(),))


def test_every_bit_agrees(store):
    answer = replay(STUDY, store, "x", 7)
    assert answer.differences == ()
    assert (answer.runs, answer.n_fits, answer.n_measurements) == (range(25), 50, 50)
    assert answer.stored.run.tolist() == answer.again.run.tolist() == [7, 7]
    assert "every bit agrees" in next(replay_text(answer, "x", 7, []))


def test_of_a_block_that_is_kept_in_part_that_part_is_compared(store):
    answer = replay(STUDY, store, "x", 39)
    assert (answer.runs, answer.n_measurements, answer.differences) == (range(25, 40), 30, ())


def test_the_last_bit_is_found(store):
    arrays = read(store)
    P = arrays["mean_proba"].reshape(-1)
    there = P[2]
    P[2] = np.nextafter(there, 1.0)
    write(store, arrays)
    (difference,) = replay(STUDY, store, "x", 0).differences  # any replication of the block
    assert (difference.field, difference.count) == ("mean_proba", 1)
    assert difference.largest == abs(P[2] - there) > 0
    assert difference.where == "run 7, setting b, epoch 0, stage raw, split test"
    lines = list(replay_text(replay(STUDY, store, "x", 0), "x", 0, ["numpy 1 -> 2"]))
    assert lines[0].endswith("not the same")
    assert lines[1].startswith(f"  largest difference {difference.largest:.3g}, in mean_proba (run")
    assert "  since it was stored: numpy 1 -> 2" in lines
    assert replay(STUDY, store, "x", 30).differences == ()  # another block


def test_a_count_that_differs_is_found(store):
    arrays = read(store)
    arrays["confusion"][0, 0, 0] += 3
    write(store, arrays)
    (difference,) = replay(STUDY, store, "x", 7).differences
    assert (difference.field, difference.count, difference.largest) == ("confusion", 1, 3.0)


def test_the_sign_of_zero_is_no_difference(tmp_path):
    """SQLite keeps -0.0 in a column of numbers as 0.0."""
    study = toy_study(compute=negative_zero, n_runs=25)
    (tmp_path / "zero").mkdir()
    with open_store(tmp_path / "zero", "toy", {}) as store:
        list(run_study(study, store))
        assert replay(study, store, "x", 7).differences == ()


def negative_zero(cell, seed, runs):
    block = compute_toy(cell, seed, runs)
    return replace(block, fits=replace(block.fits, loss=-0.0 * np.abs(block.fits.loss)))


def test_rows_that_are_missing_are_found(store):
    store.connection.execute("DELETE FROM measurement WHERE cell = 'x' AND run = 7")
    (difference,) = replay(STUDY, store, "x", 7).differences
    assert difference.field == "measurements"
    assert difference.where == "48 rows in the store, 50 computed"


def test_a_status_that_differs_is_found(store):
    store.connection.execute("UPDATE fit SET status = 'diverged' WHERE cell = 'x' AND run = 7")
    (difference,) = replay(STUDY, store, "x", 7).differences
    assert (difference.field, difference.count) == ("status", 2)
    assert np.isnan(difference.largest)


def test_a_failure_fails_again_and_shows_its_traceback(store):
    answer = replay(STUDY, store, "y", 30)
    assert answer.differences == ()
    assert set(answer.again.status.tolist()) == {"failed"}
    text = "\n".join(replay_text(answer, "y", 30, []))
    assert "FloatingPointError: run 30 of y broke" in text
    assert "cell y, run 30: SeedSequence(3, spawn_key=" in text
    assert "in raise_in_bad_runs" in text


def test_other_code_gives_other_numbers(store):
    other = replace(STUDY, seed=4)
    names = {d.field for d in replay(other, store, "x", 7).differences}
    assert {"loss", "mean_proba", "log_loss", "second_moment"} <= names


@pytest.mark.parametrize(
    ("cell", "run", "message"),
    [
        ("z", 0, "--cell must be one of x, y, got 'z'"),
        ("x", 40, r"--run 40 of cell x is not in .*records\.sqlite"),
        ("x", -1, "--run -1 of cell x is not in"),
        ("x", 10**6, "--run 1000000 of cell x is not in"),
    ],
)
def test_what_is_not_there_is_refused(store, cell, run, message):
    with pytest.raises(StoreError, match=message):
        replay(STUDY, store, cell, run)


def test_the_command(cli, tmp_path):
    small = ("--train-size", 40, 120, "--test-size", 50, 50, "--max-iter", 3, "--jobs", 1)
    assert cli("table1", "--runs", 10, "--out", tmp_path, *small, "--quiet")[0] == 0
    arguments = ("replay", tmp_path, "--cell", "sim1", "--run", 7)
    status, stdout, _ = cli(*arguments, "--strict")
    assert status == 0
    assert "sim1, runs 0 to 9: 30 fits and 90 measurements, computed again" in stdout
    assert "every bit agrees" in stdout
    with sqlite3.connect(tmp_path / "records.sqlite") as connection:
        connection.execute("UPDATE fit SET loss = loss * 1.5 WHERE run = 7 AND cell = 'sim1'")
        connection.execute(
            'UPDATE study SET value = replace(value, \'"numpy": "\', \'"numpy": "0.\') '
            "WHERE key = 'design'"
        )
    connection.close()
    status, stdout, _ = cli(*arguments)
    assert status == 0
    assert "loss: 3 rows differ" in stdout
    assert "since it was stored: numpy" in stdout
    assert cli(*arguments, "--strict")[0] == 1
    assert cli("replay", tmp_path, "--cell", "x", "--run", 7)[2] == (
        "learnprop: --cell must be one of sim1, sim2, got 'x'\n"
    )


def flip_last_bit(connection, column, cell, run, position=0):
    """Flip the lowest bit of one number of the first row of a replication: before, after."""
    names = ("cell", "run", "setting", "epoch", "stage", "split")
    *key, blob = connection.execute(
        f"SELECT {', '.join(names)}, arrays FROM measurement WHERE cell = ? AND run = ? "
        "ORDER BY setting, epoch, stage, split LIMIT 1",
        (cell, run),
    ).fetchone()
    layout = row_type(MEASUREMENT_ARRAYS, 2)
    _, offset = layout.fields[column]
    flipped = bytearray(blob)
    flipped[offset + 8 * position] ^= 1  # little-endian: the first byte has the lowest bits
    changed = connection.execute(
        f"UPDATE measurement SET arrays = ? WHERE {' AND '.join(f'{n} = ?' for n in names)}",
        (bytes(flipped), *key),
    ).rowcount
    assert changed == 1
    return tuple(
        np.frombuffer(b, layout)[column].reshape(-1)[position] for b in (blob, bytes(flipped))
    )


@pytest.mark.parametrize("position", [0, 1])
@pytest.mark.parametrize("column", ["mean_proba", "second_moment", "log_loss"])
def test_one_flipped_bit_of_a_double_is_one_ulp_in_one_row(store, column, position):
    before, after = flip_last_bit(store.connection, column, "x", 11, position)
    ulp = np.spacing(min(before, after))
    assert abs(after - before) == ulp > 0
    (difference,) = replay(STUDY, store, "x", 11).differences
    assert (difference.field, difference.count, difference.largest) == (column, 1, ulp)
    assert difference.where == "run 11, setting a, epoch 0, stage raw, split test"


@pytest.mark.parametrize("column", ["class_count", "confusion"])
def test_one_flipped_bit_of_a_count_is_one(store, column):
    before, after = flip_last_bit(store.connection, column, "x", 11, position=1)
    assert abs(after - before) == 1
    (difference,) = replay(STUDY, store, "x", 11).differences
    assert (difference.field, difference.count, difference.largest) == (column, 1, 1.0)


def test_the_largest_of_several_differences_is_shown(store):
    (a,) = store.connection.execute(
        "SELECT loss FROM fit WHERE cell = 'x' AND run = 3 AND setting = 'b'"
    ).fetchone()
    store.connection.execute("UPDATE fit SET loss = loss + 0.25 WHERE cell = 'x' AND run = 1")
    store.connection.execute(
        "UPDATE fit SET loss = ? WHERE cell = 'x' AND run = 3 AND setting = 'b'", (a + 8.0,)
    )
    (difference,) = replay(STUDY, store, "x", 0).differences
    assert (difference.field, difference.count) == ("loss", 3)  # two settings of run 1, one of 3
    assert difference.largest == abs((a + 8.0) - a)
    assert difference.where == "run 3, setting b, epoch 0, stage raw"


def test_one_bit_of_a_fit_is_found(store):
    query = "FROM fit WHERE cell = 'x' AND run = 24 AND setting = 'a'"
    (loss,) = store.connection.execute(f"SELECT loss {query}").fetchone()
    other = math.nextafter(loss, math.inf)
    store.connection.execute(
        "UPDATE fit SET loss = ? WHERE cell = 'x' AND run = 24 AND setting = 'a'", (other,)
    )
    (difference,) = replay(STUDY, store, "x", 24).differences
    assert (difference.field, difference.count) == ("loss", 1)
    assert difference.largest == other - loss > 0


def test_a_fit_that_is_missing_is_found(store):
    store.connection.execute("DELETE FROM fit WHERE cell = 'x' AND run = 7 AND setting = 'a'")
    (difference,) = replay(STUDY, store, "x", 7).differences
    assert (difference.field, difference.count) == ("fits", 1)
    assert difference.where == "49 rows in the store, 50 computed"


def test_what_failed_has_a_reason_and_it_is_compared(store):
    store.connection.execute("UPDATE fit SET reason = 'why' WHERE cell = 'y' AND run = 30")
    (difference,) = replay(STUDY, store, "y", 30).differences
    assert (difference.field, difference.count) == ("reason", 2)
    assert difference.where.startswith("run 30, ")


def test_a_traceback_is_not_compared(store):
    """It names paths and line numbers."""
    store.connection.execute("UPDATE fit SET traceback = 'elsewhere' WHERE cell = 'y' AND run = 30")
    assert replay(STUDY, store, "y", 30).differences == ()


def test_ten_of_25_runs_are_compared_and_no_more(tmp_path):
    (tmp_path / "part").mkdir()
    study = replace(STUDY, n_runs=10)
    with open_store(tmp_path / "part", "toy", {}) as store:
        list(run_study(study, store))
        answer = replay(study, store, "x", 9)
        assert (answer.runs, answer.n_fits, answer.n_measurements) == (range(10), 20, 20)
        assert answer.differences == ()
        with pytest.raises(StoreError, match=r"--run 10 of cell x is not in"):
            replay(study, store, "x", 10)
        flip_last_bit(store.connection, "mean_proba", "x", 9)
        assert len(replay(study, store, "x", 0).differences) == 1


def test_a_replay_reads_and_writes_nothing(store):
    before = dump(store)
    with read_store(store.path.parent) as other:
        assert replay(STUDY, other, "x", 7).differences == ()
    assert dump(store) == before


@pytest.fixture(scope="module")
def table1_folder(tmp_path_factory):
    """One block of Sim1, 5 runs of it kept: no network, a quarter of a second."""
    folder = tmp_path_factory.mktemp("table1")
    study = make_study(Options(runs=5, train_size=(40, 120), test_size=(50, 50)))
    sim1 = [(cell, 0) for cell in study.cells if cell.name == "sim1"]
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store, blocks=sim1))
    return folder


@pytest.fixture
def table1_copy(table1_folder, tmp_path):
    shutil.copytree(table1_folder, tmp_path / "copy")
    return tmp_path / "copy"


def test_the_command_finds_a_flipped_bit_and_strict_says_so(cli, table1_copy):
    arguments = ("replay", table1_copy, "--cell", "sim1", "--run", 2)
    status, stdout, stderr = cli(*arguments, "--strict")
    assert (status, stderr) == (0, "")
    assert "sim1, runs 0 to 4: " in stdout
    assert stdout.splitlines()[0].endswith(": every bit agrees")
    with closing(sqlite3.connect(table1_copy / "records.sqlite")) as connection:
        before, after = flip_last_bit(connection, "mean_proba", "sim1", 2, position=1)
        connection.commit()
    status, stdout, stderr = cli(*arguments)
    assert (status, stderr) == (0, "")
    lines = stdout.splitlines()
    assert lines[0].endswith(": not the same")
    assert lines[1].startswith(
        f"  largest difference {abs(after - before):.3g}, in mean_proba (run 2, "
    )
    assert lines[2].startswith("  mean_proba: 1 rows differ, by at most ")
    assert lines[3] == "run 2 is:"  # no other field, and the code is the same
    assert cli(*arguments, "--strict")[0] == 1


def test_the_command_says_how_the_code_differs(cli, table1_copy):
    with closing(sqlite3.connect(table1_copy / "records.sqlite")) as connection:
        query = "SELECT value FROM study WHERE key = 'design'"
        design = json.loads(connection.execute(query).fetchone()[0])
        design["code"]["source"]["equations/balance.py"] = "0123456789abcdef"
        design["code"]["source"]["simulations/gone.py"] = "0123456789abcdef"
        design["code"]["torch"] = "0.4"
        connection.execute("UPDATE study SET value = ? WHERE key = 'design'", (json.dumps(design),))
        connection.commit()
    arguments = ("replay", table1_copy, "--cell", "sim1", "--run", 2, "--strict")
    status, stdout, _ = cli(*arguments)
    assert status == 0  # the numbers are the same: nothing to explain
    assert "since it was stored" not in stdout
    with closing(sqlite3.connect(table1_copy / "records.sqlite")) as connection:
        flip_last_bit(connection, "log_loss", "sim1", 2)
        connection.commit()
    status, stdout, _ = cli(*arguments)
    assert status == 1
    since = [line for line in stdout.splitlines() if "since it was stored" in line]
    assert [line.partition(": ")[2].partition(" -> ")[0] for line in since] == [
        "equations/balance.py was edited", "simulations/gone.py is gone", 'torch "0.4"',
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "run", "message"),
    [
        ("x", 0, "--cell must be one of sim1, sim2, got 'x'"),
        ("sim1", 5, "--run 5 of cell sim1 is not in"),
        ("sim2", 0, "--run 0 of cell sim2 is not in"),
    ],
)
def test_the_command_refuses_what_is_not_there_in_one_line(cli, table1_copy, cell, run, message):
    status, stdout, stderr = cli("replay", table1_copy, "--cell", cell, "--run", run)
    assert (status, stdout, len(stderr.splitlines())) == (2, "", 1)
    assert stderr.startswith(f"learnprop: {message}")


def test_a_block_that_timed_out_holds_nothing_to_compare(tmp_path):
    study = toy_study(compute=never_end, n_runs=50)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store, timeout=0.5))
        mended = replace(study, compute_block=compute_toy)
        answer = replay(mended, store, "x", 30)
        assert (answer.timed_out, answer.differences) == (0.5, ())
        assert "nothing to compare: the stored block ran past its limit of 0.5 s" in next(
            replay_text(answer, "x", 30, [])
        )
        assert replay(mended, store, "x", 3).timed_out is None
