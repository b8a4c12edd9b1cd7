"""Every study, small, through the command line, against CSVs that are kept."""

import csv
import re
import shutil
import sqlite3
import struct

import pytest

from tests.same_numbers import running
from tests.same_numbers.compare import compare
from tests.same_numbers.reference import REFERENCE, differences_from
from tests.same_numbers.running import ROOT, STUDIES, CommandFailedError, run


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    """Run a study once; returns the folder that holds it."""
    folders = {}

    def of(study):
        if study not in folders:
            folders[study] = tmp_path_factory.mktemp("ran") / study
            run(folders[study], ROOT, [study], all_of_it=False)
        return folders[study]

    return of


@pytest.mark.slow
@pytest.mark.parametrize("study", STUDIES)
def test_numbers_are_those_that_are_kept(ran, study):
    assert differences_from(REFERENCE, ran(study), study) == []


def change(path, column):
    """Move the last number of a column by a tenth of itself and of one; the row's number."""
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    at = header.index(column)
    n = max(i for i, row in enumerate(rows) if re.fullmatch(r"-?[\d.]+", row[at]))
    rows[n][at] = repr(float(rows[n][at]) * 1.1 + 0.1)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return n + 1


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("table1/bfgs/summary.csv", "residual"),
        ("multiclass/mlp/summary.csv", "left"),
        ("controls/all/classes.csv", "observed"),
        ("claims/all/summary.csv", "observed"),
        ("explore/npz/summary.csv", "accuracy"),
        ("cnn/plain/joint.csv", "balanced_accuracy"),
        ("losses/all/summary.csv", "accuracy"),
    ],
)
def test_one_moved_value_is_found(tmp_path, name, column):
    """The control, without running anything: the reference stands for what was run."""
    study, case, file = name.split("/")
    for side in ("kept", "ran"):
        (tmp_path / side / study / case).mkdir(parents=True)
        shutil.copy(REFERENCE / name, tmp_path / side / study / case)
    kept, fresh = tmp_path / "kept", tmp_path / "ran"
    assert differences_from(kept, fresh, study) == []
    row = change(kept / study / case / file, column)
    (line,) = differences_from(kept, fresh, study)
    assert line.startswith(f"{name}: ")
    assert f": row {row} (" in line
    assert f"), {column}: " in line


def test_nothing_to_compare_is_no_agreement(tmp_path, capsys):
    assert differences_from(tmp_path, tmp_path, "table1") == ["table1: nothing to compare"]
    assert not compare(tmp_path, tmp_path)
    assert "DIFFERENT" in capsys.readouterr().out


def test_references_are_small_and_of_every_case():
    kept = {str(p.parent.relative_to(REFERENCE)) for p in REFERENCE.rglob("*.csv")}
    assert kept == {f"{study}/{case}" for study, cases in STUDIES.items() for case in cases}
    assert sum(p.stat().st_size for p in REFERENCE.rglob("*.csv")) < 200_000


def written(folder, residual=0.25, seconds=1.0, design='{"code": {"numpy": "1"}, "seed": 0}'):
    """A folder as `run` writes it, of one row."""
    case = folder / "table1" / "bfgs"
    case.mkdir(parents=True)
    (case / "summary.csv").write_text(f"split,residual\ntest,{residual!r}\n")
    (case / "protocol.md").write_text(f"Written in {folder}\n")
    connection = sqlite3.connect(case / "records.sqlite")
    connection.executescript(
        "CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT);"
        "CREATE TABLE block (cell TEXT, block INTEGER, n INTEGER, seconds REAL,"
        " PRIMARY KEY (cell, block));"
        "CREATE TABLE fit (cell TEXT, run INTEGER, traceback TEXT, arrays BLOB,"
        " PRIMARY KEY (cell, run))"
    )
    with connection:
        connection.execute("INSERT INTO study VALUES ('design', ?)", (design,))
        connection.execute("INSERT INTO study VALUES ('session', ?)", (str(folder),))
        connection.execute("INSERT INTO block VALUES ('a', 0, 2, ?)", (seconds,))
        for i in range(2):
            blob = struct.pack("<4d", 1, 2, i, residual)
            connection.execute("INSERT INTO fit VALUES ('a', ?, ?, ?)", (i, str(folder), blob))
    connection.close()
    return folder


