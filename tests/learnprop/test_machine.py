"""As many workers as the machine holds; a study that does not fit writes nothing."""

import numpy as np
import pytest

import learnprop
from learnprop.machine import PER_CORE, within_machine
from learnprop.simulations.engine import footprint
from learnprop.simulations.engine.workers import Workers
from tests.toys import toy_study

GIB = 2**30


@pytest.fixture
def machine(monkeypatch):
    """Cores and free memory of a machine that is pretended."""

    def pretend(cores, memory):
        monkeypatch.setattr("joblib.cpu_count", lambda: cores)
        monkeypatch.setattr(footprint, "available_memory", lambda: memory)

    return pretend


def test_workers_are_limited_by_cores_and_by_memory(machine, capsys):
    study = toy_study(n_runs=10**6)
    machine(cores=2, memory=1000 * GIB)
    assert within_machine(study, Workers(1000)).jobs == 2 * PER_CORE
    said = capsys.readouterr().err
    assert said.startswith("toy: 8 workers in place of 1000: there are 2 cores, and 1000 GiB of")
    assert len(said.splitlines()) == 1
    machine(cores=64, memory=3 * GIB)  # a worker is 300 MiB: ten
    assert within_machine(study, Workers(64)).jobs == 10
    heavy = toy_study(n_runs=10**6, compute=None)
    heavy = type(heavy)(**vars(heavy) | {"footprint": lambda *_: {"train_size": 2.0 * GIB}})
    assert within_machine(heavy, Workers(64)).jobs == 1  # 3 of 2.3
    machine(cores=1, memory=2.1 * GIB)  # a block fits, beside a worker it does not
    assert within_machine(heavy, Workers(1)).jobs == 1


def test_nothing_is_said_where_no_more_would_be_busy_or_quiet_is_asked_for(machine, capsys):
    machine(cores=2, memory=1000 * GIB)
    assert within_machine(toy_study(n_runs=75), Workers(1000)).jobs == 8  # three blocks
    assert within_machine(toy_study(n_runs=10**6), Workers(1000), quiet=True).jobs == 8
    assert within_machine(toy_study(n_runs=10**6), Workers(8)).jobs == 8
    cluster = Workers(1000, "dask", "tcp://x:1")
    assert within_machine(toy_study(n_runs=10**6), cluster) == cluster
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("command", ["table1", "plan table1 --mcse 0.1"])
def test_a_study_that_does_not_fit_is_refused_and_writes_nothing(cli, tmp_path, machine, command):
    machine(cores=2, memory=GIB)
    out = () if command.startswith("plan") else ("--out", tmp_path / "out")
    status, stdout, stderr = cli(*command.split(), "--test-size", 10**8, 10**8, *out)
    assert (status, stdout) == (2, "")
    assert stderr.startswith("learnprop: --test-size 100000000,100000000 takes about ")
    assert stderr.endswith(" of memory at once, but 1 GiB are available\n")
    assert list(tmp_path.iterdir()) == []


def test_a_complete_study_needs_no_memory_and_one_with_more_runs_does(cli, tmp_path, machine):
    call = ["explore", "--ratios", 1, "--weights", "equal", "--train-size", 50, "--test-size", 10]
    call += ["--quiet", "--out", tmp_path]
    assert cli(*call, "--runs", 2)[0] == 0
    machine(cores=2, memory=2**10)
    assert cli(*call, "--runs", 2)[0] == 0
    status, _, stderr = cli(*call, "--runs", 60)
    assert status == 2
    assert "at once, but 1 KiB are available" in stderr


@pytest.mark.parametrize(
    ("given", "blamed"),
    [({}, "X takes about"), ({"train_size": 9}, "train_size 9 takes"), ({"data": 1}, "data takes")],
)
def test_a_size_that_was_not_given_is_not_blamed(tmp_path, machine, given, blamed):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 1)), np.repeat([0, 1], 20)
    machine(cores=2, memory=2**10)
    arrays = (X, y)
    if "data" in given:
        arrays, given = (), {"data": str(tmp_path / "own.npz")}
        np.savez(tmp_path / "own.npz", X=X, label=y)
    with pytest.raises(ValueError, match=f"^{blamed} .* of memory at once"):
        learnprop.explore(*arrays, runs=2, test_size=1, weights=["equal"], ratios=[1], **given)
