"""What is captured is what a step does: graphs that are recorded stand in for those of a GPU."""

import gc
from functools import partial

import pytest
import torch

from learnprop.equations.losses import LOSSES, chosen_loss
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.stacked.capture import CUDA_GRAPHS, WARM_UP, captured
from learnprop.simulations.networks.stacked.epoch import stacked_epoch
from tests.recorded import record_graphs
from tests.trained import CPU, run

stacked = partial(run, make_epoch=stacked_epoch)
HARD = Recipe(epochs=2, batch_size=50, lr=0.05, momentum=0.9, weight_decay=0.1, schedule="cosine")
"""Of 129 samples the last minibatch has 29."""


def left_behind(networks, path):
    return {
        **networks.state,
        **{f"momentum of {name}": t for name, t in path.momenta.items()},
        "gradient_sum": path.gradient_sum,
        "loss": path.loss,
    }


def same(one, other):
    pairs = zip(left_behind(*one).values(), left_behind(*other).values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


SLOW = {"sml", "lgl"}
"""Their steps are those of class weights and of LGL-INR, with fewer operators."""


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
        for name in [*LOSSES, "class weights"]
    ],
)
def test_graphs_do_what_steps_do(digits, monkeypatch, name):
    loss = chosen_loss(name).minibatch_loss(50) if name in LOSSES else None
    plain = stacked(digits, [0, 1], HARD, loss=loss)
    graphs = record_graphs(monkeypatch)
    assert same(stacked(digits, [0, 1], HARD, loss=loss), plain)
    assert [graph.n_replays for graph in graphs] == [2 * HARD.epochs, HARD.epochs]


@pytest.mark.parametrize("batch_size", [43, 200], ids=["no short minibatch", "only a short one"])
def test_one_graph_where_one_is_enough(digits, monkeypatch, batch_size):
    recipe = Recipe(epochs=2, batch_size=batch_size, augment=True)
    plain = stacked(digits, [0], recipe)
    graphs = record_graphs(monkeypatch)
    assert same(stacked(digits, [0], recipe), plain)
    assert [graph.n_replays for graph in graphs] == [2 * -(-129 // batch_size)]


def test_warming_up_leaves_nothing_in_running_statistics(digits, monkeypatch):
    data, rows = digits
    few, recipe = (data, rows[:, :10]), Recipe(epochs=1, batch_size=4, momentum=0.9)
    plain = stacked(few, [0, 1], recipe, model="cnn5c")
    record_graphs(monkeypatch)
    found = stacked(few, [0, 1], recipe, model="cnn5c")
    assert same(found, plain)
    assert found[0].state["features.1.num_batches_tracked"].tolist() == [3, 3]


def counting():
    """A loss that a graph cannot hold: it counts in Python."""
    plain, calls = chosen_loss("sml").minibatch_loss(50), []

    def loss(z, y):
        calls.append(1)
        return plain(z, y) / len(calls)

    return loss


def looking(z, y):
    """A loss that waits for its value."""
    value = chosen_loss("sml").minibatch_loss(50)(z, y)
    return value if float(value.detach().sum()) < 1e6 else value.clamp(max=1e6)


def test_a_step_that_is_not_static_is_noticed(digits, monkeypatch):
    """The controls."""
    plain = stacked(digits, [0], HARD, loss=counting())
    looked_at = stacked(digits, [0], HARD, loss=looking)
    record_graphs(monkeypatch)
    assert not same(stacked(digits, [0], HARD, loss=counting()), plain)
    with pytest.raises(RuntimeError, match=r"_local_scalar_dense.* waits for a value"):
        stacked(digits, [0], HARD, loss=looking)
    assert torch.isfinite(looked_at[1].loss).all()


def test_steps_are_warmed_up_each_from_the_beginning(monkeypatch):
    record_graphs(monkeypatch)
    calls = []
    steps = [partial(calls.append, name) for name in ("full", "last")]
    found = captured(steps, lambda: calls.append("begin"), torch.device("cuda"))
    assert calls == ["begin", "full", "begin", "last"] * (WARM_UP + 1)
    assert [one.step for one in found] == steps


def test_nothing_is_collected_while_steps_are_captured(monkeypatch):
    record_graphs(monkeypatch)
    collects = []

    def step():
        collects.append(gc.isenabled())

    def fails():
        raise RuntimeError("no")

    captured([step], lambda: None, torch.device("cuda"))
    assert collects == [False] * (WARM_UP + 1)
    assert gc.isenabled()
    with pytest.raises(RuntimeError, match="no"):
        captured([fails], lambda: None, torch.device("cuda"))
    assert gc.isenabled()


def test_nothing_is_captured_where_that_is_said(monkeypatch):
    record_graphs(monkeypatch)
    steps = [lambda: None]
    for said, is_same in (("0", True), ("1", False)):
        monkeypatch.setenv(CUDA_GRAPHS, said)
        assert (captured(steps, lambda: None, torch.device("cuda")) is steps) == is_same


def test_elsewhere_steps_are_what_they_were():
    steps = [lambda: None]
    assert captured(steps, lambda: None, CPU) is steps
