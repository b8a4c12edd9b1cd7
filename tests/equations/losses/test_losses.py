"""Eq. (1) and one-vs-all against loops in numpy, PyTorch's own losses, and far logits."""

import numpy as np
import pytest
import torch
from torch.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    one_hot,
)

from learnprop.equations.losses import lgl_inr, one_vs_all, softmax
from learnprop.equations.losses.lgl_inr import lgl_inr_loss
from learnprop.equations.losses.logistic import WeightedLogisticLoss, weighted_logistic_loss
from learnprop.equations.losses.one_vs_all import OneVsAllLogisticLoss, one_vs_all_logistic_loss
from learnprop.equations.losses.softmax import WeightedSoftmaxLoss, weighted_softmax_loss

RTOL = {torch.float64: 1e-10, torch.float32: 1e-5}
SIZES = (1, 2, 7, 64)
SCALES = (0.1, 3.0, 100.0)
FUNCTIONS = (weighted_softmax_loss, weighted_logistic_loss, one_vs_all_logistic_loss)


def slow_softmax(z, y, weight):
    """Eq. (1): the sum over classes k of λ_k times the sum over S_k of -log f_k."""
    total = 0.0
    for k in range(z.shape[1]):
        for i in np.flatnonzero(y == k):
            total += weight[k] * (np.logaddexp.reduce(z[i]) - z[i, k])
    return total


def slow_logistic(z, y, weight):
    """Eq. (1) of two classes: -log σ(z) = log(1 + e^-z) of class 1, log(1 + e^z) of class 0."""
    total = 0.0
    for k, sign in ((0, 1), (1, -1)):
        for i in np.flatnonzero(y == k):
            total += weight[k] * np.logaddexp(0.0, sign * z[i])
    return total


def slow_one_vs_all(z, y, weight):
    """For each output k its logistic loss of "class k or not"; λ is that of the true class."""
    total = 0.0
    for k in range(z.shape[1]):
        for i in range(len(y)):
            sign = -1 if y[i] == k else 1
            total += weight[y[i]] * np.logaddexp(0.0, sign * z[i, k])
    return total


