"""Stacked trainings are single ones in float64, and leave behind what single ones do."""

import gc
import weakref
from functools import partial

import pytest
import torch

from learnprop.equations.losses import LOSSES, chosen_loss
from learnprop.simulations.networks.checkpoints import Checkpoint
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.stacked import convolution, epoch, layers
from learnprop.simulations.networks.stacked.epoch import stacked_epoch
from learnprop.simulations.networks.steps import eager_epoch
from learnprop.simulations.networks.trainer import path_gradients
from tests.trained import N, run

stacked = partial(run, make_epoch=stacked_epoch)


def differences(digits, members, recipe, ways=(stacked, run), **options):
    """Largest difference between a training and single ones, by what a training leaves behind."""
    one, other = ways
    networks, path = one(digits, members, recipe, **options)
    found = dict.fromkeys([*networks.state, "gradient_sum", "loss", "momenta"], 0.0)
    for i, member in enumerate(members):
        alone, single = other(digits, [member], recipe, **options)
        pairs = [(n, alone.state[n][0], t[i]) for n, t in networks.state.items()]
        pairs += [("momenta", single.momenta[n][0], t[i]) for n, t in path.momenta.items()]
        pairs += [("loss", single.loss[0], path.loss[i])]
        pairs += [("gradient_sum", single.gradient_sum[0], path.gradient_sum[i])]
        assert path.n_steps == single.n_steps
        for name, a, b in pairs:
            assert a.dtype == b.dtype, name
            found[name] = max(found[name], float((a - b).detach().abs().max()))
    return found


HARD = Recipe(epochs=2, batch_size=50, lr=0.05, momentum=0.9, weight_decay=0.1)
"""Of 129 samples the last minibatch has 29."""


@pytest.mark.parametrize("name", [*LOSSES, "class weights"])
def test_every_loss(digits, name):
    loss = chosen_loss(name).minibatch_loss(50) if name in LOSSES else None
    assert N % HARD.batch_size == 29
    assert max(differences(digits, [0, 2], HARD, loss=loss).values()) < 1e-10


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(epochs=2, batch_size=64, momentum=0.0, schedule="step"),
        Recipe(epochs=2, batch_size=43, lr=0.05, weight_decay=0.1, decay_bias=True),
        Recipe(epochs=3, batch_size=200, lr=0.05, schedule="cosine"),
        Recipe(epochs=2, batch_size=64, augment=True, precision="tf32"),
    ],
    ids=["step", "decayed bias, no short minibatch", "one minibatch", "augmented"],
)
@pytest.mark.parametrize(
    "members", [(0, 1, 2), pytest.param((1,), marks=pytest.mark.slow)], ids=["three", "one"]
)
def test_every_recipe(digits, recipe, members):
    assert max(differences(digits, members, recipe).values()) < 1e-10


def test_a_hidden_layer(digits):
    assert max(differences(digits, [0, 1], HARD, model="cnn2c-500").values()) < 1e-10


@pytest.mark.parametrize("members", [(1,), (0, 1)], ids=["one", "two"])
def test_batch_normalisation_and_its_running_statistics(digits, members):
    data, rows = digits
    recipe = Recipe(epochs=1, batch_size=4, lr=0.01, momentum=0.9)
    found = differences((data, rows[:, :10]), members, recipe, model="cnn5c")
    assert {"features.1.running_mean", "features.10.running_var"} < set(found)
    assert found["features.4.num_batches_tracked"] == 0
    assert max(found.values()) < 1e-10


class Wrong(layers.Convolution):
    """A millionth too much in the gradient of the kernels."""

    @staticmethod
    def backward(ctx, gradient):
        of_x, of_weight = convolution.Convolution.backward(ctx, gradient)
        return of_x, of_weight * (1 + 1e-6)


def wrong_sum(windows, shape):
    """The same in the gradient of the input."""
    return convolution_right(windows, shape) * (1 + 1e-6)


convolution_right = convolution.summed_columns


@pytest.mark.parametrize(
    ("module", "name", "planted"),
    [(layers, "Convolution", Wrong), (convolution, "summed_columns", wrong_sum)],
    ids=["kernels", "input"],
)
def test_an_error_in_a_gradient_is_seen(digits, monkeypatch, module, name, planted):
    monkeypatch.setattr(module, name, planted)
    assert differences(digits, [0], HARD)["features.0.weight"] > 1e-9


