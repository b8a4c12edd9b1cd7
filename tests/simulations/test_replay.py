import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from reports.replay import replay_text
from simulations.monte_carlo import run_study
from simulations.replay import replay
from simulations.store import StoreError, open_store
from tests.toys import Toy, compute_toy, raise_in_bad_runs, toy_study

STUDY = toy_study(Toy("x"), Toy("y", bad_runs=(30,)), compute=raise_in_bad_runs, n_runs=40)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(STUDY, store))
        yield store


def change(store, column, blob, row="cell = 'x' AND run = 7 AND setting = 'b'"):
    store.connection.execute(f"UPDATE measurement SET {column} = ? WHERE {row}", (blob,))


def read(store, column, dtype):
    query = f"SELECT {column} FROM measurement WHERE cell = 'x' AND run = 7 AND setting = 'b'"
    return np.frombuffer(store.connection.execute(query).fetchone()[0], dtype=dtype).copy()


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
    P = read(store, "mean_proba", "<f8")
    there = P[2]
    P[2] = np.nextafter(there, 1.0)
    change(store, "mean_proba", P.tobytes())
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
    counts = read(store, "confusion", "<i8")
    counts[0] += 3
    change(store, "confusion", counts.tobytes())
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
