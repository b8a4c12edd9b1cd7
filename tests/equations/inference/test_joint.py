"""Size and coverage are those of a *fixed* model on fresh data, over 2,000 studies."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multivariate import test_mvmean as hotelling

from learnprop.equations.balance import gap, left_side, residual, right_side
from learnprop.equations.inference import simultaneous
from learnprop.equations.inference.estimates import ratio_of_means
from learnprop.equations.inference.joint import joint_test_over_runs
from learnprop.equations.inference.model import gaps_of_model, joint_test_of_model
from learnprop.equations.inference.simultaneous import gaps_over_runs, max_t_critical
from learnprop.equations.mean_proba import mean_proba_and_second_moments

N_STUDIES = 2000
MCSE = np.sqrt(0.05 * 0.95 / N_STUDIES)
MEAN = np.array([[0.0, 0.0], [1.5, 0.0], [0.0, 1.5], [1.2, 1.2]])
MASS = np.array([4.0, 2.0, 1.0, 1.0])
COUNT = np.array([300, 200, 400, 250])


def softmax_of(z):
    proba = np.exp(z - z.max(axis=1, keepdims=True))
    return proba / proba.sum(axis=1, keepdims=True)


def draw(rng, mean=MEAN):
    """Labels and logits of the true posterior of spherical Gaussian classes, priors MASS."""
    y = np.repeat(np.arange(len(mean)), COUNT)
    x = rng.normal(size=(len(y), 2)) + mean[y]
    return y, x @ MEAN.T - 0.5 * (MEAN**2).sum(axis=1) + np.log(MASS)


@pytest.fixture(scope="module")
def studies():
    rng = np.random.default_rng(7)
    data = [draw(rng) for _ in range(N_STUDIES)]
    return [mean_proba_and_second_moments(y, softmax_of(z)) for y, z in data]


def test_joint_test_of_a_fixed_model_has_its_size(studies):
    p = [joint_test_of_model(P, M, COUNT, MASS).p_value for P, M in studies]
    assert abs(np.mean(np.array(p) <= 0.05) - 0.05) <= 4 * MCSE
    # the control that must fail: weights that the model was not made for
    wrong = MASS * [1.0, 1.3, 1.0, 1.0]
    rejected = [joint_test_of_model(P, M, COUNT, wrong).p_value <= 0.05 for P, M in studies[:200]]
    assert np.mean(rejected) > 0.5


@pytest.mark.slow
def test_intervals_of_a_fixed_model_cover(studies):
    alone = np.array([[e.low <= 0 <= e.high for e in gaps_of_model(P, M, COUNT, MASS)]
                      for P, M in studies])  # fmt: skip
    assert np.abs(alone.mean(axis=0) - 0.95).max() <= 4 * MCSE
    together = [
        all(e.low <= 0 <= e.high for e in gaps_of_model(P, M, COUNT, MASS, simultaneous=True))
        for P, M in studies
    ]
    assert abs(np.mean(together) - 0.95) <= 4 * MCSE
    assert alone.all(axis=1).mean() < 0.95 - 4 * MCSE  # the control: one by one is not together


def test_one_vs_all_has_k_independent_equations():
    """Sigmoids g_j that are no posterior: their own P decides which masses balance.

    r_j = w_j (1 - P_jj) - Σ w_k P_kj is zero for all j only for the w that solves K equations,
    which has none but zero in general. The test is referred to the model's own residual instead:
    r on a study minus r on the population is centred, and has the covariance that is estimated.
    """
    rng = np.random.default_rng(8)

    def moments(count_factor=1):
        y = np.repeat(np.arange(4), COUNT * count_factor)
        x = rng.normal(size=(len(y), 2)) + MEAN[y]
        g = 1 / (1 + np.exp(-(x @ (MEAN.T + 0.5) - 1.0)))
        P, M = mean_proba_and_second_moments(y, g, "sigmoid")
        return P, M, np.array([1 - P[k, k] for k in range(4)])

    P, _, miss = moments(2000)
    centre = residual(P, MASS, miss)
    rejected = []
    for _ in range(N_STUDIES):
        P, M, miss = moments()
        shifted = miss - centre / MASS  # w_j (miss_j - r_j / w_j) takes r_j off the left side
        test = joint_test_of_model(
            P, M, COUNT, MASS, miss_proba=shifted, independent=True, min_misses=0
        )
        assert test.df == 4
        rejected.append(test.p_value <= 0.05)
    assert abs(np.mean(rejected) - 0.05) <= 4 * MCSE


def test_over_runs_against_statsmodels():
    rng = np.random.default_rng(0)
    r = rng.normal(size=(30, 4)) @ rng.normal(size=(4, 4)) + 0.3
    test, expected = joint_test_over_runs(r, independent=True), hotelling(r, np.zeros(4))
    assert (test.df, test.df_residual) == (4, 26)
    assert test.statistic == pytest.approx(expected.t2)
    assert test.p_value == pytest.approx(expected.pvalue)
    r -= r.mean(axis=1, keepdims=True)  # softmax: rows sum to zero
    test = joint_test_over_runs(r)
    assert test.df == 3
    for kept in ([0, 1, 2], [1, 2, 3]):  # whichever equation is left out
        assert test.p_value == pytest.approx(hotelling(r[:, kept], np.zeros(3)).pvalue)


def test_of_a_model_with_two_classes_is_welch():
    """K = 2: r_0 = w_0 p01 - w_1 p10, two independent means: Welch's t test of unequal means."""
    rng = np.random.default_rng(1)
    a, b = rng.beta(1, 3, 40), rng.beta(2, 5, 25)
    proba = np.column_stack([np.r_[1 - a, b], np.r_[a, 1 - b]])
    P, M = mean_proba_and_second_moments(np.repeat([0, 1], [40, 25]), proba)
    test = joint_test_of_model(P, M, [40, 25], [2.0, 1.5], min_misses=0)
    expected = stats.ttest_ind(2.0 * a, 1.5 * b, equal_var=False)
    assert test.statistic == pytest.approx(expected.statistic**2)
    assert test.p_value == pytest.approx(expected.pvalue)
    assert test.df_residual == pytest.approx(expected.df)


