import numpy as np
import pytest
from scipy import stats

from learnprop.simulations.generators.generator import sample
from learnprop.simulations.generators.paper import sim1, sim2

GENERATORS = [sim1("sum"), sim1("mixture"), sim2("covariance"), sim2("standard-deviation")]


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda g: f"{g.name}-{g.reading}")
def test_samples_have_the_moments_of_the_quadrature(generator):
    n = 40_000
    X, y = sample(generator, (n, n), np.random.default_rng(0))
    for k, rule in enumerate(generator.quadrature()):
        for power in (1, 2, 3):
            values = X[y == k] ** power
            expected = rule.mean(rule.nodes**power)
            mcse = values.std(axis=0) / np.sqrt(n)
            assert (np.abs(values.mean(axis=0) - expected) <= 4 * mcse).all()


def test_sim1_is_the_stated_law():
    X, y = sample(sim1(), (30_000, 30_000), np.random.default_rng(1))

    def cdf(x):  # of N(-1.5, 1) + U(0, 0.5): mean of Phi(x + 1.5 - u) over u
        z = np.asarray(x) + 1.5
        primitive = [t * stats.norm.cdf(t) + stats.norm.pdf(t) for t in (z, z - 0.5)]
        return 2 * (primitive[0] - primitive[1])

    assert stats.kstest(X[y == 1, 0], cdf).pvalue > 1e-3
    assert stats.kstest(-X[y == 0, 0], cdf).pvalue > 1e-3
    assert stats.kstest(X[y == 0, 0], cdf).pvalue < 1e-10  # the control


@pytest.mark.parametrize(
    ("reading", "variance"), [("covariance", 1.2), ("standard-deviation", 1.44)]
)
def test_sim2_is_the_stated_law(reading, variance):
    generator = sim2(reading)
    X, y = sample(generator, (20_000, 20_000), np.random.default_rng(2))
    assert stats.kstest(X[y == 1, 1], stats.norm(0, variance**0.5).cdf).pvalue > 1e-3
    assert stats.kstest(X[y == 0, 2], stats.norm(1, 1).cdf).pvalue > 1e-3
    points = X[::4000]
    laws = [
        stats.multivariate_normal([1, 1, 1], np.eye(3)),
        stats.multivariate_normal([0, 0, 0], variance * np.eye(3)),
    ]
    expected = np.stack([law.logpdf(points) for law in laws], axis=1)
    found = generator.log_density(points)
    np.testing.assert_allclose(found - expected, (found - expected)[0, 0], atol=1e-12)


def test_the_rng_is_the_only_randomness():
    a, _ = sample(sim2(), (3, 4), np.random.default_rng(3))
    np.random.default_rng().random()
    b, _ = sample(sim2(), (3, 4), np.random.default_rng(3))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("size", [(0, 5), (-1, 5), (2.5, 5), (1, 2, 3), 7])
def test_bad_sizes_are_named(size):
    with pytest.raises(ValueError, match="class_count must be 2 positive integers"):
        sample(sim1(), size, np.random.default_rng(0))


@pytest.mark.parametrize("make", [sim1, sim2])
def test_unknown_readings_are_named(make):
    with pytest.raises(ValueError, match=r"reading must be one of .*, got 'other'"):
        make("other")
