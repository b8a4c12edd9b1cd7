"""What a user set in numpy changes nothing; arrays stay as small as their answers."""

import tracemalloc

import numpy as np
import pytest
from scipy import stats

import learnprop as lp
from learnprop.equations.inference.jackknife import jackknife
from learnprop.reports.statistics.runs import jackknifed_gap

Z = np.array([[-800.0, 0.0, 30.0], [1e308, -1e308, 0.0], [5.0, -5.0, 0.0], [0.0, 1e-320, -40.0]])
LABELS = np.array([2, 0, 1, 0])


def of_logits():
    yield lp.proba_from_logits(Z)
    yield lp.proba_from_logits(Z, "sigmoid")
    yield lp.proba_from_logits(Z[:, 0])
    for activation in ("softmax", "sigmoid"):
        proba = lp.proba_from_logits(Z, activation)
        yield lp.mean_proba(LABELS, proba, activation)
        yield from lp.mean_proba_and_second_moments(LABELS, proba, activation)
        yield from vars(lp.measure(LABELS, Z, activation)).values()
    yield from vars(lp.measure(LABELS % 2, Z[:, 0])).values()


def of_moments():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], 40)
    for scale in (1.0, 300.0):  # of the second, most probabilities underflow
        z = scale * (2 * np.eye(3)[y] + rng.normal(size=(120, 3)))
        P, M = lp.mean_proba_and_second_moments(y, lp.proba_from_logits(z))
        n, w = [40] * 3, [1.0, 1e-3, 10.0]
        yield from (lp.gap(P, w), lp.residual(P, w), lp.binary_ratio(P[:2, :2]))
        for together in (False, True):
            yield [(g.low, g.high) for g in lp.gaps_of_model(P, M, n, w, simultaneous=together)]
        yield lp.joint_test_of_model(P, M, n, w).p_value
        yield [(e.low, e.high) for e in lp.effective_class_weight_of_model(P, M, n, n)]
        yield from (lp.accuracy_bounds(P), lp.detailed_balance_asymmetry(P, w))
    x = rng.gamma(2, size=(30, 3))
    yield [(g.low, g.high) for g in lp.gaps_over_runs(x, x[::-1], simultaneous=True)]
    yield lp.joint_test_over_runs(x - x.mean(axis=0) + 1e-160).p_value
    yield lp.mcse_of_sd(x[:, 0]), jackknifed_gap(x[:, 0], x[:, 1])[1]
    yield lp.ratio_of_means(x[:, 0], x[:, 1]).low


@pytest.mark.parametrize("numbers", [of_logits, of_moments])
def test_seterr_of_a_user_changes_nothing(numbers):
    expected = list(numbers())
    with np.errstate(all="raise"):
        found = list(numbers())
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def peak_of(function):
    """Largest memory that was held during a call, in bytes."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_mean_proba_needs_memory_for_its_answer_and_its_input():
    K = 300
    y, proba = np.arange(2 * K) % K, np.full((2 * K, K), 1 / K)
    found = {}
    size = peak_of(lambda: found.update(P=lp.mean_proba(y, proba)))
    assert size < 8 * proba.nbytes  # K³ numbers would be 150 times as many
    np.testing.assert_allclose(found["P"], 1 / K)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: lp.mcse_of_sd(x),
        lambda x: jackknifed_gap(x, x + 1),
        lambda x: jackknife(np.mean, x[:2000]),
    ],
)
def test_the_jackknife_needs_memory_for_its_runs(call):
    x = np.random.default_rng(0).gamma(2, size=20_000)
    assert peak_of(lambda: call(x)) < 20 * x.nbytes  # n² booleans would be 2,500 times as many


def test_closed_forms_are_the_jackknife():
    rng = np.random.default_rng(1)
    x, y = rng.gamma(2, size=(2, 40)) + 1e3
    assert lp.mcse_of_sd(x) == pytest.approx(jackknife(lambda a: a.std(ddof=1), x)[1], rel=1e-9)
    found, mcse = jackknifed_gap(x, y)
    expected, standard_error = jackknife(lambda a, b: a.mean() / b.mean() - 1, x, y, level=0.9)
    assert mcse == pytest.approx(standard_error, rel=1e-9)
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], atol=1e-12)


def test_a_light_class_is_compared_like_any_other():
    """λ over fifteen decades: the lightest class's sides are ordinary numbers."""
    w = np.array([1e-15, 1.0])
    P = np.array([[0.6, 0.4], [4e-16, 1 - 4e-16]])
    assert lp.gap(P, w)[0] == pytest.approx(0.4e-15 / 4e-16 - 1)
    n = [100, 10**6]
    M = np.array([np.diag(row) for row in P])
    assert np.isfinite(lp.gaps_of_model(P, M, n, w)[0].value)


def test_bounds_of_accuracy_are_refused_where_they_are_not_true():
    # One-vs-all: p̄ = 0.9 for every class, and the accuracy can be 0, not 2 · 0.9 - 1 or more.
    with pytest.raises(ValueError, match=r"rows that sum to one .* got 1\.8"):
        lp.accuracy_bounds([[0.9, 0.9], [0.1, 0.9]])


def test_tensors_with_a_graph_are_read():
    torch = pytest.importorskip("torch")
    z = torch.tensor([[0.5, 0.1], [0.2, 0.9]], requires_grad=True)
    expected = lp.mean_proba([0, 1], lp.proba_from_logits(z.detach().numpy()))
    for logits in (z, z.detach(), z.to(torch.bfloat16).float()):
        found = lp.mean_proba(torch.tensor([0, 1]), lp.proba_from_logits(logits))
        np.testing.assert_allclose(found, expected, atol=2e-3)
    lp.proba_from_logits(z.to(torch.bfloat16))
    np.testing.assert_array_equal(lp.mean_proba([0, 1], z.softmax(dim=1)).shape, (2, 2))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: lp.proba_from_logits([[0.0], [2.0]]), r"n_classes >= 2\), got \(2, 1\)"),
        (lambda: lp.proba_from_logits([[[0.0, 1.0]]]), r"got \(1, 1, 2\)"),
        (lambda: lp.proba_from_logits([[1.0, 2.0]], "sigmod"), "activation must be .* 'sigmod'"),
        (lambda: lp.mean_proba([0], [[1.0, 0.0]], "Softmax"), "activation must be .* 'Softmax'"),
        (lambda: lp.class_count([0, 1], 2.5), r"n_classes must be a whole number, got 2\.5"),
        (lambda: lp.gaps_over_runs([[1, np.nan], [1, 1]], np.ones((2, 2))), "finite numbers"),
        (lambda: lp.joint_test_over_runs([[np.nan, 1], [1, 1], [2, 1]]), "not finite"),
    ],
)
def test_arguments_that_mean_nothing_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("unit", [1e-200, 1e-160, 1e160])
def test_the_unit_of_residuals_does_not_matter(unit):
    r = np.random.default_rng(0).normal(size=(12, 3))
    expected = lp.joint_test_over_runs(r).p_value
    assert lp.joint_test_over_runs(r * unit).p_value == pytest.approx(expected)


def test_one_equation_has_the_exact_quantile():
    for df, level in ((3, 0.999), (1, 0.999), (2, 0.95)):
        exact = stats.t.ppf((1 + level) / 2, df)
        assert lp.max_t_critical([[1.0]], level=level, df=df) == pytest.approx(exact)