def draw(rng, n_samples, n_classes, scale, dtype, few=False):
    """Logits and labels; with `few` of them, labels of half the classes only."""
    z = torch.as_tensor(scale * rng.normal(size=(n_samples, n_classes)), dtype=dtype)
    return z, torch.as_tensor(
        rng.integers((n_classes + 1) // 2 if few else n_classes, size=n_samples)
    )


def one_logit(function, z):
    return z[:, 0].contiguous() if function is weighted_logistic_loss else z


def gradient(loss, z):
    z = z.detach().clone().requires_grad_()
    return torch.autograd.grad(loss(z), z)[0]


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("n_classes", [2, 3, 10, 100, 1000])
@pytest.mark.parametrize(
    ("function", "slow"),
    [(weighted_softmax_loss, slow_softmax), (one_vs_all_logistic_loss, slow_one_vs_all)],
)
def test_values_of_k_logits(function, slow, n_classes, dtype):
    rng = np.random.default_rng(n_classes)
    for n in SIZES:
        for scale in SCALES if n * n_classes < 10_000 else SCALES[1:2]:
            z, y = draw(rng, n, n_classes, scale, dtype, few=n == 7)
            weight = torch.as_tensor(rng.uniform(0.1, 5.0, size=n_classes), dtype=dtype)
            tolerance = {"rel": RTOL[dtype], "abs": 0.0}
            if function is weighted_softmax_loss:  # differences of logits are rounded as they are
                largest = max(1.0, float(z.abs().max()))
                tolerance["abs"] = 5 * n * torch.finfo(dtype).eps * largest
            for given, used in ((None, np.ones(n_classes)), (weight, weight.double().numpy())):
                expected = slow(z.double().numpy(), y.numpy(), used)
                total = function(z, y, given, reduction="sum")
                assert total.dtype == dtype
                assert total.item() == pytest.approx(expected, **tolerance)
                mean = function(z, y, given).item()
                assert mean == pytest.approx(expected / n, **tolerance)


@pytest.mark.parametrize("dtype", RTOL)
def test_values_of_one_logit(dtype):
    rng = np.random.default_rng(0)
    for n in (*SIZES, 300):
        for scale in SCALES:
            z, y = draw(rng, n, 2, scale, dtype, few=n == 7)
            z, weight = z[:, 0], torch.as_tensor(rng.uniform(0.1, 5.0, size=2), dtype=dtype)
            for given, used in ((None, np.ones(2)), (weight, weight.double().numpy())):
                expected = slow_logistic(z.double().numpy(), y.numpy(), used)
                total = weighted_logistic_loss(z, y, given, reduction="sum").item()
                mean = weighted_logistic_loss(z, y, given).item()
                assert total == pytest.approx(expected, rel=RTOL[dtype])
                assert mean == pytest.approx(expected / n, rel=RTOL[dtype])


@pytest.fixture
def problem():
    rng = np.random.default_rng(5)
    z, y = draw(rng, 40, 4, 3.0, torch.float64)
    return z, y, torch.tensor([0.3, 2.0, 1.0, 5.0], dtype=torch.float64)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_gradients_are_finite_differences(function, reduction):
    rng = np.random.default_rng(1)
    z, y = draw(rng, 5, 2 if function is weighted_logistic_loss else 4, 2.0, torch.float64)
    z = one_logit(function, z).requires_grad_()
    weight = torch.tensor([0.5, 2.0, 1.0, 3.0], dtype=torch.float64)[
        : z.shape[1] if z.ndim > 1 else 2
    ]
    assert torch.autograd.gradcheck(lambda z: function(z, y, weight, reduction=reduction), z)


def test_softmax_is_torchs_cross_entropy(problem):
    z, y, weight = problem
    total = weighted_softmax_loss(z, y, weight, reduction="sum")
    torch.testing.assert_close(total, cross_entropy(z, y, weight, reduction="sum"))
    # E8: our mean is over samples, theirs over the weights of the batch.
    mean = weighted_softmax_loss(z, y, weight)
    torch.testing.assert_close(mean, total / 40)
    assert not torch.isclose(mean, cross_entropy(z, y, weight))
    torch.testing.assert_close(mean * 40 / weight[y].sum(), cross_entropy(z, y, weight))


def test_logistic_is_torchs_binary_cross_entropy(problem):
    z, y, weight = problem[0][:, 0], problem[1] % 2, problem[2][:2]
    expected = binary_cross_entropy_with_logits(z, y.double(), weight[y], reduction="sum")
    torch.testing.assert_close(weighted_logistic_loss(z, y, weight, reduction="sum"), expected)


def test_logistic_is_the_softmax_of_zero_and_the_logit(problem):
    z, y, weight = problem[0][:, 0], problem[1] % 2, problem[2][:2]
    two = torch.stack([torch.zeros_like(z), z], dim=1)
    torch.testing.assert_close(
        weighted_logistic_loss(z, y, weight), weighted_softmax_loss(two, y, weight)
    )


def test_one_vs_all_is_torchs_binary_cross_entropy_of_one_hot(problem):
    z, y, weight = problem
    expected = binary_cross_entropy_with_logits(
        z, one_hot(y, 4).double(), weight[y][:, None], reduction="sum"
    )
    torch.testing.assert_close(one_vs_all_logistic_loss(z, y, weight, reduction="sum"), expected)


# All outputs are wrong by 100: a nat for each unit, and a slope of one for each.
WRONG = {
    "softmax": (weighted_softmax_loss, [[-100.0, 100.0]], [0], 200.0, [[-1.0, 1.0]]),
    "logistic 1": (weighted_logistic_loss, [-100.0], [1], 100.0, [-1.0]),
    "logistic 0": (weighted_logistic_loss, [100.0], [0], 100.0, [1.0]),
    "one-vs-all": (
        one_vs_all_logistic_loss, [[-100.0, 100.0, 100.0]], [0], 300.0, [[-1.0, 1.0, 1.0]],
    ),
    # Each class has one sample. Output k: 100 of its positive, 100 of its negatives of λ = 1/2.
    "lgl-inr": (
        lgl_inr_loss, [[-100.0, 100, 100], [100, -100, 100], [100, 100, -100]], [0, 1, 2], 600.0,
        [[-1.0, 0.5, 0.5], [0.5, -1.0, 0.5], [0.5, 0.5, -1.0]],
    ),
}  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", WRONG)
def test_far_on_the_wrong_side_the_gradient_does_not_vanish(case, dtype):
    function, logits, labels, value, slope = WRONG[case]
    z, y = torch.tensor(logits, dtype=dtype), torch.tensor(labels)
    how = {"reduction": "sum"}
    assert function(z, y, **how).item() == pytest.approx(value, rel=1e-6)
    found = gradient(lambda z: function(z, y, **how), z)
    torch.testing.assert_close(found, torch.tensor(slope, dtype=dtype))
    # At ±10000 too, and on the right side it is zero and finite.
    assert function(100 * z, y, **how).item() == pytest.approx(100 * value, rel=1e-6)
    assert function(-100 * z, y, **how).item() == 0
    assert torch.isfinite(gradient(lambda z: function(z, y, **how), -100 * z)).all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("z", [-100.0, 100.0])
def test_the_logarithm_of_a_probability_and_a_constant_has_no_gradient_there(z, dtype):
    """The control: -log(p + 1e-7) is 16 nats at most, and flat."""
    logit, label = torch.tensor([z], dtype=dtype), torch.tensor([int(z < 0)])

    def naive(z):
        p = torch.sigmoid(z)
        return -torch.log((p if z < 0 else 1 - p) + 1e-7).sum()

    assert naive(logit).item() == pytest.approx(-np.log(1e-7), rel=1e-6)
    assert abs(gradient(naive, logit).item()) < 1e-30
    ours = gradient(lambda z: weighted_logistic_loss(z, label), logit).item()
    assert abs(ours) == pytest.approx(1.0)


def test_minibatches_of_training_take_leading_axes_and_weights_of_their_own():
    """What networks that are trained together minimise; users' functions take none."""
    rng = np.random.default_rng(3)
    z, y = (
        torch.stack(a)
        for a in zip(*(draw(rng, 5, 3, 2.0, torch.float64) for _ in range(4)), strict=True)
    )
    weight = torch.as_tensor(rng.uniform(0.5, 2.0, size=(4, 3)))
    each = torch.stack([weighted_softmax_loss(z[b], y[b], weight[b]) for b in range(4)])
    torch.testing.assert_close(softmax.minibatch_loss(z, y, 5, weight), each)
    assert not torch.allclose(softmax.minibatch_loss(z, y, 5, weight[0]), each)
    nested = (z.unflatten(0, (2, 2)), y.unflatten(0, (2, 2)))
    torch.testing.assert_close(
        softmax.minibatch_loss(*nested, 5, weight.unflatten(0, (2, 2))),
        each.unflatten(0, (2, 2)),
    )
    each = torch.stack([one_vs_all_logistic_loss(z[b], y[b]) for b in range(4)])
    torch.testing.assert_close(one_vs_all.minibatch_loss(z, y, 5), each)
    each = torch.stack([lgl_inr_loss(z[b], y[b], 4.0) for b in range(4)])
    torch.testing.assert_close(lgl_inr.minibatch_loss(z, y, 5, 4.0), each)


Z, Y = torch.zeros(3, 4), torch.tensor([0, 1, 3])
K_LOGITS = (weighted_softmax_loss, one_vs_all_logistic_loss, lgl_inr_loss)


@pytest.mark.parametrize("function", K_LOGITS)
@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (Z, torch.tensor([0, -1, 3]), r"targets must be labels 0 \.\. 3, got -1"),
        (Z, torch.tensor([0, 4, 3]), r"targets must be labels 0 \.\. 3, got 4"),
        (Z, torch.tensor([255, 0, 0], dtype=torch.uint8), r"labels 0 \.\. 3, got 255"),
        (Z, Y[:2], r"targets \(n_samples, d1, \.\.\.\), .* got \(3, 4\) and \(2,\)"),
        (Z, Y[:, None], r"targets \(n_samples, d1, \.\.\.\), .* got \(3, 4\) and \(3, 1\)"),
        (Z[0], Y[0], r"logits must be \(n_samples, n_classes, .* got \(4,\) and \(\)"),
        (Z[:, :1], 0 * Y, "at least 2 classes, got 1: of one logit .* WeightedLogisticLoss"),
        (Z, Y.float(), "targets must be integers, got torch.float32"),
        (Z, Y > 0, "targets must be integers, got torch.bool"),
        (Z, Y.to(torch.complex64), "targets must be integers, got torch.complex64"),
        (Z.long(), Y, "logits must be floating point, got torch.int64"),
        (Z.bool(), Y, "logits must be floating point, got torch.bool"),
    ],
)
def test_bad_samples_are_named(function, logits, targets, message):
    with pytest.raises(ValueError, match=message):
        function(logits, targets)


