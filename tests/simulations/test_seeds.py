import random

from hypothesis import given, settings
from hypothesis import strategies as st

from simulations.blocks import Task, compute_one
from simulations.monte_carlo import all_blocks
from simulations.seeds import STREAMS, replication_key, replication_rng
from tests.toys import Toy, toy_study

NAMES = st.lists(st.text(max_size=12), min_size=1, max_size=6, unique=True)
RUNS = st.lists(st.integers(0, 2**40), min_size=1, max_size=6, unique=True)


@settings(deadline=None)
@given(NAMES, RUNS)
def test_keys_are_unique(names, runs):
    keys = [replication_key(c, r, s) for c in names for r in runs for s in STREAMS]
    assert len(set(keys)) == len(names) * len(runs) * len(STREAMS)


def numbers(study):
    """First draw of every replication that the study computes."""
    found = {}
    for cell, index in all_blocks(study):
        block = compute_one(Task(study.compute_block, cell, study.seed, index))
        for run, loss in zip(block.fits.run.tolist(), block.fits.loss.tolist(), strict=True):
            found[cell.name, run] = loss
    return found


@settings(max_examples=15, deadline=None)
@given(NAMES, NAMES, st.integers(0, 2**63 - 1), st.randoms(use_true_random=False))
def test_numbers_survive_reordering_and_added_cells(names, added, seed, shuffler):
    first = numbers(toy_study(*map(Toy, names), n_runs=25, seed=seed))
    more = list(dict.fromkeys([*added, *names]))
    shuffler.shuffle(more)
    grown = numbers(toy_study(*map(Toy, more), n_runs=50, seed=seed))
    assert {key: grown[key] for key in first} == first
    assert len(set(grown.values())) == 50 * len(more)  # and nobody shares a number


def test_another_seed_gives_other_numbers():
    cells = [Toy("x"), Toy("y")]
    one, other = (numbers(toy_study(*cells, n_runs=25, seed=s)) for s in (0, 1))
    assert not set(one.values()) & set(other.values())


def test_streams_do_not_depend_on_the_order_of_drawing():
    keys = [("sim1", run, stream) for run in range(3) for stream in STREAMS]
    one = {key: replication_rng(5, *key).random() for key in keys}
    random.Random(0).shuffle(keys)
    assert {key: replication_rng(5, *key).random() for key in keys} == one
