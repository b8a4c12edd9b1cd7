import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.special import softmax

from learnprop.simulations.generators import gaussian, skew_normal
from learnprop.simulations.generators.gaussian import (
    class_covariances,
    class_means,
    gaussian_classes,
)
from learnprop.simulations.generators.generator import sample
from learnprop.simulations.generators.skew_normal import skew_normal_classes


def distances(means):
    apart = np.linalg.norm(means[:, None] - means, axis=-1)
    return apart[np.triu_indices(len(means), 1)]


def azzalini(means, shape, scale):
    """scipy's parameters from the formulas for mean and SD: (a, loc, scale), each (K, d)."""
    shape = np.broadcast_to(np.reshape(shape, (len(means), -1)), np.shape(means))
    unit = stats.skewnorm(shape)
    omega = scale / unit.std()
    return shape, means - omega * unit.mean(), omega


@given(n_classes=st.integers(2, 12), extra=st.integers(0, 3), separation=st.floats(0.01, 100))
def test_simplex_distances_are_all_equal(n_classes, extra, separation):
    means = class_means("simplex", n_classes, n_classes - 1 + extra, separation)
    np.testing.assert_allclose(distances(means), separation, rtol=1e-12)
    np.testing.assert_allclose(means.mean(axis=0), 0, atol=1e-13 * separation)
    assert not means[:, n_classes - 1 :].any()


@given(n_classes=st.integers(2, 30), n_features=st.integers(2, 4), separation=st.floats(0.01, 100))
def test_ring_neighbours_are_separated(n_classes, n_features, separation):
    means = class_means("ring", n_classes, n_features, separation)
    neighbour = np.linalg.norm(means - np.roll(means, 1, axis=0), axis=1)
    np.testing.assert_allclose(neighbour, separation, rtol=1e-10)
    assert distances(means).min() == pytest.approx(separation)
    radius = np.linalg.norm(means, axis=1)
    np.testing.assert_allclose(radius, radius[0], rtol=1e-12)
    assert not means[:, 2:].any()


@given(n_classes=st.integers(2, 12), n_features=st.integers(1, 6), seed=st.integers(0, 2**63 - 1))
def test_random_means_are_seeded_and_separated(n_classes, n_features, seed):
    means = class_means("random", n_classes, n_features, 2.5, seed)
    assert distances(means).min() == pytest.approx(2.5)
    again = class_means("random", n_classes, n_features, 2.5, seed)
    np.testing.assert_array_equal(means, again)
    assert not np.array_equal(means, class_means("random", n_classes, n_features, 2.5, seed + 1))


@given(n_classes=st.integers(2, 6), n_features=st.integers(2, 8), seed=st.integers(0, 2**63 - 1))
def test_per_class_covariances_have_trace_d_and_bounded_condition(n_classes, n_features, seed):
    covariances = class_covariances("per-class", n_classes, n_features, seed)
    np.testing.assert_array_equal(covariances, covariances.transpose(0, 2, 1))
    np.testing.assert_allclose(np.trace(covariances, axis1=1, axis2=2), n_features)
    eigenvalues = np.linalg.eigvalsh(covariances)
    assert (eigenvalues[:, 0] > 0).all()
    assert (eigenvalues[:, -1] / eigenvalues[:, 0] <= 9 * (1 + 1e-9)).all()
    assert np.abs(covariances[0] - covariances[1]).max() > 1e-6


def test_covariances_in_one_feature_and_shared():
    variance = class_covariances("per-class", 5, 1, seed=3).ravel()
    assert len(set(variance)) == 5
    assert ((variance >= 1 / 3) & (variance <= 3)).all()
    np.testing.assert_array_equal(class_covariances("shared", 3, 2), [np.eye(2)] * 3)


def gaussian_case(n_classes, n_features, seed=0):
    means = class_means("random", n_classes, n_features, 1.5, seed)
    if n_features == 1:
        means = 1.5 * np.arange(n_classes)[:, None]  # random points on a line lie too far apart
    covariances = class_covariances("per-class", n_classes, n_features, seed)
    return means, covariances, gaussian_classes(means, covariances)


@pytest.mark.parametrize(("n_classes", "n_features"), [(2, 1), (3, 2), (4, 5)])
def test_gaussian_density_is_scipys_up_to_one_constant(n_classes, n_features):
    means, covariances, generator = gaussian_case(n_classes, n_features)
    points = 3 * np.random.default_rng(1).standard_normal((50, n_features))
    expected = np.stack(
        [
            stats.multivariate_normal(m, c).logpdf(points)
            for m, c in zip(means, covariances, strict=True)
        ],
        axis=1,
    )
    difference = generator.log_density(points) - expected
    np.testing.assert_allclose(difference, difference[0, 0], rtol=0, atol=1e-11)


