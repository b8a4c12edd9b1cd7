"""Backends, the same bits from each of them, and workers that die."""

import contextlib
import logging
import os
import random
import signal
import threading
import time

import numpy as np
import psutil
import pytest

from learnprop.simulations.engine.monte_carlo import all_blocks, run_study
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.engine.workers import WorkerDied, Workers, check_workers
from learnprop.simulations.records.store import finished_runs
from learnprop.simulations.records.store_file import open_store, read_store
from tests.toys import (
    Toy,
    compute_slowly,
    dump,
    kill_worker_always,
    kill_worker_once,
    kill_worker_when_alone,
    never_end,
    toy_study,
)


@contextlib.contextmanager
def two_dask_workers():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None,
        silence_logs=logging.CRITICAL,
    ) as cluster:  # fmt: skip
        yield cluster


def dumped(study, folder, workers, on_step=lambda _: None, **how):
    with open_store(folder, study.name, study.design) as store:
        for step in run_study(study, store, workers, **how):
            on_step(step)
        return dump(store)


@pytest.fixture(scope="module")
def reference(small_store):
    with read_store(small_store) as store:
        return dump(store)


def slow(workers):
    return pytest.param(workers, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    "workers", [Workers(2), slow(Workers(4)), slow(Workers(4, "threading"))], ids=str
)
def test_same_bits_at_any_number_of_workers(small_study, tmp_path, reference, workers):
    assert dumped(small_study, tmp_path, workers) == reference


def test_same_bits_in_any_order_and_resumed(small_study, tmp_path, reference):
    blocks = list(all_blocks(small_study))
    random.Random(1).shuffle(blocks)
    assert blocks != list(all_blocks(small_study))
    with open_store(tmp_path, small_study.name, small_study.design) as store:
        steps = run_study(small_study, store, Workers(2), blocks=blocks)
        next(steps)
        steps.close()
        assert len(finished_runs(store)) == 1
    assert dumped(small_study, tmp_path, Workers(2, "threading")) == reference


def test_another_seed_gives_other_bits(small_study, tmp_path, reference):
    from dataclasses import replace

    found = dumped(
        replace(small_study, seed=1), tmp_path, Workers(), blocks=[(small_study.cells[0], 1)]
    )
    assert found.splitlines()[-1] not in reference.splitlines()
    (tmp_path / "same").mkdir()
    same = dumped(small_study, tmp_path / "same", Workers(), blocks=[(small_study.cells[0], 1)])
    assert same.splitlines()[-1] in reference.splitlines()  # the control


@pytest.mark.slow
def test_same_bits_on_a_cluster_of_which_a_worker_is_killed(small_options, tmp_path):
    from dataclasses import replace

    from learnprop.simulations.studies.table1.study import make_study

    study = make_study(replace(small_options, runs=100))
    (tmp_path / "reference").mkdir()
    reference = dumped(study, tmp_path / "reference", Workers())
    with two_dask_workers() as cluster:
        workers = check_workers(Workers(0, "dask", cluster.scheduler_address))
        assert workers.jobs == 2
        killed = []

        def kill_one(step):
            if step.done == 2:
                killed.append(next(iter(cluster.workers.values())).pid)
                os.kill(killed[0], signal.SIGKILL)

        assert dumped(study, tmp_path, workers, kill_one) == reference
        assert killed
        assert not psutil.pid_exists(killed[0])


@pytest.mark.slow
def test_a_block_that_kills_every_dask_worker_stops_the_study(tmp_path):
    study = toy_study(compute=kill_worker_always, n_runs=100)
    with two_dask_workers() as cluster:
        workers = Workers(2, "dask", cluster.scheduler_address)
        with pytest.raises(
            WorkerDied, match=r"the cluster gave a block up: .* on 4 different workers"
        ):
            dumped(study, tmp_path, workers)
    with open_store(tmp_path, "toy", {}) as store:
        assert ("x", 2) not in finished_runs(store)


@pytest.mark.slow
def test_a_cluster_that_goes_stops_the_study(tmp_path):
    study = toy_study(compute=compute_slowly, n_runs=2000)
    with two_dask_workers() as cluster:
        workers = Workers(2, "dask", cluster.scheduler_address)

        def close(step):
            if step.done == 3:
                cluster.close()

        with pytest.raises(WorkerDied, match="the cluster is lost: "):
            dumped(study, tmp_path, workers, close)
    with open_store(tmp_path, "toy", {}) as store:
        assert 3 <= len(finished_runs(store)) < 80


@pytest.mark.slow
def test_ctrl_c_ends_the_wait_for_a_first_worker(tmp_path, monkeypatch):
    monkeypatch.setattr("learnprop.simulations.engine.workers._WORKERS_SECONDS", 30)
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=0, processes=True, dashboard_address=None, silence_logs=logging.CRITICAL
    ) as cluster:
        workers = Workers(1, "dask", cluster.scheduler_address)
        alarm = threading.Timer(3, os.kill, (os.getpid(), signal.SIGINT))
        started = time.monotonic()
        alarm.start()
        with pytest.raises(KeyboardInterrupt):
            dumped(toy_study(), tmp_path, workers)
        assert time.monotonic() - started < 20


