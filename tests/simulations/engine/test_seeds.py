import random
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from learnprop.reports.study_report import report_of, write_contents
from learnprop.simulations.engine import seeds
from learnprop.simulations.engine import study as engine_study
from learnprop.simulations.engine.blocks import Task, compute_one
from learnprop.simulations.engine.monte_carlo import all_blocks, run_study
from learnprop.simulations.engine.seeds import STREAMS, replication_key, replication_rng
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies import STUDIES, recording, study_module
from tests.toys import Toy, toy_study
from tests.trained import few_digits

ROOT = Path(seeds.__file__).parents[3]

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


@settings(max_examples=6, deadline=None)
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


EVERY = "train test population start minibatch limit"
MINIMAL = {
    "table1": [
        ({"training": "adam", "epochs": 1, "train_size": (40, 120), "test_size": (50, 50)},
         "train test population start minibatch"),
    ],
    "multiclass": [({"fitter": "mlp", "epochs": 1, "train_size": 200, "dimension": 4}, EVERY)],
    "controls": [({"quick": True}, "train test population minibatch")],
    "claims": [({"quick": True}, "train test")],
    "explore": [
        ({"weights": ("equal",), "train_size": 200, "fitter": "mlp", "epochs": 1}, EVERY),
        ({"weights": ("equal",), "ratios": (1,), "data": "data.csv"}, "train"),
    ],
    "cnn": [({"epochs": 1, "train_size": 40, "device": "cpu"}, "train start minibatch")],
    "losses": [
        ({"epochs": 1, "loss": ("sml", "lgl"), "match_step": True, "device": "cpu"},
         "train start minibatch"),
    ],
    "fresh": [({"train_size": 100, "kappa": (0.03,)}, "train")],
}  # fmt: skip
"""Of every study options under which all that can be random in it is drawn, and its streams."""

CHANGED_PRIORS = ("controls", "test")
"""A control has one test sample; that of changed priors starts as that of the others does."""


def purpose():
    """Where a key is asked for: the innermost line outside what hands keys on."""
    frame = sys._getframe(2)
    while Path(frame.f_code.co_filename).name in ("seeds.py", "recording.py"):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).relative_to(ROOT)}:{frame.f_lineno}"


@pytest.fixture
def purposes_of(monkeypatch, tmp_path):
    """Run a study at its smallest and report it; returns purposes by (cell, run, stream)."""
    few_digits(monkeypatch)
    monkeypatch.setattr(Figure, "savefig", lambda *_, **__: None)  # which draws nothing at random
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"label": np.repeat([0, 1], 45)})
    table["a"] = np.random.default_rng(0).normal(size=90)
    table.to_csv("data.csv", index=False)
    for module in (engine_study, recording):
        monkeypatch.setattr(module, "BLOCK_SIZE", 2)

    def purposes_of(name, options, out):
        purposes = defaultdict(set)

        def noted(*key):
            purposes[key].add(purpose())
            return replication_key(*key)

        monkeypatch.setattr(seeds, "replication_key", noted)
        module = study_module(name)
        study = module.make_study(module.Options(runs=2, **options))
        report = report_of(name)
        with open_store(tmp_path / out, study.name, study.design) as store:
            list(run_study(study, store))
            write_contents(report.contents(report.summarise(study, store)), tmp_path / out)
        return purposes

    return purposes_of


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of statistics of two runs
def test_no_two_purposes_and_no_two_studies_share_a_stream(purposes_of):
    study_of = {}
    assert set(MINIMAL) == set(STUDIES)
    for name, variants in MINIMAL.items():
        for i, (options, streams) in enumerate(variants):
            purposes = purposes_of(name, options, f"{name} {i}")
            for (cell, run, stream), places in purposes.items():
                assert len(places) == 1 + ((cell, stream) == CHANGED_PRIORS), (cell, run, places)
                assert study_of.setdefault((cell, run, stream), name) == name
            assert {stream for _, _, stream in purposes} == set(streams.split())