@pytest.mark.parametrize(
    ("logits", "targets", "message"),
    [
        (Z, Y, r"logits must be \(n_samples,\) or .* as many, got \(3, 4\) and \(3,\)"),
        (Z[:, :1], Y[None], r"logits must be \(n_samples,\) .* got \(3, 1\) and \(1, 3\)"),
        (Z[:, 0], Y, r"targets must be labels 0 \.\. 1, got 3"),
        (Z[:, 0], Y - 1, r"targets must be labels 0 \.\. 1, got -1"),
        (Z[:, 0], Y.double(), r"targets must be in \[0, 1\], got 3"),
        (Z[:, 0], -0.5 * Y, r"targets must be in \[0, 1\], got -0\.5"),
        (Z[:, 0], np.nan * Y, r"targets must be in \[0, 1\], got nan"),
        (Z[:, 0], Y > 0, "targets must be integers, got torch.bool"),
        (Z[:, 0].int(), Y, "logits must be floating point, got torch.int32"),
    ],
)
def test_bad_samples_of_one_logit_are_named(logits, targets, message):
    with pytest.raises(ValueError, match=message):
        weighted_logistic_loss(logits, targets)


@pytest.mark.parametrize("function", [*FUNCTIONS, lgl_inr_loss])
def test_a_bad_reduction_is_named(function):
    with pytest.raises(ValueError, match="reduction must be one of mean, sum, none, got 'each'"):
        function(one_logit(function, Z), Y.clamp(max=1), reduction="each")


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("shape", [(), (3,), (1,), (3, 5)])
def test_class_weights_of_another_number_of_classes_are_named(function, shape):
    with pytest.raises(ValueError, match=r"class_weight must be of [24] classes, got shape"):
        function(one_logit(function, Z), Y.clamp(max=1), torch.ones(shape))


