"""Stable functions, both sides of Eq. (9) and Sim1: JavaScript against Python and scipy."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import integrate, special, stats

import learnprop as lp
from learnprop.equations.limits.minimisers import linear_mean_proba, logistic_minimiser
from learnprop.equations.limits.quadrature import standard_normal_quadrature
from learnprop.simulations.generators.paper import sim1

CLASSES = sim1().quadrature()
MASSES = [(1, 1), (1, 10), (100, 1), (1, 1000), (1e6, 1), (1, 1e6), (0.5, 5000.3)]
exact = {"rtol": 1e-10, "atol": 0}


def fits(javascript, masses=MASSES, **how):
    """Fits of Sim1; the mass is put partly into the weights and partly into the counts."""
    given = [
        ({"weight": [w0**0.25, w1**0.25], "count": [w0**0.75, w1**0.75], **how},)
        for w0, w1 in masses
    ]
    return javascript("fitSim1", *given)


def mean_probas(javascript, found):
    return np.array(javascript("meanProbaSim1", *((f["slope"], f["bias"]) for f in found)))


def test_logistic_functions_keep_their_digits_at_both_ends(javascript):
    z = np.concatenate([np.linspace(-700, 700, 41), [1e-9, -1e-9, 800, -800]])
    calls = [(float(v),) for v in z]
    np.testing.assert_allclose(javascript("expit", *calls), special.expit(z), rtol=1e-13)
    expected = np.logaddexp(0, z)
    np.testing.assert_allclose(javascript("logOnePlusExp", *calls), expected, rtol=1e-13)


def test_normal_distribution_and_its_inverse(javascript):
    x = np.linspace(-37, 9, 185)
    found = javascript("normalCdf", *((float(v),) for v in x))
    np.testing.assert_allclose(found, special.ndtr(x), rtol=1e-12)
    p = np.array([1e-12, 1e-3, 0.025, 0.3, 0.5, 0.9, 0.975, 0.9995])
    found = javascript("normalQuantile", *((float(v),) for v in p))
    np.testing.assert_allclose(found, special.ndtri(p), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("a", "b"), [(0, 0), (1.3, -0.4), (-5, -4), (3, -6), (8, 2), (-7, 7)])
def test_normal_pairs_against_their_conditional_distribution(javascript, a, b):
    """P(X <= a, Y <= b) is the mean over X <= a of Φ((b - X/2) / √(3/4))."""
    expected, _ = integrate.quad(
        lambda x: stats.norm.pdf(x) * special.ndtr((b - x / 2) / np.sqrt(0.75)),
        -38, a, epsabs=0, epsrel=1e-12, points=[v for v in (-a, b, -6, 0) if -38 < v < a],
        limit=400,
    )  # fmt: skip
    (found,) = javascript("normalPairCdf", (a, b))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-15)


def test_rules_of_integration(javascript):
    (found,) = javascript("gaussLegendre", (-1, 1, 20))
    node, weight = np.polynomial.legendre.leggauss(20)
    order = np.argsort(found["node"])
    np.testing.assert_allclose(np.array(found["node"])[order], node, rtol=0, atol=1e-14)
    np.testing.assert_allclose(np.array(found["weight"])[order], weight, rtol=1e-12)
    (found,) = javascript("standardNormalRule", (0.25, 9))
    rule = standard_normal_quadrature(1)
    np.testing.assert_allclose(found["node"], rule.nodes[:, 0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(found["probability"], rule.probability, rtol=1e-13)


def test_linear_equations_with_a_pivot_that_is_zero(javascript):
    rng = np.random.default_rng(0)
    A, b = rng.normal(size=(6, 6)), rng.normal(size=6)
    A[0, 0] = 0.0
    (found,) = javascript("solve", (A.tolist(), b.tolist()))
    np.testing.assert_allclose(found, np.linalg.solve(A, b), rtol=1e-11)


def matrices():
    rng = np.random.default_rng(1)
    for K in (2, 3, 5, 10):
        yield rng.dirichlet(np.ones(K), size=K)
        near = rng.dirichlet(np.ones(K), size=K) * 1e-9
        np.fill_diagonal(near, 0)
        np.fill_diagonal(near, 1 - near.sum(axis=1))
        yield near


def test_both_sides_of_eq_9(javascript):
    rng = np.random.default_rng(2)
    given = [(P, np.exp(rng.normal(0, 4, len(P)))) for P in matrices()]
    found = javascript("sides", *((P.tolist(), w.tolist()) for P, w in given))
    for (P, w), one in zip(given, found, strict=True):
        np.testing.assert_allclose(one["left"], lp.left_side(P, w), **exact)
        np.testing.assert_allclose(one["right"], lp.right_side(P, w), **exact)
        np.testing.assert_allclose(one["gap"], lp.gap(P, w), rtol=1e-10, atol=1e-10)
        scale = lp.left_side(P, w).max()
        np.testing.assert_allclose(one["residual"], lp.residual(P, w), rtol=0, atol=1e-10 * scale)


def test_stationary_distribution_against_python_and_eigenvectors(javascript):
    given = list(matrices())
    found = javascript("stationaryDistribution", *((P.tolist(),) for P in given))
    for P, share in zip(given, found, strict=True):
        np.testing.assert_allclose(share, lp.stationary_distribution(P), **exact)
    for P, share in zip(given[::2], found[::2], strict=True):  # far from the identity
        value, vector = np.linalg.eig(P.T)
        one = np.real(vector[:, np.argmax(np.real(value))])
        np.testing.assert_allclose(share, one / one.sum(), **exact)
    reducible = [[1, 0, 0], [0, 0.5, 0.5], [0, 0.5, 0.5]]
    assert javascript("stationaryDistribution", (reducible,)) == [None]
    assert javascript("effectiveWeight", (reducible, [1, 1, 1])) == [None]


def test_densities_and_shares_of_sim1_by_quadrature_over_the_uniform_part(opened):
    page, _ = opened
    x = np.linspace(-9, 9, 73)
    script = "x => learnprop.SIM1.map(c => [x.map(c.density), x.map(c.cdf)])"
    for (density, cdf), mean, (low, high) in zip(
        page.evaluate(script, x.tolist()), (1.5, -1.5), ((-0.5, 0), (0, 0.5)), strict=True
    ):

        def over_uniform(f, mean=mean, low=low, high=high):
            values = [integrate.quad(lambda u, v=v: f(v - mean - u), low, high,
                                     epsabs=0, epsrel=1e-13)[0] for v in x]  # fmt: skip
            return np.array(values) / (high - low)

        np.testing.assert_allclose(density, over_uniform(stats.norm.pdf), **exact)
        np.testing.assert_allclose(cdf, over_uniform(special.ndtr), **exact)


def test_fits_are_the_minimiser_of_python(javascript):
    found = fits(javascript)
    for masses, one, P in zip(MASSES, found, mean_probas(javascript, found), strict=True):
        theta = logistic_minimiser(CLASSES, masses)
        np.testing.assert_allclose([one["slope"], one["bias"]], theta, rtol=1e-10, atol=1e-10)
        # Beyond nine standard deviations Python's rule sees nothing: 1e-9 of the smallest.
        expected = linear_mean_proba(CLASSES, theta)
        np.testing.assert_allclose(P, expected, rtol=1e-10, atol=1e-16)
        np.testing.assert_allclose(P[0, 1] / P[1, 0], lp.binary_ratio_in_theory(masses), rtol=1e-10)
        assert one["steps"][0] == {"slope": 0, "bias": 0}
        assert one["steps"][-1] == {"slope": one["slope"], "bias": one["bias"]}


@pytest.mark.parametrize("masses", [(1, 10), (100, 1)])
def test_fits_against_statsmodels(javascript, masses):
    (one,) = fits(javascript, [masses])
    x = np.concatenate([c.nodes[:, 0] for c in CLASSES])
    y = np.repeat([0.0, 1.0], [len(c.nodes) for c in CLASSES])
    weight = np.concatenate([w * c.probability for w, c in zip(masses, CLASSES, strict=True)])
    kept = weight > 1e-14 * weight.max()
    glm = sm.GLM(
        y[kept], sm.add_constant(x)[kept], sm.families.Binomial(), freq_weights=weight[kept]
    )
    bias, slope = glm.fit(tol=1e-14, tol_criterion="params").params
    np.testing.assert_allclose([one["slope"], one["bias"]], [slope, bias], rtol=1e-9)
    assert abs(one["slope"] - slope * (1 + 1e-6)) > 1e-7  # what is 1e-6 off is told apart


def test_the_residual_is_minus_the_gradient_of_the_bias_at_any_point(javascript):
    """E1, by differences of the loss, and by both sides of Eq. (9)."""
    problem = {"weight": [2.0, 7.0], "count": [300, 40]}
    points = [(-2.0, 1.5), (-0.3, -4.0), (0.0, 0.0), (-5.0, 3.0)]
    h = 1e-5
    P = javascript("meanProbaSim1", *points)
    here = javascript("lossSim1", *(({"slope": s, "bias": b, **problem},) for s, b in points))
    for k, (slope, bias) in enumerate(points):
        at = [{"slope": slope, "bias": bias + d, **problem} for d in (h, -h)]
        up, down = javascript("lossSim1", *((one,) for one in at))
        residual = lp.residual(P[k], [600.0, 280.0])[1]
        assert residual == pytest.approx(-(up["loss"] - down["loss"]) / (2 * h), rel=1e-6)
        assert residual == pytest.approx(-here[k]["gradient"][1], rel=1e-10)


@pytest.mark.parametrize("smoothing", [0.01, 0.1, 0.5])
def test_label_smoothing_leaves_the_residual_that_is_predicted(javascript, smoothing):
    found = fits(javascript, smoothing=smoothing)
    for masses, P in zip(MASSES, mean_probas(javascript, found), strict=True):
        predicted = lp.label_smoothing_residual(masses, smoothing)
        total = sum(masses)
        np.testing.assert_allclose(lp.residual(P, masses), predicted, rtol=0, atol=1e-10 * total)
        (said,) = javascript("smoothingResidual", (masses, smoothing))
        np.testing.assert_allclose(said, predicted / total, rtol=1e-10, atol=1e-16)


def test_without_intercept_the_balance_breaks_as_scipy_finds(javascript):
    masses = (1, 10)
    (one,) = fits(javascript, [masses], intercept=False)
    assert one["bias"] == 0
    (P,) = mean_probas(javascript, [one])
    x = [c.nodes[:, 0] for c in CLASSES]

    def slope_of_loss(slope):
        miss = (special.expit(slope * x[0]), -special.expit(-slope * x[1]))
        return sum(
            w * c.probability @ (m * v) for w, c, m, v in zip(masses, CLASSES, miss, x, strict=True)
        )

    from scipy.optimize import brentq

    assert one["slope"] == pytest.approx(brentq(slope_of_loss, -9, -0.1, xtol=1e-14), rel=1e-10)
    assert P[0, 1] / P[1, 0] == pytest.approx(1, rel=1e-10)  # mirrored classes, and not 10


def test_the_weighted_fit_at_one_half_is_the_plain_one_at_another_threshold(javascript):
    plain, weighted = fits(javascript, [(1, 10), (10, 10)])
    (x,) = javascript("boundarySim1", (weighted,))
    assert expit_at(weighted, x) == pytest.approx(0.5, rel=1e-12)
    (threshold,) = javascript("thresholdAtSim1", (plain, x))
    assert expit_at(plain, x) == pytest.approx(threshold, rel=1e-12)
    assert threshold > 0.9  # ten times as many of class 1


def expit_at(fit, x):
    return special.expit(fit["slope"] * x + fit["bias"])


def uniform_share_below(x, mean, low, high):
    """P(X < x) of normal plus uniform, by quadrature over the normal part."""
    ends = [x - mean - high, x - mean - low]
    middle = integrate.quad(
        lambda z: stats.norm.pdf(z) * (x - mean - z - low) / (high - low), *ends, epsrel=1e-13
    )[0]
    return special.ndtr(ends[0]) + middle


@pytest.mark.parametrize("x", [-3.0, -0.2, 0.0, 0.7, 4.0])
def test_accuracy_and_operating_point_follow_from_the_boundary_alone(javascript, x):
    below = [uniform_share_below(x, 1.5, -0.5, 0.0), uniform_share_below(x, -1.5, 0.0, 0.5)]
    (point,) = javascript("operatingPoint", (x,))
    assert [point["falsePositive"], point["truePositive"]] == pytest.approx(below, rel=1e-10)
    (accuracy,) = javascript("accuracySim1", (x,))
    assert accuracy == pytest.approx([1 - below[0], below[1]], rel=1e-10)


def test_the_curve_of_all_thresholds_has_the_area_of_the_probability_to_rank_right(javascript):
    (area,) = javascript("aucSim1", ())
    # The difference of two members is normal with variance 2 and plus a triangle on (2, 3).
    expected, _ = integrate.quad(
        lambda u: (0.5 - abs(u)) / 0.25 * special.ndtr((2.5 + u) / np.sqrt(2)), -0.5, 0.5,
        points=[0.0], epsabs=1e-14,
    )  # fmt: skip
    assert area == pytest.approx(expected, rel=1e-10)
    (curve,) = javascript("rocSim1", (2001,))
    fp, tp = (np.array([one[k] for one in curve]) for k in ("falsePositive", "truePositive"))
    assert np.trapezoid(tp, fp) == pytest.approx(area, abs=1e-5)
    assert (np.diff(fp) >= -1e-15).all()
    assert (np.diff(tp) >= -1e-15).all()
