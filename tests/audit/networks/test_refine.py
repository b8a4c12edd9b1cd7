"""Eq. (9) exact on the sample, against gradients and minima of others, and what is refused."""

import copy
import random

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

import learnprop as lp
from learnprop.equations.arguments import BadArgument

WEIGHT = [1.0, 3.0, 2.0]


def sample(n=300, n_classes=3, dtype=torch.float64, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.choice(n_classes, n, p=np.arange(n_classes, 0, -1) / sum(range(n_classes + 1)))
    x = rng.normal(size=(n, 5)) + 1.5 * np.eye(n_classes, 5)[y]
    return torch.as_tensor(x, dtype=dtype), torch.as_tensor(y)


X, Y = sample()


def network(n_outputs=3, dtype=torch.float64, *after):
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(5, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, n_outputs),
        *after,
    ).to(dtype)  # fmt: skip


def loader_of(x, y, **more):
    return DataLoader(TensorDataset(x, y), **{"batch_size": 64, **more})


def test_eq_9_is_exact_and_nothing_else_is_touched():
    x, y = sample()
    net = network().train()
    net[1].eval()  # a part that is frozen stays so
    before = copy.deepcopy(net.state_dict())
    random_state = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()  # noqa: NPY002
    found = lp.refine_output_bias(net, loader_of(x, y, shuffle=True), class_weight=WEIGHT)
    assert torch.equal(random_state[0], torch.get_rng_state())
    assert random_state[1] == random.getstate()
    assert (random_state[2] == np.random.get_state()[1]).all()  # noqa: NPY002
    assert (net.training, net[1].training, net[3].training) == (True, False, True)
    for name, value in net.state_dict().items():
        assert torch.equal(value, before[name]) == (name != "4.bias"), name
    assert not any(p.grad is not None for p in net.parameters())
    assert all(not part._forward_hooks for part in net.modules())
    assert (found.head, found.on, found.rounding) == ("4", "train", 0)
    np.testing.assert_array_equal(found.bias, net[4].bias.detach())
    np.testing.assert_array_equal(found.bias_before, before["4.bias"])
    # What the network says now, by itself:
    net.eval()
    with torch.no_grad():
        proba = torch.softmax(net(x), dim=1)
    P, count = lp.mean_proba(y, proba), lp.class_count(y, 3)
    mass = lp.class_mass(WEIGHT, count)
    assert np.abs(lp.residual(P, mass) / mass).max() < 1e-10
    assert found.largest_residual < 1e-10
    np.testing.assert_allclose(found.after.mean_proba, P, rtol=1e-10)
    effective = lp.effective_class_weight(P, count)
    np.testing.assert_allclose(effective, np.array(WEIGHT) / 6, rtol=1e-9)
    np.testing.assert_allclose(found.after.effective, effective, rtol=1e-9)
    assert found.before.largest_gap > 0.1  # the control


def test_it_is_the_bias_that_minimises_the_weighted_loss():
    x, y = sample()
    net = network()
    net.eval()
    with torch.no_grad():
        logits = net(x)
    weight = torch.tensor(WEIGHT, dtype=torch.float64)

    def loss(b):
        added = torch.tensor([0.0, *b], dtype=torch.float64, requires_grad=True)
        value = cross_entropy(logits + added, y, weight=weight)
        value.backward()
        return value.item(), added.grad[1:].numpy()

    minimum = minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-10})
    found = lp.refine_output_bias(net, loader_of(x, y), class_weight=WEIGHT)
    moved = found.bias - found.bias_before
    np.testing.assert_allclose(moved[1:] - moved[0], minimum.x, atol=1e-8)
    assert abs(moved.mean()) < 1e-12