@pytest.mark.parametrize(
    "module", [WeightedSoftmaxLoss, WeightedLogisticLoss, OneVsAllLogisticLoss]
)
@pytest.mark.parametrize(
    ("weight", "reduction", "message"),
    [
        ([1.0, -1.0], "mean", r"not negative and not all zero, got \[1\.0, -1\.0\]"),
        ([0.0, 0.0], "mean", r"not negative and not all zero, got \[0\.0, 0\.0\]"),
        ([1.0, np.nan], "mean", "must be finite, not .*nan"),
        ([1.0, np.inf], "mean", "must be finite, not .*inf"),
        (torch.tensor([1j, 1.0]), "mean", "must be real numbers, got torch.complex64"),
        ([1.0], "mean", r"class_weight must be \(n_classes,\), got \(1,\)"),
        (1.0, "mean", r"class_weight must be \(n_classes,\), got \(\)"),
        ([[1.0, 1.0]], "mean", r"class_weight must be \(n_classes,\), got \(1, 2\)"),
        (None, None, "reduction must be one of mean, sum, none, got None"),
    ],
)
def test_bad_arguments_of_a_module_are_named(module, weight, reduction, message):
    with pytest.raises(ValueError, match=message):
        module(weight, reduction=reduction)


def test_what_is_no_tensor_or_no_weight_is_named_unless_told_not_to_look():
    z, y = torch.zeros(2, 2), torch.tensor([0, 1])
    with pytest.raises(ValueError, match="targets must be a tensor, got list"):
        weighted_softmax_loss(z, [0, 1])
    with pytest.raises(ValueError, match="class_weight must hold numbers, got"):
        weighted_softmax_loss(z, y, [1.0, "two"])
    for bad in (-1.0, float("inf"), float("nan")):
        weight = torch.tensor([1.0, bad])
        with pytest.raises(ValueError, match="class_weight must be finite, not negative"):
            weighted_softmax_loss(z, y, weight)
        weighted_softmax_loss(z, y, weight, validate=False)
    with pytest.raises(ValueError, match=r"class_weight must be \(n_classes,\), got \(3,\)"):
        WeightedLogisticLoss([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="class_weight must be of 2 classes, got shape"):
        weighted_softmax_loss(z, y, torch.ones(3, 2))
