"""The time that is left, against workers that take one block after the other."""

import heapq
import math
from itertools import product

import pytest

from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.time_left import TimeLeft, time_left
from learnprop.simulations.records.store_file import open_store
from tests.toys import Toy, toy_study

SECONDS = {"fast": 1.0, "slow": 100.0}


def finished_at(blocks, workers):
    """When the last of these blocks is done; whoever is free takes the next."""
    free = [0.0] * workers
    for cell in blocks:
        heapq.heappush(free, heapq.heappop(free) + SECONDS[cell])
    return max(free)


@pytest.mark.parametrize("workers", [1, 2, 4, 7])
@pytest.mark.parametrize("n", [(100, 2), (4, 4), (30, 0), (0, 1)])
def test_cells_of_a_second_and_of_a_hundred(n, workers):
    missing = dict(zip(SECONDS, n, strict=True))
    blocks = [c for i, c in product(range(max(n)), SECONDS) if i < missing[c]]
    left = time_left(missing, SECONDS, workers)
    truth = finished_at(blocks, workers)
    # Graham (1966): a list schedule takes at most (2 - 1/m) times the two bounds' larger one.
    assert left.seconds <= truth <= (2 - 1 / workers) * left.seconds
    assert left.unseen == 0
    if workers == 1:
        assert left.seconds == truth
    # The control: the mean over all blocks so far, one of each cell, as it was before.
    before = sum(n) * sum(SECONDS.values()) / 2 / workers
    assert n != (100, 2) or before > 3 * truth


def test_a_cell_that_is_not_seen_is_as_slow_as_the_others_and_said_to_be_unseen():
    missing = {"x": 2, "y": 1, "z": 3, "done": 0}
    assert time_left(missing, {"x": 1.0, "z": 3.0}) == TimeLeft(2 * 1 + 2 + 3 * 3, unseen=1)
    assert time_left({"x": 0}, {}) == TimeLeft(0.0)
    unknown = time_left({"x": 1}, {})
    assert (math.isnan(unknown.seconds), unknown.unseen) == (True, 1)


def test_a_study_that_is_resumed_knows_its_cells(tmp_path):
    x, y = Toy("x"), Toy("y")
    study = toy_study(x, y, n_runs=75)
    with open_store(tmp_path, "toy", {}) as store:
        list(run_study(study, store, blocks=[(x, 0), (y, 0)]))
        store.connection.execute("UPDATE block SET seconds = 1 WHERE cell = 'x'")
        store.connection.execute("UPDATE block SET seconds = 100 WHERE cell = 'y'")
        first, *_, last = run_study(study, store)
        # x has two blocks, of 1 s and of no time; one more of it, and two of y
        assert first.block.cell == "x"
        assert first.left.seconds == pytest.approx(0.5 + 2 * 100, abs=0.4)
        assert last.left == TimeLeft(0.0)
