"""One number of a tiny study, from the sample to the table: the walk of architecture.md."""

import csv
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from learnprop.equations.balance import left_side
from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.fitters.softmax import fit_softmax, softmax_logits
from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
from learnprop.simulations.generators.generator import sample
from learnprop.simulations.records.measure import Measured, measure
from learnprop.simulations.records.rows import Block, MeasurementRow, select, stack_measurements
from learnprop.simulations.records.store import read_measurements, row_type
from learnprop.simulations.records.store_file import read_store
from learnprop.simulations.studies import stored_study

SIZES, TEST, RUNS, SEED = (60, 40, 30), 50, 4, 11
SETTING = "inverse"


@pytest.fixture(scope="module")
def logits_and_labels():
    """Of run 2 on test, made by nothing but the generator, the keys and the fitter."""
    generator = gaussian_classes(class_means("ring", 3, 2, 2.0))
    X, y = sample(generator, SIZES, replication_rng(SEED, "gaussian", 2, "train"))
    weight = 1 / np.array(SIZES)
    fit = fit_softmax(X[None], y, [weight / weight.sum()])
    features, labels = sample(generator, [TEST] * 3, replication_rng(SEED, "gaussian", 2, "test"))
    return softmax_logits(features, fit.params[0])[0], labels


@pytest.fixture
def folder(cli, tmp_path):
    status, _, err = cli(
        "multiclass", "--sizes", ",".join(map(str, SIZES)), "--test-size", TEST, "--runs", RUNS,
        "--weights", SETTING, "--seed", SEED, "--jobs", 1, "--out", tmp_path,
    )  # fmt: skip
    assert status == 0, err
    return tmp_path


def test_one_mean_probability_from_the_sample_to_the_table(logits_and_labels, folder):
    # From logits to `Measured`: P[0, 0] is the mean over class 0 of its own probability.
    logits, labels = logits_and_labels
    measured = measure(labels, logits)
    proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert isinstance(measured, Measured)
    np.testing.assert_allclose(measured.mean_proba[0, 0], proba[labels == 0, 0].mean(), rtol=1e-12)

    # To the blob of its row, where it is the float64 behind the three class sizes.
    with read_store(folder) as store:
        ((n_classes, blob),) = store.connection.execute(
            "SELECT n_classes, arrays FROM measurement WHERE run = 2 AND split = 'test'"
        ).fetchall()
        rows = read_measurements(store, "gaussian")
        (cell,) = stored_study(store.study, store.design, RUNS).cells
    (packed,) = np.frombuffer(blob, row_type(rows, n_classes))
    assert np.frombuffer(blob[3 * 8 : 4 * 8], "<f8").item() == packed["mean_proba"][0, 0]
    # A block of 25 is fitted at once: the last digits may be those of another order of sums.
    np.testing.assert_allclose(packed["mean_proba"], measured.mean_proba, rtol=1e-9)

    # Back, among the measurements of all runs, bit for bit; the mean over runs in summary.csv.
    test = select(rows, setting=SETTING, split="test")
    assert test.run.tolist() == list(range(RUNS))
    assert test.mean_proba[2].tobytes() == packed["mean_proba"].tobytes()
    with (folder / "summary.csv").open(encoding="utf-8") as file:
        (row,) = (r for r in csv.DictReader(file) if (r["split"], r["class"]) == ("test", "0"))
    exact = sum(map(Fraction, test.mean_proba[:, 0, 0].tolist())) / RUNS
    assert float(row["mean_proba"]) == pytest.approx(float(exact), rel=1e-14)

    # And, as the left side w_0 (1 - P[0, 0]) over the total mass, in per cent in the table.
    share = cell.class_mass(SETTING) / cell.class_mass(SETTING).sum()
    left = left_side(test.mean_proba, share, test.miss_proba)[:, 0]
    np.testing.assert_allclose(left, share[0] * (1 - test.mean_proba[:, 0, 0]), rtol=1e-9)
    assert float(row["left"]) == pytest.approx(left.mean(), rel=1e-14)
    written, mcse = left_cell((folder / "multiclass.tex").read_text(encoding="utf-8"))
    digits = len(written.partition(".")[2])
    assert float(written) == pytest.approx(100 * left.mean(), abs=0.501 * 10**-digits)
    spread = 100 * left.std(ddof=1) / np.sqrt(RUNS)
    assert float(mcse) == pytest.approx(spread, abs=0.501 * 10**-digits)


def left_cell(tex):
    """Left side of class 0 in the table, and its Monte Carlo standard error."""
    (line,) = (line for line in tex.splitlines() if line.startswith(f"{SETTING}, 0 "))
    return re.fullmatch(r" \$([\d.]+) \\pm ([\d.]+)\$ ", line.split("&")[2]).groups()


def test_a_number_that_is_changed_in_the_store_is_changed_in_the_table(folder, cli, tmp_path):
    """The control: tables are made from what is stored, and from nothing else."""
    from learnprop.simulations.records.store_file import open_store

    before = left_cell((folder / "multiclass.tex").read_text(encoding="utf-8"))
    with read_store(folder) as store:
        design, name = store.design, store.study
        blobs = store.connection.execute(
            "SELECT run, arrays FROM measurement WHERE split = 'test'"
        ).fetchall()
        dtype = row_type(read_measurements(store, "gaussian"), 3)
    with open_store(folder, name, design) as store:
        for run, blob in blobs:
            packed = np.frombuffer(blob, dtype).copy()
            packed["miss_proba"][0, 0] += 0.1
            store.connection.execute(
                "UPDATE measurement SET arrays = ? WHERE run = ? AND split = 'test'",
                (packed.tobytes(), run),
            )
    assert cli("report", folder, "--out", tmp_path / "paper")[0] == 0
    (tex,) = (tmp_path / "paper").glob("*/multiclass.tex")
    after = left_cell(tex.read_text(encoding="utf-8"))
    # w_0 is a third of the total mass under inverse weights: 0.1 of it is 3.33 per cent
    assert float(after[0]) - float(before[0]) == pytest.approx(10 / 3, abs=0.02)


def test_the_records_on_the_way_are_those_that_the_page_names():
    measured = measure([0, 0, 1], [[1.0, 0.0], [0.0, 1.0], [0.0, 3.0]])
    row = MeasurementRow("equal", 3, 0, "raw", "test", measured)
    stacked = stack_measurements([row, row])
    assert type(stacked).__name__ == "Measurements"
    assert stacked.mean_proba.shape == (2, 2, 2)
    assert Block("x", 0, None, stacked).measurements is stacked


def test_the_cell_that_the_page_ends_with_is_in_the_table(cli, tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "development" / "architecture.md").read_text(
        encoding="utf-8"
    )
    (command,) = re.findall(r"`learnprop (multiclass [^`]*)`", page)
    (cell,) = re.findall(r"`(\$[^`]*\$)`", page)
    assert cli(*command.split(), "--jobs", 1, "--out", tmp_path)[0] == 0
    assert f"60 & {cell} & " in (tmp_path / "multiclass.tex").read_text(encoding="utf-8")
