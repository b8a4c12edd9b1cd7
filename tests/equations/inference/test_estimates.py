import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW

from learnprop.equations.inference.estimates import (
    equivalence_verdict,
    mcse_of_mean,
    ratio_of_means,
    z_against_rounded,
)
from learnprop.equations.inference.jackknife import jackknife, mcse_of_sd


def test_mcse_of_mean_by_hand():
    # [1, 2, 3, 4]: variance (2.25 + 0.25 + 0.25 + 2.25) / 3 = 5/3, over 4 runs
    assert mcse_of_mean([1, 2, 3, 4]) == pytest.approx(np.sqrt(5 / 12))


def test_mcse_of_sd_by_hand():
    # [1, 2, 3] without one: SDs 1/√2, √2, 1/√2, mean 2√2/3; squared deviations 1/18, 2/9, 1/18,
    # sum 1/3; times (n - 1)/n = 2/3: variance 2/9.
    assert mcse_of_sd([1, 2, 3]) == pytest.approx(np.sqrt(2 / 9))


def test_mcse_of_sd_for_normal_samples():
    sample = np.random.default_rng(0).normal(size=4000)
    assert mcse_of_sd(sample) == pytest.approx(1 / np.sqrt(2 * 4000), rel=0.1)


def test_jackknife_makes_the_plug_in_variance_unbiased():
    # A known identity: n v - (n - 1) mean(v_(i)) = s^2 for v with divisor n.
    sample = np.random.default_rng(1).exponential(size=17)
    estimate, _ = jackknife(np.var, sample)
    assert estimate.value == pytest.approx(np.var(sample, ddof=1))


def test_jackknife_interval_of_a_mean_is_the_t_interval():
    sample = np.random.default_rng(2).normal(size=12)
    estimate, se = jackknife(np.mean, sample, level=0.95)
    low, high = stats.t.interval(0.95, 11, sample.mean(), stats.sem(sample))
    assert (estimate.low, estimate.high) == pytest.approx((low, high))
    assert se == pytest.approx(stats.sem(sample))


@pytest.mark.parametrize("sign", [1, -1])
def test_fieller_ends_are_where_the_t_test_rejects(sign):
    rng = np.random.default_rng(3)
    b = rng.normal(2, 0.5, 30)
    a = sign * (3 * b + rng.normal(0, 0.4, 30))
    estimate = ratio_of_means(a, b, level=0.9)
    assert estimate.low < estimate.value < estimate.high
    for end in (estimate.low, estimate.high):
        assert stats.ttest_1samp(a - end * b, 0).pvalue == pytest.approx(0.1, abs=1e-9)


def test_fieller_against_the_textbook_quadratic():
    rng = np.random.default_rng(4)
    a, b = rng.normal(1, 1, 25), rng.normal(2, 1, 25)
    t2 = stats.t.ppf(0.95, 24) ** 2
    s = np.cov(a, b) / 25
    roots = np.roots(
        [
            b.mean() ** 2 - t2 * s[1, 1],
            -2 * (a.mean() * b.mean() - t2 * s[0, 1]),
            a.mean() ** 2 - t2 * s[0, 0],
        ]
    )
    estimate = ratio_of_means(a, b)
    np.testing.assert_allclose(sorted(roots), [estimate.low, estimate.high])


def test_fieller_keeps_the_digits_of_a_tiny_spread():
    rng = np.random.default_rng(5)
    b = 5.0 + 1e-10 * rng.normal(size=50)
    a = 2 * b * (1 + 1e-12 * rng.normal(size=50))
    estimate = ratio_of_means(a, b)
    se = 2e-12 / np.sqrt(50)
    assert estimate.high - estimate.low == pytest.approx(2 * 1.68 * se, rel=0.3)


def test_fieller_is_unbounded_where_the_denominator_may_be_zero():
    estimate = ratio_of_means([1.0, 1.2, 0.9], [0.1, -0.2, 0.15])
    assert (estimate.low, estimate.high) == (-np.inf, np.inf)
    zero = ratio_of_means([1.0, 2.0], [0.0, 0.0])
    assert np.isnan(zero.value)
    assert zero.high == np.inf


def test_fieller_of_a_numerator_of_mean_zero_is_bounded():
    a, b = np.array([-1.0, 1.0, -2.0, 2.0]), np.array([10.0, 10.1, 9.9, 10.0])
    estimate = ratio_of_means(a, b)
    assert (estimate.low, estimate.high) == pytest.approx((-0.216, 0.213), abs=1e-3)
    none = ratio_of_means([0.0, 0.0, 0.0], [1.0, 2.0, 3.0])
    assert (none.low, none.value, none.high) == (0, 0, 0)


def test_fieller_covers():
    rng = np.random.default_rng(6)
    covered = []
    for _ in range(2000):
        b = rng.normal(1, 0.3, 15)
        a = 2 * b + rng.normal(0, 0.3, 15)
        estimate = ratio_of_means(a, b, level=0.9)
        covered.append(estimate.low <= 2 <= estimate.high)
    assert abs(np.mean(covered) - 0.9) <= 4 * np.sqrt(0.9 * 0.1 / 2000)


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.04, 0.06])
def test_holds_is_the_tost_of_statsmodels(shift):
    sample = shift + 0.05 * np.random.default_rng(7).normal(size=40)
    low, high = stats.t.interval(0.9, 39, sample.mean(), stats.sem(sample))
    p, _, _ = DescrStatsW(sample).ttost_mean(-0.05, 0.05)
    assert (equivalence_verdict(low, high, 0.05) == "holds") == (p < 0.05)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.01, 0.01, "holds"),
        (0.06, 0.07, "fails"),
        (-0.07, -0.06, "fails"),
        (0.04, 0.06, "inconclusive"),
        (-0.06, 0.06, "inconclusive"),
        (0.0, 0.05, "inconclusive"),
    ],
)
def test_verdicts(low, high, verdict):
    assert equivalence_verdict(low, high, 0.05) == verdict


def test_rounding_interval_of_a_printed_number():
    # (10.07 - 10.05 -+ 0.005) / sqrt(0.1^2 + 0.113^2) = 0.0994 and 0.1657
    low, high = z_against_rounded(10.07, 0.1, 10.05, 0.113, 0.005)
    assert (low, high) == pytest.approx((0.09941, 0.16568), abs=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mcse_of_mean([1.0]), "values must hold at least 2 runs"),
        (lambda: mcse_of_sd([1.0, 2.0]), "values must hold at least 3 runs"),
        (lambda: mcse_of_mean([1.0, np.nan]), "values holds a number that is not finite"),
        (lambda: ratio_of_means([1, 2], [1, 2, 3]), "numerator has 2 runs, denominator 3"),
        (lambda: jackknife(np.mean, [1, 2, 3], [1, 2, 3, 4]), "samples must have one length"),
        (lambda: equivalence_verdict(0, 0, 0.0), "margin must be positive"),
        (lambda: equivalence_verdict(np.nan, 0, 0.1), "low and high must be an interval"),
        (lambda: equivalence_verdict(1, 0, 0.1), "low and high must be an interval"),
        (lambda: z_against_rounded(1, 0, 1, 0, 0.1), "must not both be zero"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
