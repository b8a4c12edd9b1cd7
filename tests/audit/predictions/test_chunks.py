"""Chunks: whatever they are, and whoever adds them up, the moments are those of numpy."""

import tracemalloc

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax

from learnprop.audit.inference.statistics import (
    effective_weights,
    flow,
    gaps,
    joint_test,
    residual_covariance,
    weighted_covariance,
)
from learnprop.audit.predictions import chunks as of_chunks
from learnprop.audit.predictions import keeping, many_classes, pieces
from learnprop.audit.predictions.chunks import Chunk, measure_chunks
from learnprop.equations.mean_proba import mean_proba_and_second_moments

K, N = 5, 3000
RNG = np.random.default_rng(0)
Y = RNG.integers(K, size=N)
LOGITS = RNG.normal(size=(N, K)) + 1.5 * np.eye(K)[Y]
PROBA = softmax(LOGITS, axis=1)
WEIGHT = RNG.gamma(1.0, size=N)
MASS = np.arange(1.0, K + 1)


def in_chunks(values=PROBA, weight=None, y=Y, size=700):
    def chunks():
        for a in range(0, len(y), size):
            part = slice(a, a + size)
            yield Chunk(y[part], values[part], None if weight is None else weight[part])

    return chunks


def measured(*arguments, labels=tuple(range(K)), **options):
    return measure_chunks(in_chunks(*arguments), labels, **options)


@pytest.fixture
def many(monkeypatch):
    """All classes are many, and rows are held but a few at once."""
    monkeypatch.setattr(of_chunks, "MANY", 1)
    monkeypatch.setattr(many_classes, "HELD", 2 * N)


def ends(estimates):
    return np.array([[e.value, e.low, e.high] for e in estimates])


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_moments_are_those_of_numpy(weight):
    found = measured(PROBA, weight)
    w = np.ones(N) if weight is None else weight
    for k in range(K):
        f, of_class = PROBA[k == Y], w[k == Y]
        mean = np.average(f, axis=0, weights=of_class)
        np.testing.assert_allclose(found.mean_proba[k], mean, rtol=1e-12)
        np.testing.assert_allclose(
            found.second_moment[k], (of_class[:, None] * f).T @ f / of_class.sum(), rtol=1e-11
        )
        # Covariance of the weighted mean, as of a survey with replacement.
        d = of_class[:, None] * (f - mean) / of_class.sum()
        n = of_class.sum() ** 2 / (of_class**2).sum()
        once = np.zeros(K)
        once[k] = 1 / n
        np.testing.assert_allclose(
            weighted_covariance(found, once), d.T @ d * n / (n - 1), rtol=1e-9, atol=1e-16
        )
        assert found.effective_count[k] == pytest.approx(n, rel=1e-12)
        assert found.spread.unit_count[k] == pytest.approx(of_class.sum() / of_class.max())


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("are_logits", [False, True], ids=["proba", "logits"])
@pytest.mark.usefixtures("many")
def test_many_classes_are_measured_as_few_are(weight, are_logits, monkeypatch):
    values = LOGITS if are_logits else PROBA
    b = measured(values, weight, are_logits=are_logits)
    assert b.second_moment is None
    monkeypatch.setattr(of_chunks, "MANY", 64)
    a = measured(values, weight, are_logits=are_logits)
    same = {"rtol": 1e-10, "atol": 1e-14}
    np.testing.assert_allclose(a.mean_proba, b.mean_proba, **same)
    np.testing.assert_allclose(a.miss_proba, b.miss_proba, **same)
    for together in (False, True):
        found = [gaps(p, MASS, simultaneous=together) for p in (a, b)]
        np.testing.assert_allclose(*map(ends, found), **same)
    np.testing.assert_allclose(*(ends(effective_weights(p, MASS)) for p in (a, b)), **same)
    found = [joint_test(p, MASS) for p in (a, b)]
    assert found[0].reason == found[1].reason == ""
    assert found[0].statistic == pytest.approx(found[1].statistic, rel=1e-10)
    assert found[0].df_residual == pytest.approx(found[1].df_residual, rel=1e-10)
    np.testing.assert_allclose(*(flow(p, MASS) for p in (a, b)), **same)
    np.testing.assert_allclose(*(residual_covariance(p, MASS, 100 * MASS) for p in (a, b)), **same)


@pytest.mark.usefixtures("many")
def test_sigmoids_have_misses_of_their_own(monkeypatch):
    z = 40 * (2 * np.eye(K)[Y] - 1) + RNG.normal(size=(N, K))
    found = [measured(z, activation="sigmoid", are_logits=True)]
    monkeypatch.setattr(of_chunks, "MANY", 64)
    found.append(measured(z, activation="sigmoid", are_logits=True))
    for one in found:
        for k in range(K):
            assert one.miss_proba[k] == pytest.approx(expit(-z[k == Y, k]).mean(), rel=1e-12)
            variance = np.var(expit(z[k == Y]), axis=0)[np.arange(K) != k]
            np.testing.assert_allclose(np.delete(one.spread.variance[k], k), variance, rtol=1e-9)
        assert one.spread.variance[0, 0] == pytest.approx(np.var(expit(-z[Y == 0, 0])), rel=1e-9)
    with pytest.raises(ValueError, match="activation must be softmax"):
        effective_weights(found[0], MASS)
    assert joint_test(found[0], MASS).df == K