@pytest.mark.parametrize(("n_classes", "n_features"), [(2, 1), (3, 2), (4, 5)])
def test_gaussian_samples_have_their_moments(n_classes, n_features):
    means, covariances, generator = gaussian_case(n_classes, n_features)
    n = 40_000
    X, y = sample(generator, [n] * n_classes, np.random.default_rng(2))
    for k in range(n_classes):
        centred = X[y == k] - means[k]
        products = centred[:, :, None] * centred[:, None, :]
        for values, expected in ((centred, 0.0), (products, covariances[k])):
            mcse = values.std(axis=0) / np.sqrt(n)
            assert (np.abs(values.mean(axis=0) - expected) <= 4 * mcse).all()


@pytest.mark.parametrize("n_features", [1, 2, 3])
def test_gaussian_quadrature_has_the_moments(n_features):
    means, covariances, generator = gaussian_case(3, n_features)
    for mean, covariance, rule in zip(means, covariances, generator.quadrature(), strict=True):
        np.testing.assert_allclose(rule.mean(rule.nodes), mean, atol=1e-12)
        centred = rule.nodes - mean
        second = rule.mean(centred[:, :, None] * centred[:, None, :])
        np.testing.assert_allclose(second, covariance, atol=1e-12)


def posterior_means(generator):
    return np.stack(
        [r.mean(softmax(generator.log_density(r.nodes), 1)) for r in generator.quadrature()]
    )


def halve(monkeypatch, steps, n_features):
    monkeypatch.setitem(steps, n_features, steps[n_features] / 2)


@pytest.mark.parametrize("n_features", [1, 2])
def test_gaussian_quadrature_is_converged_for_log_odds_of_slope_5(n_features, monkeypatch):
    # Unit covariances, means 5 apart: the log odds have slope 5 along the line between them.
    far = np.zeros((3, n_features))
    far[1:, 0] = 5.0, -2.0
    _, _, random = gaussian_case(4, n_features)
    for generator in (gaussian_classes(far), random):
        with monkeypatch.context() as patch:
            coarse = posterior_means(generator)
            halve(patch, gaussian.GAUSSIAN_STEP, n_features)
            np.testing.assert_allclose(coarse, posterior_means(generator), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("means", "shape"),
    [
        ([[0.0], [1.0], [3.0]], [10.0, -10.0, 0.0]),
        ([[0.0], [1.0]], [10.0, 10.0]),
        ([[0.0, 0.0], [0.5, 1.0]], [[10.0, -10.0], [-10.0, 3.0]]),
    ],
)
def test_skew_normal_quadrature_is_converged_for_shape_10(means, shape, monkeypatch):
    generator = skew_normal_classes(means, shape)
    coarse = posterior_means(generator)
    halve(monkeypatch, skew_normal.SKEW_NORMAL_STEP, generator.n_features)
    np.testing.assert_allclose(coarse, posterior_means(generator), rtol=0, atol=1e-10)


@given(alpha=st.floats(-10, 10), mean=st.floats(-5, 5), scale=st.floats(0.1, 10))
def test_skew_normal_moments_are_the_stated_ones(alpha, mean, scale):
    generator = skew_normal_classes([[mean], [0.0]], [alpha, 0.0], scale)
    rule = generator.quadrature()[0]
    z = (rule.nodes[:, 0] - mean) / scale
    assert rule.mean(z) == pytest.approx(0, abs=1e-10)
    assert rule.mean(z**2) == pytest.approx(1, abs=1e-10)
    skewness = float(stats.skewnorm(alpha).stats("s"))
    assert rule.mean(z**3) == pytest.approx(skewness, abs=1e-9)


def test_skew_normal_density_is_scipys_up_to_one_constant():
    means = np.array([[0.0, 1.0], [2.0, -1.0], [0.5, 0.5]])
    shape = np.array([[0.0, 40.0], [-3.0, 3.0], [8.0, 0.5]])
    a, loc, omega = azzalini(means, shape, 1.7)
    points = 3 * np.random.default_rng(1).standard_normal((50, 2))
    expected = stats.skewnorm.logpdf(points[:, None], a, loc, omega).sum(axis=-1)
    difference = skew_normal_classes(means, shape, 1.7).log_density(points) - expected
    np.testing.assert_allclose(difference, difference[0, 0], rtol=0, atol=1e-8)