@pytest.mark.slow
def test_time_limit_on_a_cluster(tmp_path):
    study = toy_study(compute=never_end)
    with two_dask_workers() as cluster:
        workers = Workers(2, "dask", cluster.scheduler_address)
        text = dumped(study, tmp_path, workers, timeout=1.0)
    assert text.count("timed out: the block took longer than 1 s") == 50


@pytest.mark.slow
def test_a_dead_worker_costs_its_block_and_no_more(tmp_path):
    study = toy_study(Toy("x", folder=str(tmp_path)), compute=kill_worker_once, n_runs=200)
    (tmp_path / "reference").mkdir()
    reference = dumped(
        toy_study(Toy("x"), compute=compute_slowly, n_runs=200), tmp_path / "reference", Workers()
    )
    assert dumped(study, tmp_path, Workers(2)) == reference
    assert (tmp_path / "killed").exists()


@pytest.mark.slow
def test_the_pool_is_restarted_once(tmp_path):
    study = toy_study(compute=kill_worker_always, n_runs=200)
    with pytest.raises(WorkerDied, match="a worker died twice, killed or out of memory"):
        dumped(study, tmp_path, Workers(2))
    with open_store(tmp_path, "toy", {}) as store:
        assert ("x", 2) not in finished_runs(store)


def test_a_block_that_killed_its_worker_never_runs_in_the_driver(tmp_path):
    """Not even as the last one that is missing: here the driver is the process of the tests."""
    study = toy_study(Toy("x", folder=str(tmp_path)), compute=kill_worker_when_alone)
    done = []

    def count(step):
        done.append(step)
        if len(done) == 2:
            (tmp_path / "alone").touch()

    with pytest.raises(WorkerDied, match="a worker died twice"):
        dumped(study, tmp_path, Workers(2), count)
    assert len(done) == 2
    with open_store(tmp_path, "toy", {}) as store:
        assert ("x", 2) not in finished_runs(store)


@pytest.mark.slow
def test_time_limit_in_every_backend(tmp_path):
    for workers in (Workers(), Workers(2), Workers(2, "threading")):
        out = tmp_path / f"{workers.jobs}-{workers.backend}"
        out.mkdir()
        text = dumped(toy_study(compute=never_end), out, workers, timeout=1.0)
        assert text.count("timed out: the block took longer than 1 s") == 50  # 25 runs, 2 settings


@pytest.mark.parametrize(
    ("workers", "message"),
    [
        (Workers(1, "mpi"), "backend must be one of loky, threading, sequential, dask, got"),
        (Workers(-1), "jobs must not be negative, got -1"),
        (Workers(0, "loky", "tcp://x"), "scheduler goes with backend dask only, got 'tcp://x'"),
        (Workers(2, "dask", "tcp://x:1"), "jobs 2 does not go with backend dask"),
        (Workers(0, "dask"), "backend dask needs scheduler"),
        (Workers(0, "dask", "no://x:1"), "no://x:1 cannot be reached: it must begin with one of"),
        (Workers(0, "dask", "10.0.0.1"), r"10.0.0.1 cannot be reached: it needs a host and a port"),
        (Workers(0, "dask", "tcp://"), "tcp:// cannot be reached: it needs a host and a port"),
        (Workers(0, "dask", "tcp://[::1]:1"), r"scheduler tcp://\[::1\]:1 cannot be reached: "),
    ],
)
def test_bad_choices_are_refused(workers, message, monkeypatch):
    monkeypatch.setattr("learnprop.simulations.engine.workers._CONNECT_SECONDS", 0.5)
    with pytest.raises(ValueError, match=message):
        check_workers(workers)


def test_workers_are_counted():
    assert check_workers(Workers(0)).jobs == os.cpu_count()
    assert check_workers(Workers(3, "threading")).jobs == 3
    assert check_workers(Workers(3, "sequential")).jobs == 1


def test_without_distributed_it_says_what_to_install(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"pip install 'learnprop\[cluster\]'"):
        check_workers(Workers(0, "dask", "tcp://127.0.0.1:8786"))


def test_a_worker_with_other_code_stops_the_study_in_its_own_process(tmp_path):
    from learnprop.simulations.engine.versions import code_version

    study = toy_study(code={**code_version(), "numpy": "0.1"})
    with pytest.raises(StudyError, match="a worker runs other code: numpy"):
        dumped(study, tmp_path, Workers(2))
    with open_store(tmp_path, "toy", study.design) as store:
        assert finished_runs(store) == {}


@pytest.mark.slow
def test_an_early_end_says_nothing(tmp_path, recwarn):
    with open_store(tmp_path, "toy", {}) as store:
        steps = run_study(toy_study(compute=compute_slowly, n_runs=200), store, Workers(2))
        next(steps)
        steps.close()
        assert np.all([n == 25 for n in finished_runs(store).values()])
    assert [str(w.message) for w in recwarn.list] == []
