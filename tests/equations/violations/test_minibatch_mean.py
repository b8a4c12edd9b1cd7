"""Minibatches divided by their own weights: what acts, and what to pass for it to act as asked."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn.functional import cross_entropy
from torch.utils.data import WeightedRandomSampler

from learnprop.equations.arguments import BadArgument
from learnprop.equations.violations.minibatch_mean import (
    class_weight_for_minibatch_mean,
    minibatch_mean_class_weight,
)

COUNT = np.array([10_000, 100])


def acted_upon(weight, count, loss, n_minibatches, drawn_by=None):
    """Ratio of weights, by class, of the gradients that minibatches have in their samples' losses.

    With the MCSE of the ratio. `loss(losses of minibatches, labels)` is a number.
    """
    torch.manual_seed(0)
    y = torch.repeat_interleave(torch.arange(len(count)), torch.as_tensor(count))
    by = torch.ones(len(y)) if drawn_by is None else torch.as_tensor(drawn_by)[y]
    size = n_minibatches * loss.batch_size
    drawn = y[torch.tensor(list(WeightedRandomSampler(by.double(), size)))]
    parts = loss(drawn.view(n_minibatches, -1), torch.as_tensor(weight)).numpy()
    mean, covariance = parts.mean(axis=0), np.cov(parts.T) / n_minibatches
    ratio = mean[1] / mean[0] * count[0] / count[1]
    slope = np.array([-1 / mean[0], 1 / mean[1]])
    return ratio, ratio * np.sqrt(slope @ covariance @ slope)


class Mean:
    """Part of each class in cross_entropy(weight=..., reduction="mean"), over micro-batches."""

    def __init__(self, batch_size, micro_batch=None):
        self.batch_size, self.micro_batch = batch_size, micro_batch or batch_size

    def __call__(self, y, weight):
        n, k = len(y), len(weight)
        parts = torch.zeros(n, k, dtype=torch.float64)
        for first in range(0, self.batch_size, self.micro_batch):
            labels = y[:, first : first + self.micro_batch]
            counts = torch.nn.functional.one_hot(labels, k).sum(dim=1).double()
            parts += counts * weight / (counts * weight).sum(dim=1, keepdim=True)
        return parts


def test_the_parts_are_those_of_pytorch():
    """Its gradient in logits of zero, (1/2 - y) times the weight over that of the minibatch."""
    y, weight = torch.tensor([0, 1, 0, 0, 0, 1]), torch.tensor([0.2, 3.0], dtype=torch.float64)
    z = torch.zeros(6, 2, dtype=torch.float64, requires_grad=True)
    cross_entropy(z, y, weight=weight).backward()
    own = torch.bincount(y, weights=-2 * z.grad[torch.arange(6), y])
    np.testing.assert_allclose(own, Mean(6)(y[None], weight)[0], rtol=1e-12)


@pytest.mark.parametrize(
    ("batch_size", "more"),
    [
        (64, {}),
        (64, {"micro_batch": 16}),
        (128, {"replicas": 2}),
        (256, {"replicas": 4, "micro_batch": 32}),
        (64, {"sampler_weight": [1.0, 7.0]}),
        (32, {"sampler_weight": "inverse", "micro_batch": 8}),
    ],
)
def test_minibatches_act_upon_what_is_predicted(batch_size, more):
    by = {"inverse": 1 / COUNT}.get(str(more.get("sampler_weight")), more.get("sampler_weight"))
    of_one = batch_size // more.get("replicas", 1)
    loss = Mean(of_one, more.get("micro_batch"))
    ratio, mcse = acted_upon(1 / COUNT, COUNT, loss, 4000, by)
    found = minibatch_mean_class_weight(1 / COUNT, COUNT, batch_size, **more)
    predicted = found[1] / found[0]
    assert abs(ratio - predicted) <= 4 * mcse
    assert mcse < 0.05 * predicted
    if more:  # the control: what it would be without
        plain = minibatch_mean_class_weight(1 / COUNT, COUNT, of_one)
        assert abs(ratio - plain[1] / plain[0]) > 4 * mcse or "replicas" in more


def test_replicas_and_micro_batches_are_smaller_batches():
    inverse = 1 / COUNT
    same = minibatch_mean_class_weight(inverse, COUNT, 16)
    for whole, more in ((64, {"replicas": 4}), (64, {"micro_batch": 16}), (
        128, {"replicas": 2, "micro_batch": 16})):  # fmt: skip
        np.testing.assert_array_equal(
            minibatch_mean_class_weight(inverse, COUNT, whole, **more), same
        )


def test_a_sampler_of_inverse_frequency_acts_upon_them_and_weights_on_top():
    equal = minibatch_mean_class_weight([1, 1], COUNT, 64, sampler_weight="inverse")
    assert equal[1] / equal[0] == pytest.approx(100, rel=1e-12)
    both = minibatch_mean_class_weight(1 / COUNT, COUNT, 64, sampler_weight="inverse")
    assert 1000 < both[1] / both[0] < 10_000  # twice corrected


def test_with_the_inverse_weights_minibatches_act_as_asked():
    weight = class_weight_for_minibatch_mean(1 / COUNT, COUNT, 128)
    ratio, mcse = acted_upon(weight, COUNT, Mean(128), 8000)
    assert abs(ratio - 100) <= 4 * mcse
    assert mcse < 3
    plain, its_mcse = acted_upon(1 / COUNT, COUNT, Mean(128), 8000)
    assert abs(plain - 100) > 4 * its_mcse  # the control


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("batch_size", [2, 3, 8, 64, 256])
def test_the_inverse_inverts(n_classes, batch_size):
    rng = np.random.default_rng(n_classes)
    for _ in range(3):
        count = np.round(10 ** rng.uniform(1, 5, n_classes)) + 1
        by = 10 ** rng.uniform(-1, 1, n_classes)
        given = 10 ** rng.uniform(-1.5, 1.5, n_classes)
        acts = minibatch_mean_class_weight(given, count, batch_size, sampler_weight=by)
        found = class_weight_for_minibatch_mean(acts, count, batch_size, sampler_weight=by)
        again = minibatch_mean_class_weight(found, count, batch_size, sampler_weight=by)
        np.testing.assert_allclose(again, acts, rtol=1e-11)
        # Unique, too. Near the limits weights are worse determined than what they act upon.
        np.testing.assert_allclose(found, given / given.sum(), rtol=1e-6)


def test_a_thousand_to_one_in_small_minibatches():
    count = [1_000_000, 1000]
    found = class_weight_for_minibatch_mean([1, 7.9], count, 8)
    acts = minibatch_mean_class_weight(found, count, 8)
    assert acts[1] / acts[0] == pytest.approx(7.9, rel=1e-10)


@pytest.mark.parametrize("batch_size", [2, 8, 64])
def test_the_largest_ratio_is_that_of_minibatches_with_and_without_the_class(batch_size):
    """As its weight grows a class has all of each minibatch that it is in: P / (1 - P) of mass."""
    present = 1 - (100 / 101) ** batch_size
    bound = 100 * present / (1 - present)
    huge = minibatch_mean_class_weight([1, 1e9], COUNT, batch_size)
    assert huge[1] / huge[0] == pytest.approx(bound, rel=1e-5)
    assert huge[1] / huge[0] < bound
    class_weight_for_minibatch_mean([1, bound * (1 - 1e-4)], COUNT, batch_size)
    with pytest.raises(BadArgument, match="batch_size must be at least"):
        class_weight_for_minibatch_mean([1, bound * (1 + 1e-4)], COUNT, batch_size)


def test_the_batch_size_that_an_error_names_is_the_smallest():
    with pytest.raises(BadArgument, match="batch_size must be at least 70 for these weights"):
        class_weight_for_minibatch_mean(1 / COUNT, COUNT, 64)
    with pytest.raises(BadArgument, match="must be at least 70"):
        class_weight_for_minibatch_mean(1 / COUNT, COUNT, 69)
    with pytest.raises(BadArgument, match=r"batch_size must be at least 140 .* minibatches of 32"):
        class_weight_for_minibatch_mean(1 / COUNT, COUNT, 64, replicas=2)
    with pytest.raises(BadArgument, match=r"micro_batch must be at least 70 .* minibatches of 16"):
        class_weight_for_minibatch_mean(1 / COUNT, COUNT, 64, replicas=2, micro_batch=16)
    found = class_weight_for_minibatch_mean(1 / COUNT, COUNT, 70)
    acts = minibatch_mean_class_weight(found, COUNT, 70)
    assert acts[1] / acts[0] == pytest.approx(100, rel=1e-9)


def test_what_several_classes_reach_is_decided_by_all_their_unions():
    """Each class alone could have its part; the two rare ones together could not."""
    count, B = np.array([9800, 100, 100]), 40
    present = 1 - 0.99**B  # 0.331 of one, 0.554 of either
    wanted = np.array([1 - 2 * 0.3, 0.3, 0.3])
    assert 0.3 < present < 0.6
    assert 1 - 0.98**B < 0.6
    with pytest.raises(BadArgument, match=r"at least 46 .*: 2 of the classes are in 55.4 % of"):
        class_weight_for_minibatch_mean(wanted / count, count, B)
    class_weight_for_minibatch_mean(wanted / count, count, 46)


def test_shuffled_loaders_and_last_minibatches_change_little():
    """The numbers of the docstring, by the hypergeometric distribution."""

    def acts(count, batch_size):
        weight, found = 1 / np.array(count), []
        for k in (0, 1):
            drawn = np.arange(batch_size)
            rare = count[1] - (k == 1)
            chance = stats.hypergeom.pmf(drawn, sum(count) - 1, rare, batch_size - 1)
            others = drawn * weight[1] + (batch_size - 1 - drawn) * weight[0]
            found.append(weight[k] * (chance / (weight[k] + others)).sum())
        return np.array(found)

    for count, whole, last in (([10_000, 100], 45.20, 45.16), ([1000, 10], 46.28, 45.80)):
        n = sum(count)
        full, rest = acts(count, 64), acts(count, n % 64)
        both = (n - n % 64) / n * full + n % 64 / n * rest
        assert round(full[1] / full[0], 2) == whole
        assert round(both[1] / both[0], 2) == last


@pytest.mark.parametrize("function", [minibatch_mean_class_weight, class_weight_for_minibatch_mean])
@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"micro_batch": 5}, "micro_batch must divide the 64 samples of a step on one replica, go"),
        ({"replicas": 3}, "replicas must divide batch_size 64, got 3"),
        ({"replicas": 2, "micro_batch": 64}, "micro_batch must divide the 32 samples of a step on"),
        ({"sampler_weight": "sorted"}, "sampler_weight must be one of equal, inverse, "),
        ({"sampler_weight": [1, 0]}, "sampler_weight must be positive and finite"),
        ({"sampler_weight": [1, 2, 3]}, "sampler_weight must hold 2 weights, one per class"),
    ],
)
def test_bad_arguments_are_named(function, more, message):
    with pytest.raises(BadArgument) as caught:
        function([1, 2], COUNT, 64, **more)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("function", [minibatch_mean_class_weight, class_weight_for_minibatch_mean])
def test_weights_of_a_scheme_are_taken_by_name(function):
    np.testing.assert_allclose(function("inverse", COUNT, 128), function(1 / COUNT, COUNT, 128))
    with pytest.raises(BadArgument, match=r"class_weight must be one of equal, .* got 'balanced'"):
        function("balanced", COUNT, 128)
    with pytest.raises(BadArgument, match=r"class_weight must hold numbers, got {0: 0.5, 1: 2.0};"):
        function(dict(enumerate(np.array([0.5, 2.0]))), COUNT, 128)


def test_with_single_samples_no_weights_act():
    np.testing.assert_allclose(minibatch_mean_class_weight([1, 9], COUNT, 1), 0.5, rtol=1e-12)
    with pytest.raises(BadArgument, match="batch_size must be at least 2: with one sample to a"):
        class_weight_for_minibatch_mean([1, 9], COUNT, 1)
    with pytest.raises(BadArgument, match="micro_batch must be at least 2"):
        class_weight_for_minibatch_mean([1, 9], COUNT, 64, micro_batch=1)