def test_on_held_out_samples_shares_of_training_matter_and_those_of_the_sample_do_not():
    x, y = sample()
    training = [1000, 50, 200]
    net, again = network(), network()
    found = lp.refine_output_bias(
        net, loader_of(x, y), class_weight="inverse", class_count=training, on="heldout"
    )
    assert found.largest_residual < 1e-10
    np.testing.assert_allclose(
        found.after.class_weight * training * 3, [found.after.class_weight @ training] * 3
    )
    doubled = torch.cat([x, x[y == 1]]), torch.cat([y, y[y == 1]])
    other = lp.refine_output_bias(
        again, loader_of(*doubled), class_weight="inverse", class_count=training, on="heldout"
    )
    np.testing.assert_allclose(found.bias, other.bias, atol=1e-10)


def test_one_logit_is_bce():
    x, y = sample(n_classes=2)
    net = network(1)
    pairs = loader_of(x, y[:, None].double())
    found = lp.refine_output_bias(net, pairs, class_weight=[1, 4])
    assert found.bias.shape == (1,)
    assert found.largest_residual < 1e-10
    net.eval()
    loss = binary_cross_entropy_with_logits(
        net(x)[:, 0], y.double(), pos_weight=torch.tensor(4.0), reduction="sum"
    )
    loss.backward()
    assert abs(net[4].bias.grad.item()) < 1e-9 * len(y)


def test_sigmoids_are_balanced_one_by_one():
    x, y = sample()
    net = network()
    found = lp.refine_output_bias(net, loader_of(x, y), class_weight=WEIGHT, activation="sigmoid")
    net.eval()
    each = binary_cross_entropy_with_logits(net(x), one_hot(y, 3).double(), reduction="none")
    (torch.tensor(WEIGHT)[y, None] * each).sum().backward()
    assert net[4].bias.grad.abs().max() < 1e-8
    assert found.largest_residual < 1e-10


@pytest.mark.parametrize(
    ("dtype", "bound"), [(torch.float32, 1e-6), (torch.float16, 1e-2), (torch.bfloat16, 5e-2)]
)
def test_rounding_of_narrow_types_is_said(dtype, bound):
    x, y = sample(dtype=dtype)
    net = network(3, dtype)
    found = lp.refine_output_bias(net, loader_of(x, y), class_weight=WEIGHT)
    assert 0 < found.rounding < bound
    assert 1e-10 < found.largest_residual < bound
    assert net[4].bias.dtype == dtype
    net.eval()
    with torch.no_grad():
        P = lp.mean_proba(y, torch.softmax(net(x).double(), dim=1))
    mass = lp.class_mass(WEIGHT, lp.class_count(y, 3))
    assert np.abs(lp.residual(P, mass) / mass).max() < bound


@pytest.mark.parametrize("given", ["balanced", {0: 1 / 3, 1: 1 / 2, 2: 1.0}, {1: 1.5, 2: 3.0}])
def test_weights_by_name_and_by_number(given):
    """Sizes are 60, 40, 20; a number that a dict leaves out weighs 1."""
    x, y = X[:120], torch.arange(120) % 6 % 4 % 3
    found = lp.refine_output_bias(network(), [(x, y)], class_weight=given)
    monitor = lp.BalanceMonitor(3, class_weight=given)
    monitor.update(torch.zeros(120, 3), y)
    for weight in (found.after.effective, monitor.compute().class_weight):
        np.testing.assert_allclose(weight, np.array([2, 3, 6]) / 11, rtol=1e-9)


def overfitted(seed):
    """A network that has learnt 200 samples by heart, and samples that it has not seen."""

    def drawn(n):
        y = rng.choice(2, n, p=[0.8, 0.2])
        x = rng.normal(size=(n, 10))
        x[:, 0] += 1.5 * y
        return torch.as_tensor(x), torch.as_tensor(y)

    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2)).double()
    x, y = drawn(200)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    for _ in range(250):
        optimizer.zero_grad()
        cross_entropy(net(x), y).backward()
        optimizer.step()
    assert (net(x).argmax(dim=1) == y).all()
    return net, (x, y), drawn(2000), drawn(20_000)


