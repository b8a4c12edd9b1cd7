"""BalanceMonitor against probabilities that others compute, and E9 along plain SGD."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import expit, softmax
from torch.nn.functional import cross_entropy

import learnprop as lp
from learnprop.equations.arguments import BadArgument
from tests.pretended.device import can_be_pretended

ROOT = Path(__file__).parents[3]


def drawn(n=200, n_classes=4, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(n_classes, n, p=np.arange(1, n_classes + 1) / sum(range(n_classes + 1)))
    return rng.normal(size=(n, n_classes)) * 2 + 2 * np.eye(n_classes)[y], y


def fed(monitor, z, y, n_parts=7):
    for rows in np.array_split(np.arange(len(y)), n_parts):
        monitor.update(torch.as_tensor(z[rows]), torch.as_tensor(y[rows]))
    return monitor.compute()


def test_batches_add_up_to_what_the_equations_say_of_the_sample():
    z, y = drawn()
    weight, count = [1.0, 2.0, 3.0, 4.0], [400, 300, 200, 100]
    found = fed(lp.BalanceMonitor(4, class_weight=weight, class_count=count), z, y)
    P = lp.mean_proba(y, softmax(z, axis=1))
    mass = lp.class_mass(np.array(weight) / 10, count)
    mass /= mass.sum()
    np.testing.assert_allclose(found.mean_proba, P, rtol=1e-12)
    np.testing.assert_allclose(found.residual, lp.residual(P, mass), atol=1e-15)
    np.testing.assert_allclose(found.relative_residual, lp.residual(P, mass) / mass, atol=1e-14)
    np.testing.assert_allclose(found.gap, lp.gap(P, mass), rtol=1e-10)
    np.testing.assert_allclose(found.effective, lp.effective_class_weight(P, count), rtol=1e-10)
    assert found.count.tolist() == np.bincount(y).tolist()
    assert found.largest_gap == np.abs(found.gap).max()
    assert found.path_gradient is None
    assert not found.note


def test_misses_keep_their_digits():
    """1 - p of 1e-30, which no subtraction has."""
    found = fed(lp.BalanceMonitor(2), np.array([[70.0, 0.0], [0.0, 69.0]]), np.array([0, 1]), 1)
    np.testing.assert_allclose(found.left * 2, np.exp([-70.0, -69.0]), rtol=1e-12)


def test_sigmoids():
    z, y = drawn()
    found = fed(lp.BalanceMonitor(4, activation="sigmoid"), z, y)
    measured = lp.measure(y, z, "sigmoid")
    mass = np.bincount(y) / len(y)
    expected = lp.residual(measured.mean_proba, mass, measured.miss_proba)
    np.testing.assert_allclose(found.residual, expected, atol=1e-14)
    assert np.isnan(found.effective).all()


@pytest.mark.parametrize(
    "labels", [lambda y: y, lambda y: y.float(), lambda y: y.double()[:, None]]
)
@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_one_logit_is_that_of_class_1(shape, labels):
    z, y = drawn(n_classes=2)
    one = z[:, 1] - z[:, 0]
    monitor = lp.BalanceMonitor(2)
    monitor.update(torch.as_tensor(one).reshape(shape), labels(torch.as_tensor(y)))
    P = lp.mean_proba(y, np.stack([expit(-one), expit(one)], axis=1))
    np.testing.assert_allclose(monitor.compute().mean_proba, P, rtol=1e-12)


def test_ignored_samples_and_images_of_labels():
    z, y = drawn(120)
    ignored = np.where(np.arange(120) % 5 == 0, -100, y)
    z_nan = np.where(ignored[:, None] == -100, 1e9, z)
    images = torch.as_tensor(z_nan).view(2, 60, 4).movedim(-1, 1).reshape(2, 4, 6, 10)
    monitor = lp.BalanceMonitor(4)
    monitor.update(images, torch.as_tensor(ignored).view(2, 6, 10))
    kept = ignored >= 0
    expected = fed(lp.BalanceMonitor(4), z[kept], y[kept])
    np.testing.assert_allclose(monitor.compute().mean_proba, expected.mean_proba, rtol=1e-12)


def test_parts_merge_and_are_saved():
    z, y = drawn()
    whole = fed(lp.BalanceMonitor(4), z, y)
    parts = [lp.BalanceMonitor(4) for _ in range(3)]
    for k, part in enumerate(parts):
        fed(part, z[k::3], y[k::3])
    parts[0].merge_state(parts[1:])
    np.testing.assert_allclose(parts[0].compute().residual, whole.residual, atol=1e-15)
    other = lp.BalanceMonitor(4)
    other.load_state_dict(parts[0].state_dict())
    np.testing.assert_array_equal(other.compute().residual, parts[0].compute().residual)
    kept = parts[0].compute()
    parts[0].reset()
    np.testing.assert_array_equal(kept.count, whole.count)  # it has numbers of its own
    with pytest.raises(BadArgument, match="nothing was seen"):
        parts[0].compute()
    with pytest.raises(BadArgument, match="others must be of the same classes and outputs, got 3"):
        parts[0].merge_state(lp.BalanceMonitor(3))


def test_sums_stay_wide_in_half_precision_and_under_autocast():
    z, y = drawn(4096)
    net = torch.nn.ModuleDict({"monitor": lp.BalanceMonitor(4)}).half()
    monitor = net["monitor"]
    assert monitor.proba.dtype == torch.float64
    half = torch.as_tensor(z).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        monitor.update(half, torch.as_tensor(y))
    P = lp.mean_proba(y, softmax(half.double().numpy(), axis=1))
    np.testing.assert_allclose(monitor.compute().mean_proba, P, rtol=1e-12)


def test_an_absent_class_is_nan_and_only_where_it_is_needed():
    z, y = drawn(40, 3)
    found = fed(lp.BalanceMonitor(3), z[y < 2], y[y < 2])
    assert np.isnan(found.mean_proba[2]).all()
    assert not np.isnan(found.mean_proba[:2]).any()
    assert np.isnan(found.effective).all()
    assert np.isnan(found.largest_gap)


def seen_in_one(z, y):
    monitor = lp.BalanceMonitor(2)
    monitor.update(z, y)
    return monitor.compute()


@pytest.mark.parametrize(
    ("z", "y", "message"),
    [
        ([[0.0, 1.0], [np.nan, 1.0]], [0, 1], "logits held NaN in 1 samples"),
        ([[0.0, 1.0], [0.0, 1.0]], [0, 2], r"targets held 1 labels outside 0\.\.1"),
        ([0.5, 0.5], [0.0, 0.5], r"targets held 1 labels outside 0\.\.1"),
        ([[0.0, 1.0, 2.0]], [0], r"logits must have 2 classes second, got shape \(1, 3\)"),
        ([[0.0, 1.0]], [0, 1], "logits must be"),
        ([[0.0, 1.0]], [[0.5, 0.5]], "targets must be labels, got probabilities"),
        ([0.0, 1.0], [1], "logits must be as many as targets, got"),
    ],
)
def test_what_is_wrong_is_named(z, y, message):
    with pytest.raises(BadArgument, match=message):
        seen_in_one(torch.tensor(z), torch.tensor(y))


def trained(momentum=0.0, n_epochs=2, lr=0.05, micro=1, clip=None, dropout=0.3, **track):
    """A small network in float64, monitored while plain SGD trains it with a weighted mean."""
    torch.manual_seed(1)
    z, y = drawn(120, 3, seed=3)
    x, y = torch.as_tensor(z), torch.as_tensor(y)
    weight = torch.tensor([3.0, 1.0, 2.0], dtype=torch.float64)
    net = torch.nn.Sequential(
        torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Dropout(dropout), torch.nn.Linear(8, 3)
    ).double()
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)
    monitor = lp.BalanceMonitor(3, class_weight=weight)
    monitor.track(optimizer, net[3].bias, **track)
    found = []
    for _ in range(n_epochs):
        monitor.reset()
        for rows in torch.randperm(120).split(20):
            for part in rows.split(20 // micro):
                logits = net(x[part])
                monitor.update(logits, y[part])
                (cross_entropy(logits, y[part], weight=weight) / micro).backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(net.parameters(), clip)
            optimizer.step()
            optimizer.zero_grad()
        found.append(monitor.compute())
    return found


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("micro", [1, 2])
def test_the_way_of_the_bias_tells_the_mean_gradient_of_the_minibatches(momentum, micro):
    """E9, with dropout, far from convergence, in the second epoch, where momentum is under way."""
    for epoch in trained(momentum, micro=micro):
        np.testing.assert_allclose(epoch.path_gradient, epoch.mean_gradient, atol=1e-14)
        assert np.abs(epoch.mean_gradient).max() > 1e-4
        assert not epoch.note


def test_what_moves_the_bias_otherwise_is_seen():
    """The controls: clipped gradients, another normaliser than the stated."""
    for found in (trained(clip=0.05)[0], trained(divided_by=20.0)[0]):
        difference = np.abs(found.path_gradient - found.mean_gradient).max()
        assert difference > 0.05 * np.abs(found.mean_gradient).max()


def test_a_sum_divided_by_a_constant():
    z, y = (torch.as_tensor(one) for one in drawn(60, 3))
    layer = torch.nn.Linear(3, 3).double()
    weight = torch.tensor([3.0, 1.0, 2.0], dtype=torch.float64)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    monitor = lp.BalanceMonitor(3, class_weight=weight)
    monitor.track(optimizer, layer.bias, divided_by=60)
    logits = layer(z)
    monitor.update(logits, y)
    (cross_entropy(logits, y, weight=weight, reduction="sum") / 60).backward()
    optimizer.step()
    found = monitor.compute()
    np.testing.assert_allclose(found.path_gradient, found.mean_gradient, atol=1e-14)
    np.testing.assert_allclose(found.mean_gradient, layer.bias.grad, atol=1e-14)


def test_a_rate_that_changes_within_an_epoch_is_said():
    layer = torch.nn.Linear(3, 3)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    monitor = lp.BalanceMonitor(3)
    monitor.track(optimizer, layer.bias)
    z, y = (torch.as_tensor(one) for one in drawn(60, 3))
    monitor.update(z, y)
    assert monitor.compute().note == "the optimiser made no step"
    layer.bias.grad = torch.zeros(3)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.05
    optimizer.step()
    assert "learning rate" in monitor.compute().note
    monitor.reset()
    monitor.update(z, y)
    optimizer.step()
    assert monitor.compute().path_gradient.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("optimizer", "message"),
    [
        (lambda p: torch.optim.Adam(p), "optimizer must be plain torch.optim.SGD, .* got Adam"),
        (lambda p: torch.optim.SGD(p, weight_decay=0.1), "got weight_decay=0.1"),
        (lambda p: torch.optim.SGD(p, momentum=0.9, nesterov=True), "got nesterov=True"),
        (lambda _: torch.optim.SGD([torch.nn.Parameter(torch.ones(2))]), "bias must be one of the"),
    ],
)
def test_other_optimisers_are_refused(optimizer, message):
    layer = torch.nn.Linear(3, 3)
    with pytest.raises(BadArgument, match=message):
        lp.BalanceMonitor(3).track(optimizer(list(layer.parameters())), layer.bias)


def test_other_tracks_are_refused():
    layer = torch.nn.Linear(3, 3)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    with pytest.raises(BadArgument, match=r"bias must have shape \(2,\), got \(3,\)"):
        lp.BalanceMonitor(2).track(optimizer, layer.bias)
    with pytest.raises(BadArgument, match="divided_by must be positive, got 0"):
        lp.BalanceMonitor(3).track(optimizer, layer.bias, divided_by=0)
    with pytest.raises(BadArgument, match="class_count is needed where class_weight is 'inverse'"):
        lp.BalanceMonitor(3, class_weight="inverse").track(optimizer, layer.bias)


WAITS = """
import torch
from tests.pretended.counts import COPY, HIDDEN, KERNEL, WAIT, counted, listed, total
from tests.pretended.device import pretend
device = pretend().type
import learnprop as lp

