"""The study of trained networks: what can be chosen, and how it is laid out."""

import json
from dataclasses import replace

import pytest
import torch

from learnprop.simulations.dataset_files import folder_named
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies import stored_study
from learnprop.simulations.studies.cnn import study as cnn
from learnprop.simulations.studies.cnn.study import Options, make_study

SMALL = Options(
    sizes=(14, 12, 10, 8, 7, 6, 6, 5, 5, 5), epochs=3, batch_size=32, measure_at=(1,), device="cpu"
)


def test_settings_of_equal_weights_are_trained_once():
    study = make_study(Options(imbalance=(1.0, 10.0), device="cpu"))
    assert [cell.settings for cell in study.cells] == [("equal",), ("equal", "inverse")]
    assert [cell.name for cell in study.cells] == ["imbalance 1", "imbalance 10"]


def test_a_stored_study_is_laid_out_again_without_its_data(monkeypatch):
    study = make_study(replace(SMALL, schedule="cosine", augment=True))
    design = json.loads(json.dumps(dict(study.design)))
    monkeypatch.setattr(cnn, "load_dataset", lambda *_: pytest.fail("read the data"))
    again = stored_study("cnn", design, n_runs=20)
    assert again.cells == study.cells
    assert dict(again.design) == dict(study.design)


def test_where_the_data_are_is_said_from_the_root(tmp_path, monkeypatch):
    """Workers may run elsewhere; and it determines no number."""
    monkeypatch.chdir(tmp_path)
    plain, told = make_study(SMALL), make_study(replace(SMALL, data_dir="images"))
    assert plain.inputs == {}
    assert told.inputs == {"data_dir": str(tmp_path / "images")}
    assert told.cells[0].data_dir == str(tmp_path / "images")
    assert told.cells == plain.cells
    assert told.design == plain.design
    assert str(folder_named("~nobody-here/images")) == "~nobody-here/images"


def test_what_is_kept_of_blocks_that_failed_goes_with_the_study(tmp_path):
    def fail(*_):
        raise ValueError("no")

    study = replace(make_study(replace(SMALL, runs=2)), compute_block=fail)
    kept = tmp_path / "unfinished"
    kept.mkdir()
    (kept / "a.123.part").touch()
    with open_store(tmp_path, study.name, study.design) as store:
        steps = run_study(study, store)
        next(steps)
        assert kept.exists()  # not before the last block
        list(steps)
    assert not kept.exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dataset": "imagenet"}, "dataset must be one of digits, .* got 'imagenet'"),
        ({"model": "lenet"}, "model must be one of cnn2c, .* got 'lenet'"),
        ({"dataset": "cifar10"}, "model cnn2c takes images of 28 x 28, not of 32 x 32"),
        ({"imbalance": (1000.0,), "sizes": ()}, "imbalance 1000 leaves class 8 empty"),
        ({"imbalance": (0.5,), "sizes": ()}, "imbalance must be finite and at least 1"),
        ({"imbalance": (2.0, 2.0), "sizes": ()}, "imbalance must be numbers that differ in four"),
        ({"sizes": (5, 5)}, r"sizes must be 10 positive integers, got \[5, 5\]"),
        ({"sizes": (0,) * 10}, "sizes must be 10 positive integers"),
        ({"sizes": (500,) + (5,) * 9}, "sizes asks for 500 images of class 0, but digits has"),
        ({"train_size": 500, "sizes": ()}, "train_size asks for 500 images of class 0"),
        ({"imbalance": (2.0,)}, "sizes takes the place of imbalance: leave one of them out"),
        ({"train_size": 50}, "sizes takes the place of train_size"),
        ({"profile": "step"}, "sizes takes the place of profile"),
        ({"batch_size": 79}, "batch_size must be at most the 78 training images, got 79"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0"),
        ({"lr": 0.0}, "lr must be positive and finite, got 0"),
        ({"lr": float("nan")}, "lr must be positive and finite, got nan"),
        ({"momentum": 1.0}, "momentum must satisfy 0 <= momentum < 1, got 1"),
        ({"weight_decay": -1.0}, "weight_decay must be finite and not negative, got -1"),
        ({"decay_bias": True}, "decay_bias needs weight_decay"),
        ({"schedule": "warm"}, "schedule must be one of constant, step, cosine, got 'warm'"),
        ({"precision": "fp8"}, "precision must be one of float32, tf32, bf16, got 'fp8'"),
        ({"measure_at": (4,)}, r"measure_at must be from 1 to 3, got \[4\]"),
        ({"device": "tpu"}, "device must be one of auto, cpu, cuda, got 'tpu'"),
        ({"weights": ("odd",)}, "weights must be equal, .* got 'odd'"),
        ({"runs": 1}, "runs must be at least 2, got 1"),
    ],
)
def test_options_that_cannot_be(changed, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make_study(replace(SMALL, **changed))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_asked_for_and_absent():
    with pytest.raises(ValueError, match="device 'cuda' was asked for, but torch finds no CUDA"):
        make_study(replace(SMALL, device="cuda"))
