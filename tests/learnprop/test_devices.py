"""Devices from the command line: one that fails, and one that processes share."""

import pytest
import torch

from learnprop.machine import mention_shared_device
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.engine.workers import Workers
from learnprop.simulations.records.store import failed_runs, finished_runs
from learnprop.simulations.records.store_file import open_store, read_store
from learnprop.simulations.studies.table1 import study as table1
from tests.toys import dump, toy_study

SMALLEST = ("table1", "--runs", 50, "--train-size", 40, 120, "--test-size", 50, 50,
            "--max-iter", 3)  # fmt: skip
SHARED = "2 processes share one device, cuda, and slow each other: jobs 1 is faster\n"
ILLEGAL = "CUDA error: an illegal memory access was encountered"
LOST = getattr(torch, "AcceleratorError", RuntimeError)(
    f"{ILLEGAL}\nCUDA kernel errors might be asynchronously reported at some other API call"
)


def computed(folder):
    """The same study without the command line; its canonical dump."""
    study = table1.make_study(
        table1.Options(runs=50, train_size=(40, 120), test_size=(50, 50), max_iter=3)
    )
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store))
        return dump(store)


def test_a_device_that_fails_stops_the_study_and_the_same_command_resumes(
    tmp_path, cli, monkeypatch
):
    plain, asked = table1.compute_block, []

    def fail_in_the_third(cell, seed, runs):
        asked.append(runs)
        if len(asked) == 3:
            raise LOST
        return plain(cell, seed, runs)

    with monkeypatch.context() as patch:
        patch.setattr(table1, "compute_block", fail_in_the_third)
        status, stdout, stderr = cli(*SMALLEST, "--quiet", "--jobs", 1, "--out", tmp_path)
    assert (status, stdout) == (3, "")
    assert stderr == (
        f"stopped: the device cpu failed: {ILLEGAL}; the same command resumes; every finished "
        f"block is kept in {tmp_path}; see: learnprop status {tmp_path}\n"
    )
    with read_store(tmp_path) as store:
        assert (len(finished_runs(store)), failed_runs(store)) == (2, {})
    assert cli(*SMALLEST, "--quiet", "--jobs", 1, "--out", tmp_path)[0] == 0
    (tmp_path / "whole").mkdir()
    with read_store(tmp_path) as store:
        assert dump(store) == computed(tmp_path / "whole")


def test_the_same_words_in_another_error_are_a_failed_replication(tmp_path, monkeypatch):
    """The control."""
    plain = table1.compute_block

    def fail_in_run_3(cell, seed, runs):
        if 3 in runs:
            raise ValueError(ILLEGAL)
        return plain(cell, seed, runs)

    monkeypatch.setattr(table1, "compute_block", fail_in_run_3)
    computed(tmp_path)
    with read_store(tmp_path) as store:
        assert failed_runs(store) == {"sim1": {3}, "sim2": {3}}


@pytest.fixture
def fake_device(monkeypatch):
    """What `auto` finds is CUDA, and nothing is computed."""

    def stop(*_):
        raise StudyError("that will do")

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("learnprop.execute.run_missing", stop)
    monkeypatch.setattr("learnprop.reports.folders.plan.compute_blocks", stop)


@pytest.mark.parametrize(
    ("more", "shared"),
    [
        (("--device", "auto", "--jobs", 2), True),
        (("--device", "cuda", "--jobs", 2), True),
        (("--device", "auto", "--jobs", 2, "--quiet"), False),
        (("--device", "auto", "--jobs", 1), False),
        (("--device", "cpu", "--jobs", 2), False),
        (("--device", "auto", "--jobs", 2, "--backend", "threading"), False),
    ],
    ids=str,
)
@pytest.mark.usefixtures("fake_device")
def test_processes_that_share_a_device_are_mentioned(tmp_path, cli, more, shared):
    status, _, stderr = cli(*SMALLEST, *more, "--out", tmp_path)
    *mentioned, last = stderr.splitlines(keepends=True)
    assert (status, last.startswith("stopped: that will do; ")) == (3, True)
    assert mentioned == ([f"table1: {SHARED}"] if shared else [])


@pytest.mark.usefixtures("fake_device")
def test_a_plan_mentions_it_too(cli):
    status, _, stderr = cli("plan", "table1", "--mcse", 0.01, "--jobs", 2, "--device", "auto")
    assert (status, stderr) == (3, f"table1: {SHARED}stopped: that will do\n")


def test_no_more_workers_are_busy_than_there_is_to_compute(capsys):
    study = toy_study(device="cuda")
    for n_groups, said in ((0, ""), (1, ""), (2, f"toy: {SHARED}")):
        mention_shared_device(study, Workers(2), n_groups)
        assert capsys.readouterr().err == said
