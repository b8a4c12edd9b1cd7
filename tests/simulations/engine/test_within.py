"""What a block tells while it is computed, and that it changes no number."""

from dataclasses import replace
from pathlib import Path

import pytest

from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.within import FOLDER, listening, part, tell, told
from learnprop.simulations.engine.workers import Workers
from learnprop.simulations.records.store_file import open_store
from tests.toys import Toy, compute_toy, dump, toy_study


def tell_and_look(cell, seed, runs):
    """What the driver would read meanwhile goes to a file, for the test to read."""
    with part("first part"):
        tell("1 of 2 done")
        tell("too soon after the other line to be written")
    with Path(cell.folder, "seen").open("a") as seen:
        print(*told(Path(cell.folder, FOLDER)), sep="\n", file=seen)
    return compute_toy(cell, seed, runs)


@pytest.mark.parametrize("backend", ["sequential", "threading", "loky"])
def test_a_block_tells_how_far_it_is_from_wherever_it_is_computed(tmp_path, backend):
    study = toy_study(Toy("x", folder=str(tmp_path)), compute=tell_and_look, n_runs=50)
    with open_store(tmp_path, "toy", {}) as store:
        with listening(tmp_path / FOLDER) as running:
            steps = list(run_study(study, store, Workers(2, backend), running=running))
            assert told(running) == []  # what is done is told no more
        heard = dump(store)
    assert not (tmp_path / FOLDER).exists()
    assert [step.done for step in steps] == [1, 2]
    seen = set((tmp_path / "seen").read_text().splitlines())
    assert {f"x runs {runs}, first part: 1 of 2 done" for runs in ("0-24", "25-49")} <= seen
    assert not [line for line in seen if "too soon" in line]
    with open_store(tmp_path, "toy", {}, fresh=True) as store:
        list(run_study(replace(study, compute_block=compute_toy), store))
        assert dump(store) == heard


def test_where_no_file_can_be_written_nothing_is_told_and_nothing_breaks(tmp_path):
    """A worker of a cluster that does not see the folder."""
    study = toy_study(Toy("x", folder=str(tmp_path)), compute=tell_and_look, n_runs=25)
    with open_store(tmp_path, "toy", {}) as store:
        steps = list(run_study(study, store, running=tmp_path / "elsewhere" / FOLDER))
    assert [step.done for step in steps] == [1]
    assert told(tmp_path / "elsewhere" / FOLDER) == []


def test_what_a_killed_process_left_is_told_no_more(tmp_path):
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "0-1").write_text("x runs 0-24: long ago")
    with listening(tmp_path / FOLDER) as running:
        assert told(running) == []


def test_outside_of_a_block_nothing_happens(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with part("of nothing"):
        tell("1 of 2")
    assert list(tmp_path.iterdir()) == []
