"""Covariances within classes where misses are tiny, and whether a sample has enough of them."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from learnprop.equations.inference.chernoff import level_of_equality
from learnprop.equations.inference.few_misses import too_few_misses
from learnprop.equations.inference.model import gaps_of_model, joint_test_of_model
from learnprop.equations.inference.within_class import is_constant, within_class_covariance
from learnprop.equations.mean_proba import mean_proba_and_second_moments
from learnprop.equations.stationary import effective_class_weight_of_model
from learnprop.simulations.records.measure import measure

SCALES = (1e-2, 1e-5, 1e-8, 1e-10, 1e-14)


N = 3000


def confident(scale, n=N, n_classes=2, seed=1):
    """Labels, probabilities and the misses that they were made of, shape (n, K - 1) per class."""
    rng = np.random.default_rng(seed)
    misses = scale * rng.lognormal(0, 1, (n_classes, n, n_classes - 1))
    y = np.repeat(np.arange(n_classes), n)
    proba = np.empty((n_classes * n, n_classes))
    for k in range(n_classes):
        rows = slice(k * n, (k + 1) * n)
        proba[rows, np.arange(n_classes) != k] = misses[k]
        proba[rows, k] = 1 - misses[k].sum(axis=1)
    return y, proba, misses


@pytest.mark.parametrize("scale", SCALES)
def test_the_covariance_is_that_of_the_misses(scale):
    y, proba, misses = confident(scale, n_classes=3)
    P, M = mean_proba_and_second_moments(y, proba)
    within = within_class_covariance(P, M, np.full(3, float(N)))
    for k in range(3):
        # The own class's column is minus the sum of the others': numpy.cov of the three columns.
        columns = np.insert(misses[k], k, -misses[k].sum(axis=1), axis=1)
        np.testing.assert_allclose(within[k], np.cov(columns, rowvar=False), rtol=1e-9)


def test_what_m_minus_pp_keeps_at_1e_10_is_rounding():
    """The control: the formula that was taken before."""
    y, proba, misses = confident(1e-10)
    P, M = mean_proba_and_second_moments(y, proba)
    naive = (M[0] - np.outer(P[0], P[0])) * N / (N - 1)
    assert abs(naive[0, 0] / misses[0].var(ddof=1) - 1) > 0.5


def test_the_covariance_of_sigmoids_is_that_of_numpy():
    rng = np.random.default_rng(0)
    proba = rng.beta(2, 3, (60, 3))
    y = np.repeat([0, 1, 2], 20)
    P, M = mean_proba_and_second_moments(y, proba, "sigmoid")
    within = within_class_covariance(P, M, np.full(3, 20.0))
    for k in range(3):
        np.testing.assert_allclose(within[k], np.cov(proba[y == k], rowvar=False), rtol=1e-9)


@pytest.mark.parametrize("scale", SCALES)
def test_two_confident_classes_are_welch(scale):
    """K = 2: r_0 = w_0 m_0 - w_1 m_1, two independent means, whatever their size."""
    y, proba, misses = confident(scale)
    P, M = mean_proba_and_second_moments(y, proba)
    found = joint_test_of_model(P, M, [N, N], [2.0, 1.9])
    expected = stats.ttest_ind(2.0 * misses[0, :, 0], 1.9 * misses[1, :, 0], equal_var=False)
    assert found.reason == ""
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    assert found.df_residual == pytest.approx(expected.df, rel=1e-6)


@pytest.mark.parametrize("scale", SCALES[:-1])  # below 1e-12 there is nothing to compare
def test_gaps_and_weights_are_scale_free(scale):
    """Tiny misses of like size are as good as large ones: only ratios matter."""
    (y, proba, _), (_, large, _) = confident(scale, n_classes=3), confident(1e-3, n_classes=3)
    moments, of_large = (mean_proba_and_second_moments(y, p) for p in (proba, large))
    n, w = [N] * 3, [1.0, 1.2, 0.9]
    for together in (False, True):
        found, expected = (
            gaps_of_model(*m, n, w, simultaneous=together) for m in (moments, of_large)
        )
        for a, b in zip(found, expected, strict=True):
            assert a.reason == ""
            np.testing.assert_allclose(
                [a.value, a.low, a.high], [b.value, b.low, b.high], rtol=1e-6
            )
    found, expected = (effective_class_weight_of_model(*m, n, n) for m in (moments, of_large))
    for a, b in zip(found, expected, strict=True):
        assert a.reason == ""
        np.testing.assert_allclose([a.value, a.low, a.high], [b.value, b.low, b.high], rtol=1e-5)


@pytest.mark.parametrize("scale", SCALES)
def test_weights_of_two_confident_classes_are_a_log_ratio(scale):
    """K = 2: λ_1/λ_0 = (m_0/m_1)(N_0/N_1), whose log has the variance Σ var(m)/(n mean²); and
    log λ_0 = log m_1 - log(m_0 + m_1) at equal N, so d log λ_0 = λ_1 (d log m_1 - d log m_0)."""
    y, proba, misses = confident(scale)
    found = effective_class_weight_of_model(
        *mean_proba_and_second_moments(y, proba), [N, N], [1, 1]
    )
    m = misses[:, :, 0]
    spread = np.sqrt((m.var(axis=1, ddof=1) / N / m.mean(axis=1) ** 2).sum())
    half = stats.norm.ppf(0.975) * found[1].value * spread
    assert np.log(found[0].high / found[0].value) == pytest.approx(half, rel=1e-6)


def test_a_sigmoids_misses_below_rounding_are_not_trusted():
    """1 - 1e-9 has a square whose mean says nothing of how much the misses vary."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 400)
    own = 1 - 1e-9 * rng.lognormal(size=800)
    proba = np.empty((800, 2))
    proba[np.arange(800), y], proba[np.arange(800), 1 - y] = own, rng.beta(2, 5, 800)
    P, M = mean_proba_and_second_moments(y, proba, "sigmoid")
    for gap in gaps_of_model(P, M, [400, 400], [1, 1], miss_proba=[1e-9, 1e-9]):
        assert "4e-07 expected misses" in gap.reason
        assert gap.low <= gap.value <= gap.high


