"""Blocks of a group are one computation; what is kept, counted and resumed are blocks still."""

import time
from dataclasses import replace

import pytest

from learnprop.simulations.engine.monte_carlo import pending_blocks, run_study
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.engine.workers import Workers
from learnprop.simulations.records.store import (
    failed_runs,
    finished_runs,
    read_blocks,
    read_fits,
)
from learnprop.simulations.records.store_file import open_store
from tests.toys import Toy, dump, raise_in_bad_runs
from tests.toys_together import (
    calls,
    compute_all,
    compute_alone,
    in_another_order,
    keep_unfinished,
    kill_once_together,
    meet,
    need_the_memory,
    raise_together,
    run_out_of_memory,
    stop_at_run_3,
    stop_group_y,
    take_half_a_second,
    together_study,
)


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path, "toy", {"block_size": 1}) as opened:
        yield opened


def dumped_alone(study, folder):
    """What the store holds of the same study where every block is computed by itself."""
    folder.mkdir()
    with open_store(folder, "toy", study.design) as store:
        list(run_study(replace(study, compute_together=None), store))
        return dump(store)


def test_a_group_is_one_computation_of_all_its_cells_and_replications(tmp_path, store):
    cells = [Toy(name, folder=str(tmp_path)) for name in ("ax", "b", "ay")]
    study = together_study(*cells, together=compute_all, compute=compute_alone, n_runs=3)
    steps = list(run_study(study, store))
    assert [blocks for _, blocks in calls(tmp_path)] == [
        {"ax0", "ax1", "ax2", "ay0", "ay1", "ay2"},
        {"b0", "b1", "b2"},
    ]
    assert calls(tmp_path, "alone") == []
    assert [(s.done, s.total) for s in steps] == [(i, 9) for i in range(1, 10)]
    assert dump(store) == dumped_alone(study, tmp_path / "alone")
    assert len(calls(tmp_path, "alone")) == 9  # the control: without the field nothing is grouped


def test_without_groups_all_cells_belong_together(tmp_path, store):
    cells = [Toy(name, folder=str(tmp_path)) for name in "xy"]
    study = replace(together_study(*cells, together=compute_all, n_runs=1), group_of=None)
    list(run_study(study, store))
    assert [blocks for _, blocks in calls(tmp_path)] == [{"x0", "y0"}]


def test_a_study_that_is_resumed_computes_together_what_is_missing(tmp_path, store):
    study = together_study(Toy("x", folder=str(tmp_path)), together=compute_all)
    list(run_study(study, store, blocks=[(study.cells[0], 1), (study.cells[0], 3)]))
    steps = list(run_study(study, store))
    assert [blocks for _, blocks in calls(tmp_path)] == [{"x1", "x3"}, {"x0", "x2", "x4"}]
    assert [(s.done, s.total) for s in steps] == [(3, 5), (4, 5), (5, 5)]
    assert dump(store) == dumped_alone(study, tmp_path / "alone")
    list(run_study(replace(study, n_runs=7), store))
    assert [blocks for _, blocks in calls(tmp_path)][2:] == [{"x5", "x6"}]


def test_whoever_stops_after_the_first_block_of_a_group_loses_none_of_it(tmp_path, store):
    study = together_study(
        Toy("x", folder=str(tmp_path)), Toy("y", folder=str(tmp_path)), together=compute_all
    )
    steps = run_study(study, store)
    next(steps)
    steps.close()
    assert finished_runs(store) == {("x", i): 1 for i in range(5)}


def test_times_are_shares_of_what_the_group_took(tmp_path, store):
    study = together_study(Toy("x", folder=str(tmp_path)), together=take_half_a_second)
    started = time.monotonic()
    steps = list(run_study(study, store))
    seconds = [step.block.seconds for step in steps]
    assert len(set(seconds)) == 1
    assert 0.5 <= sum(seconds) <= time.monotonic() - started
    assert [step.left.seconds for step in steps] == [0.0] * 5  # nothing is left after the group


def test_the_folder_for_what_is_unfinished_is_handed_on_and_goes(tmp_path, store):
    study = together_study(
        Toy("x", folder=str(tmp_path)), together=keep_unfinished, keeps_unfinished=True
    )
    list(run_study(study, store))
    assert (tmp_path / "was").read_text() == str(tmp_path / "unfinished")
    assert not (tmp_path / "unfinished").exists()


