"""Class weights as scikit-learn takes them, and classes that are switched off."""

from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn.functional import cross_entropy

from learnprop.equations.losses.logistic import WeightedLogisticLoss, weighted_logistic_loss
from learnprop.equations.losses.one_vs_all import OneVsAllLogisticLoss, one_vs_all_logistic_loss
from learnprop.equations.losses.running_lgl_inr import RunningLGLINRLoss
from learnprop.equations.losses.softmax import WeightedSoftmaxLoss, weighted_softmax_loss

K = 3
MODULES = [WeightedSoftmaxLoss, OneVsAllLogisticLoss, WeightedLogisticLoss]
FUNCTIONS = [weighted_softmax_loss, one_vs_all_logistic_loss, weighted_logistic_loss]
EVERY = pytest.mark.parametrize(("module", "function"), list(zip(MODULES, FUNCTIONS, strict=True)))


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat(np.arange(K), [20, 8, 2]))
    return torch.as_tensor(rng.normal(size=(30, K))).requires_grad_(), torch.as_tensor(y)


def fitting(module, z, y):
    """Logits, labels and class sizes that a loss takes."""
    if module is WeightedLogisticLoss:
        z, y = z[:, 0], y.clamp(max=1)
    return z, y, torch.bincount(y).tolist()


@EVERY
@pytest.mark.parametrize("given", ["balanced", {1: 5.0}, {0: 0.5, 1: 0.0}])
def test_they_are_scikit_learns(module, function, given, sample):
    z, y, count = fitting(module, *sample)
    classes = np.arange(len(count))
    expected = compute_class_weight(given, classes=classes, y=y.numpy())
    loss = module(given, class_count=count)
    np.testing.assert_allclose(loss.class_weight, expected, rtol=1e-15)
    torch.testing.assert_close(loss(z, y), module(expected)(z, y))
    sizes = count if given == "balanced" else None  # how many classes, logits say
    torch.testing.assert_close(function(z, y, given, class_count=sizes), loss(z, y))


def test_of_a_module_a_dict_says_all_classes_or_there_are_counts(sample):
    every = WeightedSoftmaxLoss({2: 5.0, 0: 2, np.int64(1): 1})
    assert every.class_weight.tolist() == [2.0, 1.0, 5.0]
    assert WeightedLogisticLoss({0: 5.0}).class_weight.tolist() == [5.0, 1.0]
    for module in (WeightedSoftmaxLoss, OneVsAllLogisticLoss):
        for few in ({1: 2.0}, {0: 2.0}, {0: 1.0, 2: 2.0}, {}):
            with pytest.raises(ValueError, match="class_count is needed for a dict"):
                module(few)
        loss = module({1: 2.0}, class_count=[9, 9, 9])
        assert "class_weight" in loss.state_dict()
        assert torch.equal(loss(*sample), module([1.0, 2.0, 1.0])(*sample))


SERIES = pd.Series([5.0, 1.0], index=[1, 0])


@EVERY
def test_a_series_in_another_order_is_refused(module, function):
    z, y = torch.zeros(2, 2), torch.tensor([0, 1])
    z = z[:, 0] if module is WeightedLogisticLoss else z
    for weight, how in ((SERIES, {}), ("balanced", {"class_count": SERIES})):
        for call in (module, partial(function, z, y)):
            with pytest.raises(ValueError, match=r"is a Series in the order \[1, 0\]: sort_index"):
                call(weight, **how)
    with pytest.raises(ValueError, match="class_count is a Series in the order"):
        RunningLGLINRLoss(SERIES)
    assert module(SERIES.sort_index()).class_weight.tolist() == [1.0, 5.0]


@pytest.mark.parametrize("module", MODULES)
def test_tensors_with_a_gradient_are_numbers_and_complex_ones_are_not(module):
    learnt = torch.tensor([1.0, 3.0], requires_grad=True)
    for weight, count in (
        (list(learnt), None), ({0: learnt[0], 1: learnt[1]}, None), ("balanced", learnt),
    ):  # fmt: skip
        found = module(weight, class_count=count).class_weight
        assert (found[1] / found[0]).item() == pytest.approx(1 / 3 if count is not None else 3)
    for bad in (np.array([1j, 2]), [1j, 2]):
        with pytest.raises(ValueError, match="class_weight must hold numbers, got"):
            module(bad)


