"""Means over runs that split one data set: derivations by hand, and coverage for new data."""

import numpy as np
import pytest
from scipy import stats

from learnprop.equations.inference.estimates import ratio_of_means
from learnprop.equations.inference.resampling import (
    corrected_error,
    mean_over_splits,
    resplit_ratio,
    variance_factor,
)
from learnprop.equations.inference.simultaneous import gaps_over_runs
from learnprop.simulations.fitters.logistic import fit_logistic, logistic_logits

LEVEL = 0.9
COVARIANCE = 0.5 * np.eye(4) + 0.5
ROOT = np.linalg.cholesky(COVARIANCE)
MEAN = np.array([0.8, 0.48, 0.0, 0.0])


def test_correction_of_two_runs_by_hand():
    """Values 1 and 3: s² = 2; a third to test, so ρ/(1-ρ) = 1/2; 2 (1/2 + 1/2) = 2."""
    assert corrected_error([1.0, 3.0], 0.5) == pytest.approx(2**0.5)
    found = mean_over_splits([1.0, 3.0], 0.5)
    half = np.tan(0.45 * np.pi) * 2**0.5  # 95 % quantile of t with one degree of freedom: Cauchy
    assert (found.low, found.value, found.high) == pytest.approx((2 - half, 2.0, 2 + half))


def test_without_shared_data_it_is_the_t_interval():
    values = np.random.default_rng(0).normal(size=9)
    found = mean_over_splits(values, 0.0)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(LEVEL)
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_ratio_is_that_of_the_class_most_tested_on():
    assert resplit_ratio([59, 61], [178, 183]) == 0.5  # 59 of 119, 61 of 122
    assert resplit_ratio([50, 50], [60, 5000]) == 5.0
    # Of all that is left trained on it is Nadeau and Bengio's n_test / n_train.
    assert resplit_ratio([20], [60]) == 20 / (60 - 20)