@pytest.mark.parametrize("m", [1, 2, 5])
def test_max_t_of_independent_equations_is_sidak(m):
    sidak = stats.norm.ppf((1 + 0.95 ** (1 / m)) / 2)
    assert max_t_critical(np.eye(m)) == pytest.approx(sidak, rel=2e-3)


@pytest.mark.parametrize("df", [np.inf, 40.0])
def test_max_t_of_many_equations_is_a_bound_that_is_near(df, monkeypatch):
    m = simultaneous.MANY + 1
    correlation = np.eye(m)
    bound = max_t_critical(correlation, df=df)
    alone = stats.t.cdf(bound, df) - stats.t.cdf(-bound, df)
    assert alone**m == pytest.approx(0.95, rel=1e-9)
    monkeypatch.setattr(simultaneous, "MANY", m)
    assert max_t_critical(correlation, df=df) == pytest.approx(bound, rel=0.02)
    assert max_t_critical(0.7 * np.ones((m, m)) + 0.3 * correlation, df=df) < 0.95 * bound


@pytest.mark.parametrize("df", [np.inf, 12.0])
def test_max_t_against_scipy(df):
    rng = np.random.default_rng(2)
    root = rng.normal(size=(3, 3))
    covariance = root @ root.T
    scale = np.sqrt(np.diag(covariance))
    correlation = covariance / np.outer(scale, scale)
    c = np.full(3, max_t_critical(correlation, df=df))
    if np.isinf(df):
        law = stats.multivariate_normal(np.zeros(3), correlation)
        found = law.cdf(c, lower_limit=-c)
    else:
        draws = stats.multivariate_t.rvs(np.zeros(3), correlation, df, 400_000, random_state=rng)
        found = (np.abs(draws) <= c).all(axis=1).mean()
        assert abs(found - 0.95) <= 4 * np.sqrt(0.05 * 0.95 / 400_000) + 5e-4
    assert found == pytest.approx(0.95, abs=2e-3)


