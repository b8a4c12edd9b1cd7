"""Stacked trainings on a CUDA device: against the processor in float64, captured or not."""

from functools import partial

import pytest
import torch

from learnprop.equations.losses import LOSSES, chosen_loss
from learnprop.simulations.networks import checkpoints
from learnprop.simulations.networks.checkpoints import Checkpoint
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.stacked.capture import CUDA_GRAPHS
from learnprop.simulations.networks.stacked.epoch import stacked_epoch
from learnprop.simulations.networks.trainer import path_gradients
from tests.trained import N, run

pytestmark = pytest.mark.cuda

stacked = partial(run, make_epoch=stacked_epoch)
on_cuda = partial(stacked, device=torch.device("cuda"))
in_float32 = partial(on_cuda, dtype=torch.float32)

TEN_STEPS = Recipe(epochs=2, batch_size=28, momentum=0.5)
"""Of 129 samples the last minibatch has 17."""


def largest(networks, i, alone):
    """Difference of network i from a single one."""
    pairs = [(alone.state[n][0], t[i].cpu()) for n, t in networks.state.items()]
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


def uncaptured(patch):
    patch.setenv(CUDA_GRAPHS, "0")


@pytest.mark.parametrize("name", [*LOSSES, "class weights"])
def test_ten_steps_are_the_processors_in_float64(digits, name):
    loss = chosen_loss(name).minibatch_loss(28) if name in LOSSES else None
    networks, path = in_float32(digits, [0, 1, 2], TEN_STEPS, loss=loss)
    assert (path.n_steps, N % TEN_STEPS.batch_size) == (10, 17)
    for i in range(3):
        alone, _ = run(digits, [i], TEN_STEPS, loss=loss)
        assert largest(networks, i, alone) <= 1e-4
    mean, identity = path_gradients(networks, path, TEN_STEPS)
    assert torch.allclose(mean, identity, rtol=0, atol=1e-5)  # float32 of the bias, over 0.01


@pytest.mark.parametrize("model", ["cnn2c", "cnn2c-500", "cnn5c"])
def test_in_float64_it_is_the_processors_to_ten_digits(digits, model):
    data, rows = digits
    few, recipe = (data, rows[:, :20]), Recipe(epochs=2, batch_size=8, momentum=0.9, augment=True)
    networks, _ = on_cuda(few, [0, 1], recipe, model=model)
    for i in range(2):
        alone, _ = run(few, [i], recipe, model=model)
        assert largest(networks, i, alone) < 1e-10


@pytest.mark.parametrize("members", [[0], [0, 1, 2]], ids=["one", "three"])
def test_graphs_are_the_steps_that_they_captured(digits, monkeypatch, members):
    recipe = Recipe(epochs=3, batch_size=50, momentum=0.9, weight_decay=0.01, schedule="step")
    captured, path = in_float32(digits, members, recipe)
    uncaptured(monkeypatch)
    plain, plain_path = in_float32(digits, members, recipe)
    for name, tensor in plain.state.items():
        assert torch.allclose(captured.state[name], tensor, rtol=0, atol=1e-6), name
    assert torch.allclose(path.loss, plain_path.loss, rtol=1e-5)
    assert torch.allclose(path.gradient_sum, plain_path.gradient_sum, rtol=0, atol=1e-5)


def test_running_statistics_after_warming_up(digits, monkeypatch):
    """In float64: in float32 normalisation magnifies rounding beyond any digit worth comparing."""
    recipe = Recipe(epochs=1, batch_size=32)
    captured, _ = on_cuda(digits, [0, 1], recipe, model="cnn5c")
    uncaptured(monkeypatch)
    plain, _ = on_cuda(digits, [0, 1], recipe, model="cnn5c")
    assert captured.state["features.1.num_batches_tracked"].tolist() == [5, 5]
    for name, tensor in plain.state.items():
        assert torch.allclose(captured.state[name], tensor, rtol=0, atol=1e-10), name


@pytest.mark.filterwarnings("ignore:Synchronization debug mode is a prototype")
def test_an_epoch_waits_for_nothing(digits):
    """From the order on the host to the mean loss on the device."""

    def make(*arguments):
        run_epoch = stacked_epoch(*arguments)

        def without_waits(order, moves, lr):
            torch.cuda.set_sync_debug_mode("error")
            try:
                return run_epoch(order, moves, lr)
            finally:
                torch.cuda.set_sync_debug_mode("default")

        return without_waits

    run(digits, [0, 1], TEN_STEPS, make_epoch=make, device=torch.device("cuda"))


def test_float32_is_float32_unless_tf32_is_asked_for():
    """Factors of TF32 have ten bits: products are off by 1e-4, those of float32 by 1e-7."""
    a, b = torch.rand(8, 256, 8, device="cuda"), torch.rand(8, 8, 256, device="cuda")
    exact = torch.bmm(a.double(), b.double())
    assert float((torch.bmm(a, b).double() / exact - 1).abs().max()) < 5e-6


def test_memory_is_given_back(digits):
    whole = Recipe(epochs=1, batch_size=N)  # of three networks some 180 MB
    in_float32(digits, [0, 1, 2], TEN_STEPS)
    torch.cuda.empty_cache()
    before = torch.cuda.memory_reserved()
    torch.cuda.reset_peak_memory_stats()
    in_float32(digits, [0, 1, 2], whole)
    assert torch.cuda.max_memory_reserved() > before + 2**26  # the control
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() < before + 2**25


class Stop(Exception):
    """In the middle of a training."""


def test_a_checkpoint_of_a_gpu_is_read_on_a_processor(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "EVERY_SECONDS", 0.0)
    recipe = Recipe(epochs=3, batch_size=50, momentum=0.9)
    checkpoint = Checkpoint(tmp_path / "a.pt", "key")

    def stop(_epoch):
        raise Stop

    with pytest.raises(Stop):
        on_cuda(digits, [0, 1], recipe, visit=stop, visit_at=[2], checkpoint=checkpoint)
    resumed, path = run(digits, [0, 1], recipe, checkpoint=checkpoint)
    assert {t.device.type for t in [*resumed.state.values(), *path.momenta.values()]} == {"cpu"}
    whole, _ = run(digits, [0, 1], recipe)
    for name, tensor in whole.state.items():
        assert torch.allclose(resumed.state[name], tensor, rtol=0, atol=1e-10), name