@pytest.mark.parametrize("shape", [(0.0, 30.0), ((-4.0, 1.0), (10.0, -10.0))])
def test_skew_normal_samples_follow_scipys_law(shape):
    means = np.array([[0.0, 1.0], [2.0, -1.0]])
    a, loc, omega = azzalini(means, shape, 0.8)
    X, y = sample(
        skew_normal_classes(means, shape, 0.8), (20_000, 20_000), np.random.default_rng(4)
    )
    for k in (0, 1):
        for j in (0, 1):
            law = stats.skewnorm(a[k, j], loc[k, j], omega[k, j])
            assert stats.kstest(X[y == k, j], law.cdf).pvalue > 1e-3
        independent = np.corrcoef(X[y == k].T)[0, 1]
        assert abs(independent) <= 4 / np.sqrt(20_000)
    mirrored = stats.skewnorm(-a[1, 0], means[1, 0], omega[1, 0])
    assert stats.kstest(X[y == 1, 0], mirrored.cdf).pvalue < 1e-10  # the control


def test_skew_normal_of_shape_zero_is_gaussian():
    means = [[0.0, 0.0], [1.0, 2.0]]
    points = np.random.default_rng(5).standard_normal((20, 2))
    odds = [
        np.diff(g.log_density(points), axis=1)
        for g in (
            skew_normal_classes(means, [0.0, 0.0], 1.5),
            gaussian_classes(means, [2.25 * np.eye(2)] * 2),
        )
    ]
    np.testing.assert_allclose(*odds, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "generator", [gaussian_case(3, 2)[2], skew_normal_classes([[0.0], [1.0]], [1.0, -2.0])]
)
def test_generators_survive_pickling(generator):
    copy = pickle.loads(pickle.dumps(generator))
    size = [5] * generator.n_classes
    a, b = (sample(g, size, np.random.default_rng(6))[0] for g in (generator, copy))
    np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(generator.log_density(a), copy.log_density(b))


def test_a_generator_keeps_its_own_means():
    means = np.zeros((2, 1))
    generator = gaussian_classes(means)
    means += 7
    assert generator.log_density(np.zeros((1, 1)))[0].tolist() == [0.0, 0.0]


two = np.eye(2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: class_means("line", 2, 1, 1.0), "arrangement must be one of .*, got 'line'"),
        (
            lambda: class_means("simplex", 5, 2, 1.0),
            "arrangement 'simplex' of 5 classes need at least 4 features, got 2",
        ),
        (
            lambda: class_means("ring", 2, 1, 1.0),
            "arrangement 'ring' of 2 classes need at least 2 features, got 1",
        ),
        (lambda: class_means("ring", 1, 2, 1.0), "n_classes must be at least 2, got 1"),
        (lambda: class_means("random", 2, 0, 1.0), "n_features must be at least 1, got 0"),
        (lambda: class_means("ring", 2, 2, 0.0), "separation must be positive and finite, got 0"),
        (lambda: class_means("ring", 2, 2, np.inf), "separation must be positive and finite"),
        (lambda: class_covariances("own", 2, 2), "kind must be one of .*, got 'own'"),
        (lambda: class_covariances("shared", 1, 2), "n_classes must be at least 2, got 1"),
        (lambda: class_covariances("shared", 2, 0), "n_features must be at least 1, got 0"),
        (lambda: gaussian_classes([0.0, 1.0]), r"means must have shape .*, got \(2,\)"),
        (lambda: gaussian_classes([[0.0, 1.0]]), r"means must have shape .*, got \(1, 2\)"),
        (lambda: gaussian_classes([[0.0], [np.nan]]), "means must be finite"),
        (lambda: gaussian_classes(two, two), r"covariances must have shape \(2, 2, 2\), got"),
        (lambda: gaussian_classes(two, [two, np.inf * np.ones((2, 2))]), "covariances must be fin"),
        (
            lambda: gaussian_classes(two, [two, [[1.0, 0.5], [0.0, 1.0]]]),
            "covariances must be symmetric: that of class 1 is not",
        ),
        (
            lambda: gaussian_classes(two, [np.ones((2, 2)), two]),
            "covariances must be positive definite: that of class 0 is not",
        ),
        (lambda: gaussian_classes(two, [-two, two]), "positive definite: that of class 0"),
        (
            lambda: gaussian_classes(np.eye(4)).quadrature(),
            "quadrature needs at most 3 features, got 4: use Monte Carlo",
        ),
        (
            lambda: skew_normal_classes(np.eye(3), [0.0] * 3).quadrature(),
            "quadrature needs at most 2 features, got 3: use Monte Carlo",
        ),
        (
            lambda: skew_normal_classes(two, [0.0, -12.0]).quadrature(),
            "quadrature needs shapes within ±10, got 12: use Monte Carlo",
        ),
        (lambda: skew_normal_classes([[0.0]], [0.0]), "means must have shape"),
        (lambda: skew_normal_classes(two, [0.0] * 3), r"shape must have shape \(2,\) or \(2, 2\)"),
        (lambda: skew_normal_classes(two, [0.0, np.inf]), "shape must be finite"),
        (lambda: skew_normal_classes(two, [0.0, 0.0], 0.0), "scale must be positive and finite"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
