import json

import numpy as np
import pandas as pd
import pytest

from learnprop.exits import DONE, STOPPED

DRAWN = ("--generator", "sim1", "--train-count", "40,200", "--test-size", 100)


@pytest.fixture
def csv(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(np.repeat([0.0, 1.0], [90, 60]))})
    table["kind"] = np.repeat(["common", "a_b & 50 %"], [90, 60])
    path = tmp_path / "data.csv"
    table.to_csv(path, index=False)
    return path


def test_design_writes_a_folder_about_a_file(cli, tmp_path, csv):
    out = tmp_path / "out"
    status, stdout, stderr = cli(
        "design", "--data", csv, "--label", "kind", "--recall", "a_b & 50 %=0.7", "--out", out
    )
    assert (status, stderr) == (DONE, "")
    assert "Design for a recall of 0.7 of a_b & 50 %: logistic, 90% intervals" in stdout
    assert stdout.rstrip().endswith(f"Written to {out}/")
    assert {p.name for p in out.iterdir()} == {"design.csv", "design.tex", "provenance.json"}
    frame = pd.read_csv(out / "design.csv")
    assert set(frame["label"].dropna()) == {"a_b & 50 %", "common"}
    assert r"recall of a\_b \& 50 \%" in (out / "design.tex").read_text()
    entry = json.loads((out / "provenance.json").read_text())
    assert entry["study"] == "design"
    assert entry["configuration"]["recall"] == ["a_b & 50 %=0.7"]


@pytest.mark.parametrize(
    "target",
    [
        ("--mean-proba", "0=0.7"),
        ("--equal-recalls",),
        ("--equal-mean-probas",),
        ("--cost", "0,1;5,0"),
    ],
)
def test_each_target_has_an_option(cli, target):
    status, stdout, _ = cli("design", *DRAWN, *target)
    assert status == DONE
    assert "Weights for " in stdout


def test_several_classes_are_asked_for_at_once(cli):
    status, stdout, _ = cli(
        "design", "--generator", "gaussian", "--classes", 3, "--train-count", "60,120,200",
        "--test-size", 100, "--recall", "0=0.8", "--recall", "1=0.5",
    )  # fmt: skip
    assert status == DONE
    assert "a recall of 0.8 of 0 and 0.5 of 1" in stdout


def test_costs_may_be_in_a_file(cli, tmp_path):
    path = tmp_path / "costs.csv"
    path.write_text("0,1\n5,0\n")
    plain = cli("design", *DRAWN, "--cost", "0,1;5,0")
    assert cli("design", *DRAWN, "--cost", path) == plain


def test_quiet_says_nothing(cli):
    assert cli("design", *DRAWN, "--equal-recalls", "--quiet") == (DONE, "", "")


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ((), "--mean-proba or one of --recall, --equal-recalls, --equal-mean-probas, --cost must"),
        (("--recall", "0=.5", "--equal-recalls"), "got --recall and --equal-recalls"),
        (("--recall", "0.5"), "--recall must be LABEL=NUMBER, got '0.5'"),
        (("--recall", "7=0.5"), "--recall must name labels of ['0', '1'], got '7'"),
        (("--mean-proba", "0=2"), "--mean-proba must ask for more than 0 and less than 1, got a m"),
        (("--cost", "0,1;5"), "--cost must hold numbers in rows of one length, got '0,1;5'"),
        (("--cost", "no/file"), "--cost must be rows with semicolons between, or a file, got"),
        (("--cost", "2,1;1,0"), "--cost must have costs above that of the truth"),
        (("--cost", "0,1,2;1,0,2;1,1,0"), "--cost must have a cost for each of 2 x 2 pairs"),
        (("--equal-recalls", "--classes", 4), "--classes is an option of --generator gaussian or"),
        (("--equal-recalls", "--label", "y"), "--label is an option of --data, got 'y' with --gen"),
        (("--equal-recalls", "--data", "f.csv"), "--data takes the place of --generator: leave on"),
        (("--equal-recalls", "--runs", 5), "--runs must be at least 25, got 5"),
        (("--equal-recalls", "--fitter", "mlp"), "--fitter must be one of auto, logistic, softmax"),
        (("--equal-recalls", "--l2", -1), "--l2 must be finite and at least 0"),
        (("--equal-recalls", "--train-count", "5"), "--train-count must be 2 positive integers"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(cli, tmp_path, given, line):
    status, stdout, stderr = cli("design", *DRAWN, *given, "--out", tmp_path / "out")
    assert (status, stdout) == (2, "")
    assert line in stderr
    assert stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (("--label", "what"), "--label must name a column of"),
        (("--train-count", "3,4"), "--train-count is an option of --generator, got (3, 4) with --"),
        (("--means", "simplex"), "--means is an option of --generator, got 'simplex' with --data"),
        (("--drop-labels", "rare"), "--drop-labels must be labels of --label, got 'rare'"),
        (("--drop", "x"), "--data has no column of features"),
    ],
)
def test_bad_input_about_a_file(cli, csv, given, line):
    arguments = given if "--label" in given else ("--label", "kind", *given)
    status, _, stderr = cli("design", "--data", csv, "--equal-recalls", *arguments)
    assert status == 2
    assert line in stderr.replace(f"{csv} ", "")


def test_neither_data_nor_a_generator_is_one_line(cli):
    status, _, stderr = cli("design", "--equal-recalls")
    assert (status, stderr) == (2, "learnprop: --data is needed, or a --generator\n")


def test_a_file_or_another_study_in_the_way_is_refused_before_anything_is_fitted(
    cli, csv, tmp_path, monkeypatch
):
    monkeypatch.setattr("learnprop.audit.design.design.predictor", None)
    for out, line in ((csv, "--out must be a folder, but"), (tmp_path, "holds another study")):
        (tmp_path / "provenance.json").write_text('{"study": "table1"}')
        status, _, stderr = cli("design", *DRAWN, "--equal-recalls", "--out", out)
        assert status == 2
        assert line in stderr


def test_an_interrupt_is_status_3_and_nothing_is_written(cli, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("learnprop.audit.design.design.predictor", interrupted)
    status, stdout, stderr = cli("design", *DRAWN, "--equal-recalls", "--out", tmp_path / "out")
    assert (status, stdout) == (STOPPED, "")
    assert "interrupted" in stderr
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_status_3_and_leaves_no_file(cli, tmp_path, monkeypatch):
    from learnprop.reports.layout import files

    def full(path, text):
        if path.name == "provenance.json":
            raise OSError(28, "No space left on device")
        path.write_text(text)

    monkeypatch.setattr(files, "write_text", full)
    status, _, stderr = cli("design", *DRAWN, "--equal-recalls", "--out", tmp_path / "out")
    assert status == STOPPED
    assert "cannot be written: No space left on device" in stderr
    assert not list((tmp_path / "out").iterdir())