@pytest.mark.parametrize("seed", [0, 5])
def test_what_is_learnt_by_heart_is_said_and_mends_nothing(seed):
    net, train, held_out, (fresh_x, fresh_y) = overfitted(seed)
    count = torch.bincount(train[1]).double()

    def largest_gap():
        monitor = lp.BalanceMonitor(2, class_count=count)
        with torch.no_grad():
            monitor.update(net(fresh_x), fresh_y)
        return monitor.compute().largest_gap

    before = largest_gap()
    found = lp.refine_output_bias(net, [train])
    assert found.note.startswith("2 classes have fewer than 10 expected misses (0.2")
    assert found.note.endswith("refine on held-out data")
    assert found.note in repr(found)
    assert before > 0.3
    assert largest_gap() == pytest.approx(before, rel=0.05)
    found = lp.refine_output_bias(net, [held_out], on="heldout", class_count=count)
    assert not found.note
    assert largest_gap() < 0.1


def test_expected_misses_are_those_of_the_probabilities():
    net = network()
    found = lp.refine_output_bias(net, loader_of(X, Y), class_weight=WEIGHT)
    net.eval()
    with torch.no_grad():
        miss = 1 - torch.softmax(net(X), dim=1)[torch.arange(300), Y]
    expected = [float(miss[k == Y].sum()) for k in range(3)]
    np.testing.assert_allclose(found.after.expected_misses, expected, rtol=1e-9)
    assert not found.note
    few = lp.refine_output_bias(net, [(X[:12], torch.arange(12) % 3)])
    assert few.note.startswith("3 classes have fewer than 10 expected misses")


def test_records_are_printed_in_a_few_lines():
    x, y = sample(500, 10)
    found = lp.refine_output_bias(nn.Linear(5, 10).double(), [(x, y)])
    for record in (found, found.before, found.after):
        lines = repr(record).splitlines()
        assert len(lines) <= 4
        assert max(len(line) for line in lines) < 200
    moved = np.abs(found.bias - found.bias_before).max()
    worst = int(np.abs(found.before.gap).argmax())
    assert f"bias moved by up to {moved:.3g}" in repr(found)
    assert f"gap {100 * found.before.gap[worst]:+.3g} % of class {worst}; now " in repr(found)
    ratio = found.before.effective * 10
    shown = f"{ratio.min():.3g} (class {ratio.argmin()}) to {ratio.max():.3g} (class "
    assert shown in repr(found.before)
    of_two = lp.BalanceMonitor(2)
    of_two.update(torch.zeros(4, 2), torch.tensor([0, 0, 0, 1]))
    shown = "acts upon 0.25 : 0.75; stated 0.5 : 0.5"
    assert repr(of_two.compute()).splitlines() == [
        "NetworkBalance: 4 samples of 2 classes", "  largest gap +200 % of class 0", f"  {shown}"
    ]  # fmt: skip
    absent = lp.BalanceMonitor(2)
    absent.update(torch.zeros(1, 2), torch.tensor([0]))
    assert repr(absent.compute()).splitlines()[1:] == [
        "  largest gap not known", "  class weights that it acts upon are not known"
    ]  # fmt: skip


class Dictionary(nn.Module):
    """As Hugging Face's models: named inputs, an output with logits."""

    def __init__(self):
        super().__init__()
        self.body, self.classifier = network(4), nn.Linear(4, 3).double()

    def forward(self, x, labels=None):
        assert labels is None
        return {"logits": self.classifier(self.body(x))}