def test_max_t_of_one_equation_written_thrice_is_t():
    for df in (np.inf, 7.0):
        c = max_t_critical(np.ones((3, 3)), df=df)
        assert c == pytest.approx(stats.t.ppf(0.975, df), rel=2e-3)


def test_sides_that_never_vary_have_intervals_of_no_width():
    left, right = np.full((2, 3), 0.2), np.full((2, 3), 0.1)
    for found in gaps_over_runs(left, right, simultaneous=True):
        assert (found.low, found.value, found.high) == (1.0, 1.0, 1.0)


def test_no_gap_is_below_minus_one():
    # The left side is within its noise of zero; Fieller's lower end is below.
    left, right = np.array([[0.0], [0.0], [0.3]]), np.array([[1.0], [1.1], [0.9]])
    assert ratio_of_means(left[:, 0], right[:, 0]).low < 0
    (found,) = gaps_over_runs(left, right)
    assert found.low == -1.0 < found.value < found.high


def test_gaps_over_runs_are_those_of_ratio_of_means():
    rng = np.random.default_rng(3)
    left, right = rng.gamma(9, size=(20, 3)), rng.gamma(9, size=(20, 3))
    found = gaps_over_runs(left, right, level=0.9)
    wide = gaps_over_runs(left, right, level=0.9, simultaneous=True)
    for j in range(3):
        expected = ratio_of_means(left[:, j], right[:, j], level=0.9)
        assert found[j].value == pytest.approx(expected.value - 1)
        assert found[j].low == pytest.approx(expected.low - 1)
        assert found[j].high == pytest.approx(expected.high - 1)
        assert wide[j].low < found[j].low < found[j].high < wide[j].high


def test_gap_of_a_model_is_the_gap(studies):
    P, M = studies[0]
    found = gaps_of_model(P, M, COUNT, MASS)
    np.testing.assert_allclose([e.value for e in found], gap(P, MASS))


def test_fieller_of_a_model_solves_its_quadratic(studies):
    """At the ends of the interval left - ρ right is t standard errors from zero."""
    P, M = studies[1]
    e = gaps_of_model(P, M, COUNT, MASS)[2]
    variance = [(M[k, 2, 2] - P[k, 2] ** 2) / (COUNT[k] - 1) * MASS[k] ** 2 for k in range(4)]
    left, right = left_side(P, MASS)[2], right_side(P, MASS)[2]
    at = [
        (left - rho * right) ** 2 / (variance[2] + rho**2 * (sum(variance) - variance[2]))
        for rho in (1 + e.low, 1 + e.high)
    ]
    assert at[0] == pytest.approx(at[1])
    assert 1.95**2 < at[0] < 2.0**2


def test_what_vanishes_is_not_compared():
    P = np.array([[1.0, 0.0, 0.0], [0.0, 0.9, 0.1], [0.0, 0.2, 0.8]])
    M = np.einsum("ia,ib->iab", P, P) + 0.01
    assert gaps_of_model(P, M, [50] * 3, np.ones(3))[0].low == -np.inf
    runs = np.column_stack([np.zeros(5), np.linspace(1, 2, 5)])
    assert np.isnan(gaps_over_runs(runs, runs)[0].value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: joint_test_over_runs(np.zeros(5)), "residuals must have shape"),
        (lambda: joint_test_over_runs(np.ones((2, 3))), "more than 2 runs, got 2"),
        (lambda: joint_test_over_runs(np.zeros((9, 3))), "residuals has no spread"),
        (lambda: gaps_over_runs(np.ones((4, 2)), np.ones((3, 2))), "the same runs"),
        (
            lambda: gaps_of_model(np.eye(2), np.zeros((2, 2, 2)), [1, 5], [1, 1]),
            "test_count must be at least 2",
        ),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
