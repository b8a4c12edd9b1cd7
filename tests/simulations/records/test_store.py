import hashlib
import json
import sqlite3
from dataclasses import replace

import numpy as np
import pytest
from filelock import FileLock

from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.rows import (
    Block,
    Fits,
    MeasurementRow,
    Measurements,
    columns_of,
    fit_without_model,
    key_of,
    rows_where,
    select,
    stack_fits,
    stack_measurements,
)
from learnprop.simulations.records.store import (
    canonical_dump,
    finished_runs,
    read_fits,
    read_measurements,
    read_session,
    row_type,
    save_block,
    write_session,
)
from learnprop.simulations.records.store_file import (
    SCHEMA_VERSION,
    StoreError,
    is_written,
    open_store,
    read_store,
)
from tests.toys import fit_row

DESIGN = {
    "seed": 1,
    "sizes": [1, 2],
    "code": {"source": {"a.py": "1", "b.py": "2", "c.py": "3"}, "numpy": "2.0"},
}


@pytest.fixture
def block():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 20)
    fits, rows = [], []
    for run in range(4):
        for setting in ("b", "a"):
            fits.append(fit_row(setting, run, 3, epoch=3, loss=1 / 3))
            for split in ("train", "test"):
                measured = measure(y, rng.normal(size=(60, 3)))
                rows.append(MeasurementRow(setting, run, 3, "raw", split, measured))
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
                for name in (
                    "class_count", "mean_proba", "miss_proba", "confusion", "log_loss",
                    "second_moment",
                ):  # fmt: skip
                    assert getattr(a, name).tobytes() == getattr(b, name).tobytes()
    assert fits.loss.tolist() == [1 / 3] * 8
    assert fits.setting.tolist() == ["a", "b"] * 4
    assert len(rows_where(fits, fits.run == 2)) == 2


def test_a_layout_has_its_number():
    """It is read off the records: whoever changes one changes what is on disk, and the number."""
    records = Fits, Measurements
    layout = [(columns_of(r), key_of(r), row_type(r, 2).descr) for r in records]
    digest = hashlib.sha256(json.dumps(layout).encode()).hexdigest()[:16]
    assert (SCHEMA_VERSION, digest) == (5, "460d8aca12746a04")


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


def test_columns_of_unequal_length_are_not_cut(tmp_path, block):
    short = replace(block.measurements, log_loss=block.measurements.log_loss[:-1])
    with open_store(tmp_path, "study", DESIGN) as store:
        with pytest.raises(ValueError, match="cannot reshape array"):
            save_block(store, replace(block, measurements=short), range(4))
        assert len(read_fits(store, "cell")) == 0  # all of it or nothing


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
    other = {"source": {"a.py": "1", "b.py": "3", "d.py": "4"}, "numpy": "2.1"}
    refuse(
        tmp_path,
        r'of another code version: numpy "2.0" -> "2.1"; b.py was edited; c.py is gone; d.py was '
        "added; learnprop report, status and export still read it; use another out",
        design={**DESIGN, "code": other},
    )
    many = {"source": {f"{name}.py": "9" for name in "abcde"}, "numpy": "2.1"}
    refuse(
        tmp_path,
        r'design: seed 1 -> 2; numpy "2.0" -> "2.1"; 5 sources differ \(2 added, 3 edited\); learn',
        design={**DESIGN, "seed": 2, "code": many},
    )


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
    refuse(tmp_path, "has schema 99, not 5")


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


def test_the_lock_file_goes_with_its_writer(tmp_path):
    with open_store(tmp_path, "study", DESIGN):
        assert is_written(tmp_path)
    assert not is_written(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"records.sqlite"}


def test_a_lock_file_without_a_writer_is_no_lock(tmp_path):
    (tmp_path / "records.sqlite.lock").touch()  # a killed writer leaves it
    assert not is_written(tmp_path)
    with open_store(tmp_path, "study", DESIGN):
        assert is_written(tmp_path)


