"""In place of PyTorch's cross-entropies: layouts, ignored labels, reductions, soft targets."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from learnprop.equations.balance import class_mass, residual
from learnprop.equations.labels import class_count
from learnprop.equations.losses.lgl_inr import LGLINRLoss, lgl_inr_loss
from learnprop.equations.losses.logistic import WeightedLogisticLoss, weighted_logistic_loss
from learnprop.equations.losses.one_vs_all import OneVsAllLogisticLoss, one_vs_all_logistic_loss
from learnprop.equations.losses.softmax import WeightedSoftmaxLoss, weighted_softmax_loss
from learnprop.equations.mean_proba import mean_proba, proba_from_logits
from learnprop.equations.violations.residuals import (
    label_smoothing_residual,
    torch_label_smoothing_residual,
)
from tests.equations.violations.test_residuals import at_zero_gradient

N, K = 9, 4
WEIGHT = torch.tensor([0.3, 2.0, 1.0, 0.7], dtype=torch.float64)
LAYOUTS = pytest.mark.parametrize("axes", [(), (5,), (2, 3)])


def draw(*axes, seed=0):
    """Logits (N, K, *axes) and labels."""
    rng = np.random.default_rng(seed)
    z = torch.as_tensor(2 * rng.normal(size=(N, K, *axes))).requires_grad_()
    return z, torch.as_tensor(rng.integers(K, size=(N, *axes)))


def draw_proba(*axes):
    rng = np.random.default_rng(1)
    return torch.as_tensor(rng.dirichlet(np.ones(K), size=(N, *axes))).movedim(-1, 1)


def assert_same(ours, theirs, z, rtol=1e-12):
    """Values, and gradients of a sum of them with weights that nobody knows."""
    torch.testing.assert_close(ours, theirs, rtol=rtol, atol=1e-14)
    of_each = torch.linspace(0.5, 2.0, max(1, ours.numel()), dtype=torch.float64)
    found, expected = (
        torch.autograd.grad((of_each[: v.numel()] * v.reshape(-1)).sum(), z, retain_graph=True)
        for v in (ours, theirs)
    )
    torch.testing.assert_close(found[0], expected[0], rtol=rtol, atol=1e-14)


def of_outputs(z, y, weight):
    """One-vs-all by PyTorch: a sum over the outputs, ignored samples left out by hand."""
    kept = y != -100
    own = one_hot(y.clamp(min=0), K).movedim(-1, 1).double()
    each = binary_cross_entropy_with_logits(z, own, reduction="none").sum(dim=1)
    return torch.where(kept, each * weight[y.clamp(min=0)], 0)


@LAYOUTS
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("ignored", [-100, 2])
def test_softmax_in_torchs_layout_with_ignored_labels(axes, weight, ignored):
    z, y = draw(*axes)
    y.view(-1)[::4] = ignored
    how = {"ignore_index": ignored}
    module = WeightedSoftmaxLoss(weight, **how)
    for reduction in ("none", "sum") if weight is not None else ("none", "sum", "mean"):
        theirs = cross_entropy(z, y, weight, reduction=reduction, **how)
        ours = weighted_softmax_loss(z, y, weight, reduction=reduction, **how)
        assert ours.shape == theirs.shape
        assert_same(ours, theirs, z)
        module.reduction = reduction
        assert torch.equal(module(z, y), ours)
    total = cross_entropy(z, y, weight, reduction="sum", **how)
    mean = weighted_softmax_loss(z, y, weight, **how)
    assert_same(mean, total / (y != ignored).sum(), z)
    if weight is not None:  # the control: theirs is over the weights
        assert not torch.isclose(mean, cross_entropy(z, y, weight, **how))


@LAYOUTS
def test_one_vs_all_in_torchs_layout_with_ignored_labels(axes):
    z, y = draw(*axes)
    y.view(-1)[::4] = -100
    theirs = of_outputs(z, y, WEIGHT)
    for reduction, expected in (
        ("none", theirs), ("sum", theirs.sum()), ("mean", theirs.sum() / (y != -100).sum()),
    ):  # fmt: skip
        ours = one_vs_all_logistic_loss(z, y, WEIGHT, reduction=reduction)
        assert_same(ours, expected, z)
        assert torch.equal(OneVsAllLogisticLoss(WEIGHT, reduction=reduction)(z, y), ours)


@LAYOUTS
def test_lgl_inr_takes_positions_for_samples(axes):
    z, y = draw(*axes)
    y.view(-1)[::4] = -100
    rows, labels = z.movedim(1, -1).reshape(-1, K), y.reshape(-1)
    kept = labels != -100
    expected = lgl_inr_loss(rows[kept], labels[kept], 4.0)
    assert_same(lgl_inr_loss(z, y, 4.0), expected, z)
    assert_same(LGLINRLoss(K, 4.0, reduction="mean")(z, y), expected / K, z)
    each = LGLINRLoss(K, 4.0, reduction="none")(z, y)
    assert each.shape == y.shape
    assert (each[y == -100] == 0).all()
    assert_same(each.sum(), expected, z)


@pytest.mark.parametrize("weight", [None, WEIGHT[:2]], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("shape", [(N,), (N, 1), (N, 2, 3)])
def test_logistic_is_torchs_with_float_targets_of_any_shape(weight, shape):
    rng = np.random.default_rng(2)
    z = torch.as_tensor(rng.normal(size=shape)).requires_grad_()
    hard = torch.as_tensor(rng.integers(2, size=shape))
    module = WeightedLogisticLoss(weight)
    for t in (hard.double(), hard.float(), torch.as_tensor(rng.uniform(size=shape))):
        # Theirs has a weight of class 1 alone: λ1 / λ0, and λ0 in front.
        zero, ratio = (1.0, None) if weight is None else (weight[0], weight[1] / weight[0])
        theirs = zero * binary_cross_entropy_with_logits(
            z, t.double(), pos_weight=ratio, reduction="none"
        )
        for reduction, expected in (
            ("none", theirs), ("sum", theirs.sum()), ("mean", theirs.mean()),
        ):  # fmt: skip
            ours = weighted_logistic_loss(z, t, weight, reduction=reduction)
            assert ours.shape == expected.shape
            assert_same(ours, expected, z)
        assert_same(module(z, t), theirs.mean(), z)
    assert_same(module(z, hard), module(z, hard.double()), z)
    if shape == (N, 1):  # a layer of one output, and labels as they are
        assert_same(module(z, hard[:, 0]), module(z, hard), z)
        assert module(z.detach(), hard[:, 0]) == module(z.detach()[:, 0], hard[:, 0])
    hard.view(-1)[0] = -100
    kept = hard != -100
    for t in (hard, hard.double()):
        assert_same(module(z, t), module(z[kept], hard[kept]), z)


@LAYOUTS
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["unweighted", "weighted"])
def test_soft_targets_are_torchs_in_every_reduction(axes, weight):
    """Their mean of probabilities is over the samples, too."""
    z, t = draw(*axes)[0], draw_proba(*axes)
    for reduction in ("none", "sum", "mean"):
        theirs = cross_entropy(z, t, weight, reduction=reduction)
        assert_same(weighted_softmax_loss(z, t, weight, reduction=reduction), theirs, z)
        assert_same(WeightedSoftmaxLoss(weight, reduction=reduction)(z, t), theirs, z)
    unweighted = binary_cross_entropy_with_logits(z, t, reduction="none").sum(dim=1)
    assert_same(one_vs_all_logistic_loss(z, t, reduction="none"), unweighted, z)


@pytest.mark.parametrize("function", [weighted_softmax_loss, one_vs_all_logistic_loss])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_soft_target_is_fractions_of_samples(function, smoothing):
    """So it is t_c of the loss at label c, of its class's weight; one-hot ones are labels."""
    (z, y), t = draw(), draw_proba()
    how = {"label_smoothing": smoothing, "reduction": "none"}
    at = [function(z, torch.full_like(y, c), WEIGHT, **how) for c in range(K)]
    expected = sum(t[:, c] * at[c] for c in range(K))
    assert_same(function(z, t, WEIGHT, **how), expected, z)
    assert_same(
        function(z, one_hot(y, K).double(), WEIGHT, **how), function(z, y, WEIGHT, **how), z
    )