for activation in ("softmax", "sigmoid"):
    layer = torch.nn.Linear(3, 3).to(device)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.1)
    monitor = lp.BalanceMonitor(3, class_weight=[1, 2, 3], activation=activation)
    monitor.track(optimizer, layer.bias)
    x = torch.randn(8, 3).to(device)
    y = (torch.arange(8) % 3).to(device)
    monitor.update(layer(x), y)  # moves the sums to the device
    counted()
    for _ in range(3):
        logits = layer(x)
        monitor.update(logits, y)
        torch.nn.functional.nll_loss(torch.log_softmax(logits, 1), y).backward()
        optimizer.step()
    counts = counted()
    print(total(counts, KERNEL), total(counts, WAIT, COPY, HIDDEN))
    print(*listed(counts, WAIT, COPY, HIDDEN), sep="\\n")
    monitor.compute()
    print(total(counted(), WAIT))
"""


@pytest.mark.skipif(not can_be_pretended(), reason="this PyTorch cannot set a device up in Python")
def test_no_update_waits_for_the_device():
    answer = subprocess.run(
        [sys.executable, "-c", WAITS], cwd=ROOT, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    lines = [line for line in answer.stdout.splitlines() if line]
    for kernels, waits in (lines[0].split(), lines[2].split()):
        assert int(kernels) > 60  # it was there that it was computed
        assert waits == "0", answer.stdout
    assert int(lines[1]) > 0  # the control: compute waits, and is seen to
    assert int(lines[3]) > 0


REPLICA = """
import sys
import torch
import torch.distributed as dist
import learnprop as lp

