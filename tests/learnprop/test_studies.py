"""The study commands beside table1: options, files, refusals, exit status."""

import json

import pytest

SMALL = ("--runs", 5, "--classes", 3, "--train-size", 200, "--test-size", 50, "--jobs", 1)


def test_multiclass_writes_everything_and_can_be_read_again(cli, tmp_path):
    out = tmp_path / "out"
    status, stdout, _ = cli("multiclass", "--out", out, *SMALL, "--weights", "1,2,3",
                            "--weights", "effective-number", "--beta", 0.99)  # fmt: skip
    assert status == 0
    assert "All equations at once" in stdout
    assert {p.name for p in out.iterdir()} == {
        "records.sqlite", "summary.csv", "joint.csv", "multiclass.tex", "multiclass_joint.tex",
        "multiclass_terms.tex",
        "mean_proba.pdf", "mean_proba.png", "sides.pdf", "sides.png", "provenance.json",
        "protocol.md",
    }  # fmt: skip
    assert json.loads((out / "provenance.json").read_text())["configuration"]["beta"] == 0.99
    assert "every bit agrees" in cli("replay", out, "--cell", "gaussian", "--run", 3)[1]
    assert cli("status", out)[0] == 0
    assert cli("export", out, "--out", tmp_path / "all.csv")[0] == 0
    assert cli("table1", "--out", out)[0] == 2  # it is another study's


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        ("multiclass", ("--classes", 1), "--classes must be at least 2, got 1"),
        ("multiclass", ("--weights", "1,2"), "--weights must hold 5 weights"),
        ("multiclass", ("--sizes", "1,2,x"), "--sizes must be integers with commas between"),
        ("multiclass", ("--sizes", "2,1", "--dimension", 2), "an unpenalised fit needs more"),
        ("multiclass", ("--sizes", "0,5"), "--sizes must be at least 2 positive integers"),
        ("multiclass", ("--device", "tpu"), "--device must be one of auto, cpu, cuda"),
        ("controls", ("--runs", 1), "--runs must be at least 2, got 1"),
        ("controls", ("--margin", -1), "--margin must be a share"),
        ("claims", ("--seed", -1), "--seed must satisfy"),
        ("claims", ("--jobs", -1), "--jobs must not be negative"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(cli, tmp_path, command, arguments, message):
    out = tmp_path / "out"
    status, stdout, stderr = cli(command, "--out", out, *arguments)
    assert (status, stdout) == (2, "")
    assert stderr.startswith("learnprop: ")
    assert message in stderr
    assert stderr.count("\n") == 1
    assert not out.exists()


def test_too_many_separated_runs_end_with_status_3_and_are_kept(cli, tmp_path):
    out = tmp_path / "out"
    arguments = ("multiclass", "--out", out, "--runs", 25, "--sizes", "8,6,4", "--jobs", 1)
    status, _, stderr = cli(*arguments, "--separation", 4, "--test-size", 20)
    assert status == 3
    assert "replications failed, more than --max-failures 0.05 allows" in stderr
    assert "separated" in cli("status", out)[1]
    how = ("--separation", 4, "--test-size", 20, "--max-failures", 1)
    status, stdout, stderr = cli(*arguments, *how)
    assert status == 3
    assert "inconclusive" in stdout
    assert "multiclass: no run has a model; 25 of 25 runs: separated: " in stderr


@pytest.mark.slow
def test_claims_fail_under_strict(cli, tmp_path):
    arguments = ("claims", "--quick", "--out", tmp_path, "--jobs", 1, "--quiet")
    assert cli(*arguments) == (0, "", "")
    assert cli(*arguments, "--strict") == (1, "", "")


def test_plan_takes_the_options_of_a_study(cli):
    status, stdout, _ = cli("plan", "multiclass", "--mcse", 0.01, *SMALL)
    assert status == 0
    assert "pilot of 25 runs" in stdout


@pytest.mark.parametrize("command", ["table1", "multiclass", "controls", "claims"])
def test_help_has_every_option_with_its_words(cli, command):
    status, stdout, _ = cli(command, "--help")
    assert status == 0
    for words in ("--runs", "Replications of every cell", "--mcse", "How it is run", "--strict"):
        assert words in stdout