@LAYOUTS
def test_label_smoothing_is_torchs_times_the_weight_of_the_class(axes):
    z, y = draw(*axes)
    y.view(-1)[0] = -100
    smoothed = cross_entropy(z, y, label_smoothing=0.1, reduction="none")
    assert_same(weighted_softmax_loss(z, y, label_smoothing=0.1, reduction="none"), smoothed, z)
    assert_same(
        WeightedSoftmaxLoss(label_smoothing=0.1)(z, y), cross_entropy(z, y, label_smoothing=0.1), z
    )
    ours = WeightedSoftmaxLoss(WEIGHT, label_smoothing=0.1, reduction="none")(z, y)
    assert_same(ours, WEIGHT[y.clamp(min=0)] * smoothed, z)
    # PyTorch's weighted one is that of targets which are smoothed beforehand.
    z, y = z[1:], y[1:]
    t = 0.9 * one_hot(y, K).movedim(-1, 1).double() + 0.1 / K
    theirs = cross_entropy(z, y, WEIGHT, label_smoothing=0.1, reduction="none")
    assert not torch.allclose(ours[1:], theirs)
    torch.testing.assert_close(weighted_softmax_loss(z, t, WEIGHT, reduction="none"), theirs)


def test_label_smoothing_of_one_vs_all_is_torchs_of_smoothed_targets():
    z, y = draw()
    t = 0.9 * one_hot(y, K).double() + 0.1 / K
    theirs = WEIGHT[y] * binary_cross_entropy_with_logits(z, t, reduction="none").sum(dim=1)
    ours = OneVsAllLogisticLoss(WEIGHT, label_smoothing=0.1, reduction="none")(z, y)
    assert_same(ours, theirs, z)


