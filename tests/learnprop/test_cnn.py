"""learnprop cnn and learnprop data as people call them."""

import gzip
import json
import sys

import pandas as pd
import pytest

from learnprop.simulations.dataset_catalogue import DATASETS, File
from learnprop.simulations.records.store import read_fits

SMALL = (
    "cnn", "--runs", 2, "--jobs", 1, "--sizes", "14,12,10,8,7,6,6,5,5,5", "--epochs", 1,
    "--weights", "inverse", "--device", "cpu",
)  # fmt: skip


def test_cnn_writes_its_files_resumes_and_can_be_read_again(cli, tmp_path):
    out = tmp_path / "out"
    status, stdout, stderr = cli(*SMALL, "--out", out)
    assert status == 0
    assert "cnn: 2/2 blocks" in stderr
    assert "output layer refined" in stdout
    assert {p.name for p in out.iterdir()} == {
        "records.sqlite", "summary.csv", "joint.csv", "epochs.csv", "provenance.json",
        "protocol.md", *(f"cnn{t}.tex" for t in ("", "_joint", "_raw", "_bias", "_head")),
        *(f"{n}.{s}" for n in ("stages", "epochs", "mean_proba") for s in ("pdf", "png")),
    }  # fmt: skip
    about = json.loads((out / "provenance.json").read_text())
    assert about["configuration"]["dataset"] == "digits"
    assert about["configuration"]["device"] == "cpu"
    first = pd.read_csv(out / "summary.csv")
    status, _, stderr = cli(*SMALL, "--out", out, "--runs", 3)
    assert status == 0
    assert "3/3 blocks" in stderr
    assert "1/3 blocks" not in stderr  # two are there
    assert len(pd.read_csv(out / "summary.csv")) == len(first)
    assert "every bit agrees" in cli("replay", out, "--cell", "imbalance 2.8", "--run", 1)[1]
    assert cli("status", out)[1].splitlines()[-1] == "done"
    assert cli(*SMALL, "--out", out, "--lr", 0.02)[0] == 2  # another design
    assert cli("export", out, "--out", tmp_path / "all.csv")[0] == 0
    assert set(pd.read_csv(tmp_path / "all.csv")["run"]) == {0, 1, 2}
    assert cli("report", out, "--out", tmp_path / "paper")[0] == 0
    assert "cnn_bias" in (tmp_path / "paper" / "report.tex").read_text()


def test_export_names_the_classes_of_a_data_set():
    from types import SimpleNamespace

    from learnprop.reports.folders.export import class_labels

    one, several = (SimpleNamespace(design={"dataset": d}) for d in ("kmnist", ["mnist", "kmnist"]))
    assert class_labels(one, "imbalance 10")[:2] == ("o", "ki")
    assert class_labels(several, "kmnist cnn2c sml")[:2] == ("o", "ki")
    assert class_labels(SimpleNamespace(design={}), "x") == ()


