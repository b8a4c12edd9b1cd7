"""Memory: what there is, what a block is said to take, and a lack of it all the same."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import product

import psutil
import pytest

from learnprop.simulations.engine import footprint
from learnprop.simulations.engine.footprint import (
    available_memory,
    block_bytes,
    check_blocks,
    in_words,
    memory_shortage,
)
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.records.store import finished_runs
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies import options_type, study_module
from tests.toys import Toy, compute_toy, toy_study


def study_of(name, **chosen):
    known = {"supply": [100] * 10} if name == "cnn" else {}
    return study_module(name).make_study(options_type(name)(**chosen), **known)


def test_what_there_is_is_what_the_system_says():
    assert 0 < available_memory() <= psutil.virtual_memory().total


def test_the_limit_of_a_control_group_counts_without_what_can_be_reclaimed(tmp_path, monkeypatch):
    """Version 2, a limit on the parent: 1000 - (700 - 200) = 500. Version 1: 900 - 650 = 250."""
    two = tmp_path / "sys/fs/cgroup"
    for folder, files in {
        two / "a": {"memory.max": "1000", "memory.current": "700", "memory.stat": "anon 5\n"
                    "inactive_file 200\n"},
        two / "a/b": {"memory.max": "max", "memory.current": "1", "memory.stat": ""},
        two / "memory/c": {"memory.limit_in_bytes": "900", "memory.usage_in_bytes": "650",
                           "memory.stat": ""},
        tmp_path / "proc/self": {"cgroup": "4:memory:/c\n0::/a/b\n"},
    }.items():  # fmt: skip
        folder.mkdir(parents=True)
        for name, text in files.items():
            (folder / name).write_text(text)
    assert sorted(footprint._left_of_groups(tmp_path)) == [250, 500]
    monkeypatch.setattr(footprint, "_left_of_groups", lambda: [250, 500])
    assert available_memory() == 250


PEAK = """
import json, sys
from learnprop.simulations.engine.limits import one_thread
from learnprop.simulations.studies import options_type, study_module
chosen = json.loads(sys.argv[1])
def study(**sizes):
    return study_module("explore").make_study(options_type("explore")(**(chosen | sizes)))
def peak():
    lines = dict(line.split(":") for line in open("/proc/self/status"))  # ru_maxrss is a parent's
    return 1024 * int(lines["VmHWM"].split()[0])
with one_thread():
    small = study(train_size=60, test_size=10, lambda0_grid=[])
    small.compute_block(small.cells[0], 0, range(25))
    before = peak()
    large = study()
    large.compute_block(large.cells[0], 0, range(25))
print(peak() - before)
"""
# Else the peak of one and the same block varies by a third from call to call: arrays of up to 32 MB
# are then sometimes kept in the heap when they are freed.
AT_ONCE_FREED = {"MALLOC_MMAP_THRESHOLD_": "65536"}
GAUSSIAN = {"generator": "gaussian", "classes": 3, "separation": 1.0, "test_size": 10}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize(
    ("chosen", "n_settings"),
    [
        *product(
            [
                {"fitter": "logistic", "train_size": 20_000, "test_size": 10},
                {"fitter": "one-vs-all", "train_size": 6_000, **GAUSSIAN},
                {"fitter": "softmax", "train_size": 6_000, **GAUSSIAN},
            ],
            [3, 100],
        ),
        # samples are left out of one fit at a time, however many settings there are
        (
            {"fitter": "softmax", "train_size": 6_000, "stage": ["loo"], **GAUSSIAN, "classes": 10},
            3,
        ),
    ],
    ids=lambda given: given["fitter"] if isinstance(given, dict) else str(given),
)
def test_what_a_block_takes_is_what_is_measured(chosen, n_settings):
    grid = {"weights": ["equal"], "lambda0_grid": [0.05, 0.9, n_settings - 1]}
    chosen = chosen | grid | {"ratios": [1], "runs": 2}
    call = [sys.executable, "-c", PEAK, json.dumps(chosen)]
    ran = subprocess.run(call, capture_output=True, check=True, env=os.environ | AT_ONCE_FREED)
    taken = int(ran.stdout)
    assert 0.9 * taken <= block_bytes(study_of("explore", **chosen)) <= 1.7 * taken


@pytest.mark.parametrize(
    ("study", "chosen", "argument"),
    [
        ("table1", {"test_size": (10**9, 10**9)}, "test_size 1000000000,1000000000"),
        ("table1", {"train_size": (10**9, 1000)}, "train_size 1000000000,1000"),
        ("multiclass", {"sizes": (10**9, 10**9)}, "sizes 1000000000,1000000000"),
        ("multiclass", {"dimension": 400, "train_size": 800}, "dimension 400"),
        ("explore", {"train_size": 10**9}, "train_size 1000000000"),
        ("explore", {"test_size": 10**9}, "test_size 1000000000"),
        ("cnn", {"batch_size": 400, "model": "cnn5c", "device": "cpu"}, "batch_size 400"),
    ],
)
def test_what_is_too_large_is_refused_with_what_it_takes(monkeypatch, study, chosen, argument):
    laid_out = study_of(study, **chosen)
    monkeypatch.setattr(footprint, "available_memory", lambda: 2**26)
    with pytest.raises(ValueError, match=rf"^{argument} takes about .* [GTM]iB .* 64 MiB are av"):
        check_blocks(laid_out)
    monkeypatch.setattr(footprint, "available_memory", lambda: 2**60)
    check_blocks(laid_out)


@pytest.mark.parametrize("study", ["table1", "multiclass", "controls", "claims", "explore"])
def test_defaults_fit_into_four_gigabytes(study):
    assert block_bytes(study_of(study)) < 4 * 2**30


@pytest.mark.parametrize(
    ("chosen", "argument"),
    [
        ({"dimension": 10**6}, "dimension 1000000 takes about 116 TiB"),  # (6 + 6 + 3) d^2 numbers
        ({"classes": 10**6}, "classes 1000000 takes about 7.2"),  # pairs of means
    ],
)
def test_a_distribution_is_refused_before_it_is_built(chosen, argument):
    with pytest.raises(ValueError, match=argument):
        study_of("multiclass", **chosen)


def no_memory(cell, seed, runs):
    """From block 1 on, together and alone."""
    if runs.start >= 25:
        raise MemoryError("Unable to allocate 7.28 TiB for an array")
    return compute_toy(cell, seed, runs)


def test_a_lack_of_memory_stops_the_study_and_is_no_failure(tmp_path):
    study = toy_study(Toy("x"), compute=no_memory, n_runs=75)
    with open_store(tmp_path, "toy", {}) as store:
        with pytest.raises(
            StudyError, match=r"^out of memory: Unable to allocate 7.28 TiB .* same"
        ):
            list(run_study(study, store))
        assert finished_runs(store) == {("x", 0): 25}
        list(run_study(replace(study, compute_block=compute_toy), store))
        assert len(finished_runs(store)) == 3


def test_pytorch_says_it_in_its_own_way():
    """What the allocator of a CPU says, under a limit on this process."""
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**60, dtype=torch.uint8)
    assert memory_shortage(error.value) is not None
    with pytest.raises(RuntimeError) as error:
        torch.zeros(2) @ torch.zeros(3)
    assert memory_shortage(error.value) is None


def test_bytes_in_words():
    assert [in_words(n) for n in (0, 1023, 1024, 5 * 2**40, 2**60)] == [
        "0 bytes", "1023 bytes", "1 KiB", "5 TiB", "1024 PiB",
    ]  # fmt: skip
