import json
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from reports import export as module
from reports.export import export
from simulations.measure import measure
from simulations.monte_carlo import run_study
from simulations.records import Block, stack_fits, stack_measurements
from simulations.store import open_store
from simulations.tables import read_measurements, save_block
from tests.toys import Toy, raise_in_bad_runs, toy_study

KEY = ["cell", "setting", "run", "epoch", "stage", "split", "true_class", "predicted_class"]
READERS = {
    "csv": pd.read_csv,
    "parquet": pd.read_parquet,
    "json": lambda path: pd.DataFrame(json.loads(path.read_text())),
}


@pytest.fixture
def two_classes(tmp_path):
    study = toy_study(Toy("x"), Toy("y", bad_runs=(3, 30)), compute=raise_in_bad_runs, n_runs=40)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store))
        yield store


@pytest.fixture
def three_classes(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [2, 5, 9])
    rows = [("a", r, 3, "head", "train", measure(y, rng.normal(size=(16, 3)))) for r in range(25)]
    fits = [("a", r, 3, "head", "converged", "", "", 1, 0.1, 0.0, 0.0) for r in range(25)]
    with open_store(tmp_path, "toy", {}) as store:
        save_block(store, Block("z", 0, stack_fits(fits), stack_measurements(rows)), range(25))
        yield store


@pytest.mark.parametrize("file_format", READERS)
@pytest.mark.parametrize("classes", ["two_classes", "three_classes"])
def test_every_format_keeps_every_bit_once(request, tmp_path, classes, file_format):
    store = request.getfixturevalue(classes)
    path = tmp_path / f"out.{file_format}"
    n_rows = export(store, path, file_format=file_format)
    frame = READERS[file_format](path)
    assert len(frame) == n_rows
    assert list(frame)[: len(KEY)] == KEY
    assert not frame.duplicated(KEY).any()
    n_found = 0
    for cell, rows in frame.groupby("cell"):
        measured = read_measurements(store, cell)
        n_classes = measured.class_count.shape[1]
        for i in range(len(measured)):
            keys = {name: getattr(measured, name)[i] for name in KEY[1:6]}
            mine = rows[np.logical_and.reduce([rows[k] == v for k, v in keys.items()])]
            assert len(mine) == n_classes**2
            for row in mine.to_dict("records"):
                t, p = row["true_class"], row["predicted_class"]
                assert row["mean_proba"] == measured.mean_proba[i, t, p]
                assert row["mean_square_proba"] == measured.second_moment[i, t, p, p]
                assert row["confusion"] == measured.confusion[i, t, p]
                assert row["class_count"] == measured.class_count[i, t]
                assert row["log_loss"] == measured.log_loss[i, t]
                n_found += 1
    assert n_found == n_rows
    assert not path.with_name(path.name + ".tmp").exists()


@pytest.mark.parametrize("file_format", READERS)
def test_fits_have_their_failures(two_classes, tmp_path, file_format):
    path = tmp_path / "fits"
    export(two_classes, path, file_format=file_format, table="fits")
    frame = READERS[file_format](path)
    assert len(frame) == 2 * 40 * 2  # cells, runs, settings
    failed = frame[frame["status"] == "failed"]
    assert sorted(set(failed["run"])) == [3, 30]
    assert failed["reason"].str.startswith("FloatingPointError: run").all()
    assert failed["traceback"].str.contains("spawn_key=").all()
    assert failed["loss"].isna().all()


def test_a_block_at_a_time(two_classes, tmp_path, monkeypatch):
    lengths = []
    original = module.measurements_frame

    def spy(cell, rows):
        lengths.append(len(set(rows.run.tolist())))
        return original(cell, rows)

    monkeypatch.setattr(module, "measurements_frame", spy)
    export(two_classes, tmp_path / "out.csv")
    assert sorted(lengths) == [14, 15, 24, 25]  # 40 runs in blocks of 25, two failed


def test_a_write_that_fails_leaves_what_was_there(two_classes, tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("mine")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OSError, match="No space left"):
        export(two_classes, path)
    assert path.read_text() == "mine"
    assert not list(tmp_path.glob("*.tmp"))


def test_bad_choices_are_refused(two_classes, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match="--format must be one of csv, parquet, json, got 'xls'"):
        export(two_classes, tmp_path / "out", file_format="xls")
    with pytest.raises(ValueError, match="--table must be one of measurements, fits, got 'x'"):
        export(two_classes, tmp_path / "out", table="x")
    monkeypatch.setattr(module, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"needs: pip install 'learnprop\[parquet\]'"):
        export(two_classes, tmp_path / "out", file_format="parquet")
    assert not (tmp_path / "out").exists()


def test_an_empty_store_is_refused(tmp_path):
    with (
        open_store(tmp_path, "toy", {}) as store,
        pytest.raises(ValueError, match="holds no measurements yet"),
    ):
        export(store, tmp_path / "out.csv")


def test_the_command(two_classes, tmp_path, cli):
    folder, out = two_classes.path.parent, tmp_path / "out.csv"
    status, stdout, stderr = cli("export", folder, "--out", out)
    n_rows = 4 * 2 * (40 + 38)
    assert (status, stdout) == (0, f"{n_rows} rows written to {out}\n")
    assert stderr.startswith("2 replications failed, in part or whole")
    before = out.read_bytes()
    status, _, stderr = cli("export", folder, "--out", out)
    assert (status, stderr) == (2, f"learnprop: --out {out} is there; --force replaces it\n")
    assert cli("export", folder, "--out", out, "--format", "json", "--force")[0] == 0
    assert out.read_bytes() != before
    status, _, stderr = cli("export", folder, "--out", tmp_path, "--force")
    assert (status, stderr) == (2, f"learnprop: --out {tmp_path} is a folder\n")
    status, _, stderr = cli("export", folder, "--out", tmp_path / "new" / "out.csv")
    assert (status, stderr) == (
        2, f"learnprop: --out {tmp_path / 'new' / 'out.csv'} cannot be written: no such folder\n"
    )  # fmt: skip
    store = tmp_path / "records.sqlite"
    assert "the name is a store's" in cli("export", folder, "--out", store, "--force")[2]
    status, _, stderr = cli("export", tmp_path / "none", "--out", tmp_path / "x.csv")
    assert (status, len(stderr.splitlines())) == (2, 1)
    assert "holds no records.sqlite" in stderr


def test_one_line_in_r(two_classes, tmp_path):
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    export(two_classes, tmp_path / "out.csv")
    line = f'd <- read.csv("{tmp_path}/out.csv"); cat(nrow(d), class(d$mean_proba))'
    answer = subprocess.run(["Rscript", "-e", line], capture_output=True, text=True, check=True)
    assert answer.stdout == f"{4 * 2 * (40 + 38)} numeric"
