"""The losses within PyTorch: types of numbers, autocast, compilation, transforms, modules."""

import copy
import shutil

import numpy as np
import pytest
import torch

from learnprop.equations.losses.lgl_inr import LGLINRLoss, lgl_inr_loss
from learnprop.equations.losses.logistic import WeightedLogisticLoss, weighted_logistic_loss
from learnprop.equations.losses.one_vs_all import OneVsAllLogisticLoss, one_vs_all_logistic_loss
from learnprop.equations.losses.softmax import WeightedSoftmaxLoss, weighted_softmax_loss

N, K = 12, 4
WEIGHT = torch.tensor([0.5, 2.0, 1.0, 3.0], dtype=torch.float64)


def softmax(z, y):
    return weighted_softmax_loss(z, y, WEIGHT)


def logistic(z, y):
    return weighted_logistic_loss(z[..., 0], y % 2, WEIGHT[:2])


def one_vs_all(z, y):
    return one_vs_all_logistic_loss(z, y, WEIGHT)


def inr(z, y):
    return lgl_inr_loss(z, y, 4.0)


def inr_not_detached(z, y):
    return lgl_inr_loss(z, y, 4.0, detach_weights=False)


ALL = pytest.mark.parametrize("loss", [softmax, logistic, one_vs_all, inr, inr_not_detached])


@pytest.fixture
def minibatches():
    """Three, with absent classes among them."""
    rng = np.random.default_rng(0)
    y = torch.as_tensor(rng.integers(K, size=(3, N)))
    y[1] %= 2
    return torch.as_tensor(2 * rng.normal(size=(3, N, K))), y


@pytest.fixture
def minibatch(minibatches):
    return minibatches[0][0], minibatches[1][0]


def value_and_gradient(loss, z, y):
    z = z.detach().clone().requires_grad_()
    value = loss(z, y)
    return value.detach(), torch.autograd.grad(value, z)[0]


@ALL
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_type_is_that_of_the_logits(loss, dtype, minibatch):
    z, y = minibatch
    value, slope = value_and_gradient(loss, z.to(dtype), y)
    assert value.dtype == slope.dtype == dtype
    torch.testing.assert_close(value.double(), loss(z, y), rtol=1e-6, atol=0)


@ALL
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_single(loss, dtype, minibatch):
    z, y = minibatch[0].to(dtype), minibatch[1]
    value, slope = value_and_gradient(loss, z, y)
    expected, expected_slope = value_and_gradient(loss, z.float(), y)
    assert value.dtype == torch.float32
    assert value == expected
    assert slope.dtype == dtype
    assert torch.equal(slope, expected_slope.to(dtype))


@ALL
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_changes_nothing(loss, dtype, minibatch):
    z, y = minibatch[0].to(dtype).requires_grad_(), minibatch[1]
    expected, expected_slope = value_and_gradient(loss, z, y)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert (z.float() @ z.float().mT).dtype == torch.bfloat16  # the control: it is on
        value = loss(z, y)
    assert value.dtype == torch.float32
    assert value == expected
    assert torch.equal(torch.autograd.grad(value, z)[0], expected_slope)


@ALL
def test_any_integers_are_labels(loss, minibatch):
    z, y = minibatch
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32):
        assert loss(z, y.to(dtype)) == loss(z, y)


@ALL
def test_rows_need_not_be_contiguous(loss, minibatch):
    z, y = minibatch
    spaced = torch.stack([z.mT, z.mT], dim=-1)[..., 0].mT
    assert not spaced.is_contiguous()
    torch.testing.assert_close(loss(spaced, y), loss(z, y), rtol=1e-14, atol=0)


@ALL
def test_batches_by_vmap_and_one_by_one(loss, minibatches):
    z, y = minibatches
    each = torch.stack([loss(z[b], y[b]) for b in range(3)])
    assert each.unique().numel() == 3
    torch.testing.assert_close(torch.vmap(loss)(z, y), each)
    torch.testing.assert_close(
        torch.vmap(loss, in_dims=(0, None))(z, y[0]), torch.stack([loss(b, y[0]) for b in z])
    )


@ALL
def test_gradients_by_func_are_those_of_autograd(loss, minibatches):
    z, y = minibatches
    each = torch.stack([value_and_gradient(loss, z[b], y[b])[1] for b in range(3)])
    torch.testing.assert_close(torch.func.grad(loss)(z[0], y[0]), each[0])
    torch.testing.assert_close(torch.vmap(torch.func.grad(loss))(z, y), each)


@ALL
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_gradients_forward_are_those_backward(loss, minibatch):
    """Detached weights are constants in forward mode too, where `no_grad` changes nothing."""
    z, y = minibatch
    slope = torch.func.grad(loss)(z, y)
    torch.testing.assert_close(torch.func.jacfwd(loss)(z, y), slope)


def compiled(loss, backend):
    torch._dynamo.reset()
    return torch.compile(loss, fullgraph=True, backend=backend)


@ALL
def test_compiles_to_one_graph(loss, minibatch):
    z, y = minibatch
    value, slope = value_and_gradient(compiled(loss, "aot_eager"), z, y)
    expected, expected_slope = value_and_gradient(loss, z, y)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(slope, expected_slope)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a compiler")