@pytest.mark.parametrize(
    ("function", "activation"),
    [(weighted_softmax_loss, "softmax"), (one_vs_all_logistic_loss, "sigmoid")],
)
def test_what_smoothing_does_to_the_balance_is_e8(function, activation):
    """At zero gradient in the bias the residual of Eq. (9) is the one that E8 predicts."""
    rng = np.random.default_rng(3)
    y, logits = rng.integers(K, size=300), rng.normal(size=(300, K))
    labels, count = torch.as_tensor(y), class_count(y, K)

    def balance(weight, targets, smoothing):
        def loss(z, _):
            how = {"label_smoothing": smoothing, "reduction": "sum"}
            return function(z, targets, weight, **how)

        f = proba_from_logits(at_zero_gradient(loss, logits)[0], activation)
        P, miss = (
            mean_proba(y, f, activation),
            np.array([1 - f[y == k, k].mean() for k in range(K)]),
        )
        return P, residual(P, class_mass(weight, count), miss)

    predicted = label_smoothing_residual(class_mass(WEIGHT, count), 0.1)
    np.testing.assert_allclose(balance(WEIGHT, labels, 0.1)[1], predicted, atol=1e-8)
    assert np.abs(predicted).max() > 1
    inverse = 100 / torch.as_tensor(count, dtype=torch.float64)  # equal masses: none
    np.testing.assert_allclose(balance(inverse, labels, 0.1)[1], 0, atol=1e-8)
    np.testing.assert_allclose(balance(WEIGHT, labels, 0.0)[1], 0, atol=1e-8)
    if activation == "softmax":
        P, r = balance(WEIGHT, 0.9 * one_hot(labels, K).double() + 0.1 / K, 0.0)
        theirs = torch_label_smoothing_residual(P, WEIGHT, count, 0.1)
        np.testing.assert_allclose(r, theirs, atol=1e-8)
        assert np.abs(r - predicted).max() > 1


def test_what_soft_targets_do_to_the_balance():
    """Nothing: Eq. (9) of masses λ_c Σ t_ic and of rows that are means with the weights t_ic."""
    rng = np.random.default_rng(4)
    t, logits = rng.dirichlet(np.ones(K), size=300), rng.normal(size=(300, K))
    targets = torch.as_tensor(t)
    z, _ = at_zero_gradient(
        lambda z, _: weighted_softmax_loss(z, targets, WEIGHT, reduction="sum"), logits
    )
    P = t.T @ proba_from_logits(z) / t.sum(axis=0)[:, None]
    np.testing.assert_allclose(residual(P, class_mass(WEIGHT, t.sum(axis=0))), 0, atol=1e-8)


MODULES = [
    WeightedSoftmaxLoss(),
    WeightedSoftmaxLoss(WEIGHT, label_smoothing=0.1),
    OneVsAllLogisticLoss(WEIGHT),
    LGLINRLoss(K),
]


@pytest.mark.parametrize("loss", MODULES, ids=lambda loss: type(loss).__name__)
@pytest.mark.parametrize("axes", [(), (0,), (3,)])
def test_of_no_samples_it_is_zero_and_so_is_its_gradient(loss, axes):
    """Theirs is NaN: 0 / 0. A network that sees none of them takes no step."""
    layer = torch.nn.Linear(2, K)
    z = layer(torch.zeros(0, 2)).reshape(0 if axes != (0,) else 3, K, *axes)
    y = torch.zeros(len(z), *axes, dtype=torch.long)
    value = loss(z, y)
    value.backward()
    assert value == 0
    assert value.shape == ()
    assert all((p.grad == 0).all() for p in layer.parameters())
    assert cross_entropy(z, y).isnan()


