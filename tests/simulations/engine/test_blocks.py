import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from learnprop.simulations.engine.blocks import Task, compute_one
from learnprop.simulations.engine.limits import BlockTimeout, one_thread, timeout_after
from learnprop.simulations.engine.replay import _compare
from learnprop.simulations.engine.seeds import replication_key
from learnprop.simulations.engine.study import StudyError, block_runs
from learnprop.simulations.engine.versions import code_version
from tests.toys import (
    Toy,
    compute_toy,
    never_end,
    raise_in_bad_runs,
    raise_on_whole_blocks,
    report_threads,
    separate_bad_runs,
)


def test_one_that_raises_does_not_take_the_others_with_it():
    block = compute_one(Task(raise_in_bad_runs, Toy("x", bad_runs=(27, 31)), 3, 1))
    failed = block.fits.status == "failed"
    assert sorted(set(block.fits.run[failed].tolist())) == [27, 31]
    assert set(block.fits.status[~failed].tolist()) == {"converged"}
    assert sorted(set(block.measurements.run.tolist())) == sorted({*range(25, 50)} - {27, 31})
    whole = compute_one(Task(compute_toy, Toy("x"), 3, 1))
    good = ~np.isin(whole.measurements.run, (27, 31))
    kept = type(whole.measurements)(**{k: v[good] for k, v in vars(whole.measurements).items()})
    assert _compare(kept, block.measurements) == []
    assert "replication by replication: the block raised FloatingPointError" in block.note


def test_a_failure_has_its_reason_key_and_traceback():
    block = compute_one(Task(raise_in_bad_runs, Toy("x", bad_runs=(27,)), 3, 1))
    row = block.fits.run == 27
    assert set(block.fits.reason[row]) == {"FloatingPointError: run 27 of x broke"}
    (trace,) = set(block.fits.traceback[row].tolist())
    key = ", ".join(map(str, replication_key("x", 27, "train")[:-1]))
    assert key.endswith(", 27")
    assert trace.startswith(f"cell x, run 27: SeedSequence(3, spawn_key=({key}, stream))\n")
    assert "in raise_in_bad_runs" in trace
    assert not block.fits.reason[~row].any()
    assert not block.fits.traceback[~row].any()


def test_what_separates_has_its_reason_and_key():
    block = compute_one(Task(separate_bad_runs, Toy("x", bad_runs=(4,)), 3, 0))
    row = block.fits.status == "separated"
    assert row.sum() == 1
    assert block.fits.reason[row].tolist() == ["separated: no minimum"]
    assert block.fits.traceback[row][0].startswith("cell x, run 4: SeedSequence(3, spawn_key=(")
    assert not block.fits.traceback[~row].any()


def test_what_fails_as_a_block_only_is_noted():
    block = compute_one(Task(raise_on_whole_blocks, Toy("x"), 3, 0))
    assert set(block.fits.status.tolist()) == {"converged"}
    assert "MemoryError: 25 are too many" in block.note
    assert compute_one(Task(compute_toy, Toy("x"), 3, 0)).note == ""


def test_a_block_past_its_limit_is_recorded_whole():
    started = time.monotonic()
    block = compute_one(Task(never_end, Toy("x"), 3, 1, timeout=0.2))
    assert time.monotonic() - started < 5
    assert block.timed_out == 0.2
    assert set(block.fits.status.tolist()) == {"failed"}
    assert set(block.fits.reason.tolist()) == {"timed out: the block took longer than 0.2 s"}
    assert sorted(set(block.fits.run.tolist())) == list(block_runs(1))
    assert block.measurements is None


def test_the_limit_holds_in_any_thread_and_leaves_nothing_behind():
    caught = []

    def work():
        try:
            with timeout_after(0.05):
                while True:
                    time.sleep(0.005)
        except BlockTimeout as error:
            caught.append(error)
        time.sleep(0.1)  # a second one would come here

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(5)
    assert len(caught) == 1
    for _ in range(200):  # the body ends just as the time does
        try:
            with timeout_after(0.002):
                time.sleep(0.002)
        except BlockTimeout:
            pass
    time.sleep(0.05)


def test_within_the_limit_nothing_happens():
    with timeout_after(5.0):
        pass
    block = compute_one(Task(never_end, Toy("x"), 3, 0, timeout=5.0))
    assert block.timed_out is None
    assert set(block.fits.status.tolist()) == {"converged"}


def test_one_thread_and_restored_afterwards():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        block = compute_one(Task(report_threads, Toy("x"), 0, 0))
        assert set(block.fits.n_iter.tolist()) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_block_that_ends_does_not_lift_the_limit_of_its_neighbour():
    from threadpoolctl import threadpool_info, threadpool_limits

    def most():
        return max(pool["num_threads"] for pool in threadpool_info())

    with threadpool_limits(2):
        if most() < 2:
            pytest.skip("no pool here has two threads")
        entered, leave = threading.Event(), threading.Event()

        def neighbour():
            with one_thread():
                entered.set()
                leave.wait(5)

        thread = threading.Thread(target=neighbour)
        thread.start()
        entered.wait(5)
        with one_thread():
            leave.set()
            thread.join(5)
            assert most() == 1
        assert most() == 2


def test_a_worker_with_other_code_is_refused():
    task = Task(compute_toy, Toy("x"), 0, 0, code=code_version())
    assert not isinstance(compute_one(task), StudyError)
    source = {**code_version()["source"], "equations/balance.py": "edited"}
    other = replace(task, code={**code_version(), "source": source, "numpy": "1.0"})
    answer = compute_one(other)
    assert isinstance(answer, StudyError)
    assert "a worker runs other code: numpy" in str(answer)
    assert "equations/balance.py was edited" in str(answer)


def test_blocks_tile_the_runs():
    assert [*block_runs(0), *block_runs(1)] == list(range(50))
