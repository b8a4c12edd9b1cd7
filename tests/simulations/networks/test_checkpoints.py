"""Trainings that were stopped go on; what cannot be read or written costs time only."""

import io
import pickle
from zipfile import ZipFile

import pytest
import torch

from learnprop.simulations.networks.checkpoints import Checkpoint, load_checkpoint
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.trainer import path_gradients
from tests.trained import run


class Stop(Exception):
    """In the middle of a training."""


def test_a_training_that_was_stopped_goes_on_where_it_was(digits, tmp_path, monkeypatch):
    monkeypatch.setattr("learnprop.simulations.networks.checkpoints.EVERY_SECONDS", 0.0)
    recipe = Recipe(epochs=5, batch_size=32, momentum=0.9, augment=True)
    checkpoint = Checkpoint(tmp_path / "sub" / "a.pt", "key")
    visited = []

    def visit(epoch):
        visited.append(epoch)
        if epoch == 4 and visited.count(4) == 1:
            raise Stop
        return {"epoch": torch.tensor(epoch)}

    options = {"visit": visit, "visit_at": (2, 4, 5), "checkpoint": checkpoint}
    with pytest.raises(Stop):
        run(digits, [1], recipe, **options)
    networks, path = run(digits, [1], recipe, **options)
    assert visited == [2, 4, 4, 5]
    assert {epoch: int(v["epoch"]) for epoch, v in path.visits.items()} == {2: 2, 4: 4, 5: 5}
    whole, whole_path = run(digits, [1], recipe)
    assert all(torch.equal(networks.state[name], whole.state[name]) for name in whole.state)
    for a, b in zip(
        path_gradients(networks, path, recipe),
        path_gradients(whole, whole_path, recipe),
        strict=True,
    ):
        assert torch.equal(a, b)
    done, *_ = run(digits, [1], recipe, checkpoint=checkpoint)  # finished: nothing is trained
    assert all(torch.equal(done.state[name], whole.state[name]) for name in whole.state)


class Evil:
    def __reduce__(self):
        return print, ("executed",)


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [b"", b"junk", saved({})[:300], pickle.dumps(Evil()), saved(Evil()), saved([1]), saved({})],
    ids=["empty", "junk", "truncated", "pickle", "object", "list", "dict"],
)
def test_a_checkpoint_that_cannot_be_read_costs_time_only(digits, tmp_path, content, capsys):
    path = tmp_path / "a.pt"
    path.write_bytes(content)
    recipe = Recipe(epochs=1)
    networks, *_ = run(digits, [0], recipe, checkpoint=Checkpoint(path, "key"))
    whole, *_ = run(digits, [0], recipe)
    assert torch.equal(networks.head_weight, whole.head_weight)
    assert "executed" not in capsys.readouterr().out


def test_a_checkpoint_of_another_training_is_not_resumed(digits, tmp_path):
    recipe, path = Recipe(epochs=1), tmp_path / "a.pt"
    run(digits, [0], recipe, checkpoint=Checkpoint(path, "one"))
    other, *_ = run(digits, [1], recipe, checkpoint=Checkpoint(path, "another"))
    alone, *_ = run(digits, [1], recipe)
    assert torch.equal(other.head_weight, alone.head_weight)


@pytest.mark.parametrize("error", [OSError(28, "No space left"), RuntimeError("unexpected pos")])
def test_a_checkpoint_that_cannot_be_written_costs_time_only(digits, tmp_path, monkeypatch, error):
    """torch.save raises either on a full disk; it leaves the beginning of a file."""

    def save(_content, path):
        path.write_bytes(b"PK")
        raise error

    monkeypatch.setattr(torch, "save", save)
    recipe = Recipe(epochs=1)
    networks, *_ = run(digits, [0], recipe, checkpoint=Checkpoint(tmp_path / "a.pt", "key"))
    whole, *_ = run(digits, [0], recipe)
    assert torch.equal(networks.head_weight, whole.head_weight)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("member", ["data/0", "data.pkl"])
def test_a_changed_byte_is_noticed(digits, tmp_path, member):
    """torch.load itself takes one in a tensor, and raises whatever comes for one elsewhere."""
    checkpoint = Checkpoint(tmp_path / "a.pt", "key")
    networks, path = run(digits, [0], Recipe(epochs=1), checkpoint=checkpoint)
    before = {name: value.detach().clone() for name, value in networks.state.items()}
    assert load_checkpoint(checkpoint, networks.state, path)  # the control
    with ZipFile(checkpoint.path) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(f"/{member}"))
        stored = archive.read(name)
    content = bytearray(checkpoint.path.read_bytes())
    content[content.index(stored) + len(stored) // 2] ^= 0x40
    checkpoint.path.write_bytes(content)
    assert not load_checkpoint(checkpoint, networks.state, path)
    assert all(torch.equal(networks.state[name], value) for name, value in before.items())
