"""Losses where no value may or can be looked at, and on devices that have no float64."""

import copy
import pickle

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._python_dispatch import TorchDispatchMode

from learnprop.equations.losses.lgl_inr import LGLINRLoss, lgl_inr_loss
from learnprop.equations.losses.logistic import WeightedLogisticLoss, weighted_logistic_loss
from learnprop.equations.losses.one_vs_all import OneVsAllLogisticLoss, one_vs_all_logistic_loss
from learnprop.equations.losses.running_lgl_inr import RunningLGLINRLoss
from learnprop.equations.losses.softmax import WeightedSoftmaxLoss, weighted_softmax_loss

THIRDS = [1 / 3, 2 / 3, 1.0]  # which float32 rounds
WEIGHTED = [WeightedSoftmaxLoss, OneVsAllLogisticLoss, WeightedLogisticLoss]


def weights_of(module):
    return THIRDS[: 2 if module is WeightedLogisticLoss else 3]


def weighted(module):
    return lambda **how: module(weights_of(module), **how)


MAKERS = {
    **{f"{module.__name__}, λ": weighted(module) for module in WEIGHTED},
    **{module.__name__: module for module in WEIGHTED},
    "LGLINRLoss": lambda **how: LGLINRLoss(3, **how),
    "RunningLGLINRLoss": lambda **how: RunningLGLINRLoss([2, 2, 4], **how).eval(),
}
EVERY = pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)


def minibatch(make, **how):
    """Logits and labels that a loss takes; empty tensors of a kind, or random ones."""
    z, y = torch.rand(8, 3, **how), torch.zeros(8, dtype=torch.long, **how)
    logistic = isinstance(make(), WeightedLogisticLoss)
    return (z[:, 0] if logistic else z), y


class Looks(TorchDispatchMode):
    """How often a tensor's value is asked for, which waits for a GPU."""

    number = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.number += "_local_scalar_dense" in str(func)
        return func(*args, **(kwargs or {}))


@EVERY
def test_no_value_is_looked_at_unless_asked_for(make):
    z, y = minibatch(make)
    with Looks() as looks:
        make(validate=False)(z, y)
    assert looks.number == 0
    with Looks() as looks:  # the control
        make()(z, y)
    assert looks.number > 0


def test_no_value_is_looked_at_by_functions_unless_asked_for():
    z, y, weight = torch.rand(8, 3), torch.zeros(8, dtype=torch.long), torch.ones(3)
    calls = [
        lambda **how: weighted_softmax_loss(z, y, weight, **how),
        lambda **how: weighted_logistic_loss(z[:, 0], y, weight[:2], **how),
        lambda **how: one_vs_all_logistic_loss(z, y, weight, **how),
        lambda **how: lgl_inr_loss(z, y, **how),
    ]
    for call in calls:
        with Looks() as looks:
            call(validate=False)
        assert looks.number == 0
        with Looks() as looks:
            call()
        assert looks.number > 0


@pytest.mark.parametrize("module", WEIGHTED)
def test_a_module_told_not_to_look_takes_any_weights(module):
    bad = [-1.0, *weights_of(module)[1:]]
    with pytest.raises(ValueError, match="class_weight must be finite, not negative"):
        module(bad)
    loss = module(bad, validate=False)
    z, y = minibatch(lambda: loss)
    loss(z, y)
    right = module(weights_of(module))
    right.class_weight[0] = -1.0  # later than its making
    with pytest.raises(ValueError, match="class_weight must be finite, not negative"):
        right(z, y)


@EVERY
def test_fake_tensors_have_no_values(make):
    with FakeTensorMode():
        z, y = minibatch(make)
        loss = make()
        z.requires_grad_()
        value = loss(z, y)
        value.backward()
        assert value.shape == ()
        assert z.grad.shape == z.shape
        repr(loss)


