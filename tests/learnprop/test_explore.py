import json
import shutil

import numpy as np
import pandas as pd
import pytest

import learnprop

SMALL = ("--runs", 4, "--jobs", 1, "--ratios", "1,5", "--train-size", 200, "--test-size", 50)


@pytest.fixture
def csv(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(np.repeat([0.0, 1.0], [90, 60]))})
    table["kind"] = np.repeat(["common", "a_b & 50 %"], [90, 60])
    path = tmp_path / "data.csv"
    table.to_csv(path)
    return path


@pytest.mark.usefixtures("with_figures")
def test_explore_writes_its_files_and_can_be_read_again(cli, tmp_path):
    out = tmp_path / "out"
    status, stdout, _ = cli("explore", "--out", out, *SMALL)
    assert status == 0
    assert "Balanced accuracy" in stdout
    assert {p.name for p in out.iterdir()} == {
        "records.sqlite", "summary.csv", "curve.csv", "explore.tex",
        "explore_balanced_accuracy.tex", "explore_overall_accuracy.tex", "explore_ratio_1.tex",
        "explore_ratio_5.tex", "explore_predicted.tex", "explore_overfitting.tex",
        "provenance.json", "protocol.md",
        *(f"{n}.{s}" for n in ("sides", "mean_proba", "accuracy", "gap") for s in ("pdf", "png")),
    }  # fmt: skip
    assert json.loads((out / "provenance.json").read_text())["configuration"]["ratios"] == [1, 5]
    assert "every bit agrees" in cli("replay", out, "--cell", "ratio 5", "--run", 3)[1]
    assert cli("status", out)[0] == 0
    assert cli("explore", "--out", out, *SMALL, "--seed", 1)[0] == 2  # another design


def test_explore_takes_a_file_with_an_index_column_and_names_of_labels(cli, tmp_path, csv):
    out = tmp_path / "out"
    arguments = ("explore", "--out", out, "--data", csv, "--label", "kind", "--runs", 4, "--jobs",
                 1, "--ratios", "1,3", "--weights", "inverse", "--weights", "0.3")  # fmt: skip
    status, _, stderr = cli(*arguments)
    assert status == 2
    assert "which looks like an index: --drop 'Unnamed: 0'" in stderr
    assert not out.exists()
    status, stdout, _ = cli(*arguments, "--drop", "Unnamed: 0")
    assert status == 0
    assert "λ0 = 0.3" in stdout
    assert set(pd.read_csv(out / "summary.csv")["label"]) == {"a_b & 50 %", "common"}
    assert cli("export", out, "--out", tmp_path / "all.csv")[0] == 0
    exported = pd.read_csv(tmp_path / "all.csv")
    assert set(exported["true_class"]) == set(exported["predicted_class"]) == {
        "a_b & 50 %", "common"
    }  # fmt: skip


def test_report_writes_a_folder_for_a_paper(cli, tmp_path):
    study, out = tmp_path / "study", tmp_path / "paper"
    cli("explore", "--out", study, *SMALL, "--weights", "inverse")
    status, stdout, _ = cli("report", study, "--out", out)
    assert (status, stdout) == (0, f"Written to {out}/report.tex\n")
    assert (out / "study" / "explore.tex").is_file()
    first = (out / "study" / "summary.csv").read_bytes()
    assert first == (study / "summary.csv").read_bytes()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("latexmk") is None, reason="latexmk is not installed")
@pytest.mark.usefixtures("with_figures")
def test_report_compiles_with_latexmk(cli, tmp_path, csv):
    study, out = tmp_path / "a_b & 50 %", tmp_path / "paper"
    cli("explore", "--out", study, "--data", csv, "--label", "kind", "--drop", "Unnamed: 0",
        "--runs", 3, "--jobs", 1, "--ratios", "2", "--weights", "inverse")  # fmt: skip
    status, stdout, _ = cli("report", study, "--out", out, "--pdf")
    assert (status, stdout.splitlines()[-1]) == (0, f"Written to {out}/report.pdf")
    assert (out / "report.pdf").stat().st_size > 50_000


