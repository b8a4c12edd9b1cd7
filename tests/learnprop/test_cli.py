import json

import pandas as pd
import pytest

SMALL = ("--train-size", 40, 120, "--test-size", 50, 50, "--max-iter", 12, "--jobs", 1)


def files(folder):
    return {p.name for p in folder.iterdir()} if folder.exists() else set()


@pytest.mark.usefixtures("with_figures")
def test_table1_writes_everything_and_resumes(cli, tmp_path):
    out = tmp_path / "new" / "folder"
    status, stdout, stderr = cli("table1", "--runs", 30, "--out", out, *SMALL)
    assert status == 0
    assert "LHS (Sim1), test" in stdout
    assert "by training depth" in stdout
    assert "4/4 blocks" in stderr
    assert files(out) == {
        "records.sqlite", "summary.csv", "depth.csv", "table1.tex", "table1_depth.tex",
        "table1.pdf", "table1.png", "zip.pdf", "zip.png", "coverage.csv", "provenance.json",
        "protocol.md",
    }  # fmt: skip
    provenance = json.loads((out / "provenance.json").read_text())
    assert provenance["configuration"]["train_size"] == [40, 120]
    assert provenance["command"][:2] == ["learnprop", "table1"]
    assert provenance["packages"]["numpy"]
    first = (out / "summary.csv").read_bytes()
    status, _, stderr = cli("table1", "--runs", 30, "--out", out, *SMALL)
    assert (status, stderr) == (0, "")
    assert (out / "summary.csv").read_bytes() == first


def test_quiet_says_nothing_and_strict_says_no(cli, tmp_path):
    arguments = ("table1", "--runs", 25, "--out", tmp_path, *SMALL, "--quiet")
    assert cli(*arguments) == (0, "", "")
    assert "fails" in set(pd.read_csv(tmp_path / "summary.csv")["verdict"])
    assert cli(*arguments, "--strict") == (1, "", "")


