import csv
import json
import math
import shutil
import struct
import subprocess

import numpy as np
import pandas as pd
import pytest

from learnprop.reports.folders import export as module
from learnprop.reports.folders.export import export, measurements_frame
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.rows import (
    Block,
    MeasurementRow,
    Measurements,
    stack_fits,
    stack_measurements,
)
from learnprop.simulations.records.store import read_measurements, save_block
from learnprop.simulations.records.store_file import open_store
from tests.toys import Toy, fit_row, raise_in_bad_runs, toy_study

KEY = ["cell", "setting", "run", "epoch", "stage", "split", "true_class", "predicted_class"]
READERS = {
    "csv": pd.read_csv,
    "parquet": pd.read_parquet,
    "json": lambda path: pd.DataFrame(json.loads(path.read_text())),
}


@pytest.fixture
def three_classes(tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [2, 5, 9])
    rows = [
        MeasurementRow("a", r, 3, "head", "train", measure(y, rng.normal(size=(16, 3))))
        for r in range(25)
    ]
    fits = [fit_row("a", r, 3, epoch=3, stage="head") for r in range(25)]
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


def test_json_is_read_where_no_number_is_infinite(tmp_path):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    frame = pd.DataFrame({"log_loss": [np.inf, -np.inf, np.nan, 0.1], "label": list("abcd")})
    with (tmp_path / "a.json").open("wb") as file, module._json(file) as write:
        write(frame)
    records = json.loads((tmp_path / "a.json").read_text(), parse_constant=refuse)
    assert [record["log_loss"] for record in records] == ["Infinity", "-Infinity", None, 0.1]
    assert [float(record["log_loss"]) for record in records[:2]] == [np.inf, -np.inf]


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


@pytest.mark.parametrize("file_format", READERS)
def test_cells_of_different_numbers_of_classes_share_the_columns_of_fits(
    three_classes, tmp_path, file_format
):
    list(run_study(toy_study(Toy("x"), n_runs=25), three_classes))
    path = tmp_path / "fits"
    assert export(three_classes, path, file_format=file_format, table="fits") == 50 + 25
    frame = READERS[file_format](path)
    arrays = ("bias", "bias_gradient", "path_gradient", "path_identity")
    assert list(frame)[-12:] == [f"{name}_{k}" for name in arrays for k in range(3)]
    for name in ("bias", "bias_gradient"):
        two = frame[frame["cell"] == "x"]
        assert (two[f"{name}_1"] == 0).all()
        assert two[f"{name}_2"].isna().all()
        assert (frame.loc[frame["cell"] == "z", f"{name}_2"] == 0).all()


def test_a_block_at_a_time(two_classes, tmp_path, monkeypatch):
    lengths = []
    original = module.measurements_frame

    def spy(cell, rows, *labels):
        lengths.append(len(set(rows.run.tolist())))
        return original(cell, rows, *labels)

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
    with pytest.raises(ValueError, match="format must be one of csv, parquet, json, got 'xls'"):
        export(two_classes, tmp_path / "out", file_format="xls")
    with pytest.raises(ValueError, match="table must be one of measurements, fits, got 'x'"):
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


def test_one_line_in_r(two_classes, tmp_path):
    if shutil.which("Rscript") is None:
        pytest.skip("Rscript is not installed")
    export(two_classes, tmp_path / "out.csv")
    line = f'd <- read.csv("{tmp_path}/out.csv"); cat(nrow(d), class(d$mean_proba))'
    answer = subprocess.run(["Rscript", "-e", line], capture_output=True, text=True, check=True)
    assert answer.stdout == f"{4 * 2 * (40 + 38)} numeric"


EXTREMES = (-0.0, 5e-324, 2.2250738585072014e-308, 0.1, 1 / 3, math.pi, 1 - 2**-53, 1.7e308)
FORMATS = ("csv", "json", "parquet")


def rows_of(path):
    """Rows as dicts, each by a reader that is not pandas'; CSV's numbers by float()."""
    if path.suffix == ".json":
        return json.loads(path.read_text())
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return pq.read_table(path).to_pylist()
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    words = {"cell", "setting", "stage", "split", "status", "reason", "traceback"}
    floats = ("mean_", "miss_proba", "lo", "gradient_norm", "bias_", "path_")
    return [
        {k: v if k in words else float(v or "nan") if k.startswith(floats) else int(v)
         for k, v in row.items()}
        for row in rows
    ]  # fmt: skip


def bits(number):
    return struct.pack("<d", number)


