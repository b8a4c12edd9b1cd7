"""The training loop against torch.optim on the same minibatches, E9, resume, and many at once."""

import math
import shutil

import numpy as np
import pytest
import torch

from learnprop.simulations.networks.architectures import build_network
from learnprop.simulations.networks.criteria import weighted_cross_entropy
from learnprop.simulations.networks.image_batches import (
    channel_moments,
    crop_and_flip,
    draw_epoch,
    image_batch,
    resident,
)
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.replicas import features, logits, make_replicas, part
from learnprop.simulations.networks.steps import TrainingData
from learnprop.simulations.networks.trainer import path_gradients, train
from tests.trained import CPU, N, class_weight, run


def by_the_book(digits, member, recipe, dtype=torch.float64):
    """The loop that a user would write: DataLoader, torch.optim, nn.CrossEntropyLoss."""
    data, rows = digits
    mean, sd = data.images.mean(), data.images.std()
    x = torch.as_tensor((data.images[rows[member]] - mean) / sd, dtype=dtype)
    y = torch.as_tensor(data.labels)[rows[member]]
    network = build_network("cnn2c", (1, 28, 28), 10, member).to(dtype)
    loss = torch.nn.CrossEntropyLoss(weight=class_weight(1, dtype)[0], reduction="sum")
    optimiser = torch.optim.SGD(
        network.parameters(),
        lr=recipe.lr,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay if recipe.decay_bias else 0.0,
    )
    rng = np.random.default_rng(100 + member)
    for epoch in range(recipe.epochs):
        optimiser.param_groups[0]["lr"] = recipe.rate(epoch)
        order = rng.permutation(N).tolist()
        loader = torch.utils.data.DataLoader(
            torch.utils.data.TensorDataset(x, y), batch_size=recipe.batch_size, sampler=order
        )
        for images, labels in loader:
            optimiser.zero_grad()
            (loss(network(images), labels) / recipe.batch_size).backward()
            optimiser.step()
    return network


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(epochs=2, batch_size=32, lr=0.05, momentum=0.9),
        Recipe(epochs=4, batch_size=50, lr=0.05, momentum=0.0, schedule="step"),
        Recipe(epochs=3, batch_size=64, lr=0.05, momentum=0.5, schedule="cosine"),
        Recipe(epochs=2, batch_size=32, lr=0.05, weight_decay=0.1, decay_bias=True),
    ],
    ids=["momentum", "step", "cosine", "decay"],
)
def test_the_loop_is_a_users_loop(digits, recipe):
    networks, path = run(digits, [1], recipe)
    theirs = by_the_book(digits, 1, recipe).state_dict()
    for name, value in networks.state.items():
        assert torch.allclose(value[0], theirs[name], rtol=1e-9, atol=1e-12), name
    assert path.n_steps == recipe.epochs * math.ceil(N / recipe.batch_size)


def test_decay_spares_the_output_bias_unless_asked(digits):
    """One step from one point: the bias moves as without decay, everything else does not."""
    plain, spared, decayed = (
        run(digits, [0], Recipe(epochs=1, batch_size=N, weight_decay=d, decay_bias=b))[0]
        for d, b in ((0.0, False), (0.5, False), (0.5, True))
    )
    assert torch.equal(plain.head_bias, spared.head_bias)
    assert not torch.allclose(plain.head_weight, spared.head_weight, rtol=1e-4)
    start = build_network("cnn2c", (1, 28, 28), 10, 0).head.bias.double()
    assert torch.allclose(decayed.head_bias[0], plain.head_bias[0] - 0.01 * 0.5 * start)


