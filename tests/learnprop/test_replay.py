import json
import shutil
import sqlite3
from contextlib import closing

import pytest

from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.table1.study import Options, make_study
from tests.stores import flip_last_bit


def test_the_command(cli, tmp_path):
    small = ("--train-size", 40, 120, "--test-size", 50, 50, "--max-iter", 3, "--jobs", 1)
    assert cli("table1", "--runs", 10, "--out", tmp_path, *small, "--quiet")[0] == 0
    arguments = ("replay", tmp_path, "--cell", "sim1", "--run", 7)
    status, stdout, _ = cli(*arguments, "--strict")
    assert status == 0
    assert "sim1, runs 0 to 9: 30 fits and 120 measurements, computed again" in stdout
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
        'torch "0.4"', "equations/balance.py was edited", "simulations/gone.py is gone",
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
