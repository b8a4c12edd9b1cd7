import tempfile
import tracemalloc
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from learnprop.simulations.engine.monte_carlo import all_blocks, pending_blocks, run_study
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.engine.workers import Workers
from learnprop.simulations.records.store import failed_runs, finished_runs, read_fits
from learnprop.simulations.records.store_file import open_store
from tests.toys import (
    Toy,
    compute_toy,
    count_calls,
    dump,
    never_end,
    raise_in_bad_runs,
    separate_bad_runs,
    toy_study,
)


def result(study, folder, **how):
    """Run a study; its canonical dump and its steps."""
    with open_store(folder, study.name, study.design) as store:
        steps = list(run_study(study, store, **how))
        return dump(store), steps


def test_cells_take_turns_and_every_block_is_there_once():
    study = toy_study(Toy("x"), Toy("y"), n_runs=60)
    blocks = [(cell.name, index) for cell, index in all_blocks(study)]
    assert blocks == [("x", 0), ("y", 0), ("x", 1), ("y", 1), ("x", 2), ("y", 2)]
    more = replace(study, cell_runs={"y": 20})
    assert [(c.name, i) for c, i in all_blocks(more)] == [("x", 0), ("y", 0), ("x", 1), ("x", 2)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_billion_runs_begin_at_once_and_are_never_listed(tmp_path, jobs):
    study = replace(toy_study(Toy("x"), Toy("y"), n_runs=10**9), cell_runs={"y": 30})
    workers = Workers(jobs, "threading")
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(replace(study, n_runs=50), store))
        list(islice(run_study(study, store, workers), 1))  # what is imported and cached
        had = finished_runs(store)
        tracemalloc.start()
        with closing(run_study(study, store, workers)) as steps:
            first = list(islice(steps, 3))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 5e6  # a list of them takes gigabytes
        assert first[0].total == 40_000_000 + 2
        assert {step.block.cell for step in first} == {"x"}  # both of y are there
        found = {step.block.index for step in first}
        assert found <= set(range(12))
        assert not found & {index for cell, index in had if cell == "x"}
        pending = pending_blocks(study, store)
        assert len(pending) == 40_000_002 - len(finished_runs(store))
        assert (study.cells[0], 39_999_999) in pending
        assert (study.cells[0], 40_000_000) not in pending
        assert (study.cells[0], 0) not in pending


def test_cells_of_one_name_are_refused():
    with pytest.raises(ValueError, match="cells must have distinct names, got 'x' twice"):
        toy_study(Toy("x"), Toy("y"), Toy("x"))


def test_more_runs_keep_the_first_ones(tmp_path):
    study = toy_study(Toy("x"), Toy("y"), n_runs=100)
    (tmp_path / "once").mkdir()
    once, _ = result(study, tmp_path / "once")
    few, _ = result(replace(study, n_runs=30), tmp_path)
    grown, steps = result(study, tmp_path)
    assert grown == once
    # block 0 is finished; block 1 held 5 of its 25 runs, 2 and 3 are new
    assert sorted((s.block.cell, s.block.index) for s in steps) == [
        (cell, index) for cell in "xy" for index in (1, 2, 3)
    ]
    assert set(few.splitlines()[5:]) <= set(once.splitlines())  # every fit and measurement


def test_cells_may_have_their_own_number_of_runs(tmp_path):
    study = replace(toy_study(Toy("x"), Toy("y"), n_runs=30), cell_runs={"y": 60})
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store))
        kept = {cell: sorted(set(read_fits(store, cell).run.tolist())) for cell in "xy"}
        assert len(pending_blocks(study, store)) == 0
    assert kept == {"x": list(range(30)), "y": list(range(60))}


SESSIONS = st.lists(st.tuples(st.integers(2, 110), st.integers(0, 6)), min_size=1, max_size=5).map(
    lambda sessions: [*sessions, (110, 99)]
)


