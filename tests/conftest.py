"""Fixtures shared by the tests: small studies, and the command line in this process."""

import os
import pickle
import signal
import sys

import pytest
import torch
from filelock import FileLock
from hypothesis import settings
from threadpoolctl import threadpool_limits

from learnprop.cli import main
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.workers import Workers
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.table1.study import Options, make_study
from tests.browser import chromium
from tests.toys import Toy, raise_in_bad_runs, toy_study

# The same examples for everybody; to search further: --hypothesis-profile=default.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile("repeatable")


def pytest_configure():
    """One thread in this process, as in a study's worker, and in those that tests start.

    Beside another process threads wait for each other: with one each, tests of small arrays take a
    quarter of the processor's time on two cores.
    """
    for library in ("OMP", "MKL", "OPENBLAS"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")  # of what is loaded later
    threadpool_limits(1)
    torch.set_num_threads(1)


def pytest_runtest_setup(item):
    """Skip what needs a CUDA device where there is none."""
    if item.get_closest_marker("cuda") is not None and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


@pytest.fixture
def no_signal_ignored():
    """Signals are as in a terminal, for tests under ``nohup`` or in the background too."""
    numbers = [getattr(signal, name, None) for name in ("SIGHUP", "SIGINT", "SIGTERM")]
    ignored = [n for n in numbers if n is not None and signal.getsignal(n) == signal.SIG_IGN]
    for number in ignored:
        usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
        signal.signal(number, usual)
    yield
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)


SMALL = {"train_size": (40, 120), "test_size": (50, 50), "max_iter": 12}
"""A Table 1 whose blocks take a second."""


@pytest.fixture(scope="session")
def small_options():
    return Options(runs=30, **SMALL)


@pytest.fixture
def run_to_store(tmp_path_factory):
    """Run a study into a fresh folder; returns the folder."""

    def run(study, out=None, workers=None, **how):
        folder = out or tmp_path_factory.mktemp("study")
        with open_store(folder, study.name, study.design) as store:
            steps = list(run_study(study, store, workers or Workers(), **how))
        return folder, steps

    return run


@pytest.fixture(scope="session")
def small_study(small_options):
    return make_study(small_options)


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """Compute what several files look at, once for all processes of a run.

    Of the name and ``compute(folder)`` it returns the folder and what was found; nobody writes
    into the folder.
    """
    found = {}
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def once(name, compute):
        folder, kept = root / f"once-{name}", root / f"once-{name}.pickle"
        if name not in found:
            with FileLock(f"{kept}.lock"):
                if not kept.exists():
                    folder.mkdir()
                    kept.write_bytes(pickle.dumps(compute(folder)))
            found[name] = pickle.loads(kept.read_bytes())
        return folder, found[name]

    return once


@pytest.fixture(scope="session")
def small_store(small_study, once):
    """Folder of the small study, all of its runs; to be copied by who writes."""

    def compute(folder):
        with open_store(folder, small_study.name, small_study.design) as store:
            list(run_study(small_study, store))

    return once("small", compute)[0]


@pytest.fixture
def cli(monkeypatch, capsys):
    """Call ``learnprop`` in this process; returns (status, stdout, stderr)."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["learnprop", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            main()
        captured = capsys.readouterr()
        return stop.value.code, captured.out, captured.err

    return call


@pytest.fixture
def two_classes(tmp_path):
    """An open store of 40 runs in two cells, of which two failed."""
    study = toy_study(Toy("x"), Toy("y", bad_runs=(3, 30)), compute=raise_in_bad_runs, n_runs=40)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store))
        yield store


@pytest.fixture(scope="module")
def browser():
    """Chromium for the tests of one file: while it runs, no other event loop can."""
    with chromium() as opened:
        yield opened
