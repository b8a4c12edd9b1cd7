"""learnprop losses as people call it, and from Python."""

import json

import pandas as pd
import pytest

import learnprop as lp
from tests.trained import few_digits

SMALL = ("losses", "--runs", 1, "--jobs", 1, "--epochs", 1, "--loss", "sml,lgl-inr",
         "--device", "cpu")  # fmt: skip


@pytest.fixture(autouse=True)
def few(monkeypatch):
    few_digits(monkeypatch)


def test_losses_writes_its_files_resumes_and_can_be_read_again(cli, tmp_path):
    out = tmp_path / "out"
    status, stdout, stderr = cli(*SMALL, "--inr-beta", "1,2", "--out", out)
    assert status == 0
    assert "losses: 3/3 blocks" in stderr
    assert "LGL-INR, β = 2" in stdout
    tables = ("losses", "losses_differences", "losses_balance", "losses_statements")
    frames = ("summary", "differences", "epochs", "confusion", "balance", "statements")
    assert {p.name for p in out.iterdir()} == {
        "records.sqlite", "provenance.json", "protocol.md", *(f"{t}.tex" for t in tables),
        *(f"{f}.csv" for f in frames),
        *(f"{n}.{s}" for n in ("accuracy", "confusion_digits_cnn2c") for s in ("pdf", "png")),
    }  # fmt: skip
    about = json.loads((out / "provenance.json").read_text())
    assert about["configuration"]["inr_beta"] == [1.0, 2.0]
    first = pd.read_csv(out / "summary.csv")
    status, _, stderr = cli(*SMALL, "--inr-beta", "1,2", "--out", out, "--runs", 2)
    assert status == 0
    assert "6/6 blocks" in stderr
    assert "3/6 blocks" not in stderr  # those are there
    again = pd.read_csv(out / "summary.csv")
    assert len(again) == len(first)
    assert set(again["runs_attempted"]) == {2}
    name = "digits cnn2c lgl-inr beta=1"
    assert "every bit agrees" in cli("replay", out, "--cell", name, "--run", 1)[1]
    assert cli("status", out)[1].splitlines()[-1] == "done"
    assert cli(*SMALL, "--out", out, "--lr", 0.02)[0] == 2  # another design
    assert cli("export", out, "--out", tmp_path / "all.csv")[0] == 0
    assert set(pd.read_csv(tmp_path / "all.csv")["run"]) == {0, 1}
    assert cli("report", out, "--out", tmp_path / "paper")[0] == 0
    assert "losses_differences" in (tmp_path / "paper" / "report.tex").read_text()


def test_an_interrupted_comparison_shows_what_is_there(cli, tmp_path, monkeypatch):
    """The losses that are done, with provenance; the rest is said not to be run, and resumes."""
    from learnprop.simulations.engine import monte_carlo

    plain, done = monte_carlo.run_study, []

    def interrupted(*args, **options):
        for step in plain(*args, **options):
            yield step
            done.append(step)
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(monte_carlo, "run_study", interrupted)
        status, _, stderr = cli(*SMALL, "--out", tmp_path / "out")
    assert (status, len(done)) == (3, 1)
    assert "interrupted: every finished block is kept" in stderr
    summary = pd.read_csv(tmp_path / "out" / "summary.csv")
    assert summary["verdict"].tolist() == ["reference"] * 2 + ["not run"] * 2
    assert (tmp_path / "out" / "provenance.json").exists()
    status, _, stderr = cli("report", tmp_path / "out", "--out", tmp_path / "paper")
    assert status == 0
    assert "is not finished: 0 of 1 replications of digits cnn2c lgl-inr beta=1" in stderr
    assert cli(*SMALL, "--out", tmp_path / "out")[0] == 0
    assert "not run" not in pd.read_csv(tmp_path / "out" / "summary.csv")["verdict"].tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dataset", "digits,imagenet"), "--dataset must be one of digits"),
        (("--model", "lenet"), "--model must be one of cnn2c"),
        (("--loss", "focal"), "--loss must be one of lgl, sml, lgl-inr, got 'focal'"),
        (("--inr-beta", "one"), "--inr-beta must be numbers with commas between, got 'one'"),
        (("--inr-beta", "-1"), "--inr-beta must satisfy 0 <= β"),
        (("--runs", "0"), "--runs must be at least 1, got 0"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(cli, tmp_path, arguments, message):
    status, stdout, stderr = cli(*SMALL, *arguments, "--out", tmp_path / "out")
    assert status == 2
    assert message in stderr
    assert len(stderr.splitlines()) == 1
    assert stdout == ""
    assert not (tmp_path / "out").exists()


def test_from_python_with_the_losses_by_their_names():
    result = lp.losses(runs=2, loss="sml", epochs=1, device="cpu")
    assert result.to_frame("epochs")["epoch"].tolist() == [0, 1]
    assert repr(result) == "<losses: 2 runs; on test data 1 reference>"
    with pytest.raises(ValueError, match="weights is no option of losses"):
        lp.losses(weights="equal")
    assert {"LGLINRLoss", "lgl_inr_loss", "OneVsAllLogisticLoss"} <= set(dir(lp))