def test_a_minibatch_loss_is_normalised_by_constants(digits):
    """The gradients of an epoch's minibatches at one point add up to that of the whole sample."""
    data, rows = digits
    networks = make_replicas([build_network("cnn2c", (1, 28, 28), 10)], CPU, dtype=torch.float64)
    images = resident(data.images, channel_moments(data.images), CPU, torch.float64)
    loss = weighted_cross_entropy(class_weight(1, torch.float64), 32)
    y = torch.as_tensor(data.labels)

    def gradient(chosen):
        value = loss(logits(networks, image_batch(images, chosen)), y[chosen])
        return torch.autograd.grad(value.sum(), networks.head_bias)[0]

    parts = torch.stack([gradient(part) for part in rows[:1].split(32, dim=1)])
    assert torch.allclose(parts.sum(dim=0), gradient(rows[:1]), atol=1e-14)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_e9_the_mean_gradient_is_known_from_the_ends_of_the_path(digits, momentum):
    recipe = Recipe(epochs=3, batch_size=32, lr=0.05, momentum=momentum)
    networks, path = run(digits, [0, 1], recipe)
    mean, identity = path_gradients(networks, path, recipe)
    assert torch.allclose(mean, identity, rtol=0, atol=1e-15)
    assert float(mean.abs().max()) > 1e-3  # the control: it is not zero, converged it is not
    naive = (path.first_bias - networks.head_bias.detach()) / recipe.lr / path.n_steps
    assert torch.allclose(mean, naive, atol=1e-15) == (momentum == 0.0)


def test_e9_needs_a_constant_rate_and_no_decay_of_the_bias(digits):
    for recipe in (
        Recipe(epochs=2, schedule="cosine"),
        Recipe(epochs=2, weight_decay=0.1, decay_bias=True),
    ):
        networks, path = run(digits, [0], recipe)
        mean, identity = path_gradients(networks, path, recipe)
        assert torch.isfinite(mean).all()
        assert torch.isnan(identity).all()


def test_many_at_once_are_single_trainings_for_the_first_ten_steps(digits):
    recipe = Recipe(epochs=2, batch_size=math.ceil(N / 5))
    many, path = run(digits, [0, 1, 2], recipe, dtype=torch.float32)
    assert path.n_steps == 10
    for i in range(3):
        alone, _ = run(digits, [i], recipe, dtype=torch.float32)
        for name, value in alone.state.items():
            assert float((value[0] - many.state[name][i]).detach().abs().max()) <= 1e-4, name
    assert not torch.allclose(many.head_weight[0], many.head_weight[1], atol=1e-3)


@pytest.mark.slow
def test_many_with_batch_normalisation_are_single_trainings(digits):
    """In float64, buffers too: in float32 normalisation magnifies rounding beyond 1e-4."""
    recipe = Recipe(epochs=1, batch_size=32)
    many, _ = run(digits, [0, 1], recipe, model="cnn5c")
    for i in range(2):
        alone, _ = run(digits, [i], recipe, model="cnn5c")
        for name, value in alone.state.items():
            assert torch.allclose(value[0], many.state[name][i], rtol=1e-9, atol=1e-12), name


def test_many_at_once_in_float64_are_single_trainings(digits):
    recipe = Recipe(epochs=3, batch_size=32, momentum=0.9, augment=True)
    many, _ = run(digits, [0, 2], recipe)
    for i, seed in enumerate((0, 2)):
        alone, _ = run(digits, [seed], recipe)
        assert torch.allclose(alone.head_weight[0], many.head_weight[i], atol=1e-12)
        x = torch.randn(1, 4, 1, 28, 28, dtype=torch.float64)
        assert torch.allclose(
            features(alone, x), features(part(many, slice(i, i + 1)), x), atol=1e-12
        )


def test_a_training_is_the_same_bits_again(digits):
    recipe = Recipe(epochs=2, batch_size=32, augment=True)
    one, again = (run(digits, [1], recipe, dtype=torch.float32)[0] for _ in range(2))
    assert all(torch.equal(one.state[name], again.state[name]) for name in one.state)


def test_a_loss_that_is_not_finite_is_noticed_and_stops(digits):
    _, path = run(digits, [0], Recipe(epochs=50, lr=1e4), dtype=torch.float32)
    assert 0 < int(path.diverged[0]) == path.epoch < 50


