import sqlite3

import numpy as np
import pytest
from filelock import FileLock

from simulations.measure import measure
from simulations.records import Block, rows_where, select, stack_fits, stack_measurements
from simulations.store import (
    StoreError,
    finished_runs,
    open_store,
    read_fits,
    read_measurements,
    save_block,
)

DESIGN = {"seed": 1, "sizes": [1, 2], "code": {"source": "abc"}}


@pytest.fixture
def block():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    fits, rows = [], []
    for run in range(4):
        for setting in ("b", "a"):
            fits.append((setting, run, 3, "raw", "converged", "", 7, 1 / 3, 1e-13, 0.0))
            for split in ("train", "test"):
                values = measure(y, rng.normal(size=(60, 3)))
                rows.append((setting, run, 3, "raw", split, values))
    return Block("cell", 0, stack_fits(fits), stack_measurements(rows))


def test_what_comes_out_is_what_went_in(tmp_path, block):
    with open_store(tmp_path, "study", DESIGN) as store:
        save_block(store, block, range(4))
    with open_store(tmp_path, "study", DESIGN) as store:
        found = read_measurements(store, "cell")
        fits = read_fits(store, "cell")
        assert finished_runs(store) == {("cell", 0): 4}
    assert len(found) == len(block.measurements) == 16
    for run in range(4):
        for setting in ("a", "b"):
            for split in ("train", "test"):
                key = {"run": run, "setting": setting, "split": split}
                a, b = select(found, **key), select(block.measurements, **key)
                for name in ("class_count", "mean_proba", "confusion", "log_loss", "second_moment"):
                    assert getattr(a, name).tobytes() == getattr(b, name).tobytes()
    assert fits.loss.tolist() == [1 / 3] * 8
    assert fits.setting.tolist() == ["a", "b"] * 4
    assert len(rows_where(fits, fits.run == 2)) == 2


def test_rows_beyond_the_runs_asked_for_are_left_out(tmp_path, block):
    with open_store(tmp_path, "study", DESIGN) as store:
        save_block(store, block, range(3))
        assert set(read_fits(store, "cell").run.tolist()) == {0, 1, 2}
        save_block(store, block, range(4))
        assert set(read_measurements(store, "cell").run.tolist()) == {0, 1, 2, 3}


def test_an_unfinished_transaction_leaves_nothing(tmp_path, block):
    broken = Block("cell", 0, block.fits, block.measurements, seconds="not a number at all")
    object.__setattr__(broken, "seconds", object())
    with open_store(tmp_path, "study", DESIGN) as store:
        with pytest.raises(sqlite3.Error):
            save_block(store, broken, range(4))
        assert read_measurements(store, "cell") is None
        assert len(read_fits(store, "cell")) == 0


def refuse(tmp_path, match, study="study", design=DESIGN):
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(StoreError, match=match), open_store(tmp_path, study, design):
        pass
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_another_study_and_another_design_are_refused(tmp_path, block):
    with open_store(tmp_path, "study", DESIGN) as store:
        save_block(store, block, range(4))
    refuse(tmp_path, "holds the study 'study', not 'other'", study="other")
    refuse(tmp_path, r"another design: seed 1 -> 2; sizes \[1, 2\] -> \[1, 3\]",
           design={**DESIGN, "seed": 2, "sizes": [1, 3]})  # fmt: skip
    refuse(tmp_path, 'code.source "abc" -> "def"', design={**DESIGN, "code": {"source": "def"}})


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00 and no more"])
def test_files_that_are_no_store_are_refused(tmp_path, content):
    (tmp_path / "records.sqlite").write_bytes(content)
    refuse(tmp_path, "records.sqlite (is not an SQLite file, or was cut short|is damaged)")


def test_a_foreign_database_is_refused(tmp_path):
    connection = sqlite3.connect(tmp_path / "records.sqlite")
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    refuse(tmp_path, "is not a store of learnprop")


@pytest.mark.parametrize("part", [0.3, 0.6, 0.9])
def test_a_store_cut_short_is_refused(tmp_path, block, part):
    with open_store(tmp_path, "study", DESIGN) as store:
        save_block(store, block, range(4))
    path = tmp_path / "records.sqlite"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(part * len(whole))])
    refuse(tmp_path, "is damaged")


def test_another_schema_is_refused(tmp_path):
    with open_store(tmp_path, "study", DESIGN) as store:
        store.connection.execute("UPDATE study SET value = '99' WHERE key = 'schema'")
    refuse(tmp_path, "has schema 99, not 1")


def test_a_second_writer_is_refused(tmp_path):
    with (
        FileLock(tmp_path / "records.sqlite.lock"),
        pytest.raises(StoreError, match="is in use: another process writes"),
        open_store(tmp_path, "study", DESIGN),
    ):
        pass
    assert not (tmp_path / "records.sqlite").exists()


def test_fresh_puts_the_old_store_aside(tmp_path, block):
    with open_store(tmp_path, "study", DESIGN) as store:
        save_block(store, block, range(4))
    old = (tmp_path / "records.sqlite").read_bytes()
    for n in (1, 2):
        with open_store(tmp_path, "study", {**DESIGN, "seed": n + 1}, fresh=True) as store:
            assert finished_runs(store) == {}
        assert (tmp_path / f"records.{n}.sqlite").exists()
    assert (tmp_path / "records.1.sqlite").read_bytes() == old
