"""A study of which no run has a model says why, and does not end as if it had shown something."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import learnprop
from learnprop.reports.folders.status import cells_without_model, no_model_line
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.store_file import open_store
from tests.toys import Toy, raise_in_bad_runs, separate_bad_runs, toy_study

SEPARATED = "separated: a hyperplane parts the classes, so the loss has no minimum"


@pytest.fixture
def two_heaps():
    """Eighty samples in two heaps, which any number between 0.1 and 0.9 parts."""
    labels = np.repeat([0, 1], 40)
    return labels + np.random.default_rng(0).uniform(-0.1, 0.1, 80), labels


def test_the_command_line_reports_says_why_and_ends_with_3(cli, tmp_path, two_heaps):
    x, labels = two_heaps
    pd.DataFrame({"x": x, "label": labels}).to_csv(tmp_path / "heaps.csv", index=False)
    out = tmp_path / "out"
    command = ("explore", "--data", tmp_path / "heaps.csv", "--runs", 2, "--ratios", "1,2")
    command += ("--weights", "equal", "--out", out, "--jobs", 1)
    status, stdout, stderr = cli(*command)
    assert status == 3
    last = stderr.splitlines()[-1]
    assert last.startswith(f"explore: no run has a model; 4 of 4 runs: {SEPARATED}")
    assert f"Written to {out}/" in stdout
    assert set(pd.read_csv(out / "summary.csv")["verdict"]) == {"separated"}
    status, stdout, stderr = cli(*command, "--quiet", "--strict")  # again, nothing to compute
    assert (status, stdout, len(stderr.splitlines())) == (3, "", 1)


def test_python_returns_what_there_is_and_warns(two_heaps):
    x, labels = two_heaps
    said = f"^explore: no run has a model; 2 of 2 runs: {SEPARATED}"
    with pytest.warns(UserWarning, match=said) as w:
        result = learnprop.explore(x[:, None], labels, runs=2, ratios=1, weights="equal")
    assert w[0].filename == __file__
    assert set(result.to_frame()["runs_failed"]) == {2}


def stored(tmp_path, study):
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store))
        return cells_without_model(study, store)


def test_cells_are_told_by_name_and_the_commonest_reason_alone(tmp_path):
    x, y = Toy("x", bad_runs=tuple(range(30))), Toy("y", bad_runs=(1,))
    study = toy_study(x, y, compute=raise_in_bad_runs, n_runs=30)
    without = stored(tmp_path, study)
    assert list(without) == ["x"]
    assert sum(without["x"].values()) == 30
    reason = "FloatingPointError: run 0 of x broke"
    assert no_model_line(study, without).startswith(
        "toy: no run of x has a model; 1 of 30 runs: FloatingPointError: run "
    )
    assert without["x"][reason] == 1
    (tmp_path / "fewer").mkdir()
    fewer = stored(tmp_path / "fewer", replace(study, cells=(x,)))
    assert no_model_line(replace(study, cells=(x,)), fewer).startswith("toy: no run has a model; ")


def test_a_cell_that_is_separated_in_part_has_models(tmp_path):
    """Setting a of every run has none, setting b has one."""
    study = toy_study(Toy("x", bad_runs=tuple(range(30))), compute=separate_bad_runs, n_runs=30)
    assert stored(tmp_path, study) == {}