def test_tiny_misses_keep_their_spread():
    z = 60 * np.eye(K)[Y] + RNG.normal(size=(N, K))
    found = measured(z, are_logits=True)
    others = np.exp(log_softmax(z, axis=1))[Y == 0][:, 1:]
    np.testing.assert_allclose(found.spread.variance[0, 1:], others.var(axis=0), rtol=1e-9)
    np.testing.assert_allclose(found.spread.variance[0, 0], others.sum(axis=1).var(), rtol=1e-9)
    # The control: of the second moments, nothing is left of the own class's.
    assert abs(found.second_moment[0, 0, 0] - found.mean_proba[0, 0] ** 2) < 1e-30 * 1e10
    assert found.second_moment[0, 0, 0] == 1


def test_the_number_of_threads_and_the_chunks_change_no_bit(monkeypatch):
    import joblib

    monkeypatch.setattr(pieces, "NUMBERS", 1000)
    found = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(joblib, "cpu_count", lambda threads=threads: threads)
        found.append(measured(PROBA, WEIGHT))
    for one in found[1:]:
        for name in ("mean_proba", "second_moment", "miss_proba"):
            assert (getattr(one, name) == getattr(found[0], name)).all()
        assert (one.kept.logits == found[0].kept.logits).all()


def test_what_is_kept_has_a_share_of_every_class(monkeypatch):
    monkeypatch.setattr(keeping, "NUMBERS", 300 * K)
    monkeypatch.setattr(pieces, "NUMBERS", 1000)
    y = np.sort(np.where(RNG.random(N) < 0.01, 4, RNG.integers(4, size=N)))
    kept = measured(PROBA, WEIGHT, y).kept
    count = np.bincount(kept.classes)
    assert count.sum() <= 300
    assert count[4] == np.sum(y == 4)  # of a small class all
    assert np.ptp(count[:4]) <= 1
    np.testing.assert_allclose(np.bincount(kept.classes, kept.weight), 1)
    # They are samples of the class, and drawn from all of it: the mean place is the middle.
    place = np.array([np.flatnonzero((np.log(PROBA) == row).all(axis=1))[0] for row in kept.logits])
    assert (y[place] == kept.classes).all()
    for k in range(4):
        of_class = place[kept.classes == k]
        all_of_it = np.flatnonzero(y == k)
        error = all_of_it.std() / np.sqrt(len(of_class))
        assert abs(of_class.mean() - all_of_it.mean()) <= 4 * error


def test_a_constant_classifier_has_no_spread_in_any_number_of_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "NUMBERS", 1000)
    prior = np.array([0.1, 0.15, 0.2, 0.25, 0.3])
    for limit in (1, 64):
        monkeypatch.setattr(of_chunks, "MANY", limit)
        for weight in (None, WEIGHT):
            found = measured(np.tile(prior, (N, 1)), weight)
            assert found.spread.constant
            assert joint_test(found, prior).p_value == 1.0
            assert joint_test(found, prior[::-1]).p_value == 0.0
            assert "the same for every sample" in joint_test(found, prior).reason


def test_faults_of_chunks():
    with pytest.raises(ValueError, match=r"classes must hold numbers 0..4, got"):
        measured(PROBA, None, Y + 1)
    with pytest.raises(ValueError, match=r"classes must hold numbers 0..4, got"):
        measured(PROBA, None, Y + 65536)
    with pytest.raises(ValueError, match="y_proba holds no sample"):
        measure_chunks(lambda: [], ("a", "b"))
    with pytest.raises(ValueError, match="sample_weight is zero for every sample of class 'c'"):
        measured(PROBA, np.where(Y == 2, 0.0, 1.0), labels=tuple("abcde"))
    wrong = PROBA.copy()
    wrong[2500] *= 1.5
    with pytest.raises(ValueError, match=r"column_p must sum to one: row 2500 sums to 1.5"):
        measured(wrong, name="column_p")
    wrong = LOGITS.copy()
    wrong[2999, 1] = np.nan
    with pytest.raises(ValueError, match="y_logits holds a number that is not finite in row 2999"):
        measured(wrong, are_logits=True)
    one = measure_chunks(in_chunks(np.full((3, 2), 0.5), None, np.array([0, 0, 1])), tuple("ab"))
    with pytest.raises(ValueError, match="y_true holds 1 sample of class 'b': two are needed"):
        gaps(one, [1.0, 1.0])


def test_ten_classes_take_little_memory():
    """Beside the arrays: some pieces of a quarter of a million numbers for each thread."""
    y = RNG.integers(10, size=400_000)
    proba = RNG.random((400_000, 10), dtype=np.float32)
    proba /= proba.sum(axis=1, keepdims=True)
    chunks = in_chunks(proba, None, y, 400_000)
    tracemalloc.start()
    measure_chunks(chunks, tuple(range(10)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = 2 * keeping.NUMBERS * 8 * 4  # numbers kept, twice while the smallest are chosen
    assert peak < held + 20 * 8 * pieces.NUMBERS


def test_the_moments_are_those_of_the_equations():
    P, M = mean_proba_and_second_moments(Y, PROBA)
    found = measured()
    np.testing.assert_allclose(found.mean_proba, P, rtol=1e-13)
    np.testing.assert_allclose(found.second_moment, M, rtol=1e-12)