rank, store, out = int(sys.argv[1]), sys.argv[2], sys.argv[3]
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)
torch.manual_seed(0)
z, y = torch.randn(40, 3), torch.arange(40) % 3
monitor = lp.BalanceMonitor(3)
monitor.update(z[rank::2], y[rank::2])
monitor.sync()
torch.save(torch.as_tensor(monitor.compute().residual), f"{out}/{rank}.pt")
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_replicas_add_up(tmp_path):
    answers = [
        subprocess.Popen(
            [sys.executable, "-c", REPLICA, str(rank), str(tmp_path / "store"), str(tmp_path)],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        for rank in range(2)
    ]  # fmt: skip
    assert [answer.wait(timeout=300) for answer in answers] == [0, 0]
    torch.manual_seed(0)
    z, y = torch.randn(40, 3), torch.arange(40) % 3
    whole = lp.BalanceMonitor(3)
    whole.update(z, y)
    for rank in range(2):
        found = torch.load(tmp_path / f"{rank}.pt")
        np.testing.assert_allclose(found, whole.compute().residual, atol=1e-15)


@pytest.mark.cuda
def test_on_a_gpu():
    z, y = drawn(5000, 10)
    monitor = lp.BalanceMonitor(10)
    on_gpu = torch.as_tensor(z).cuda(), torch.as_tensor(y).cuda()
    monitor.update(*on_gpu)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's own: the mode is a prototype
        torch.cuda.set_sync_debug_mode("error")
    try:
        monitor.update(*on_gpu)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    expected = fed(lp.BalanceMonitor(10), z, y)
    assert monitor.proba.is_cuda
    np.testing.assert_allclose(monitor.compute().residual, expected.residual, atol=1e-14)