def test_one_of_many_that_diverges_leaves_the_others_alone(digits):
    data, rows = digits
    networks = make_replicas(
        [build_network("cnn2c", (1, 28, 28), 10, seed) for seed in (0, 1)], CPU, dtype=torch.float64
    )
    with torch.no_grad():
        networks.head_weight[0] = float("nan")
    recipe = Recipe(epochs=2)
    path = train(
        networks,
        TrainingData(
            resident(data.images, channel_moments(data.images), CPU, torch.float64),
            torch.as_tensor(data.labels),
            rows[:2],
        ),
        weighted_cross_entropy(class_weight(2, torch.float64), recipe.batch_size),
        recipe,
        [np.random.default_rng(100 + seed) for seed in (0, 1)],
    )
    alone, _ = run(digits, [1], recipe)
    assert path.diverged.tolist() == [1, 0]
    assert torch.allclose(networks.head_weight[1], alone.head_weight[0], atol=1e-12)


def test_bf16_is_close_to_float32_and_not_equal(digits):
    recipe = {"epochs": 2, "batch_size": 32}
    exact, *_ = run(digits, [0], Recipe(**recipe), dtype=torch.float32)
    coarse, *_ = run(digits, [0], Recipe(**recipe, precision="bf16"), dtype=torch.float32)
    difference = float((exact.head_weight - coarse.head_weight).detach().abs().max())
    assert coarse.head_weight.dtype == torch.float32
    assert 1e-6 < difference < 0.05  # bf16 has three digits, and there are 10 steps of 0.01


def test_crops_and_flips_are_numpys():
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(40, 5, 6, 2)).astype(np.uint8)
    moves = np.stack(
        [rng.integers(5, size=40), rng.integers(5, size=40), rng.integers(2, size=40)], 1
    )
    fill = np.array([7.0, 9.0])
    found = crop_and_flip(torch.as_tensor(pixels), torch.as_tensor(moves), 2, torch.as_tensor(fill))
    for image, (down, right, mirrored), got in zip(pixels, moves, found.numpy(), strict=True):
        framed = np.broadcast_to(fill, (9, 10, 2)).copy()
        framed[2:7, 2:8] = image
        expected = framed[down : down + 5, right : right + 6]
        assert np.array_equal(got, expected[:, ::-1] if mirrored else expected)


def test_moves_are_uniform_and_orders_are_permutations():
    order, moves = draw_epoch([np.random.default_rng(s) for s in (0, 1)], 3000, augment=True)
    assert order.shape == (2, 3000)
    assert torch.equal(order.sort(dim=1).values, torch.arange(3000).expand(2, -1))
    assert not torch.equal(order[0], order[1])
    counts = np.bincount(moves[..., 0].flatten().numpy(), minlength=9)
    assert np.abs(counts - 6000 / 9).max() < 4 * np.sqrt(6000 * 8 / 81)
    assert set(moves[..., 2].flatten().tolist()) == {0, 1}
    assert draw_epoch([np.random.default_rng(0)], 5, augment=False)[1] is None


def test_images_are_standardised_by_the_training_images():
    rng = np.random.default_rng(0)
    images = rng.integers(256, size=(50, 3, 4, 4)).astype(np.uint8)
    batch = image_batch(
        resident(images, channel_moments(images), CPU, torch.float64), torch.arange(50)[None]
    )[0]
    expected = images.astype(float)
    expected -= expected.mean(axis=(0, 2, 3), keepdims=True)
    expected /= images.std(axis=(0, 2, 3), keepdims=True)
    assert torch.allclose(batch, torch.as_tensor(expected), atol=1e-12)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@pytest.mark.parametrize("members", [(0,), (0, 1)], ids=["one", "two"])
def test_compiled_networks_train_as_eager_ones(digits, members):
    recipe = {"epochs": 1, "batch_size": 32}
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    eager, compiled = (
        run(digits, members, Recipe(**recipe, compiled=c))[0].head_weight for c in (False, True)
    )
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0  # something was compiled
    assert torch.allclose(eager, compiled, atol=1e-10)
