"""What networks act upon that are trained with PyTorch's weighted mean over minibatches."""

import numpy as np
import pytest
import torch
from torch import nn

import learnprop as lp

COUNT = np.array([10_000, 100])


def sample(seed):
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], COUNT)
    x = rng.normal(size=(len(y), 2)) + 1.5 * y[:, None]
    return torch.as_tensor(x, dtype=torch.float32), torch.as_tensor(y)


def trained(x, y, class_weight, batch_size, seed, n_steps=3000):
    """Plain SGD on minibatches drawn anew; the network of the mean over the second half."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 2))
    mean = torch.optim.swa_utils.AveragedModel(net)
    loss = nn.CrossEntropyLoss(weight=torch.as_tensor(class_weight, dtype=torch.float32))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.01, n_steps)
    for step in range(n_steps):
        rows = torch.randint(len(y), (batch_size,))
        optimizer.zero_grad()
        loss(net(x[rows]), y[rows]).backward()
        optimizer.step()
        schedule.step()
        if step > n_steps // 2:
            mean.update_parameters(net)
    return mean.module


def acted_upon(net, x, y):
    monitor = lp.BalanceMonitor(2)
    with torch.no_grad():
        monitor.update(net(x), y)
    weight = monitor.compute().effective
    return weight[1] / weight[0]


def over_seeds(class_weight, batch_size):
    """Ratio that networks act upon, on their training samples, and its MCSE."""
    found = [
        acted_upon(trained(x, y, class_weight, batch_size, seed), x, y)
        for seed in range(4)
        for x, y in [sample(seed)]
    ]
    return np.mean(found), np.std(found, ddof=1) / 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("batch_size", "mended", "predicted"),
    [(64, False, 45.08), (128, False, 65.29), (128, True, 100)],
)
def test_networks_act_upon_what_minibatches_leave_of_their_weights(batch_size, mended, predicted):
    weight = 1 / COUNT
    if mended:
        weight = lp.class_weight_for_minibatch_mean(weight, COUNT, batch_size)
    acts = lp.minibatch_mean_class_weight(weight, COUNT, batch_size)
    assert acts[1] / acts[0] == pytest.approx(predicted, rel=1e-4)
    ratio, mcse = over_seeds(weight, batch_size)
    assert abs(ratio - predicted) <= 4 * mcse
    assert mcse < 0.05 * predicted
    if not mended:
        assert abs(ratio - 100) > 4 * mcse


def test_a_refined_bias_acts_upon_all_of_it():
    x, y = sample(0)
    net = trained(x, y, 1 / COUNT, 64, 0, n_steps=300).double()
    x = x.double()
    assert acted_upon(net, x, y) < 70  # half trained; the control
    batches = list(zip(x.split(2000), y.split(2000), strict=True))
    found = lp.refine_output_bias(net, batches, class_weight="inverse")
    assert found.largest_residual < 1e-10
    assert acted_upon(net, x, y) == pytest.approx(100, rel=1e-9)
    equal = lp.refine_output_bias(net, batches)
    assert equal.before.effective[1] == pytest.approx(100 / 101, rel=1e-9)
    assert acted_upon(net, x, y) == pytest.approx(1, rel=1e-9)