class Pooled(nn.Module):
    """A bias that is added to the output, by a layer whose output is not the network's."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 1).double()

    def forward(self, x):
        return self.conv(x[:, None, :, None]).mean(dim=(2, 3))


class Temperature(nn.Module):
    def __init__(self, divide):
        super().__init__()
        self.fc, self.divide = nn.Linear(5, 3).double(), divide

    def forward(self, x):
        z = self.fc(x)
        return z.div_(2.0) if self.divide == "in place" else z / 2.0


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.fc = nn.Linear(5, 3).double(), nn.Linear(5, 3).double()
        self.fc.bias = self.one.bias

    def forward(self, x):
        return self.fc(x + self.one(x).mean())


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3).double()

    def forward(self, x):
        return self.fc(torch.tanh(self.fc(x[:, :3])))


def test_batches_by_name():
    x, y = sample()
    batches = [{"x": x[:100], "labels": y[:100]}, {"x": x[100:], "labels": y[100:]}]
    found = lp.refine_output_bias(Dictionary(), batches)
    assert found.head == "classifier"
    assert found.largest_residual < 1e-10
    batches = [{"x": x, "truth": y}]
    with pytest.raises(BadArgument, match="loader gives mappings with none of labels, label, y"):
        lp.refine_output_bias(Dictionary(), batches)

    def forward(module, batch):
        return module(batch["x"])["logits"], batch["truth"]

    assert lp.refine_output_bias(Dictionary(), batches, forward=forward).head == "classifier"


@pytest.mark.parametrize("after", [nn.Identity(), nn.Flatten(), nn.Dropout(0.1)])
def test_what_passes_on_is_seen_through(after):
    net = network(3, torch.float64, after)
    assert lp.refine_output_bias(net, loader_of(*sample())).head == "4"


def test_segmentation_is_of_its_points():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1)).double()
    x, y = torch.randn(6, 2, 5, 5).double(), torch.arange(150).view(6, 5, 5) % 7 % 3
    y[0, 0] = -100
    found = lp.refine_output_bias(net, [(x, y)], class_weight=WEIGHT)
    assert found.head == "2"
    loss = cross_entropy(net(x), y, weight=torch.tensor(WEIGHT).double())
    loss.backward()
    assert net[2].bias.grad.abs().max() < 1e-10
    assert found.before.count.sum() == 145


def test_a_named_layer_that_is_not_the_last():
    data = loader_of(*sample())
    with pytest.raises(
        BadArgument, match="head is needed: what the network returns is not the out"
    ):
        lp.refine_output_bias(Pooled(), data)
    for head in ("conv", "module"):
        net = Pooled()
        found = lp.refine_output_bias(net, data, head=net.conv if head == "module" else head)
        assert found.largest_residual < 1e-10


def test_classes_that_come_last():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3)).double()
    x, y = sample()
    tokens = [(x.view(30, 10, 5), y.view(30, 10))]
    with pytest.raises(
        BadArgument, match=r"forward is needed where classes come last, got \(30, 10"
    ):
        lp.refine_output_bias(net, tokens)

    def forward(module, batch):
        return module(batch[0]).flatten(0, -2), batch[1].flatten()

    assert lp.refine_output_bias(net, tokens, forward=forward).largest_residual < 1e-10


def test_compiled_networks():
    net = torch.compile(network(), backend="eager")
    assert lp.refine_output_bias(net, loader_of(*sample())).head == "4"


def as_none(layer):
    layer.bias = None
    return layer


@pytest.mark.parametrize(
    ("net", "more", "message"),
    [
        (network(3, torch.float64, nn.Softmax(1)), {}, r"that of 5 \(Softmax\), which"),
        (network(3, torch.float64, nn.Softmax(1)), {"head": "4"}, "added to the bias of 4 is not"),
        (Temperature("in place"), {}, "head is needed: what the network returns is not the output"),
        (Temperature("new"), {}, "head is needed: what the network returns is not the output"),
        (Temperature("new"), {"head": "fc"}, "a softmax, a temperature or another layer"),
        (Tied(), {}, "head: the bias of fc is tied, one.bias and fc.bias are one"),
        (Twice(), {}, "head: fc is called 2 times in a pass"),
        (nn.Sequential(nn.Linear(5, 3, bias=False)).double(), {}, "that of 0 .Linear., which"),
        (network(), {"head": "0"}, "head: 0 has 8 outputs, the network returns"),
        (network(), {"head": "fc"}, r"a layer with a bias, among \['0', '1', '4'\], got 'fc'"),
        (network(), {"head": "2"}, r"head: 2 \(ReLU\) has no bias"),
        (network(), {"head": nn.Linear(5, 3)}, "head is no part of module: Linear"),
        (network(), {"on": "test"}, "on must be one of train, heldout"),
        (network(), {"class_count": [1, 2, 3]}, "class_count is counted on the training sample"),
        (network(), {"on": "heldout"}, "class_count is needed on a held-out sample"),
        (network(), {"class_weight": [1, 2]}, "class_weight must hold 3 weights"),
        (network(), {"forward": 3}, "forward must be a function, got 3"),
        (network(), {"device": "gpu"}, "device must be one of PyTorch's, got 'gpu'"),
        (network(2), {}, r"loader gives \d+ labels outside 0\.\.1"),
        (network(4), {}, "loader gives no sample of class 3"),
        ("net", {}, "module must be of type Module"),
    ],
)  # fmt: skip
def test_what_cannot_be_refined_is_refused_with_the_reason(net, more, message):
    before = copy.deepcopy(net.state_dict()) if isinstance(net, nn.Module) else {}
    with pytest.raises(BadArgument, match=message):
        lp.refine_output_bias(net, loader_of(*sample()), **more)
    for name, value in before.items():
        assert torch.equal(net.state_dict()[name], value)  # as it was


@pytest.mark.parametrize(
    ("loader", "message"),
    [
        ([], "loader gives no batch"),
        (3, "loader must give batches, got int"),
        ([torch.zeros(4, 5).double()], r"loader must give pairs .* got Tensor: pass forward"),
        ([(X, Y, Y)], r"loader must give pairs \(x, y\) or mappings, got a tuple of 3: pass fo"),
        (TensorDataset(X, Y), "loader gives single samples: is it a data set. wrap it in a DataL"),
        ([{"input": X[0], "label": 1}], "loader gives single samples"),
        ([(X, Y[:5])], r"module: its logits must be .* and labels .*, got \(300, 3\) and \(5,\)"),
        ([(X, Y.float())], "loader: its labels must be integers, got torch.float32"),
        ([(X, Y.tolist())], "loader: its labels must be a tensor, got list"),
        ([(torch.full((3, 5), np.nan).double(), torch.arange(3))], "module gives logits that"),
        (loader_of(*sample(), drop_last=True), "loader leaves out 44 of 300 samples"),
        (loader_of(*sample(), sampler=WeightedRandomSampler([1.0] * 300, 300)), "loader draws"),
    ],
)  # fmt: skip
def test_what_is_no_training_sample_is_refused(loader, message):
    with pytest.raises(BadArgument, match=message):
        lp.refine_output_bias(network(), loader)


def test_generators_of_the_loader_go_on_as_they_would():
    x, y = sample()
    data = loader_of(x, y, shuffle=True, generator=torch.Generator().manual_seed(3))
    before = data.generator.get_state()
    lp.refine_output_bias(network(), data)
    assert torch.equal(before, data.generator.get_state())


def test_two_hundred_classes():
    torch.manual_seed(0)
    net = nn.Linear(5, 200)
    x, y = torch.randn(600, 5), torch.arange(600) % 200
    found = lp.refine_output_bias(net, [(x[k::4], y[k::4]) for k in range(4)])
    assert found.after.largest_gap < 1e-6
    assert found.before.largest_gap > 0.1


@pytest.mark.cuda
def test_on_a_gpu():
    x, y = sample()
    net, on_gpu = network(), network().cuda()
    expected = lp.refine_output_bias(net, loader_of(x, y), class_weight=WEIGHT)
    found = lp.refine_output_bias(on_gpu, loader_of(x, y), class_weight=WEIGHT)
    np.testing.assert_allclose(found.bias, expected.bias, atol=1e-10)
    assert found.largest_residual < 1e-10