def test_ratios_of_means_are_widened_by_the_factor():
    rng = np.random.default_rng(1)
    left, right = rng.gamma(9, size=(8, 3)), rng.gamma(900, size=(8, 3)) / 100
    factor = variance_factor(8, 0.5)
    plain, wide = gaps_over_runs(left, right), gaps_over_runs(left, right, variance_factor=factor)
    together = gaps_over_runs(left, right, simultaneous=True, variance_factor=factor)
    for j, (a, b, c) in enumerate(zip(plain, wide, together, strict=True)):
        found = ratio_of_means(left[:, j], right[:, j], variance_factor=factor)
        assert (b.low, b.high) == pytest.approx((found.low - 1, found.high - 1))
        # The right side hardly varies: widths go as the standard error.
        assert (b.high - b.low) / (a.high - a.low) == pytest.approx(factor**0.5, rel=0.05)
        assert c.low < b.low < b.high < c.high


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: resplit_ratio([3], [3]), "at least 1 and less than sample_count"),
        (lambda: resplit_ratio([0, 1], [3, 3]), "at least 1 and less than sample_count"),
        (lambda: resplit_ratio([1], [3, 3]), "at least 1 and less than sample_count"),
        (lambda: variance_factor(3, -0.5), "ratio must be finite and not negative, got -0.5"),
        (lambda: variance_factor(3, np.inf), "ratio must be finite and not negative, got inf"),
        (lambda: mean_over_splits([1.0], 0.5), "at least 2 runs"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def draw(rng, shape):
    """Both classes, at ± the mean: (2, *shape, 4)."""
    noise = rng.normal(size=(2, *shape, 4)) @ ROOT.T
    return noise + np.array([-1, 1]).reshape(2, *(1 for _ in shape), 1) * MEAN


def classifiers(train):
    """Nearest centroid, and the linear discriminant: direction and offset of each."""
    centre = train.mean(axis=-2)
    errors = np.concatenate(list(train - centre[..., None, :]), axis=-2)
    pooled = np.swapaxes(errors, -1, -2) @ errors
    apart, middle = centre[1] - centre[0], centre.mean(axis=0)
    for w in (apart, np.linalg.solve(pooled, apart[..., None])[..., 0]):
        yield w, -(w * middle).sum(axis=-1)


def differences(train, accuracy_of):
    """Accuracy of the discriminant less that of the centroid, one per training sample."""
    one, other = (accuracy_of(w, b) for w, b in classifiers(train))
    return other - one


def expected_difference(rng, n_train, n=20_000):
    """Of training samples of that size on the population, in closed form; with its MCSE."""

    def on_population(w, b):
        spread = np.sqrt((w @ COVARIANCE * w).sum(axis=-1))
        return stats.norm.cdf([(w @ MEAN - b) / spread, (w @ MEAN + b) / spread]).mean(axis=0)

    found = differences(draw(rng, (n, n_train)), on_population)
    return found.mean(), found.std() / n**0.5


def coverage(n_samples, n_train, n_test, n_runs, n):
    """Share of data sets whose intervals hold the expected difference: over runs, corrected."""
    rng = np.random.default_rng(n_samples + n_test)
    truth, mcse = expected_difference(rng, n_train)
    ratio = resplit_ratio([n_test], [n_samples])
    hits, means = np.zeros(2), []
    for _ in range(n):
        data = draw(rng, (n_samples,))
        order = rng.random((2, n_runs, n_samples)).argsort(axis=-1)
        split = np.stack([data[k][order[k]] for k in (0, 1)])
        test = split[:, :, n_train : n_train + n_test]

        def on_test(w, b, test=test):
            logit = (test @ w[..., None])[..., 0] + b[..., None]
            return ((logit[0] < 0).mean(axis=-1) + (logit[1] > 0).mean(axis=-1)) / 2

        d = differences(split[:, :, :n_train], on_test)
        means.append(d.mean())
        found = [mean_over_splits(d, r, level=LEVEL) for r in (0.0, ratio)]
        hits += [e.low <= truth <= e.high for e in found]
    assert abs(np.mean(means) - truth) <= 4 * np.hypot(np.std(means) / n**0.5, mcse)
    return hits / n


def check_coverage(found, n):
    over_runs, corrected = found
    mcse = np.sqrt(LEVEL * (1 - LEVEL) / n)
    assert over_runs < LEVEL - 4 * mcse  # the control: not of new data
    assert corrected >= LEVEL - 4 * mcse


@pytest.mark.parametrize(
    ("n_samples", "n_train", "n_test", "n_runs"),
    [
        (60, 40, 20, 10),  # over runs .66, corrected .97
        (60, 40, 20, 20),  # .56, .98
        pytest.param(
            600, 40, 20, 40, marks=pytest.mark.slow
        ),  # small splits of a larger data set: .81, .95
        (240, 40, 80, 20),  # few to train, a third to test: .68, .99
    ],
)
def test_differences_of_accuracies_need_the_correction(n_samples, n_train, n_test, n_runs):
    found = coverage(n_samples, n_train, n_test, n_runs, 1000)
    check_coverage(found, 1000)


@pytest.mark.slow
@pytest.mark.parametrize("n_runs", [5, 10, 20])
@pytest.mark.parametrize(
    ("n_samples", "n_train", "n_test"),
    [(60, 40, 20), (600, 400, 200), (600, 40, 20), (600, 300, 20), (600, 100, 200)],
)
def test_coverage_in_more_designs(n_samples, n_train, n_test, n_runs):
    found = coverage(n_samples, n_train, n_test, n_runs, 4000)
    mcse = np.sqrt(LEVEL * (1 - LEVEL) / 4000)
    assert found[0] < LEVEL - 4 * mcse or n_runs == 5
    assert found[1] >= LEVEL - 4 * mcse


def logistic_sides(train, tests, weight, size):
    """Both sides of Eq. (10) of logistic regressions: (n_runs,) each, on as many test samples."""
    X, y = np.concatenate(list(train), axis=1), np.repeat([0, 1], size)
    fit = fit_logistic(X, y, [weight])
    assert (fit.status == "converged").all()
    mass = np.array(weight) * size / (np.array(weight) @ size)
    of_one = [
        [1 / (1 + np.exp(-logistic_logits(x, params)[0])) for x in of_run]
        for of_run, params in zip(zip(*tests, strict=True), fit.params, strict=True)
    ]
    left, right = np.array([[p0.mean(), (1 - p1).mean()] for p0, p1 in of_one]).T
    return mass[0] * left, mass[1] * right


@pytest.mark.slow
def test_gaps_hardly_need_the_correction():
    """On test a sample counts against what it counts on train: most of it cancels over splits."""
    rng, n, n_runs = np.random.default_rng(5), 300, 20
    size, n_test, weight = [40, 80], [20, 40], [2.0, 1.0]

    def samples(*shape):  # two features: nothing is separated
        return [x[..., :2] for x in draw(rng, shape)]

    fresh = [[x[:, :m] for x, m in zip(samples(2000, most), c, strict=True)] for most, c in
             ((80, size), (200, [200, 200]))]  # fmt: skip
    left, right = logistic_sides(*fresh, weight, size)
    truth = left.mean() / right.mean() - 1
    factor, hits = variance_factor(n_runs, resplit_ratio(n_test, [60, 120])), np.zeros(2)
    for _ in range(n):
        parts = []
        for x, a, b in zip(samples(120), size, n_test, strict=True):
            order = rng.random((n_runs, a + b)).argsort(axis=-1)
            parts.append((x[order[:, :a]], x[order[:, a:]]))
        train, test = zip(*parts, strict=True)
        sides = [side[:, None] for side in logistic_sides(train, test, weight, size)]
        for i, f in enumerate((1.0, factor)):
            (gap,) = gaps_over_runs(*sides, variance_factor=f)
            hits[i] += gap.low <= truth <= gap.high
    over_runs, corrected = hits / n
    mcse = np.sqrt(LEVEL * (1 - LEVEL) / n)
    assert abs(over_runs - LEVEL) <= 4 * mcse
    assert corrected >= LEVEL + 3 * mcse