@EVERY
def test_fake_tensors_beside_real_class_weights(make):
    """As with `torch.nn.CrossEntropyLoss`, where the mode allows it."""
    loss = make()
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        z, y = (mode.from_tensor(t) for t in minibatch(make))
        assert loss(z, y).shape == ()


@EVERY
@pytest.mark.parametrize("moved", [False, True])
def test_the_meta_device_has_no_values(make, moved):
    z, y = minibatch(make, device="meta")
    loss = make().to("meta") if moved else make()
    value = loss(z.requires_grad_(), y)
    value.backward()
    assert value.is_meta
    assert z.grad.is_meta
    with torch.device("meta"):
        built = make()
    assert built(z, y).is_meta
    assert ("3 without values" in repr(built)) == ("class_weight=<3" in repr(built))


@EVERY
@pytest.mark.parametrize("autocast", [False, True])
def test_a_graph_is_made_without_values(make, autocast):
    """Traced at some labels; those of other samples are no part of the graph."""
    z, y = minibatch(make)
    loss = make()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        graph = make_fx(loss)(z, y)
    assert "_local_scalar_dense" not in graph.code
    torch.testing.assert_close(graph(2 * z, 1 - y), loss(2 * z, 1 - y))


@EVERY
def test_exported(make):
    z, y = minibatch(make)
    n = torch.export.Dim("n", min=2)
    program = torch.export.export(make(), (z, y), dynamic_shapes=({0: n}, {0: n}))
    torch.testing.assert_close(program.module()(z[:5], y[:5]), make()(z[:5], y[:5]))


@pytest.mark.parametrize("module", WEIGHTED)
@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")
def test_class_weights_are_mapped_and_differentiated(module):
    loss, weight = module(weights_of(module)), torch.tensor(weights_of(module))
    z, y = minibatch(lambda: loss)

    def at(weight, z=z):
        return torch.func.functional_call(loss, {"class_weight": weight}, (z, y))

    each = torch.vmap(at)(torch.stack([weight, 2 * weight]))
    torch.testing.assert_close(each, torch.stack([at(weight), 2 * at(weight)]))
    value, slope = torch.func.jvp(at, (weight,), (weight,))  # linear in λ
    torch.testing.assert_close(slope, value)


def no_float64(tensor):
    """A move to Apple's MPS, as far as it can be played here."""
    if tensor.dtype == torch.float64:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
    return tensor.clone()


@pytest.mark.parametrize("module", WEIGHTED)
@pytest.mark.parametrize("cast", [None, torch.float16])
def test_a_device_without_float64_has_the_weights_in_float32(module, cast):
    loss = module(weights_of(module))
    around = torch.nn.Sequential(torch.nn.Linear(3, 3), loss)
    around._apply(lambda t: no_float64(t if cast is None else t.to(cast)))
    if cast is None:  # a move that casts is none to a device that this emulation knows
        assert loss.class_weight.dtype == torch.float32
    assert loss.class_weight.tolist() == pytest.approx(weights_of(module), rel=1e-7)
    z, y = minibatch(lambda: loss)
    expected = module(weights_of(module))(z, y)
    torch.testing.assert_close(loss(z, y), expected)
    # Back again: what was rounded stays so, in whatever the module is cast to.
    assert loss.double()(z.double(), y).item() == pytest.approx(float(expected), rel=1e-6)


@pytest.mark.parametrize("module", WEIGHTED)
def test_a_move_that_fails_fails(module):
    def lost(tensor):
        raise RuntimeError(f"no device for {tensor.dtype}")

    with pytest.raises(RuntimeError, match=r"no device for torch\.float32"):
        module(weights_of(module))._apply(lost)


