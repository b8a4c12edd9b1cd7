"""The triangle, the gap on fresh data and minibatches: JavaScript against Python and scipy."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special, stats

import learnprop as lp
from learnprop.equations.limits.minimisers import linear_mean_proba, softmax_minimiser
from learnprop.equations.limits.quadrature import Quadrature, standard_normal_quadrature
from learnprop.equations.limits.state_evolution.binary import fixed_point

TRIANGLES = [
    {"separation": s, "weight": weight, "count": count}
    for s, weight, count in [
        (0.5, [1, 1, 1], [100, 100, 100]),
        (1.0, [1, 1, 1], [1000, 100, 10]),
        (2.0, [0.001, 1, 1000], [1000, 100, 10]),
        (3.0, [1, 1, 1], [1000, 100, 10]),
        (3.0, [1 / 1000, 1 / 100, 1 / 10], [1000, 100, 10]),
        (5.0, [100, 1, 1], [1000, 1, 1]),
        (6.0, [1, 1, 1], [1, 1, 1000]),
    ]
]


@pytest.fixture(scope="module")
def triangles(opened):
    page, _ = opened
    script = """calls => calls.map(given => {
      const { posterior, ...found } = learnprop.triangle(given);
      return { ...found, at: [posterior(0.3, -1.2), posterior(-40, 90)] };
    })"""
    return page.evaluate(script, TRIANGLES)


def means_of(separation):
    angle = np.deg2rad([90, 210, 330])
    return separation / np.sqrt(3) * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def gaussian_rules(means, separation):
    rule = standard_normal_quadrature(2, min(0.5, 0.5 / separation))
    return [Quadrature(rule.nodes + mean, rule.probability) for mean in means]


def test_means_are_at_the_separation(triangles):
    for given, found in zip(TRIANGLES, triangles, strict=True):
        means = np.array(found["means"])
        distance = np.linalg.norm(means - np.roll(means, 1, axis=0), axis=1)
        np.testing.assert_allclose(distance, given["separation"], rtol=1e-13)
        np.testing.assert_allclose(means, means_of(given["separation"]), rtol=0, atol=1e-14)


def test_p_is_that_of_softmax_regression_fitted_to_the_population(triangles):
    """`softmax_minimiser` knows no posterior: it minimises the loss on nodes and probabilities."""
    for given, found in zip(TRIANGLES[1:4], triangles[1:4], strict=True):
        mass = np.multiply(given["weight"], given["count"])
        classes = gaussian_rules(means_of(given["separation"]), given["separation"])
        theta = softmax_minimiser(classes, mass)
        np.testing.assert_allclose(
            found["P"], linear_mean_proba(classes, theta), rtol=1e-10, atol=1e-12
        )


def test_p_is_the_mean_of_the_posterior_and_balanced(triangles):
    for given, found in zip(TRIANGLES, triangles, strict=True):
        mass = np.multiply(given["weight"], given["count"])
        means = means_of(given["separation"])
        P = np.stack(
            [
                c.mean(special.softmax(c.nodes @ means.T + np.log(mass), axis=1))
                for c in gaussian_rules(means, given["separation"])
            ]
        )
        np.testing.assert_allclose(found["P"], P, rtol=1e-10, atol=1e-13)
        np.testing.assert_allclose(lp.gap(found["P"], mass), 0, atol=1e-10)
        other = lp.gap(found["P"], mass * [1, 1, 1 + 1e-6])
        assert other[2] == pytest.approx(1e-6, rel=1e-3)  # a mass that is 1e-6 off is told apart


def test_posterior_is_bayes_rule(triangles):
    for given, found in zip(TRIANGLES, triangles, strict=True):
        means = means_of(given["separation"])
        mass = np.multiply(given["weight"], given["count"])
        for x, proba in zip(([0.3, -1.2], [-40, 90]), found["at"], strict=True):
            log_density = stats.multivariate_normal.logpdf(x - means, cov=np.eye(2))
            expected = special.softmax(log_density + np.log(mass))
            np.testing.assert_allclose(proba, expected, rtol=1e-9, atol=1e-300)


def test_accuracy_is_the_probability_of_the_region(triangles):
    """Along x, the share of y within the region of class k, by quadrature."""
    for given, found in zip(TRIANGLES[1:], triangles[1:], strict=True):
        means = means_of(given["separation"])
        bias = np.log(np.multiply(given["weight"], given["count"]))
        for k, own in enumerate(means):
            others = [j for j in range(3) if j != k]

            def share(x, k=k, own=own, others=others, means=means, bias=bias):
                low, high = -np.inf, np.inf
                for j in others:
                    a, b = means[k] - means[j]
                    rest = bias[j] - bias[k] - a * (x + own[0])
                    if abs(b) < 1e-12:
                        if rest > 0:
                            return 0.0
                    elif b > 0:
                        low = max(low, rest / b - own[1])
                    else:
                        high = min(high, rest / b - own[1])
                return max(special.ndtr(high) - special.ndtr(low), 0) * stats.norm.pdf(x)

            ends = [-9.0, float(np.clip(corner(means, bias)[0] - own[0], -9, 9)), 9.0]
            expected = sum(
                integrate.quad(share, a, b, epsabs=1e-14, epsrel=1e-11, limit=200)[0]
                for a, b in pairwise(ends)
            )
            assert found["accuracy"][k] == pytest.approx(expected, rel=1e-10, abs=1e-12)


def corner(means, bias):
    """Where the three boundaries meet."""
    return np.linalg.solve([means[0] - means[1], means[1] - means[2]], -np.diff(bias))


DESIGNS = [
    {"share": [0.9, 0.1], "weight": [1, 9], "separation": 2.0},
    {"share": [0.9, 0.1], "weight": [1, 1], "separation": 2.0},
    {"share": [0.5, 0.5], "weight": [3, 1], "separation": 0.7},
    {"share": [0.01, 0.99], "weight": [99, 1], "separation": 3.0},
    {"share": [0.999, 0.001], "weight": [1, 1], "separation": 4.0},
]
DEPTHS = [0.0, 0.2, 0.6, 0.9, 0.97]


def test_thresholds_are_those_of_python(javascript):
    designs = [*DESIGNS, {"share": [0.3, 0.7], "separation": 9.0}]
    found = javascript("separabilityThreshold", *((d["share"], d["separation"]) for d in designs))
    expected = [
        lp.separability_threshold(class_share=d["share"], separation=d["separation"])
        for d in designs
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    assert javascript("separabilityThreshold", ([0.5, 0.5], 0)) == pytest.approx([0.5], rel=1e-12)


def test_fresh_data_are_those_of_python_up_to_the_edge(javascript):
    for d in DESIGNS:
        threshold = lp.separability_threshold(class_share=d["share"], separation=d["separation"])
        kappas = [threshold * depth for depth in DEPTHS]
        (path,) = javascript("stateEvolutionPath", (kappas, *d.values()))
        alone = javascript("stateEvolution", *((kappa, *d.values()) for kappa in kappas))
        for kappa, one, again in zip(kappas, path, alone, strict=True):
            state = lp.state_evolution(
                kappa, class_share=d["share"], class_weight=d["weight"],
                separation=d["separation"],
            )  # fmt: skip
            np.testing.assert_allclose(one["P"], state.mean_proba, rtol=1e-10, atol=0)
            np.testing.assert_allclose(one["gap"], state.gap, rtol=1e-9, atol=1e-10)
            mass = state.class_weight * state.class_share
            np.testing.assert_allclose(
                one["left"], lp.left_side(state.mean_proba, mass), rtol=1e-10
            )
            np.testing.assert_allclose(
                one["right"], lp.right_side(state.mean_proba, mass), rtol=1e-10
            )
            assert one["inflation"] == pytest.approx(state.inflation, rel=1e-10)
            np.testing.assert_allclose(one["P"], again["P"], rtol=1e-10)


def test_nothing_is_said_beyond_the_edge(javascript):
    d = DESIGNS[0]
    threshold = lp.separability_threshold(class_share=d["share"], separation=d["separation"])
    kappas = [threshold * depth for depth in (0.5, 1.0, 1.01, 3.0)]
    (path,) = javascript("stateEvolutionPath", (kappas, *d.values()))
    assert [one is None for one in path] == [False, True, True, True]
    assert javascript("stateEvolution", (0.1, [0.5, 0.5], [1, 1], 80)) == [None]


def test_equations_and_their_derivatives(javascript):
    at, share, weight = [0.7, -0.5, 1.5, 2.5], [0.75, 0.25], [1.0, 2.0]
    (found,) = javascript("fixedPoint", (at, 0.1, share, weight, 1.0))
    residual, jacobian = fixed_point(np.array(at), 0.1, np.array(share), np.array(weight), 1.0)
    np.testing.assert_allclose(found["residual"], residual, rtol=1e-11)
    np.testing.assert_allclose(found["jacobian"], jacobian, rtol=1e-10, atol=1e-13)
    margin = [(t, c) for t in (-30.0, -1.0, 0.0, 2.0, 40.0) for c in (0.0, 1.0, 50.0)]
    for (t, c), a in zip(margin, javascript("proximalMargin", *margin), strict=True):
        assert a - c * special.expit(-a) == pytest.approx(t, rel=1e-12, abs=1e-12)


@pytest.mark.slow
def test_fits_to_samples_have_the_gap_that_the_page_predicts(javascript):
    """40 regressions by scikit-learn on 4000 samples of 200 features."""
    from sklearn.linear_model import LogisticRegression

    n, d = 4000, 200
    counts = np.array([3600, 400])
    (predicted,) = javascript("stateEvolution", (d / n, [0.9, 0.1], [1, 9], 2.0))
    rng = np.random.default_rng(0)
    mu = np.zeros(d)
    mu[0] = 1.0
    ratios = []
    for _ in range(40):
        y = np.repeat([0, 1], counts)
        X = rng.normal(size=(n, d)) + np.where(y[:, None] == 1, mu, -mu)
        fit = LogisticRegression(C=np.inf, class_weight={0: 1, 1: 9}, tol=1e-8, max_iter=1000)
        fit.fit(X, y)
        slope, bias = fit.coef_[0], fit.intercept_[0]
        z = rng.normal(size=20_000) * np.linalg.norm(slope)
        miss1 = special.expit(-(slope @ mu + bias + z)).mean()
        miss0 = special.expit(-slope @ mu + bias + z).mean()
        ratios.append(miss1 / miss0)
    mean, mcse = np.mean(ratios), np.std(ratios, ddof=1) / np.sqrt(len(ratios))
    # 8 / n_samples is what finite samples differ by (learnprop.state_evolution).
    expected = predicted["left"][1] / predicted["right"][1] + 8 / n
    assert abs(mean - expected) <= 4 * mcse


BATCHES = [
    ([1, 100], [10000, 100], 64),
    ([1, 100], [10000, 100], 1),
    ([1, 1], [10, 1000], 32),
    ([1, 1000], [1000, 1], 8),
    ([3, 1], [100, 300], 1024),
]


def test_weights_in_minibatches_are_those_of_python_and_of_a_fit(javascript):
    """The fit sums over the numbers of class 1 in a minibatch; the prediction is an integral."""
    found = javascript("minibatchMeanWeight", *BATCHES)
    fits = javascript(
        "fitMinibatchMean",
        *(({"weight": w, "count": n, "batchSize": B},) for w, n, B in BATCHES),
    )
    P = javascript("meanProbaSim1", *((f["slope"], f["bias"]) for f in fits))
    observed = javascript("effectiveWeight", *zip(P, (n for _, n, _ in BATCHES), strict=True))
    for (weight, count, size), said, seen in zip(BATCHES, found, observed, strict=True):
        expected = lp.minibatch_mean_class_weight(weight, count, size)
        np.testing.assert_allclose(said, expected, rtol=1e-10)
        np.testing.assert_allclose(seen, expected, rtol=1e-9)
    three = ([1, 5, 20], [100, 20, 5], 16)
    expected = lp.minibatch_mean_class_weight(*three)
    np.testing.assert_allclose(javascript("minibatchMeanWeight", three)[0], expected, rtol=1e-10)


def test_the_binomial_sum_is_scipys(javascript):
    """At the balance of the fit the masses are the mean parts of a minibatch."""
    weight, count, size = [1, 30], [500, 20], 16
    m = np.arange(size + 1)
    pmf = stats.binom.pmf(m, size, count[1] / sum(count))
    part = m * weight[1] / (m * weight[1] + (size - m) * weight[0])
    q = pmf @ part
    (fit,) = javascript(
        "fitMinibatchMean", ({"weight": weight, "count": count, "batchSize": size},)
    )
    (P,) = javascript("meanProbaSim1", (fit["slope"], fit["bias"]))
    assert P[0][1] / P[1][0] == pytest.approx(q / (1 - q), rel=1e-10)