def extreme_measurements(n_classes, n_runs):
    """Any doubles, whether probabilities or not: what is written is no concern of the export."""
    k, rng = n_classes, np.random.default_rng(n_classes)

    def draw(*shape):
        values = rng.random(shape) * 10.0 ** rng.integers(-300, 300, shape)
        values.flat[: len(EXTREMES)] = EXTREMES[: values.size]
        return values

    counts = rng.integers(0, 2**60, (n_runs, k)), rng.integers(0, 2**60, (n_runs, k, k))
    return Measurements(
        setting=np.array(["a, \"b\"", "λ"] * n_runs)[:n_runs], run=np.arange(n_runs),
        epoch=np.zeros(n_runs, int), stage=np.array(["raw"] * n_runs),
        split=np.array(["test"] * n_runs), class_count=counts[0], confusion=counts[1],
        mean_proba=draw(n_runs, k, k), miss_proba=draw(n_runs, k), log_loss=draw(n_runs, k),
        second_moment=draw(n_runs, k, k, k),
    )  # fmt: skip


@pytest.mark.parametrize("n_classes", [2, 3])
def test_all_formats_hold_the_same_rows_and_the_bits_that_were_saved(tmp_path, n_classes):
    rows = extreme_measurements(n_classes, 25)
    fits = stack_fits([fit_row("λ", r) for r in range(2)])
    with open_store(tmp_path, "toy", {}) as store:
        save_block(store, Block("z", 0, fits, rows), range(25))
        for file_format in FORMATS:
            export(store, tmp_path / f"out.{file_format}", file_format=file_format)
    written = {name: rows_of(tmp_path / f"out.{name}") for name in FORMATS}
    assert list(map(list, written["csv"])) == list(map(list, written["parquet"]))
    for name, found in written.items():
        assert len(found) == 25 * n_classes**2, name
        at = {tuple(row[key] for key in KEY): row for row in found}
        assert len(at) == len(found), name
        for r in range(25):
            for t in range(n_classes):
                for p in range(n_classes):
                    row = at["z", str(rows.setting[r]), r, 0, "raw", "test", t, p]
                    assert bits(row["mean_proba"]) == bits(rows.mean_proba[r, t, p])
                    # E[f_p f_p] over class t: the diagonal of its matrix of second moments
                    square = np.diag(rows.second_moment[r, t])[p]
                    assert bits(row["mean_square_proba"]) == bits(square)
                    assert bits(row["miss_proba"]) == bits(rows.miss_proba[r, t])
                    assert bits(row["log_loss"]) == bits(rows.log_loss[r, t])
                    assert row["class_count"] == rows.class_count[r, t]
                    assert row["confusion"] == rows.confusion[r, t, p]


def test_the_comparison_of_bits_can_fail():
    assert bits(0.1) != bits(math.nextafter(0.1, 1.0))
    assert bits(-0.0) != bits(0.0)


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_numbers_of_fits_keep_every_bit(tmp_path, file_format):
    numbers = [5e-324, 0.1, 1 / 3, math.pi * 1e-200, 1.7e308]
    rows = [
        fit_row("a", r, n_iter=r, loss=x, gradient_norm=-x,
                bias=np.array([0.0, x]), bias_gradient=np.array([x / 7, x]))
        for r, x in enumerate(numbers)
    ]  # fmt: skip
    path = tmp_path / f"out.{file_format}"
    with open_store(tmp_path, "toy", {}) as store:
        save_block(store, Block("z", 0, stack_fits(rows), None), range(25))
        assert export(store, path, file_format=file_format, table="fits") == len(numbers)
    found = sorted(rows_of(path), key=lambda row: row["run"])
    for row, x in zip(found, numbers, strict=True):
        assert bits(row["loss"]) == bits(x)
        assert bits(row["gradient_norm"]) == bits(-x)
        assert bits(row["bias_1"]) == bits(x)
        assert bits(row["bias_gradient_0"]) == bits(x / 7)


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("file_format", FORMATS)
def test_a_write_that_fails_half_way_leaves_what_was_there(
    two_classes, tmp_path, monkeypatch, file_format, there
):
    path = tmp_path / "out"
    if there:
        path.write_text("mine")
    before = {p.name for p in tmp_path.iterdir()}
    calls = []

    def fail_at_the_second(cell, rows, *labels):
        calls.append(cell)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return measurements_frame(cell, rows, *labels)

    monkeypatch.setattr(module, "measurements_frame", fail_at_the_second)
    with pytest.raises(OSError, match="No space left"):
        export(two_classes, path, file_format=file_format)
    assert len(calls) == 2
    assert {p.name for p in tmp_path.iterdir()} == before
    assert not there or path.read_text() == "mine"


def test_a_store_of_failures_alone_has_fits_and_no_measurements(tmp_path):
    study = toy_study(Toy("x", bad_runs=tuple(range(25))), compute=raise_in_bad_runs, n_runs=25)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store))
        with pytest.raises(ValueError, match="holds no measurements yet"):
            export(store, tmp_path / "out.csv")
        assert not (tmp_path / "out.csv").exists()
        assert export(store, tmp_path / "out.csv", table="fits") == 25 * 2
    assert {row["status"] for row in rows_of_fits(tmp_path / "out.csv")} == {"failed"}


def rows_of_fits(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