def test_confident_sigmoids_are_not_taken_for_softmax():
    """Their rows sum to one within 1e-6, but what one misses is not what it gives to the others."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], N)
    for centre, trusted in ((5.0, True), (18.0, False)):
        z = rng.normal(size=(3 * N, 3)) + centre * (2 * np.eye(3)[y] - 1)
        found = measure(y, z, "sigmoid")
        miss, P, M = found.miss_proba, found.mean_proba, found.second_moment
        within = within_class_covariance(P, M, np.full(3, float(N)), miss)
        own = [expit(-z[y == k, k]).var(ddof=1) for k in range(3)]
        found = gaps_of_model(P, M, [N] * 3, np.ones(3), miss_proba=miss)
        test = joint_test_of_model(P, M, [N] * 3, np.ones(3), miss_proba=miss, independent=True)
        assert (test.reason == "") is trusted
        assert [gap.reason == "" for gap in found] == [trusted] * 3
        if trusted:
            np.testing.assert_allclose([within[k, k, k] for k in range(3)], own, rtol=1e-6)


def test_bounds_hold_together_by_bonferroni():
    """Too few misses: three equations share the error, and the smallest p counts thrice."""
    P, M = whole_misses([[40, 9, 1], [0, 50, 0], [0, 9, 41]], [50, 50, 50])
    n, w = np.full(3, 50.0), np.ones(3)
    together = gaps_of_model(P, M, n, w, simultaneous=True, level=0.94)
    alone = gaps_of_model(P, M, n, w, level=0.98)
    for a, b in zip(together, alone, strict=True):
        assert (a.low, a.high) == pytest.approx((b.low, b.high))
        assert a.reason == b.reason != ""
    left, right = P.sum(axis=1) - np.diag(P), P.sum(axis=0) - np.diag(P)
    each = [level_of_equality(a, 0.02, b, 0.02) for a, b in zip(left, right, strict=True)]
    assert min(each) < 0.01
    assert joint_test_of_model(P, M, n, w).p_value == pytest.approx(3 * min(each))


def test_a_classifier_that_predicts_the_same_for_all_is_known_exactly():
    for share in (0.5, 1 / 3):
        q = np.array([share, 1 - share])
        P, M = mean_proba_and_second_moments(np.repeat([0, 1], [7, 31]), np.tile(q, (38, 1)))
        assert is_constant(P, M)
        for together in (False, True):
            for gap in gaps_of_model(P, M, [7, 31], q, simultaneous=together):
                assert gap.reason == ""
                assert gap.low == gap.value == gap.high
                assert gap.value == pytest.approx(0, abs=1e-14)
        assert [e.low for e in effective_class_weight_of_model(P, M, [7, 31], [1, 1])] == (
            pytest.approx(q)
        )


@pytest.mark.parametrize("together", [False, True])
@pytest.mark.parametrize("n_classes", [2, 4])
def test_a_classifier_that_never_misses_has_nothing_to_compare(together, n_classes):
    P, M = np.eye(n_classes), np.einsum("ia,ib->iab", np.eye(n_classes), np.eye(n_classes))
    n = [50] * n_classes
    for k, gap in enumerate(gaps_of_model(P, M, n, np.ones(n_classes), simultaneous=together)):
        assert np.isnan(gap.value)
        assert (gap.low, gap.high) == (-np.inf, np.inf)
        assert gap.reason == f"class {k} has 0 expected misses in 50 samples, fewer than 10"
    test = joint_test_of_model(P, M, n, np.ones(n_classes))
    assert test.p_value == 1
    assert "0 expected misses" in test.reason


def whole_misses(counts, sizes):
    """Moments of a classifier that is certain of every prediction."""
    counts = np.array(counts, dtype=float)
    P = counts / np.array(sizes)[:, None]
    return P, np.array([np.diag(row) for row in P])


def test_whole_misses_are_counted():
    sizes = np.array([100, 400])
    for misses, enough in ((9, False), (10, True)):
        P, M = whole_misses([[100 - misses, misses], [40, 360]], sizes)
        reasons = too_few_misses(P, M, sizes, [1.0, 1.0])
        assert [r == "" for r in reasons] == [enough, enough]
    assert too_few_misses(P, M, [50, 400], [1, 1])[1] == (
        "what other classes give to class 1 is worth 5 misses of class 0 (50 samples), "
        "fewer than 10"
    )
    assert too_few_misses(P, M, [50, 400], [1, 1], min_misses=0) == ["", ""]


def test_a_light_class_does_not_spoil_the_equations_of_others():
    """Three samples of a class of mass 1e-3 weigh nothing where the others have mass 1."""
    P, M = whole_misses([[2, 1, 0], [1, 180, 19], [1, 19, 180]], [3, 200, 200])
    light, heavy = np.array([1e-3, 1, 1]), np.ones(3)
    assert [r == "" for r in too_few_misses(P, M, [3, 200, 200], light)] == [False, True, True]
    assert not any(r == "" for r in too_few_misses(P, M, [3, 200, 200], heavy))


def test_few_hits_are_as_bad_as_few_misses():
    """Half a hit expected in 100 samples: a hit rate of 5 % may hide in them."""
    P, M = whole_misses([[1, 99], [9950, 50]], [100, 10_000])
    assert too_few_misses(P, M, [100, 10_000], [1, 1])[0] == (
        "class 0 has 1 expected hits in 100 samples, fewer than 10"
    )
    weight, _ = effective_class_weight_of_model(
        *whole_misses([[0, 20], [20, 0]], [20, 20]), [20] * 2, [1, 1]
    )
    assert weight.reason != ""
    assert weight.low < 0.49 < 0.51 < weight.high


@pytest.mark.parametrize(("scale", "n"), [(2.0, 1000), (1.5, 200)])
def test_misses_that_scatter_over_decades_are_not_trusted(scale, n):
    """Log-normal misses: the mean of a thousand is far from normal where the logit's SD is 2."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [n, 20_000])
    miss = expit(-8 + scale * rng.normal(size=len(y)))
    proba = np.empty((len(y), 2))
    proba[np.arange(len(y)), y], proba[np.arange(len(y)), 1 - y] = 1 - miss, miss
    moments = mean_proba_and_second_moments(y, proba)
    assert joint_test_of_model(*moments, [n, 20_000], [1, 1]).reason != ""