def test_max_failures_stop_a_study_of_networks_that_diverge(cli, tmp_path):
    status, _, stderr = cli(*SMALL, "--out", tmp_path / "out", "--lr", 1e8)
    assert status == 3
    assert "1 of 2 replications failed, more than --max-failures 0.05 allows" in stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--dataset", "imagenet"), "--dataset must be one of digits"),
        (("--model", "lenet"), "--model must be one of cnn2c"),
        (("--dataset", "cifar10"), "--model cnn2c takes images of 28 x 28, not of 32 x 32"),
        (("--imbalance", "1000"), "--imbalance 1000 leaves class 8 empty"),
        (("--imbalance", "ten"), "--imbalance must be numbers with commas between, got 'ten'"),
        (("--measure-at", "1.5"), "--measure-at must be integers with commas between"),
        (("--lr", "0"), "--lr must be positive and finite, got 0"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(cli, tmp_path, arguments, message):
    status, stdout, stderr = cli("cnn", "--device", "cpu", *arguments, "--out", tmp_path / "out")
    assert status == 2
    assert message in stderr
    assert len(stderr.splitlines()) == 1
    assert stdout == ""
    assert not (tmp_path / "out").exists()


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A data set of one file, and the folder that it is looked for in."""
    import hashlib

    file = File("x.gz", hashlib.sha256(b"content").hexdigest())
    known = {"digits": DATASETS["digits"]}
    dataset = type(known["digits"])("tiny", "Tiny", (1, 28, 28), ("a", "b"), "http://x/", (file,))
    monkeypatch.setattr(
        "learnprop.simulations.dataset_catalogue.DATASETS", known | {"tiny": dataset}
    )
    monkeypatch.setattr(
        "learnprop.simulations.dataset_files.own_folder", lambda: tmp_path / "cache"
    )
    monkeypatch.delenv("LEARNPROP_DATA", raising=False)
    (tmp_path / "data" / "tiny").mkdir(parents=True)
    (tmp_path / "data" / "tiny" / "x.gz").write_bytes(gzip.compress(b"content"))
    return tmp_path


def test_data_list_and_verify(cli, tiny):
    before = cli("data", "list")[1]
    assert "not here" in next(line for line in before.splitlines() if line.startswith("tiny"))
    assert "learnprop data fetch NAME brings what is not here" in before
    found = cli("data", "list", "--data-dir", tiny / "data")[1]
    assert "in scikit-learn" in found
    assert "not here" not in found
    status, stdout, _ = cli("data", "verify", "--data-dir", tiny / "data")
    assert (status, stdout.splitlines()) == (
        0,
        ["digits: embedded in scikit-learn", f"tiny: 1 files in {tiny}/data/tiny are as published"],
    )
    assert cli("data", "verify")[0] == 0  # nothing is found, and nothing is wrong
    status, _, stderr = cli("data", "verify", "tiny")
    assert (status, "tiny is not here: learnprop data fetch tiny" in stderr) == (2, True)
    (tiny / "data" / "tiny" / "x.gz").write_bytes(b"junk")
    status, _, stderr = cli("data", "verify", "--data-dir", tiny / "data")
    assert status == 2
    assert "data/tiny/x.gz is corrupted or truncated" in stderr
    status, _, stderr = cli("data", "verify", "imagenet")
    assert (status, "got 'imagenet'" in stderr) == (2, True)


def test_data_fetch(cli, tiny, monkeypatch):
    def fetch(dataset, folder):
        (folder / dataset.name).mkdir(parents=True)
        (folder / dataset.name / "x.gz").write_bytes(gzip.compress(b"content"))

    monkeypatch.setattr("learnprop.simulations.fetching.fetch_dataset", fetch)
    status, stdout, _ = cli("data", "fetch", "tiny", "digits")
    assert status == 0
    assert stdout.splitlines() == [
        f"tiny: 1 files in {tiny}/cache/tiny are as published", "digits: embedded in scikit-learn"
    ]  # fmt: skip


def test_data_fetch_into_a_folder_and_what_is_forged(cli, tiny, monkeypatch):
    into = []

    def forged(dataset, folder):
        into.append(folder)
        raise ValueError(f"{folder / dataset.name / 'x.gz'} is not the published file")

    monkeypatch.setattr("learnprop.simulations.fetching.fetch_dataset", forged)
    status, stdout, stderr = cli("data", "fetch", "tiny", "--data-dir", tiny / "mine")
    assert (status, stdout, into) == (2, "", [tiny / "mine"])
    assert "mine/tiny/x.gz is not the published file" in stderr
    (tiny / "file").touch()
    status, _, stderr = cli("data", "fetch", "tiny", "--data-dir", tiny / "file")
    assert status == 2
    assert f"--data-dir must be a folder, got '{tiny}/file'" in stderr


@pytest.mark.usefixtures("tiny")
def test_data_fetch_without_a_network_is_one_line(cli):
    status, _, stderr = cli("data", "fetch", "tiny")
    assert status == 3
    assert stderr.startswith("tiny cannot be fetched: ")
    assert len(stderr.splitlines()) == 1


def test_data_without_pooch(cli, tiny, monkeypatch):
    """All but fetching works, and that says in one line what it needs."""
    monkeypatch.setitem(sys.modules, "pooch", None)
    assert cli("data", "verify", "tiny", "--data-dir", tiny / "data")[0] == 0
    assert cli("data", "fetch", "tiny", "--data-dir", tiny / "mine") == (
        2, "", "learnprop: data fetch needs pooch: pip install pooch\n"
    )  # fmt: skip
    assert not (tiny / "mine").exists()


def test_a_store_says_which_networks_diverged(cli, tmp_path):
    from learnprop.simulations.records.store_file import read_store

    out = tmp_path / "out"
    cli(*SMALL, "--out", out, "--lr", 1e8, "--max-failures", 1)
    with read_store(out) as store:
        fits = read_fits(store, "imbalance 2.8")
    assert set(fits.status[fits.stage == "bias"].tolist()) == {"diverged"}
    assert "failed" in cli("status", out)[1]