def test_adam_is_not_converged(cli, tmp_path):
    status, stdout, _ = cli(
        "table1", "--runs", 25, "--out", tmp_path, *SMALL, "--training", "adam", "--epochs", 2
    )
    assert status == 0
    summary = pd.read_csv(tmp_path / "summary.csv")
    assert set(summary.query("simulation == 'sim2'")["verdict"]) == {"not converged"}
    assert "not converged" in stdout
    assert not (tmp_path / "depth.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--runs", 1), "--runs must be at least 2, got 1"),
        (("--runs", "many"), "Invalid value for '--runs': Input should be a valid integer"),
        (("--runs", "many"), "got 'many'"),
        (("--seed", -1), "--seed must satisfy 0 <= seed < 2**63, got -1"),
        (("--seed", 2**63), f"--seed must satisfy 0 <= seed < 2**63, got {2**63}"),
        (("--train-size", 0, 5), "--train-size must be 2 positive integers, got [0, 5]"),
        (("--test-size", 5, -5), "--test-size must be 2 positive integers, got [5, -5]"),
        (("--train-size", 5), "--train-size must be 2 positive integers, got [5]"),
        (("--jobs", -1), "--jobs must not be negative, got -1"),
        (("--backend", "mpi"), "--backend must be one of loky, threading, sequential, dask, got"),
        (("--backend", "dask"), "--backend dask needs --scheduler"),
        (("--scheduler", "tcp://x:1"), "--scheduler goes with --backend dask only"),
        (("--mcse", 0), "--mcse must be finite and at least 1e-06, got 0"),
        (("--mcse", 1e-200), "--mcse must be finite and at least 1e-06, got 1e-200"),
        (("--max-failures", 5), "--max-failures must be a share from 0 to 1, got 5.0"),
        (("--timeout", -1), "--timeout must be positive and at most"),
        (("--timeout", "inf"), "--timeout must be positive and at most 9.22337e+09, got inf"),
        (("--device", "tpu"), "--device must be one of auto, cpu, cuda, got 'tpu'"),
        (("--training", "sgd"), "--training must be one of bfgs, adam, got 'sgd'"),
        (("--margin", 0), "--margin must be a share between 0 and 1, e.g. 0.05, got 0.0"),
        (("--sim1-reading", "x"), "--sim1-reading must be one of sum, mixture, got 'x'"),
        (("--nonsense",), "No such option"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(cli, tmp_path, arguments, message):
    out = tmp_path / "out"
    status, stdout, stderr = cli("table1", "--out", out, *arguments)
    assert (status, stdout) == (2, "")
    assert message in stderr
    assert len(stderr.strip().splitlines()) == 1
    assert not out.exists()


def test_out_that_is_a_file_or_cannot_be_written(cli, tmp_path):
    file = tmp_path / "file"
    file.write_text("mine")
    status, _, stderr = cli("table1", "--out", file)
    assert (status, stderr) == (2, f"learnprop: --out must be a folder, but {file} is a file\n")
    status, _, stderr = cli("table1", "--out", file / "below")
    assert status == 2
    assert f"--out {file / 'below'} cannot be written" in stderr
    status, _, stderr = cli("table1", "--out", "/proc/learnprop")
    assert status == 2
    assert "--out /proc/learnprop cannot be written" in stderr
    assert file.read_text() == "mine"


@pytest.mark.slow
def test_out_that_holds_something_else_is_left_alone(cli, tmp_path):
    assert cli("table1", "--runs", 2, "--out", tmp_path, *SMALL, "--quiet")[0] == 0
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    status, _, stderr = cli("table1", "--runs", 2, "--out", tmp_path, *SMALL, "--seed", 3)
    assert status == 2
    assert "has another design: seed 0 -> 3" in stderr
    assert len(stderr.strip().splitlines()) == 1
    (tmp_path / "records.sqlite").write_bytes(before["records.sqlite"][:5000])
    status, _, stderr = cli("table1", "--runs", 2, "--out", tmp_path, *SMALL)
    assert status == 2
    assert "is damaged" in stderr
    del before["records.sqlite"]
    assert all((tmp_path / name).read_bytes() == content for name, content in before.items())
    assert cli("table1", "--runs", 2, "--out", tmp_path, *SMALL, "--fresh", "--quiet")[0] == 0
    assert (tmp_path / "records.1.sqlite").stat().st_size == 5000


def test_the_published_folder_of_another_study_is_left_alone(cli, tmp_path):
    (tmp_path / "provenance.json").write_text('{"study": "cnn"}')
    status, _, stderr = cli("table1", "--out", tmp_path, "--fresh")
    assert status == 2
    assert stderr == f"learnprop: --out {tmp_path} holds another study: cnn; use another --out\n"
    assert files(tmp_path) == {"provenance.json"}


def test_no_arguments_show_the_help(cli):
    status, stdout, _ = cli()
    assert status == 0
    assert "table1" in stdout


def test_help_lists_every_option(cli):
    status, stdout, _ = cli("table1", "--help")
    assert status == 0
    for option in ("--runs", "--seed", "--jobs", "--backend", "--device", "--out", "--fresh",
                   "--quiet", "--margin", "--train-size", "--test-size", "--as-printed",
                   "--sim1-reading", "--sim2-reading", "--training", "--max-iter",
                   "--scheduler", "--mcse", "--max-failures", "--timeout"):  # fmt: skip
        assert option in stdout


@pytest.mark.slow
def test_precision_instead_of_runs(cli, tmp_path):
    target = 0.06
    arguments = ("table1", "--runs", 25, "--mcse", target, "--out", tmp_path, *SMALL)
    status, _, stderr = cli(*arguments)
    assert status == 0
    assert f"table1: an MCSE of {target} is not reached: " in stderr
    summary = pd.read_csv(tmp_path / "summary.csv")
    test = summary.query("split == 'test'")
    assert test["gap_mcse"].max() <= target
    attempted = test.groupby("simulation")["runs_attempted"].max()
    assert (attempted % 25 == 0).all()
    assert attempted.max() > 25
    provenance = json.loads((tmp_path / "provenance.json").read_text())
    assert provenance["mcse"] == target
    assert provenance["runs"] == attempted.to_dict()
    first = (tmp_path / "summary.csv").read_bytes()
    status, _, stderr = cli(*arguments)  # resumed: the same steps, nothing computed
    assert status == 0
    assert "blocks" not in stderr
    assert (tmp_path / "summary.csv").read_bytes() == first
    status, _, stderr = cli("table1", "--runs", 25, "--out", tmp_path, *SMALL)
    assert "the store holds more runs; these reports use the first 25 of " in stderr


def test_plan_writes_nothing_and_needs_a_target(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, stdout, _ = cli("plan", "table1", "--mcse", 0.05, *SMALL)
    assert status == 0
    assert "sim2" in stdout
    assert "blocks of 25 runs, about" in stdout
    assert files(tmp_path) == set()
    assert cli("plan", "table1")[::2] == (2, "learnprop: Missing option '--mcse'.\n")
    assert cli("plan", "table1", "--mcse", 0.1, "--out", "x")[2].startswith("learnprop: No such op")
    assert cli("plan")[::2] == (2, "learnprop: Missing command.\n")


def test_too_many_failures_end_with_3(cli, tmp_path):
    """Two samples per class are separated now and then."""
    tiny = ("--train-size", 3, 3, "--test-size", 50, 50, "--max-iter", 2, "--jobs", 1)
    status, stdout, stderr = cli("table1", "--runs", 25, "--out", tmp_path, *tiny)
    assert (status, stdout) == (3, "")
    last = stderr.strip().splitlines()[-1]
    assert last.startswith("stopped: ")
    assert "of 50 replications failed, more than --max-failures 0.05 allows" in last
    assert f"see: learnprop status {tmp_path}" in last
    _, stdout, _ = cli("status", tmp_path)
    assert "separated: a hyperplane parts the classes" in stdout
    status, stdout, _ = cli("table1", "--out", tmp_path, *tiny, "--runs", 25, "--max-failures", 1)
    assert status == 0
    summary = pd.read_csv(tmp_path / "summary.csv")
    assert summary["runs_failed"].max() > 2


def test_blocks_that_time_out_are_computed_once_there_is_time(cli, tmp_path):
    arguments = ("table1", "--runs", 25, "--out", tmp_path, *SMALL)
    status, _, stderr = cli(*arguments, "--timeout", 0.001)
    assert status == 3
    assert "25 of 50 replications failed" in stderr.strip().splitlines()[-1]
    assert "timed out: the block took longer than 0.001 s" in cli("status", tmp_path)[1]
    assert cli(*arguments, "--timeout", 0.001)[0] == 3  # the same limit: no other try
    assert cli(*arguments, "--quiet")[0] == 0
    assert pd.read_csv(tmp_path / "summary.csv")["runs_failed"].max() == 0


def test_a_folder_called_like_a_study_is_a_folder(cli, tmp_path, monkeypatch):
    """And the options of the study that is meant are read, spaces and all."""
    monkeypatch.chdir(tmp_path)
    status, _, stderr = cli("losses", "--inr-beta", 1, 2, 4, "--runs", 0, "--out", "table1")
    assert (status, stderr) == (2, "learnprop: --runs must be at least 1, got 0\n")
    assert cli("plan", "--", "table1", "--mcse", 0)[::2] == (
        2, "learnprop: --mcse must be finite and at least 1e-06, got 0\n",
    )  # fmt: skip