def test_misses_whose_squares_underflow_are_not_trusted():
    y, proba, _ = confident(1e-200)
    moments = mean_proba_and_second_moments(y, proba)
    assert joint_test_of_model(*moments, [N, N], [1, 1]).reason != ""
    assert effective_class_weight_of_model(*moments, [N, N], [1, 1])[0].reason != ""
    with np.errstate(all="raise"):
        gaps_of_model(*moments, [N, N], [1, 1])


def test_the_unit_of_the_mass_does_not_matter():
    P, M = whole_misses([[60, 40], [30, 70]], [100, 100])
    expected = joint_test_of_model(P, M, [100, 100], [1.0, 2.0])
    for unit in (1e-200, 1e200):
        w = np.array([1.0, 2.0]) * unit
        assert joint_test_of_model(P, M, [100, 100], w).p_value == pytest.approx(expected.p_value)
        assert np.isfinite(gaps_of_model(P, M, [100, 100], w)[0].high)


def test_a_sample_that_never_shows_a_class_has_no_weights_and_says_so():
    P, M = whole_misses([[20, 0, 0], [1, 19, 0], [0, 1, 19]], [20] * 3)
    for found in effective_class_weight_of_model(P, M, [20] * 3, [1, 1, 1]):
        assert np.isnan(found.value)
        assert (found.low, found.high) == (0, 1)
        assert "reducible" in found.reason