def test_e9_holds(digits):
    recipe = Recipe(epochs=3, batch_size=32, lr=0.05, momentum=0.9)
    mean, identity = path_gradients(*stacked(digits, [0, 1], recipe), recipe)
    assert torch.allclose(mean, identity, rtol=0, atol=1e-15)
    assert float(mean.abs().max()) > 1e-3


class Stop(Exception):
    """In the middle of a training."""


@pytest.mark.parametrize("ways", [(run, stacked), (stacked, run)], ids=["eager first", "stacked"])
def test_a_training_goes_on_the_other_way(digits, tmp_path, monkeypatch, ways):
    monkeypatch.setattr("learnprop.simulations.networks.checkpoints.EVERY_SECONDS", 0.0)
    recipe = Recipe(epochs=4, batch_size=50, momentum=0.9, augment=True)
    checkpoint = Checkpoint(tmp_path / "a.pt", "key")
    first, second = ways

    def stop(_epoch):
        raise Stop

    with pytest.raises(Stop):
        first(digits, [0, 1], recipe, visit=stop, visit_at=[3], checkpoint=checkpoint)
    seen = []
    found, path = second(
        digits, [0, 1], recipe, checkpoint=checkpoint,
        visit=lambda epoch: seen.append(epoch) or {}, visit_at=[1, 2, 3],
    )  # fmt: skip
    assert seen == [3]
    whole, whole_path = run(digits, [0, 1], recipe)
    for name, tensor in whole.state.items():
        assert torch.allclose(found.state[name], tensor, rtol=0, atol=1e-10), name
    assert torch.allclose(path.gradient_sum, whole_path.gradient_sum, rtol=0, atol=1e-10)


@pytest.mark.parametrize("make_epoch", [eager_epoch, stacked_epoch])
def test_a_visit_sees_networks_as_they_are(digits, make_epoch):
    """As an epoch leaves them, in evaluation mode; what a visit changes, the next begins with."""
    met, visited = [], []

    def make(networks, *arguments):
        met.append(networks)
        return make_epoch(networks, *arguments)

    def visit(_epoch):
        visited.append(met[0].head_weight.detach().clone())
        assert not met[0].template.training
        with torch.no_grad():
            met[0].head_weight.zero_()
        return {}

    recipe = Recipe(epochs=2, batch_size=50, lr=0.0, momentum=0.0)
    networks, _ = run(digits, [0, 1], recipe, make_epoch=make, visit=visit, visit_at=[1])
    assert float(visited[0].abs().min()) > 0
    assert float(networks.head_weight.detach().abs().max()) == 0


@pytest.mark.parametrize(
    ("recipe", "model", "says"),
    [
        (Recipe(), "resnet18", "networks have layers that are not trained as one computation"),
        (Recipe(compiled=True), "cnn2c", "compiled is of networks that are trained the other way"),
        (Recipe(precision="bf16"), "cnn2c", "precision must be float32 or tf32 .* got 'bf16'"),
    ],
)
def test_what_is_not_trained_so(digits, recipe, model, says):
    with pytest.raises(ValueError, match=says):
        stacked(digits, [0], recipe, model=model)


def test_more_than_32_bits_can_count_is_an_error(digits, monkeypatch):
    monkeypatch.setattr(layers, "LARGEST_TENSOR", 2 * 50 * 8 * 8 * 500)
    assert stacked(digits, [0, 1], HARD)
    with pytest.raises(ValueError, match="must be at most 2 at once at a batch of 50, got 3"):
        stacked(digits, [0, 1, 2], HARD)


def test_memory_goes_with_the_epoch(digits, monkeypatch):
    stacks, plain = [], epoch.make_stack

    def made(*arguments):
        stack = plain(*arguments)
        stacks.append(weakref.ref(stack))
        return stack

    stacked(digits, [0], Recipe(epochs=1))  # torch's imports on a first call keep its frames
    monkeypatch.setattr(epoch, "make_stack", made)
    gc.disable()
    try:
        stacked(digits, [0], Recipe(epochs=1))
        assert [stack() for stack in stacks] == [None]
    finally:
        gc.enable()