@pytest.mark.parametrize("module", WEIGHTED)
def test_float64_is_kept_where_there_is_float64(module):
    exact = weights_of(module)

    def kept(loss):
        assert loss.class_weight.dtype == torch.float64
        return loss.class_weight.tolist() == exact

    loss = module(exact)
    for cast in ("half", "bfloat16", "float", "double", "cpu"):
        assert kept(getattr(copy.deepcopy(loss), cast)())
    assert kept(loss.to("cpu", torch.float16))
    assert kept(pickle.loads(pickle.dumps(loss)))
    other = module(np.ones(len(exact))).half()
    other.load_state_dict(loss.state_dict())
    assert kept(other)
    single = module(exact)
    single.load_state_dict({"class_weight": torch.tensor(exact)}, assign=True)
    assert single.class_weight.dtype == torch.float32
    assert single.double().class_weight.dtype == torch.float64
    shared = module(exact).share_memory()
    assert shared.class_weight.is_shared()


@pytest.mark.parametrize("module", WEIGHTED)
def test_initialised_later(module):
    """Built on "meta", given memory, then its state."""
    with torch.device("meta"):
        loss = module(weights_of(module))
    loss.to_empty(device="cpu").load_state_dict(module(weights_of(module)).state_dict())
    assert loss.class_weight.tolist() == weights_of(module)


@pytest.mark.parametrize("module", WEIGHTED)
def test_class_weights_are_the_modules_own(module):
    given = np.array(weights_of(module))
    frozen = given.copy()
    frozen.flags.writeable = False  # as those of pandas are
    tensor = torch.tensor(given, requires_grad=True)
    losses = [module(given), module(frozen), module(tensor)]
    given[:] = 7.0
    with torch.no_grad():
        tensor[:] = 7.0
    for loss in losses:
        assert loss.class_weight.tolist() == weights_of(module)
        assert not loss.class_weight.requires_grad
    for bad in ("abc", [[1.0], [1.0, 2.0]], {0: 1.0, 1: "a"}):
        with pytest.raises(ValueError, match=r"class_weight must (hold|be a) number|be numbers, a"):
            module(bad)


@EVERY
@pytest.mark.parametrize(
    ("logits", "targets"),
    [
        ((4, 5, 3), (4, 5)),
        ((1, 8, 3), (1, 8)),
        ((2, 2, 4, 3), (2, 2, 4)),
        ((8, 1, 2), (8, 1)),
        ((3,), ()),
    ],
)
@pytest.mark.parametrize("validate", [True, False])
def test_classes_come_second(make, logits, targets, validate):
    message = r"logits must (be \(n_samples, |have the classes second|be \(n_samples,\)).*, got "
    with pytest.raises(ValueError, match=message):
        make(validate=validate)(torch.zeros(logits), torch.zeros(targets, dtype=torch.long))


def test_how_to_bring_classes_to_the_second_place_is_said():
    for make in MAKERS.values():
        z, y = torch.zeros(4, 5, 3), torch.zeros(4, 5, dtype=torch.long)
        if not isinstance(make(), WeightedLogisticLoss):
            with pytest.raises(ValueError, match=r"pass logits\.flatten\(0, -2\) and targets"):
                make()(z, y)


@EVERY
def test_a_module_names_what_does_not_fit(make):
    loss = make()
    z, y = minibatch(make)
    wrong = z[:, 0] if z.ndim == 2 else torch.stack([z, z], dim=1)
    with pytest.raises(ValueError, match=r"logits must be \(n_samples, ?.* got \(8"):
        loss(wrong, y)
    with pytest.raises(ValueError, match=r"logits must be .* targets .*got .*\(7,\)"):
        loss(z, y[:7])
    for kind in (torch.float32, torch.bool)[z.ndim == 1 :]:
        with pytest.raises(ValueError, match=f"targets must be integers, got {kind}"):
            loss(z, y.to(kind))
    with pytest.raises(ValueError, match=r"logits must be floating point, got torch\.int64"):
        loss(z.long(), y)
    with pytest.raises(ValueError, match=r"targets must be labels 0 \.\. [12], got 3"):
        loss(z, y + 3)
    with pytest.raises(ValueError, match="logits must be a tensor, got list"):
        loss(z.tolist(), y)