ARGUMENTS = {"mean_proba": np.full((2, 2), 0.5), "second_moment": np.full((2, 2, 2), 0.3)}
ARGUMENTS |= {"test_count": [50, 50], "class_mass": [1.0, 1.0]}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"class_mass": [-1, 1]}, "class_mass must be positive"),
        ({"class_mass": [np.nan, 1]}, "class_mass holds a number that is not finite"),
        ({"class_mass": [1, 1, 1]}, r"class_mass must have shape \(2,\)"),
        ({"test_count": [50]}, r"test_count must have shape \(2,\)"),
        ({"test_count": [10.5, 50]}, "test_count must hold whole numbers"),
        ({"test_count": [np.inf, 50]}, "test_count holds a number that is not finite"),
        ({"second_moment": np.full((2, 2), 0.3)}, r"second_moment must have shape \(2, 2, 2\)"),
        ({"second_moment": np.zeros((2, 2, 2))}, "second_moment is not of these predictions"),
        ({"mean_proba": np.full((2, 2), 0.4)}, "miss_proba is needed"),
        ({"mean_proba": np.full((2, 2), 1.4), "miss_proba": [0, 0]}, "mean_proba must hold prob"),
        ({"miss_proba": [0.5]}, r"miss_proba must have shape \(2,\)"),
        ({"level": 2}, "level must be between 0 and 1"),
        ({"min_misses": -1}, "min_misses must not be negative, got -1"),
        ({"min_misses": np.nan}, "min_misses must not be negative, got nan"),
    ],
)
def test_arguments_that_do_not_fit_are_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        gaps_of_model(**(ARGUMENTS | wrong))