@settings(max_examples=10, deadline=None)
@given(SESSIONS, st.integers(1, 3), st.randoms(use_true_random=False))
def test_a_resumed_study_never_recomputes_a_finished_block(sessions, n_cells, shuffler):
    """Sessions of any number of runs, each ended after some blocks, in any order."""
    with tempfile.TemporaryDirectory() as folder:
        out, calls = Path(folder), Path(folder) / "calls"
        calls.mkdir()
        cells = [Toy(f"c{i}", folder=str(calls)) for i in range(n_cells)]
        reference = toy_study(*cells, n_runs=110)
        for n_runs, blocks in sessions:
            study = toy_study(*cells, compute=count_calls, n_runs=n_runs)
            with open_store(out, "toy", {}) as store:
                have = finished_runs(store)
                todo = list(pending_blocks(study, store))
                shuffler.shuffle(todo)
                before = len(list(calls.iterdir()))
                steps = run_study(study, store, blocks=todo)
                done = [step.block for step, _ in zip(steps, range(blocks), strict=False)]
                steps.close()
                computed = len(list(calls.iterdir())) - before
                assert len(done) <= computed <= len(done) + 1  # the one in flight is lost
                for block in done:  # only what held less than was asked for
                    asked = min(25, n_runs - 25 * block.index)
                    assert have.get((block.cell, block.index), 0) < asked
        with open_store(out, "toy", {}) as store:
            resumed = dump(store)
        (out / "once").mkdir()
        assert resumed == result(reference, out / "once")[0]


def test_what_separates_or_raises_is_counted_and_stops_the_study(tmp_path):
    x = Toy("x", bad_runs=(1, 30, 31))
    study = toy_study(x, compute=separate_bad_runs, n_runs=75)
    with open_store(tmp_path, "toy", {}) as store:
        steps = []
        with pytest.raises(StudyError, match=r"3 of 75 .* max_failures 0.02 allows"):
            # 2 % of 75 is 1.5: block 0 has one, block 1 two more, block 2 is not computed
            steps += run_study(study, store, max_failures=0.02)
        assert finished_runs(store) == {("x", 0): 25, ("x", 1): 25}
        assert failed_runs(store) == {"x": {1, 30, 31}}
    with open_store(tmp_path, "toy", {}) as store:  # again: it stops at once
        with pytest.raises(StudyError, match="3 of 75 replications failed"):
            list(run_study(study, store, max_failures=0.02))
        assert finished_runs(store) == {("x", 0): 25, ("x", 1): 25}
        list(run_study(study, store, max_failures=0.04))  # 3 of 75 is 4 %, not more
        assert len(read_fits(store, "x")) == 150
        fits = read_fits(store, "x")
        assert set(fits.reason[fits.status == "separated"]) == {"separated: no minimum"}


def test_failures_are_not_redrawn(tmp_path):
    study = toy_study(Toy("x", bad_runs=(3,)), compute=raise_in_bad_runs, n_runs=25)
    first, _ = result(study, tmp_path)
    again, steps = result(study, tmp_path)
    assert (again, steps) == (first, [])
    assert first.count('"failed"') == 2


def test_a_block_that_timed_out_gets_another_try_with_more_time_only(tmp_path):
    study = toy_study(compute=never_end, n_runs=50)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store, timeout=0.5))
        assert len(failed_runs(store)["x"]) == 25
        assert not pending_blocks(study, store, timeout=0.5)
        assert [i for _, i in pending_blocks(study, store, timeout=0.7)] == [1]
        assert [i for _, i in pending_blocks(study, store)] == [1]
        mended = replace(study, compute_block=compute_toy)
        list(run_study(mended, store, timeout=0.7, max_failures=0.5))
        assert failed_runs(store) == {}
        timed = dump(store)
    (tmp_path / "once").mkdir()
    assert timed == result(mended, tmp_path / "once")[0]


def test_progress_counts_what_was_there(tmp_path):
    study = toy_study(n_runs=100)
    result(replace(study, n_runs=50), tmp_path)
    _, steps = result(study, tmp_path)
    assert [(s.done, s.total) for s in steps] == [(3, 4), (4, 4)]


def test_a_study_of_another_code_version_is_not_computed(tmp_path):
    study = toy_study(code={**code_version(), "scipy": "0.1"})
    with (
        open_store(tmp_path, "toy", study.design) as store,
        pytest.raises(StudyError, match=r'a worker runs other code: scipy "0.1" ->'),
    ):
        list(run_study(study, store))
