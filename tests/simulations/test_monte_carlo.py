from dataclasses import dataclass, fields, replace

import numpy as np
import pytest
import torch

from simulations.monte_carlo import (
    Study,
    block_runs,
    code_version,
    compute_one,
    pending_blocks,
    replication_rng,
)
from simulations.records import Block, stack_fits
from simulations.store import open_store, read_fits, read_measurements
from simulations.studies.table1 import make_study


def dump(folder, study):
    """Everything in the store that is a result, as bytes."""
    with open_store(folder, study.name, study.design) as store:
        parts = []
        for cell in study.cells:
            for rows in (read_fits(store, cell.name), read_measurements(store, cell.name)):
                parts += [np.asarray(getattr(rows, f.name)).tobytes() for f in fields(rows)]
    return b"".join(parts)


@pytest.fixture(scope="module")
def reference(small_study, tmp_path_factory):
    from simulations.monte_carlo import run_study

    folder = tmp_path_factory.mktemp("reference")
    with open_store(folder, small_study.name, small_study.design) as store:
        list(run_study(small_study, store, jobs=1))
    return dump(folder, small_study)


@pytest.mark.parametrize("how", [{"jobs": 2}, {"jobs": 2, "backend": "threading"}])
def test_same_bits_at_any_number_of_workers(small_study, run_to_store, reference, how):
    folder, steps = run_to_store(small_study, **how)
    assert [s.done for s in steps] == [1, 2, 3, 4]
    assert dump(folder, small_study) == reference


def test_another_seed_gives_other_bits(small_options, run_to_store, reference):
    study = make_study(replace(small_options, seed=1))
    folder, _ = run_to_store(study)
    assert dump(folder, study) != reference


def test_resume_computes_what_is_missing_and_changes_nothing(
    small_study, tmp_path, run_to_store, reference
):
    from simulations.monte_carlo import run_study

    with open_store(tmp_path, small_study.name, small_study.design) as store:
        steps = run_study(small_study, store, jobs=1)
        next(steps)  # one block, then the process is gone
        steps.close()
        assert len(pending_blocks(small_study, store)) == 3
    _, rest = run_to_store(small_study, out=tmp_path)
    assert len(rest) == 3
    assert dump(tmp_path, small_study) == reference
    _, nothing = run_to_store(small_study, out=tmp_path)
    assert nothing == []


def test_more_runs_keep_the_first_ones(small_options, tmp_path, run_to_store, reference):
    few = make_study(replace(small_options, runs=10))
    run_to_store(few, out=tmp_path)
    whole = make_study(small_options)
    with open_store(tmp_path, few.name, few.design) as store:
        assert set(read_fits(store, "sim1").run.tolist()) == set(range(10))
        assert len(pending_blocks(whole, store)) == 4  # the first blocks hold 10 of 25 runs
    run_to_store(whole, out=tmp_path)
    assert dump(tmp_path, whole) == reference


def test_keys_are_distinct_and_stable():
    draws = {
        (cell, run, stream): replication_rng(5, cell, run, stream).random()
        for cell in ("sim1", "sim2")
        for run in range(50)
        for stream in ("train", "test", "population", "start", "minibatch")
    }
    assert len(set(draws.values())) == len(draws)
    again = replication_rng(5, "sim2", 49, "start").random()
    assert again == draws["sim2", 49, "start"]


@dataclass(frozen=True)
class Toy:
    name: str
    settings: tuple[str, ...] = ("a", "b")


def raise_in_block_1(cell, _seed, runs):
    if runs.start == 25:
        raise FloatingPointError(f"cell {cell.name} broke")
    rows = [
        (s, r, 0, "raw", "converged", "", 1, 0.0, 0.0, 0.0) for r in runs for s in cell.settings
    ]
    return Block(cell.name, 0, stack_fits(rows), None)


def test_a_block_that_raises_is_recorded_and_the_others_go_on(run_to_store):
    study = Study("toy", 0, 75, (Toy("x"),), raise_in_block_1, {})
    folder, steps = run_to_store(study)
    assert len(steps) == 3
    with open_store(folder, "toy", {}) as store:
        fits = read_fits(store, "x")
    failed = fits.run[fits.status == "failed"]
    assert sorted(set(failed.tolist())) == list(range(25, 50))
    assert (np.array(["FloatingPointError: cell x broke" in r for r in fits.reason])
            == (fits.status == "failed")).all()  # fmt: skip
    assert len(fits) == 150


def threads_used(cell, _seed, runs):
    rows = [("a", r, 0, "raw", "converged", "", torch.get_num_threads(), 0, 0, 0) for r in runs]
    return Block(cell.name, 0, stack_fits(rows), None)


def test_one_thread_per_worker_and_restored_afterwards():
    before = torch.get_num_threads()
    block = compute_one(threads_used, Toy("x"), 0, 0)
    assert set(block.fits.n_iter.tolist()) == {1}
    assert torch.get_num_threads() == before


def test_blocks_tile_the_runs():
    assert [*block_runs(0), *block_runs(1)] == list(range(50))


def test_code_version_names_sources_and_libraries():
    version = code_version()
    assert version["torch"] == torch.__version__
    assert len(version["source"]) == 16
