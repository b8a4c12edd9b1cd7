"""A folder held against another of its study: what differs is named, and the status says so."""

import json
import math
import shutil
from pathlib import Path

import pandas as pd
import pytest

from learnprop.reports.folders.compared import compare_folders, relative_difference

PUBLISHED = Path(__file__).parents[3] / "results"
TABLE1 = PUBLISHED / "table1"


@pytest.fixture
def again(tmp_path):
    """A copy of the published Table 1, to be changed."""
    return Path(shutil.copytree(TABLE1, tmp_path / "again"))


def change(folder, column, value, line=5):
    table = pd.read_csv(folder / "summary.csv", dtype=str, keep_default_na=False)
    before = table.loc[line - 2, column]
    table.loc[line - 2, column] = value(before)
    table.to_csv(folder / "summary.csv", index=False)
    return before


@pytest.mark.parametrize(
    "folder",
    sorted(path.parent for path in PUBLISHED.glob("*/provenance.json")),
    ids=lambda f: f.name,
)
def test_every_published_folder_is_the_same_as_itself(folder):
    if not list(folder.glob("*.csv")):
        pytest.skip("no table")
    found = compare_folders(folder, folder)
    assert found.n_values > 0
    assert (found.verdicts, found.values, found.missing, found.design) == ((), (), (), "")
    assert found.is_reproduced(within=0.0)


def test_the_same_folder_is_said_to_be_the_same(cli, again):
    status, stdout, stderr = cli("compare", again, TABLE1, "--strict", "--within", 0)
    assert (status, stderr) == (0, "")
    rows = sum(len(pd.read_csv(TABLE1 / f"{name}.csv")) for name in ("summary", "depth"))
    assert f"table1: the same verdicts, all {rows}" in stdout
    assert "other values are the same to the last digit" in stdout
    about = json.loads((TABLE1 / "provenance.json").read_text())
    assert stdout.count(about["machine"]["processor"]) == 2
    assert stdout.count(about["packages"]["torch"]) == 2


def test_a_moved_value_is_named_and_within_says_how_far_is_far(cli, again):
    before = change(again, "lhs_mean", lambda text: repr(float(text) * 1.25))
    status, stdout, _ = cli("compare", again, TABLE1, "--strict")
    assert status == 0  # verdicts are the same
    said = " ".join(stdout.split())  # as it is before it is wrapped to a terminal
    assert "1 of " in said
    assert "largest relative difference 0.2: summary.csv, line 5 (sim1, train" in said
    assert f"lhs_mean {float(before) * 1.25!r}, reference {before}" in said
    assert cli("compare", again, TABLE1, "--strict", "--within", 0.1)[0] == 1
    assert cli("compare", again, TABLE1, "--strict", "--within", 0.3)[0] == 0


def test_a_changed_verdict_is_named_and_strict_says_no(cli, again):
    before = change(again, "verdict", lambda _: "fails")
    assert before != "fails"
    status, stdout, _ = cli("compare", again, TABLE1)
    assert status == 0
    said = " ".join(stdout.split())
    assert "table1: 1 of " in said
    assert "summary.csv, line 5 (sim1, train" in said
    assert f"verdict fails, reference {before}" in said
    assert cli("compare", again, TABLE1, "--strict")[0] == 1


def test_what_only_one_has_is_named(cli, again):
    (again / "depth.csv").unlink()
    table = pd.read_csv(again / "summary.csv").drop(columns="lhs_mean").iloc[:-1]
    table.to_csv(again / "summary.csv", index=False)
    status, stdout, _ = cli("compare", again, TABLE1, "--strict")
    assert status == 1
    assert "file depth.csv is in the reference only" in stdout
    assert f"summary.csv has {len(table)} rows, the reference's {len(table) + 1}" in stdout
    assert "summary.csv: column lhs_mean is in the reference only" in stdout


def test_another_design_is_said(cli, again):
    path = again / "provenance.json"
    about = json.loads(path.read_text())
    about["configuration"]["seed"] = 7
    about["runs"] = 5
    path.write_text(json.dumps(about))
    _, stdout, _ = cli("compare", again, TABLE1)
    assert "Computed from another design, reference -> folder: runs 100 -> 5; seed 0 -> 7" in stdout


def test_rounding_of_zero_is_no_difference_and_words_are():
    assert relative_difference("3e-13", "-8e-12") == 0
    assert relative_difference("1e-10", "2e-10") == 0.5
    assert relative_difference("1.50", "1.5") == 0
    assert relative_difference("", "1.5") == math.inf
    assert relative_difference("inf", "1.5") == math.inf


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda f: shutil.rmtree(f), "is no folder"),
        (
            lambda f: (f / "provenance.json").unlink(),
            "holds no results of a study: provenance.json",
        ),
        (
            lambda f: (f / "provenance.json").write_text("{"),
            "provenance.json is damaged: it is no J",
        ),
        (lambda f: (f / "provenance.json").write_text("[]"), "provenance.json names no study"),
        (
            lambda f: (f / "summary.csv").write_text("a,b\n1\n"),
            "summary.csv is damaged: it is no t",
        ),
        (
            lambda f: (f / "summary.csv").write_bytes(b"\xff\xfe"),
            "summary.csv is damaged: it is no",
        ),
        (lambda f: [p.unlink() for p in f.glob("*.csv")], "holds no table: no .csv file is there"),
    ],
)
def test_what_cannot_be_compared_is_one_line(cli, again, spoil, said):
    spoil(again)
    for folders in ((again, TABLE1), (TABLE1, again)):
        status, stdout, stderr = cli("compare", *folders)
        assert (status, stdout) == (2, "")
        assert said in stderr
        assert str(again) in stderr
        assert len(stderr.splitlines()) == 1


def test_bad_options_are_one_line(cli, again):
    other = PUBLISHED / "multiclass"
    said = f"learnprop: {again} holds table1, {other} holds multiclass\n"
    assert cli("compare", again, other) == (2, "", said)
    said = "learnprop: --within must be finite and not negative, got -1\n"
    assert cli("compare", again, TABLE1, "--strict", "--within", -1) == (2, "", said)
    said = "learnprop: --within goes with --strict only\n"
    assert cli("compare", again, TABLE1, "--within", 1) == (2, "", said)
    assert cli("compare", again)[2] == "learnprop: Missing argument 'REFERENCE'.\n"
