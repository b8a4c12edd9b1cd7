"""Sentences of protocols that are true under some options, and are to stand there alone."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from learnprop.reports.cnn.text import joint_grid, overview_grid, stage_grid
from learnprop.reports.losses.text import differences_grid
from learnprop.reports.protocols.ademp import replications
from learnprop.reports.statistics.training_samples import (
    GIVEN_SAMPLE,
    same_in_all_runs,
    same_sample_note,
)
from learnprop.reports.study_report import report_of
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies import study_module
from tests.toys import toy_study
from tests.toys_together import compute_all

FMNIST = (6000,) * 10
MNIST = (5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949)


def study_of(name, supply=None, **options):
    module = study_module(name)
    known = () if supply is None else (supply,)
    return module.make_study(module.Options(**options), *known)


def protocol(study):
    text = report_of(study.name).protocol(study, None)
    assert max(map(len, text.splitlines())) <= 100
    return " ".join(text.replace("\u00a0", " ").split())


def networks(dataset, supply, **options):
    return study_of("cnn", supply, dataset=dataset, device="cpu", **options)


def line_of(text, imbalance):
    line, *_ = (part for part in text.split(" - ") if part.startswith(f"imbalance {imbalance}: "))
    return line


def test_a_cell_that_trains_with_the_whole_data_set_says_so_and_another_does_not():
    text = protocol(networks("fashion-mnist", FMNIST, imbalance=(1.0, 10.0), profile="step"))
    assert "60000 in all, all images that there are to train with, the same" in line_of(text, 1)
    # The largest five classes have all of their images all the same.
    assert "but of classes 0, 1, 2, 3, 4 all images, in every one" in line_of(text, 10)
    assert GIVEN_SAMPLE[1:] in text
    text = protocol(networks("fashion-mnist", FMNIST, imbalance=(10.0,), train_size=3000))
    assert "a fresh subsample per replication; λ" in line_of(text, 10)
    assert GIVEN_SAMPLE[1:] not in text
    text = protocol(networks("mnist", MNIST, imbalance=(1.0,)))
    assert "but of class 5 all images, in every one" in line_of(text, 1)
    # Runs that draw their test samples have no training image in common with certainty.
    digits = networks("digits", None, imbalance=(1.0,))
    assert "a fresh subsample per replication; λ" in line_of(protocol(digits), 1)
    whole = networks("digits", None, sizes=tuple(digits.design["supply"]))
    assert "all images that are not of the replication's test sample" in protocol(whole)
    assert GIVEN_SAMPLE[1:] not in protocol(whole)


def test_it_is_said_below_tables_where_intervals_are():
    study = networks("fashion-mnist", FMNIST, imbalance=(1.0, 10.0))
    same = {
        f"imbalance {cell.imbalance:g}": same_in_all_runs(cell, study.design["supply"])
        for cell in study.cells
    }
    note = same_sample_note(same, 10)
    assert note == (
        "all runs train with the same images at imbalance 1\n"
        f"all runs train with the same images of class 0 at imbalance 10\n{GIVEN_SAMPLE}"
    )
    assert same_sample_note({"imbalance 10": ()}, 10) == ""


@pytest.fixture
def unfinished(tmp_path):
    """Tables of a study of which nothing is computed."""

    def unfinished(study):
        with open_store(tmp_path / "out", study.name, study.design) as store:
            return report_of(study.name).summarise(study, store)

    return unfinished


def test_every_table_of_networks_has_that_note(unfinished):
    table = unfinished(networks("fashion-mnist", FMNIST, imbalance=(1.0,)))
    for grid in (overview_grid(table), stage_grid(table, "bias"), joint_grid(table)):
        assert f"all runs train with the same images at imbalance 1\n{GIVEN_SAMPLE}" in grid.note


def losses(**options):
    supply = {"mnist": MNIST, "digits": (119,) * 10}
    return protocol(study_of("losses", supply, device="cpu", **options))


def test_of_losses_only_what_is_compared_and_given_is_spoken_of():
    digits, mnist = losses(), losses(dataset=("mnist",))
    for words in ("the published test set, the same for all runs, as are the", GIVEN_SAMPLE):
        assert words in mnist
        assert words not in digits
    assert "Where all runs share a test set" not in digits
    assert "The paper's accuracy" not in digits
    alone = losses(loss=("sml",))
    assert "compared in pairs" in digits
    assert "compared in pairs" not in alone
    assert "as `lgl`" not in alone
    assert "`sml`: softmax loss; of a minibatch its sum" in alone


def test_differences_of_losses_are_given_the_sample_where_runs_share_it(unfinished):
    supply = {"mnist": MNIST}
    table = unfinished(
        study_of("losses", supply, dataset=("mnist",), loss=("sml", "lgl"), device="cpu")
    )
    row = {"dataset": "mnist", "model": "cnn2c", "loss": "lgl", "other": "sml", "verdict": "lower"}
    row |= {"difference": -0.01, "low": -0.02, "high": -0.005, "runs": 3}
    for error in (0.001, float("nan")):  # NaN: every run draws its test sample
        differences = pd.DataFrame([row | {"test_error": error}])
        note = differences_grid(replace(table, differences=differences)).note
        assert (GIVEN_SAMPLE in note) == (error == error)


def test_the_population_is_asked_for_where_there_is_one(tmp_path):
    table = pd.DataFrame({"a": range(60), "label": [0, 1] * 30})
    table.to_csv(tmp_path / "a.csv", index=False)
    words = "hold on train, on test data, in the population?"
    assert words in protocol(study_of("explore"))
    text = protocol(study_of("explore", data=str(tmp_path / "a.csv"), ratios=(1,)))
    assert "hold on train, on test data?" in text
    assert "population" not in text


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("table1", {}),
        ("multiclass", {}),
        ("controls", {}),
        ("claims", {}),
        ("explore", {}),
        ("cnn", {"device": "cpu"}),
        ("losses", {"device": "cpu"}),
    ],
)
def test_whose_random_numbers_a_study_shares_is_said(name, options):
    text = protocol(study_of(name, **options))
    words = f"another `{name}` of the same seed has them too in cells named alike"
    assert text.count(words) == 1


def test_how_replications_are_computed():
    study = toy_study(n_runs=4, block_size=1)
    for how, said in (
        (study, "computed one by one."),
        (toy_study(n_runs=4), "computed in blocks of 25."),
        (replace(study, compute_together=compute_all), "computed as many at once as there are to "),
    ):
        assert f"4 replications asked for at first, {said}" in replications(how, None)


def test_options_are_those_that_were_used(tmp_path):
    """Of a user's file no generator; of a softmax no epochs."""
    rng = np.random.default_rng(0)
    pd.DataFrame({"x": rng.normal(size=60), "kind": ["a", "b"] * 30}).to_csv(tmp_path / "own.csv")
    own = {"data": str(tmp_path / "own.csv"), "label": "kind", "drop": ("Unnamed: 0",)}
    found = [
        set(re.findall(r"`(\w+)`: ", protocol(study_of("explore", **options))))
        for options in (own | {"ratios": (1.0,)}, {"generator": "gaussian", "classes": 4})
    ]
    assert {"label", "l2", "ratios"} <= found[0]
    assert not {"generator", "classes", "means", "hidden", "epochs"} & found[0]
    assert {"generator", "classes", "means"} <= found[1]
    assert not {"label", "hidden", "epochs", "reading"} & found[1]
