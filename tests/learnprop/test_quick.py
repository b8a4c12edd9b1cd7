"""A quick look: a smaller design of its own, and never taken for the study in full."""

import sqlite3

import numpy as np
import pandas as pd
import pytest

import learnprop
from learnprop.arguments import from_python
from learnprop.execute import lay_out
from learnprop.reports.study_report import report_of
from learnprop.simulations.records.store import read_measurements
from learnprop.simulations.records.store_file import read_store
from learnprop.simulations.studies import STUDIES, options_type, stored_study
from learnprop.simulations.studies.option import declared_options

SMALL = ("--sizes", "90,60,30", "--test-size", 50, "--weights", "equal", "--jobs", 1)
NOTE = "runs of a smaller design, not the study in full."


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_one_that_its_design_and_protocol_name(name):
    sets = declared_options(options_type(name))["quick"].option.sets
    assert 2 <= sets["runs"] <= 10
    assert from_python(name, options_type(name), sets) == sets  # options that there are, and kinds
    study, full = lay_out(name, {"quick": True}), lay_out(name, {})
    assert (study.quick, full.quick) == (True, False)
    assert (study.n_runs, study.block_size) == (sets["runs"], 1)
    assert "quick" not in full.design
    again = stored_study(name, study.design, study.n_runs)
    assert (again.design, again.cells) == (study.design, study.cells)
    report = report_of(name)
    assert f"Quick look: {sets['runs']} {NOTE}" in " ".join(report.protocol(study).split())
    assert "Quick look" not in report.protocol(full)


def test_what_is_given_goes_before_what_a_quick_look_sets():
    study = lay_out("explore", {"quick": True, "ratios": (1.0, 2.0), "runs": 3})
    assert ([cell.ratio for cell in study.cells], study.n_runs) == ([1.0, 2.0], 3)


def test_on_the_command_line_it_has_a_folder_of_its_own(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, stdout, _ = cli("multiclass", "--quick", *SMALL)
    assert status == 0
    assert f"Quick look: 10 {NOTE}" in stdout
    out = tmp_path / "results" / "multiclass-quick"
    assert f"Quick look: 10 {NOTE}" in (out / "multiclass.tex").read_text()
    assert set(pd.read_csv(out / "summary.csv")["runs_attempted"]) == {10}
    # More runs of it resume: a replication is a block, and none is computed in vain.
    assert cli("multiclass", "--quick", "--runs", 12, *SMALL)[0] == 0
    with sqlite3.connect(out / "records.sqlite") as store:
        blocks = store.execute("SELECT block, n_runs FROM block ORDER BY block").fetchall()
    assert blocks == [(i, 1) for i in range(12)]
    status, _, stderr = cli("multiclass", *SMALL, "--out", out)
    assert status == 2
    assert "holds a quick look, and this is the study in full; use another --out, or" in stderr
    assert stderr.count("\n") == 1
    paper = cli("report", out, "--out", tmp_path / "paper")
    assert paper[0] == 0
    assert f"Quick look: 12 {NOTE}" in (tmp_path / "paper" / "report.tex").read_text()


def test_its_replications_are_those_of_the_study_in_full(tmp_path):
    """The same samples, fitted alone and not in a block of 25."""
    options = {"sizes": (90, 60, 30), "test_size": 50, "weights": "equal"}
    full = learnprop.multiclass(runs=3, out=tmp_path / "full", **options)
    quick = learnprop.multiclass(runs=3, quick=True, out=tmp_path / "quick", **options)
    assert (repr(full)[:12], repr(quick)[:24]) == ("<multiclass:", "<multiclass, quick look:")
    found = []
    for folder in ("full", "quick"):
        with read_store(tmp_path / folder) as store:
            found.append(read_measurements(store, "gaussian"))
    np.testing.assert_allclose(found[0].mean_proba, found[1].mean_proba, rtol=1e-10)
    with pytest.raises(ValueError, match="holds the study in full, and this is a quick look"):
        learnprop.multiclass(runs=3, quick=True, out=tmp_path / "full", **options)