def test_a_report_without_its_pdf_is_another_status(cli, tmp_path, monkeypatch):
    study = tmp_path / "study"
    cli("multiclass", "--out", study, "--runs", 3, "--jobs", 1, "--sizes", "40,20,10")
    monkeypatch.setattr("shutil.which", lambda _: None)
    status, _, stderr = cli("report", study, "--out", tmp_path / "paper", "--pdf")
    assert status == 3
    assert stderr.startswith("--pdf: there is no pdflatex; ")
    assert stderr.count("\n") == 1
    assert (tmp_path / "paper" / "report.tex").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explore", "--ratios", "1,x"), "--ratios must be numbers with commas between"),
        (("explore", "--ratios", "0"), "--ratios must be finite and at least 1, got 0"),
        (("explore", "--weights", "2"), "like '1,2,3'; got '2'"),
        (("explore", "--data", "none.csv"), "cannot be read: No such file"),
        (("report", "none"), "none holds no records.sqlite"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(cli, tmp_path, arguments, message):
    out = tmp_path / "out"
    status, stdout, stderr = cli(*arguments, "--out", out)
    assert (status, stdout) == (2, "")
    assert message in stderr
    assert stderr.count("\n") == 1
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.usefixtures("with_figures")
def test_python_returns_what_the_command_writes(cli, tmp_path):
    cli("explore", "--out", tmp_path / "a", *SMALL, "--weights", "inverse")
    result = learnprop.explore(
        runs=4, ratios=[1, 5], train_size=200, test_size=50, weights=["inverse"], jobs=2
    )
    result.save(tmp_path / "b")
    for name in ("summary.csv", "explore.tex", "gap.pdf"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    frame = result.to_frame()
    frame["gap"] = 0.0  # a copy
    assert (result.to_frame()["gap"] != 0).any()
    with pytest.raises(AttributeError):
        result.study = None
    with pytest.raises(ValueError, match="table must be one of summary, got 'joint'"):
        result.to_frame("joint")


def test_python_takes_arrays_and_resumes(cli, tmp_path):
    rng = np.random.default_rng(0)
    y = np.repeat(["no", "yes"], [80, 40])
    X = rng.normal(size=(120, 2)) + (y == "yes")[:, None]
    options = {"ratios": [1, 4], "weights": ["equal"], "out": tmp_path / "study"}
    few = learnprop.explore(X, list(y), runs=3, **options)
    more = learnprop.explore(X, pd.Series(y), runs=6, **options)
    assert few.to_frame()["runs_attempted"].unique().tolist() == [3]
    assert more.to_frame()["runs_attempted"].unique().tolist() == [6]
    assert set(more.to_frame()["label"]) == {"no", "yes"}
    assert repr(more).startswith("<explore: 6 runs; ")
    about = json.loads((tmp_path / "study" / "provenance.json").read_text())
    assert about["command"] == ["learnprop.explore(runs=6, ratios=[1, 4], weights=['equal'])"]
    assert cli("status", tmp_path / "study")[1].endswith("done\n")
    status, _, stderr = cli("report", tmp_path / "study", "--out", tmp_path / "paper")
    assert (status, stderr) == (0, "")
    with pytest.raises(ValueError, match=r"another design: .*sha256"):
        learnprop.explore(2 * X, y, runs=3, **options)


def test_labels_of_any_kind_can_be_the_rarest():
    X = np.random.default_rng(0).normal(size=(40, 1))
    for y, rarest in ((np.repeat([3, 4], 20), 4), (np.repeat([True, False], 20), True)):
        result = learnprop.explore(X, y, rarest=rarest, runs=2, ratios=1, weights="equal")
        assert result.to_frame()["label"].iloc[0] == str(rarest)
    y = np.repeat([3, 4, 5], [20, 19, 1])
    result = learnprop.explore(X, y, drop_labels=5, runs=2, ratios=1, weights="equal")
    assert set(result.to_frame()["label"]) == {"3", "4"}


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "a").write_text("")
    result = learnprop.explore(runs=2, ratios=1, weights="equal", train_size=50, test_size=20)
    with pytest.raises(ValueError, match=r"folder .*a cannot be made: File exists"):
        result.save(tmp_path / "a")


def test_python_refuses_what_cannot_be():
    with pytest.raises(ValueError, match="X and y must be given together"):
        learnprop.explore(np.zeros((3, 1)))
    with pytest.raises(ValueError, match=r"^runs must be at least 2, got 1"):
        learnprop.table1(runs=1)
    with pytest.raises(ValueError, match=r"^classes must be"):
        learnprop.multiclass(classes=1)
