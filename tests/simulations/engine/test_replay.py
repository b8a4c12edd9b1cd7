import math
from dataclasses import replace

import numpy as np
import pytest

from learnprop.reports.folders.replay import replay_text
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.replay import replay
from learnprop.simulations.records.rows import Measurements
from learnprop.simulations.records.store import row_type
from learnprop.simulations.records.store_file import StoreError, open_store, read_store
from tests.stores import flip_last_bit
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
    return np.frombuffer(blob, row_type(Measurements, 2)).copy()


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
        ("z", 0, "cell must be one of x, y, got 'z'"),
        ("x", 40, r"run 40 of cell x is not in .*records\.sqlite"),
        ("x", -1, "run -1 of cell x is not in"),
        ("x", 10**6, "run 1000000 of cell x is not in"),
    ],
)
def test_what_is_not_there_is_refused(store, cell, run, message):
    with pytest.raises(StoreError, match=message):
        replay(STUDY, store, cell, run)


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
        with pytest.raises(StoreError, match=r"run 10 of cell x is not in"):
            replay(study, store, "x", 10)
        flip_last_bit(store.connection, "mean_proba", "x", 9)
        assert len(replay(study, store, "x", 0).differences) == 1


def test_a_replay_reads_and_writes_nothing(store):
    before = dump(store)
    with read_store(store.path.parent) as other:
        assert replay(STUDY, other, "x", 7).differences == ()
    assert dump(store) == before


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