def test_where_all_samples_are_ignored_it_is_zero_whatever_their_logits_are():
    z, y = torch.full((3, K), -torch.inf), torch.full((3,), -100)
    for loss in MODULES:
        assert loss(z, y) == 0
    assert WeightedLogisticLoss()(z[:, 0], y) == WeightedLogisticLoss()(z[:0, 0], y[:0]) == 0
    assert WeightedLogisticLoss()(z[:, :1], y.float()) == 0
    # Of some of them a class that cannot be, as of a mask; torch has it so.
    z, y = torch.zeros(2, K), torch.tensor([1, -100])
    z[:, 0] = -torch.inf
    torch.testing.assert_close(WeightedSoftmaxLoss()(z, y), cross_entropy(z, y))
    assert cross_entropy(z, y).isfinite()


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (WeightedSoftmaxLoss, r"must be probabilities of the classes, of sum 1, got \[0\.5, 0\.5,"),
        (LGLINRLoss, r"targets must be labels \(9,\), got \(9, 4\): LGL-INR"),
    ],
)
def test_targets_that_are_no_probabilities_are_named(loss, message):
    z = draw()[0]
    make = loss(K) if loss is LGLINRLoss else loss()
    with pytest.raises(ValueError, match=message):
        make(z, torch.full((N, K), 0.5))
    if loss is not LGLINRLoss:
        with pytest.raises(ValueError, match="must be floating point as probabilities, got"):
            make(z, torch.ones(N, K, dtype=torch.long))
        make(z, torch.softmax(z.detach().bfloat16(), dim=1))  # as exact as it can be


@pytest.mark.parametrize("bad", [-0.1, 1.1, "0.1", True, None, float("nan")])
def test_bad_smoothing_and_ignored_labels_are_named(bad):
    z, y = draw()
    for function in (weighted_softmax_loss, one_vs_all_logistic_loss):
        with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\], got"):
            function(z, y, label_smoothing=bad)
    with pytest.raises(ValueError, match=r"label_smoothing must be in \[0, 1\], got"):
        WeightedSoftmaxLoss(label_smoothing=bad)
    for make in (WeightedSoftmaxLoss, WeightedLogisticLoss, lambda **how: LGLINRLoss(K, **how)):
        with pytest.raises(ValueError, match="ignore_index must be an integer, got"):
            make(ignore_index=bad)


# Labels out of range where nobody looks: no number.


def calls(validate):
    how = {"validate": validate}
    return {
        "softmax": lambda z, y: weighted_softmax_loss(z, y, WEIGHT, **how),
        "smoothed": lambda z, y: weighted_softmax_loss(z, y, label_smoothing=0.1, **how),
        "one-vs-all": lambda z, y: one_vs_all_logistic_loss(z, y, WEIGHT, **how),
        "logistic": lambda z, y: weighted_logistic_loss(z[:, 0], y, WEIGHT[:2], **how),
        "float": lambda z, y: weighted_logistic_loss(z[:, 0], y.double(), **how),
        "lgl-inr": lambda z, y: lgl_inr_loss(z, y, **how),
    }


@pytest.mark.parametrize("name", calls(False))
@pytest.mark.parametrize("bad", [-1, K, 10**9])
def test_a_label_out_of_range_that_nobody_looks_at_is_nan(name, bad):
    z, y = draw()
    blind, looking = calls(False)[name], calls(True)[name]
    y = y.clamp(max=1)
    torch.testing.assert_close(blind(z, y), looking(z, y), rtol=1e-14, atol=0)
    y[3] = bad
    with pytest.raises(ValueError, match="targets must be"):
        looking(z, y)
    value = blind(z, y)
    assert value.isnan()
    assert torch.autograd.grad(value, z)[0][3].isnan().any()
    for call in (blind, looking):  # who cannot look there
        assert torch.vmap(call)(z.detach()[None], y[None]).isnan().all()


@pytest.mark.parametrize("name", ["softmax", "lgl-inr"])
def test_compiled_it_is_nan_and_what_is_ignored_left_out(name):
    """Compiled code looks at no label, with `validate` or without."""
    (z, y), call = draw(), calls(True)[name]
    y = y.clamp(max=1)
    torch._dynamo.reset()
    fast = torch.compile(call, fullgraph=True, backend="aot_eager")
    y[3] = -1
    assert fast(z, y).isnan()
    y[3] = -100
    assert_same(fast(z, y), call(z, y), z)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        single = call(z.float(), y)
    torch.testing.assert_close(single.double(), call(z, y), rtol=1e-5, atol=1e-6)