def test_times_versions_and_paths_are_no_results(tmp_path, capsys):
    a = written(tmp_path / "a")
    b = written(tmp_path / "b", seconds=9.0, design='{"seed": 0, "code": {"numpy": "2"}}')
    assert compare(a, b)
    out = capsys.readouterr().out
    assert out.splitlines()[0] == (
        "table1      1 sqlite, no differences; 1 csv, no differences; texts that differ: 0"
    )
    assert out.splitlines()[-1] == "the same numbers: 2 files"


def test_a_difference_is_named(tmp_path, capsys):
    a, b = written(tmp_path / "a"), written(tmp_path / "b", residual=0.25 + 1e-13)
    assert not compare(a, b)
    out = capsys.readouterr().out
    assert "summary.csv: row 1 (test, 0.25), residual: 0.25 and 0.2500000000001" in out
    assert "fit cell=a run=1, arrays: number 3 is 0.25 and 0.2500000000001" in out
    assert not compare(a, b, relative=1e-9)  # the stores
    assert compare(a, b, relative=1e-9, stores=False)
    assert not compare(a, b, stores=False)


def test_texts_are_shown_and_do_not_count(tmp_path, capsys):
    a, b = written(tmp_path / "a"), written(tmp_path / "b")
    (b / "table1" / "bfgs" / "protocol.md").write_text("In other words\n")
    assert compare(a, b)
    out = capsys.readouterr().out
    assert "+In other words" in out
    assert "texts that differ: 1" in out


def test_an_option_of_another_name_is_named_and_can_be_left_out(tmp_path, capsys):
    a = written(tmp_path / "a")
    b = written(tmp_path / "b", design='{"code": {}, "seed": 0, "width": 3}')
    assert not compare(a, b)
    assert "study design.width: only in the second" in capsys.readouterr().out
    assert compare(a, b, without=["study design.width"])


def test_a_file_or_a_row_that_is_missing_is_a_difference(tmp_path, capsys):
    a, b = written(tmp_path / "a"), written(tmp_path / "b")
    connection = sqlite3.connect(b / "table1" / "bfgs" / "records.sqlite")
    with connection:
        connection.execute("DELETE FROM fit WHERE run = 1")
    connection.close()
    (b / "table1" / "bfgs" / "summary.csv").unlink()
    assert not compare(a, b)
    out = capsys.readouterr().out
    assert "fit cell=a run=1: only in the first" in out
    assert f"summary.csv: not in {b}" in out


@pytest.fixture
def checkout(tmp_path):
    """Sources of a `learnprop` that knows ``--new`` and prints what it was called with."""
    package = tmp_path / "checkout" / "learnprop"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(
        "import sys\nprint(*sys.argv[1:])\nsys.exit(2 if '--old' in sys.argv else 0)\n"
    )
    return package.parent


def test_an_option_may_be_spelt_otherwise(tmp_path, checkout, monkeypatch):
    monkeypatch.setattr(running, "STUDIES", {"toy": {"one": "--old 1,2"}})
    with pytest.raises(CommandFailedError, match=r"learnprop toy .*\nended with 2"):
        run(tmp_path / "a", checkout, ["toy"], all_of_it=False)
    monkeypatch.setattr(running, "RESPELT", {"toy": {"--old": "--new"}})
    run(tmp_path / "b", checkout, ["toy"], all_of_it=False)
    assert "--new 1,2" in (tmp_path / "b" / "toy" / "one.out").read_text()


def test_sources_of_another_checkout_are_refused(tmp_path):
    with pytest.raises(CommandFailedError, match="learnprop is imported from"):
        run(tmp_path / "a", tmp_path / "nothing", ["table1"])