def test_reading_beside_the_writer_sees_finished_blocks_and_changes_nothing(tmp_path, block):
    with open_store(tmp_path, "study", DESIGN) as store:
        save_block(store, block, range(4))
        write_session(store, {"workers": 2})
        with read_store(tmp_path) as other:
            assert finished_runs(other) == {("cell", 0): 4}
            assert read_session(other) == {"workers": 2}
            assert list(canonical_dump(other)) == list(canonical_dump(store))
            with pytest.raises(sqlite3.OperationalError, match="readonly"):
                save_block(other, block, range(4))
        save_block(store, block, range(4))
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with read_store(tmp_path) as other:
        assert (other.study, other.design) == ("study", DESIGN)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_reading_what_is_no_store_says_so(tmp_path):
    with pytest.raises(StoreError, match=r"holds no records\.sqlite"), read_store(tmp_path):
        pass
    (tmp_path / "records.sqlite").write_bytes(b"SQLite format 3\x00 and no more")
    with pytest.raises(StoreError, match="is damaged"), read_store(tmp_path):
        pass


def test_runs_are_read_by_range(tmp_path, block):
    with open_store(tmp_path, "study", DESIGN) as store:
        save_block(store, block, range(4))
        assert sorted(set(read_fits(store, "cell", range(1, 3)).run.tolist())) == [1, 2]
        assert set(read_measurements(store, "cell", range(3, 9)).run.tolist()) == {3}
        assert read_measurements(store, "cell", range(4, 9)) is None


def test_the_dump_tells_any_bit_and_no_time(tmp_path, block):
    with open_store(tmp_path, "study", DESIGN) as store:
        save_block(store, block, range(4))
        before = list(canonical_dump(store))
        store.connection.execute("UPDATE block SET seconds = 99.0")
        write_session(store, {"pid": 1})
        assert list(canonical_dump(store)) == before
        store.connection.execute("UPDATE fit SET loss = loss + 6e-17 WHERE run = 2")
        after = list(canonical_dump(store))
        changed = [a for a, b in zip(before, after, strict=True) if a != b]
        assert len(changed) == 2  # two settings of run 2
        assert all('"fit", "cell"' in line for line in changed)


def test_numbers_that_are_none_come_back_as_nan(tmp_path):
    about = {"status": "failed", "reason": "why", "traceback": "trace"}
    rows = [fit_without_model("a", 0, 0, "raw", n_classes=3, **about)]
    with open_store(tmp_path, "study", DESIGN) as store:
        save_block(store, Block("cell", 0, stack_fits(rows), None), range(1))
        fits = read_fits(store, "cell")
    assert fits.loss.dtype == np.float64
    assert np.isnan(
        [fits.loss[0], fits.gradient_norm[0], *fits.bias[0], *fits.bias_gradient[0]]
    ).all()
    assert (fits.reason[0], fits.traceback[0]) == ("why", "trace")


def test_fresh_keeps_what_the_journal_held(tmp_path, block):
    """A writer that was killed leaves its last blocks in the journal."""
    import shutil

    killed = tmp_path / "killed"
    killed.mkdir()
    with open_store(tmp_path, "study", DESIGN) as store:
        save_block(store, block, range(4))
        for path in tmp_path.glob("records.sqlite*"):
            shutil.copy(path, killed)
    assert (killed / "records.sqlite-wal").stat().st_size > 0
    with open_store(killed, "study", DESIGN, fresh=True) as store:
        assert finished_runs(store) == {}
    (killed / "records.1.sqlite").rename(tmp_path / "aside.sqlite")
    assert {p.name for p in killed.iterdir()} == {"records.sqlite"}
    (killed / "records.sqlite").unlink()
    (tmp_path / "aside.sqlite").rename(killed / "records.sqlite")
    with read_store(killed) as store:
        assert finished_runs(store) == {("cell", 0): 4}


def test_what_a_kill_left_half_made_is_no_obstacle(tmp_path):
    (tmp_path / "records.new.sqlite").write_bytes(b"half")
    (tmp_path / "records.sqlite-wal").write_bytes(b"stale")
    with open_store(tmp_path, "study", DESIGN) as store:
        assert finished_runs(store) == {}
    assert {p.name for p in tmp_path.iterdir()} == {"records.sqlite"}