def test_what_raises_together_is_computed_and_recorded_block_by_block(tmp_path, store):
    study = together_study(
        Toy("x", folder=str(tmp_path), bad_runs=(2,)),
        together=raise_together,
        compute=raise_in_bad_runs,
    )
    list(run_study(study, store))
    assert len(calls(tmp_path)) == 1
    assert failed_runs(store) == {"x": {2}}
    fits = read_fits(store, "x")
    assert set(fits.reason[fits.run == 2]) == {"FloatingPointError: run 2 of x broke"}
    assert not fits.reason[fits.run != 2].any()
    assert {row[5] for row in read_blocks(store)} == {
        "computed alone: 5 blocks together raised FloatingPointError: 5 at once are too many"
    }
    assert not pending_blocks(study, store)


def test_blocks_in_another_order_are_not_taken_for_each_other(store):
    study = together_study(Toy("x"), Toy("xx"), together=in_another_order, n_runs=2)
    list(run_study(study, store))
    assert {row[5] for row in read_blocks(store)} == {
        "computed alone: 4 blocks together raised ValueError: what was computed together is not a "
        "block of each, in their order"
    }


def test_blocks_that_follow_a_lack_of_memory_have_it_back(store):
    study = together_study(together=run_out_of_memory, compute=need_the_memory)
    list(run_study(study, store))
    assert failed_runs(store) == {}


def test_what_stops_the_study_keeps_other_groups(tmp_path, store):
    cells = [Toy(name, folder=str(tmp_path)) for name in "xyz"]
    study = together_study(*cells, together=stop_group_y, n_runs=2)
    with pytest.raises(StudyError, match="the data are gone"):
        list(run_study(study, store))
    assert finished_runs(store) == {("x", 0): 1, ("x", 1): 1}
    assert failed_runs(store) == {}


def test_what_stops_the_study_keeps_blocks_that_were_computed_alone(tmp_path, store):
    study = together_study(
        Toy("x", folder=str(tmp_path)), together=raise_together, compute=stop_at_run_3
    )
    with pytest.raises(StudyError, match="the data are gone"):
        list(run_study(study, store))
    assert finished_runs(store) == {("x", i): 1 for i in range(3)}


def test_a_group_has_the_time_of_all_its_blocks(tmp_path, store):
    study = together_study(Toy("x", folder=str(tmp_path)), together=take_half_a_second, n_runs=20)
    list(run_study(study, store, timeout=0.4))  # more than one may take, less than twenty
    assert failed_runs(store) == {}


def test_a_group_past_its_limit_is_recorded_and_gets_another_try_with_more_time(tmp_path, store):
    study = together_study(Toy("x", folder=str(tmp_path)), together=take_half_a_second)
    list(run_study(study, store, timeout=0.02))
    assert failed_runs(store) == {"x": set(range(5))}
    assert set(read_fits(store, "x").reason) == {
        "timed out: 5 blocks together took longer than 5 x 0.02 s"
    }
    assert calls(tmp_path) == []
    assert not pending_blocks(study, store, timeout=0.02)
    list(run_study(study, store, timeout=10.0, max_failures=0.0))
    assert failed_runs(store) == {}


def test_two_groups_are_work_for_two_workers(tmp_path, store):
    cells = [Toy(name, folder=str(tmp_path)) for name in "xy"]
    study = together_study(*cells, together=meet)
    steps = list(run_study(study, store, Workers(2)))
    assert sorted(s.done for s in steps) == list(range(1, 11))
    (one, _), (other, _) = calls(tmp_path)
    assert one != other
    assert dump(store) == dumped_alone(study, tmp_path / "alone")


def test_a_worker_that_is_killed_costs_its_group_and_no_more(tmp_path, store):
    cells = [Toy(name, folder=str(tmp_path)) for name in "xyz"]
    study = together_study(*cells, together=kill_once_together)
    list(run_study(study, store, Workers(2)))
    assert (tmp_path / "killed").exists()
    computed = [blocks for _, blocks in calls(tmp_path)]
    assert sum("y0" in blocks for blocks in computed) == 1  # it did not come so far when it died
    assert all(len(blocks) == 5 for blocks in computed)
    assert dump(store) == dumped_alone(study, tmp_path / "alone")