@pytest.mark.parametrize("module", MODULES)
def test_pytorchs_names_of_arguments_lead_to_ours(module):
    with pytest.raises(TypeError, match=rf"^{module.__name__} .* 'weight': pass class_weight$"):
        module(weight=torch.ones(2))
    with pytest.raises(TypeError, match=r"'pos_weight': pass class_weight=\[1, pos_weight\]"):
        module(pos_weight=torch.ones(1))
    with pytest.raises(TypeError, match=r"'wait'$"):
        module(wait=1)


def test_lists_and_arrays_are_weights_of_functions_too(sample):
    expected = cross_entropy(*sample, torch.tensor([1.0, 2, 3]).double(), reduction="sum")
    for given in ([1, 2, 3], (1.0, 2.0, 3.0), np.array([1, 2, 3]), torch.tensor([1, 2, 3])):
        total = weighted_softmax_loss(*sample, given, reduction="sum")
        torch.testing.assert_close(total, expected)


@EVERY
def test_a_class_of_weight_zero_is_switched_off(module, function, sample):
    """It has no gradient and is not predicted for; it counts in the mean, as a constant."""
    z, y, count = fitting(module, *sample)
    weight = [0.0, *[2.0] * (len(count) - 1)]
    loss = module(weight)
    slope = torch.autograd.grad(loss(z, y), sample[0], retain_graph=True)[0]
    assert (slope[y == 0] == 0).all()
    assert slope[y != 0].abs().max() > 0
    rest = function(z[y != 0], y[y != 0], weight, reduction="sum")
    torch.testing.assert_close(loss(z, y), rest / len(y))


@EVERY
@pytest.mark.parametrize(
    ("weight", "count", "message"),
    [
        ("balanced", None, "class_count is needed for class_weight 'balanced'"),
        ("balanced", [5, 0], r"class_count must be positive, got \[5.0, 0.0\]"),
        ("balanced", [5], r"class_count must hold at least 2 sizes, got shape \(1,\)"),
        ("balanced", ["a", "b"], "class_count must hold numbers, got"),
        ("balanced", [5, np.nan], r"class_count must be positive, got \[5.0, nan\]"),
        ("inverse", [5, 5], "class_weight must be numbers, a dict or 'balanced', got 'inverse'"),
        ({"0": 1.0}, None, r"class_weight must have labels 0, 1, \.\.\. as keys, got '0'"),
        ({-1: 1.0}, None, r"class_weight must have labels 0, 1, \.\.\. as keys, got -1"),
        ({True: 1.0}, None, r"class_weight must have labels 0, 1, \.\.\. as keys, got True"),
        ({0: "a", 1: 1}, None, "class_weight must be a number, got 'a'"),
        ({0: -1.0, 1: 1.0}, None, "class_weight must be finite, not negative and not all zero"),
        ({0: 0, 1: 0}, None, "class_weight must be finite, not negative and not all zero"),
        ([1.0, 2.0], [5, 5], "class_count is taken with class_weight 'balanced' or a dict only"),
        (None, [5, 5], "class_count is taken with class_weight 'balanced' or a dict only"),
        ([1.0, None], None, "class_weight must be finite, not negative"),
        (object(), None, "class_weight must hold numbers, got"),
    ],
)
def test_bad_ones_are_named(module, function, weight, count, message):
    z, y = torch.zeros(2, 2), torch.tensor([0, 1])
    z = z[:, 0] if module is WeightedLogisticLoss else z
    with pytest.raises(ValueError, match=message):
        module(weight, class_count=count)
    with pytest.raises(ValueError, match=message):
        function(z, y, weight, class_count=count)


@EVERY
def test_a_class_that_is_not_there_has_no_weight(module, function):
    z = torch.zeros(2) if module is WeightedLogisticLoss else torch.zeros(2, 2)
    with pytest.raises(ValueError, match=r"class_weight: key 2 is no class: they are 0 \.\. 1"):
        function(z, torch.tensor([0, 1]), {2: 1.0})
    with pytest.raises(ValueError, match=r"class_weight: key 2 is no class: they are 0 \.\. 1"):
        module({2: 1.0}, class_count=[3, 3])
