"""Trained networks kept in a folder: trained once, measured again and elsewhere."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from learnprop.simulations.engine.blocks import Task, compute_one
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.networks import block as network_block
from learnprop.simulations.networks.states import load_state
from learnprop.simulations.records.rows import select
from learnprop.simulations.refinement.stages import NO_MINIMUM
from learnprop.simulations.studies.cnn.study import Options, make_study

SMALL = Options(
    sizes=(14, 12, 10, 8, 7, 6, 6, 5, 5, 5), stages=("bias",), epochs=2, batch_size=32,
    measure_at=(1,), weights=("equal",), device="cpu",
)  # fmt: skip


def block_of(options):
    study = make_study(options)
    return compute_one(Task(study.compute_block, study.cells[0], study.seed, 0, size=1))


@pytest.fixture
def kept(tmp_path):
    """Options with a folder that holds the network of run 0, and its block."""
    options = replace(SMALL, states=str(tmp_path / "states"))
    return options, block_of(options)


def never(*_, **__):
    raise AssertionError("nothing is trained")


def test_a_network_that_is_kept_is_measured_and_not_trained(kept, monkeypatch):
    options, first = kept
    monkeypatch.setattr(network_block, "train_networks", never)
    with pytest.raises(AssertionError):  # the control: without the folder it would be
        network_block.trained_blocks(
            [(make_study(SMALL).cells[0], range(1))], 0, lambda *_: None
        )  # fmt: skip
    again = block_of(replace(options, stages=("bias", "loo")))  # other stages, the same training
    assert again.note == "trained on cpu"
    for stage in ("raw", "bias"):
        a, b = (select(x.measurements, stage=stage).mean_proba for x in (first, again))
        assert a.tobytes() == b.tobytes()
    path = select(again.fits, epoch=2, stage="raw")
    assert np.abs(path.path_gradient - path.path_identity).max() < 1e-6  # E9 came along
    assert select(again.fits, stage="loo").reason.tolist() == [NO_MINIMUM]


def test_the_device_is_not_in_the_key(kept, monkeypatch):
    """As if a GPU had trained it: brought home, it is measured on the processor."""
    options, _ = kept
    (path,) = (p for p in network_block.Path(options.states).iterdir())
    content = torch.load(path, weights_only=True)
    torch.save(content | {"device": "cuda"}, path)
    monkeypatch.setattr(network_block, "train_networks", never)
    assert block_of(options).note == "trained on cuda"
    (cell,) = make_study(options).cells
    on_device = replace(cell, device="cuda")
    assert load_state(path, network_block.training_key(on_device, 0, "equal", 0)) is not None
    other = replace(cell, recipe=replace(cell.recipe, lr=0.02))
    assert load_state(path, network_block.training_key(other, 0, "equal", 0)) is None


@pytest.mark.parametrize("content", [b"", b"junk"])
def test_a_file_that_cannot_be_read_is_trained_anew(kept, content):
    options, first = kept
    (path,) = network_block.Path(options.states).iterdir()
    path.write_bytes(content)
    again = block_of(options)
    assert again.measurements.mean_proba.tobytes() == first.measurements.mean_proba.tobytes()
    assert len(path.read_bytes()) > 1000


def test_a_network_of_another_design_is_one_line(kept, cli, tmp_path):
    options, _ = kept
    other = replace(options, lr=0.02)
    with pytest.raises(ValueError, match=r"^states holds a training of another design, or of o"):
        make_study(other)
    out = tmp_path / "out"
    line = ["cnn", "--sizes", "14,12,10,8,7,6,6,5,5,5", "--lr", 0.02, "--epochs", 2, "--runs", 2]
    status, _, err = cli(
        *line, "--batch-size", 32, "--measure-at", 1, "--weights", "equal",
        "--states", options.states, "--out", out,
    )  # fmt: skip
    assert status == 2
    assert len(err.strip().splitlines()) == 1
    assert "--states holds a training of another design" in err
    assert not out.exists()


def test_a_folder_that_cannot_be_written_stops_the_study(tmp_path, monkeypatch):
    def full(_content, _path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    answer = block_of(replace(SMALL, states=str(tmp_path / "states")))
    assert isinstance(answer, StudyError)
    assert str(answer).endswith("cannot be written: No space left on device")
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"^states must be a folder, got .*file"):
        make_study(replace(SMALL, states=str(tmp_path / "file")))


@pytest.mark.slow
def test_states_determine_no_number(cli, tmp_path, monkeypatch):
    """A study with the folder resumes one without it."""
    monkeypatch.setattr("learnprop.reports.study_report.draw_to", lambda _draw, _paths: "")
    line = ["cnn", "--runs", 2, "--sizes", "14,12,10,8,7,6,6,5,5,5", "--epochs", 1]
    line += ["--stages", "bias", "--weights", "equal", "--out", tmp_path / "out", "--quiet"]
    assert cli(*line)[0] == 0
    assert cli(*line, "--states", tmp_path / "states")[0] == 0
    assert not (tmp_path / "states").exists()  # nothing was missing
    configuration = json.loads((tmp_path / "out" / "provenance.json").read_text())["configuration"]
    assert "states" not in configuration
