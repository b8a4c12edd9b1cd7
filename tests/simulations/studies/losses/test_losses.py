"""The comparison of losses: what can be chosen, and how it is laid out."""

import json
from dataclasses import replace

import pytest

from learnprop.equations.losses import chosen_loss
from learnprop.simulations.engine.seeds import replication_key
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.studies import stored_study
from learnprop.simulations.studies.losses import study as losses
from learnprop.simulations.studies.losses.study import COLOUR, GRAY, Options, make_study

PLAIN = Options(device="cpu")
SUPPLY = {"kmnist": (6000,) * 10, "mnist": (6000,) * 10, "cifar10": (5000,) * 10}


def test_the_papers_settings_are_the_defaults():
    assert Recipe(epochs=20, batch_size=64, lr=0.01, momentum=0.5, schedule="constant") == GRAY
    assert (COLOUR.epochs, COLOUR.lr, COLOUR.momentum, COLOUR.weight_decay) == (100, 0.1, 0.9, 1e-4)
    assert [round(COLOUR.rate(e), 4) for e in (0, 49, 50, 74, 75)] == [0.1, 0.1, 0.01, 0.01, 0.001]
    assert COLOUR.augment
    assert not COLOUR.decay_bias
    cells = make_study(replace(PLAIN, dataset=("kmnist", "cifar10")), SUPPLY).cells
    assert {(c.dataset, c.model, c.recipe) for c in cells} == {
        ("kmnist", "cnn2c", GRAY),
        ("cifar10", "mobilenetv2", COLOUR),
        ("cifar10", "resnet18", COLOUR),
    }


def test_what_is_chosen_takes_the_place_of_the_papers_settings():
    chosen = replace(PLAIN, dataset=("cifar10",), epochs=3, augment=False, precision="bf16")
    recipe = make_study(chosen, SUPPLY).cells[0].recipe
    assert recipe == replace(COLOUR, epochs=3, augment=False, precision="bf16")


def test_the_shared_rate_comes_first_and_softmax_is_not_matched_to_itself():
    study = make_study(
        replace(PLAIN, dataset=("kmnist", "mnist"), inr_beta=(1.0, 4.0), match_step=True), SUPPLY
    )
    names = [cell.name for cell in study.cells]
    assert names[:4] == [
        "kmnist cnn2c lgl", "mnist cnn2c lgl", "kmnist cnn2c sml", "mnist cnn2c sml"
    ]  # fmt: skip
    assert names[8:] == [
        f"{d} cnn2c {loss} matched"
        for loss in ("lgl", "lgl-inr beta=1", "lgl-inr beta=4")
        for d in ("kmnist", "mnist")
    ]
    assert study.cells[6].loss == chosen_loss("lgl-inr", beta=4.0)


def test_losses_share_their_randomness_and_data_sets_do_not():
    cells = make_study(replace(PLAIN, dataset=("kmnist", "mnist")), SUPPLY).cells
    keys = {cell.stream: replication_key(cell.stream, 0, "start") for cell in cells}
    assert set(keys) == {"kmnist cnn2c", "mnist cnn2c"}
    assert len(set(keys.values())) == 2


def test_a_stored_study_is_laid_out_again_without_its_data(monkeypatch):
    study = make_study(replace(PLAIN, match_step=True, inr_beta=(0.0, 2.5), lr=0.02))
    design = json.loads(json.dumps(dict(study.design)))
    monkeypatch.setattr(losses, "load_dataset", lambda *_: pytest.fail("read the data"))
    again = stored_study("losses", design, n_runs=5)
    assert again.cells == study.cells
    assert dict(again.design) == dict(study.design)


def test_a_store_that_calls_the_option_beta_is_read():
    study = make_study(replace(PLAIN, inr_beta=(0.0, 2.5)))
    design = json.loads(json.dumps(dict(study.design)))
    design["beta"] = design.pop("inr_beta")
    assert stored_study("losses", design, n_runs=5).cells == study.cells
    del design["beta"]  # the control: else the default is taken
    assert stored_study("losses", design, n_runs=5).cells != study.cells


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dataset": ("imagenet",)}, "dataset must be one of digits, .* got 'imagenet'"),
        ({"dataset": ()}, "dataset must name at least one data set"),
        ({"dataset": ("digits", "digits")}, "dataset must be distinct, got"),
        ({"model": ("lenet",)}, "model must be one of cnn2c, .* got 'lenet'"),
        ({"model": ("cnn2c", "cnn2c")}, "model must be distinct"),
        ({"dataset": ("cifar10",), "model": ("cnn2c",)}, "model cnn2c takes images of 28 x 28"),
        ({"loss": ("focal",)}, "loss must be one of lgl, sml, lgl-inr, got 'focal'"),
        ({"loss": ()}, "loss must name at least one of lgl, sml, lgl-inr"),
        ({"loss": ("sml", "sml")}, "loss must be distinct"),
        ({"inr_beta": (-1.0,)}, "inr_beta must satisfy 0 <= β <= 1e[+]30, got -1"),
        ({"inr_beta": (float("inf"),)}, "inr_beta must satisfy .* got inf"),
        ({"inr_beta": (1.0, 1.0 + 1e-9)}, "inr_beta must be numbers that differ in six digits"),
        ({"inr_beta": ()}, "inr_beta must be numbers"),
        ({"batch_size": 1202}, "batch_size must be at most the 1201 training images of digits"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"lr": -1.0}, "lr must be positive and finite, got -1"),
        ({"momentum": 1.0}, "momentum must satisfy 0 <= momentum < 1, got 1"),
        ({"weight_decay": -1.0}, "weight_decay must be finite and not negative, got -1"),
        ({"schedule": "warm"}, "schedule must be one of constant, step, cosine, got 'warm'"),
        ({"precision": "fp8"}, "precision must be one of float32, tf32, bf16, got 'fp8'"),
        ({"margin": 0.0}, "margin must be a share between 0 and 1, e.g. 0.05, got 0"),
        ({"device": "tpu"}, "device must be one of auto, cpu, cuda, got 'tpu'"),
        ({"runs": 0}, "runs must be at least 1, got 0"),
    ],
)
def test_options_that_cannot_be(changed, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make_study(replace(PLAIN, **changed))