@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch")
@ALL
def test_compiles_with_inductor(loss, minibatch):
    z, y = minibatch
    fast = compiled(loss, "inductor")
    for type_of_numbers in (torch.float64, torch.float32):
        value, slope = value_and_gradient(fast, z.to(type_of_numbers), y)
        expected, expected_slope = value_and_gradient(loss, z.to(type_of_numbers), y)
        torch.testing.assert_close(value, expected)
        torch.testing.assert_close(slope, expected_slope)


@ALL
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_cuda(loss, minibatch):
    z, y = minibatch
    value, slope = value_and_gradient(loss, z.cuda(), y.cuda())
    expected, expected_slope = value_and_gradient(loss, z, y)
    assert value.is_cuda
    torch.testing.assert_close(value.cpu(), expected)
    torch.testing.assert_close(slope.cpu(), expected_slope)
    with torch.autocast("cuda", dtype=torch.float16):
        assert loss(z.float().cuda(), y.cuda()).dtype == torch.float32
    with pytest.raises(ValueError, match=r"targets must be labels 0 \.\."):
        loss(z.cuda(), y.cuda() - 5)


MODULES = [
    (WeightedSoftmaxLoss, softmax, [0.5, 2.0, 1.0, 3.0]),
    (WeightedLogisticLoss, logistic, [0.5, 2.0]),
    (OneVsAllLogisticLoss, one_vs_all, [0.5, 2.0, 1.0, 3.0]),
]


@pytest.mark.parametrize(("module", "function", "weight"), MODULES)
def test_class_weights_are_a_buffer(module, function, weight, minibatch):
    z, y = minibatch
    arguments = (z[:, 0], y % 2) if module is WeightedLogisticLoss else (z, y)
    loss = module(weight)
    assert list(loss.parameters()) == []
    assert loss.state_dict()["class_weight"].tolist() == weight
    torch.testing.assert_close(loss(*arguments), function(z, y))
    for cast in (torch.float32, torch.half):  # half precision has no room for 1/N
        assert copy.deepcopy(loss).to(cast).class_weight.tolist() == weight
    tiny = module([1e-9, *weight[1:]]).half()
    assert tiny.class_weight.tolist()[0] == 1e-9
    assert copy.deepcopy(loss).to("meta").class_weight.is_meta
    other = module(np.ones(len(weight)))
    assert not torch.isclose(other(*arguments), loss(*arguments))
    other.load_state_dict(loss.state_dict())
    assert other(*arguments) == loss(*arguments)
    inside = torch.nn.Sequential(torch.nn.Linear(2, 2), loss).float()
    assert inside.state_dict()["1.class_weight"].dtype == torch.float64


@pytest.mark.parametrize(("module", "function", "weight"), MODULES)
def test_modules_hand_their_arguments_on(module, function, weight, minibatch):
    z, y = minibatch
    arguments = (z[:, 0], y % 2) if module is WeightedLogisticLoss else (z, y)
    total = module(weight, reduction="sum")(*arguments)
    torch.testing.assert_close(total, N * function(z, y))
    assert "class_weight" not in module().state_dict()
    torch.testing.assert_close(module()(*arguments), module(np.ones(len(weight)))(*arguments))
    assert repr(module()) == f"{module.__name__}(class_weight=None, reduction='mean')"
    shown = repr(module(weight, reduction="sum"))
    assert shown == f"{module.__name__}(class_weight={weight}, reduction='sum')"


def test_the_inr_module_hands_its_arguments_on(minibatch):
    z, y = minibatch
    for how in ({}, {"beta": 4.0}, {"reduction": "mean"}, {"beta": 4.0, "detach_weights": False}):
        value, slope = value_and_gradient(LGLINRLoss(K, **how), z, y)
        expected, expected_slope = value_and_gradient(
            lambda z, y, h=how: lgl_inr_loss(z, y, **h), z, y
        )
        assert value == expected
        assert torch.equal(slope, expected_slope)
    assert LGLINRLoss(K).state_dict() == {}
    assert repr(LGLINRLoss(K, 0.5, False, "mean")) == (
        "LGLINRLoss(n_classes=4, beta=0.5, detach_weights=False, reduction='mean')"
    )
    default = "LGLINRLoss(n_classes=4, beta=1, detach_weights=True, reduction='sum')"
    assert repr(LGLINRLoss(K)) == default


@pytest.mark.parametrize(
    ("loss", "rate"),
    [
        (WeightedSoftmaxLoss([1.0, 2.0, 3.0]), 0.1),
        (OneVsAllLogisticLoss([1.0, 2.0, 3.0]), 0.1),
        (WeightedLogisticLoss([1.0, 2.0]), 0.1),
        (LGLINRLoss(3), 0.05),
        (LGLINRLoss(3, 4.0, detach_weights=False), 0.05),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, torch.nn.Module) else "",
)
def test_a_linear_model_is_trained(loss, rate):
    rng = np.random.default_rng(1)
    y = torch.as_tensor(rng.integers(3, size=90))
    x = torch.as_tensor(rng.normal(size=(90, 3)) + 2 * np.eye(3)[y], dtype=torch.float32)
    single = isinstance(loss, WeightedLogisticLoss)
    model = torch.nn.Linear(3, 1 if single else 3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    optimiser = torch.optim.SGD(model.parameters(), lr=rate)
    targets, values = (y == 2).long() if single else y, []
    for _ in range(20):
        z = model(x)
        value = loss(z[:, 0] if single else z, targets)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        values.append(value.item())
    assert all(np.diff(values) < 0)
    assert values[-1] < 0.8 * values[0]
