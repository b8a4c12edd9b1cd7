"""Balance within groups and bins."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.calibration import calibration_curve

from learnprop.audit.inference.groups import bin_balance, group_balance, mass_of_group
from learnprop.audit.predictions.arrays import measure_predictions
from learnprop.audit.predictions.groups import measure_bins, measure_groups

RNG = np.random.default_rng(0)
N = 4000
F = RNG.beta(2, 3, size=N)
Y = (RNG.random(N) < F).astype(int)
BY = RNG.choice(["a", "b", "c"], size=N)
PROBA = np.stack([1 - F, F], axis=1)


def test_groups_are_measured_as_if_alone():
    for name, found in measure_groups(Y, F, by=BY):
        alone = measure_predictions(Y[name == BY], F[name == BY])
        np.testing.assert_allclose(found.mean_proba, alone.mean_proba, rtol=1e-12)
        assert found.count.tolist() == alone.count.tolist()
        assert found.all_counts[0].tolist() == np.bincount(Y).tolist()


@pytest.mark.parametrize(
    "by", [BY.tolist(), pd.Series(BY), pd.Series(BY, dtype="category"), BY.astype(object)]
)
def test_groups_come_as_they_like(by):
    assert [name for name, _ in measure_groups(Y, F, by=by)] == ["a", "b", "c"]


def test_columns_are_crossed():
    frame = pd.DataFrame({"site": BY, "old": RNG.random(N) < 0.5})
    names = [name for name, _ in measure_groups(Y, F, by=frame)]
    assert names[:3] == ["site=a, old=False", "site=a, old=True", "site=b, old=False"]
    assert len(names) == 6
    polars = pytest.importorskip("polars")
    again = measure_groups(
        Y, F, by=polars.DataFrame({"site": BY.tolist(), "old": frame["old"].tolist()})
    )
    assert [name for name, _ in again] == names


@pytest.mark.parametrize(
    ("by", "match"),
    [
        (BY[:-1], "by has 3999 samples, y_true has 4000"),
        (np.where(BY == "a", None, BY.astype(object)), "by holds a missing label at position"),
        (np.where(BY == "a", np.nan, 1.0), "by holds a missing label at position"),
        (pd.Categorical(BY, categories=["a", "b", "c", "d"]), "by has no sample in group 'd'"),
        (np.arange(N), "by makes 4000 groups, more than 1000"),
        (np.ones((N, 2)), "by must be one-dimensional"),
        (pd.DataFrame(index=range(N)), "by has no column"),
        (pd.Series(BY, index=np.random.default_rng(0).permutation(N)), "by and y_true must have"),
    ],
)
def test_faults_of_groups_are_named(by, match):
    with pytest.raises(ValueError, match=match):
        measure_groups(pd.Series(Y, index=pd.Index(range(N)).astype(str)) if "and" in match else Y,
                       F, by=by)  # fmt: skip


def test_the_masses_of_groups_add_up_and_so_do_their_residuals():
    mass, weight = np.array([1.0, 3.0]), RNG.gamma(2.0, size=N)
    whole = measure_predictions(Y, F, sample_weight=weight)
    parts = [p for _, p in measure_groups(Y, F, by=BY, sample_weight=weight)]
    masses = [mass_of_group(p, mass) for p in parts]
    np.testing.assert_allclose(sum(masses), mass)
    residuals = [m - m @ p.mean_proba for m, p in zip(masses, parts, strict=True)]
    np.testing.assert_allclose(sum(residuals), mass - mass @ whole.mean_proba, atol=1e-13)
    with pytest.raises(ValueError, match="predictions are of no group"):
        mass_of_group(whole, mass)


def test_one_group_of_all_is_the_whole():
    (_, found), = measure_groups(Y, F, by=np.zeros(N, int))  # fmt: skip
    from learnprop.audit.inference.statistics import gaps

    mass = np.array([0.6, 0.4])
    balance = group_balance(found, mass_of_group(found, mass), level=0.95)
    whole = gaps(measure_predictions(Y, F), mass)
    for a, b in zip(balance.gaps, whole, strict=True):
        np.testing.assert_allclose([a.value, a.low, a.high], [b.value, b.low, b.high], rtol=1e-9)


def test_absent_and_single_classes_of_a_group():
    y = np.array([0] * 50 + [1] * 50 + [2] * 50)
    by = np.array(["g"] * 50 + ["g"] * 49 + ["h"] * 51)
    proba = np.random.default_rng(0).dirichlet(np.ones(3), size=150)
    g, h = (p for _, p in measure_groups(y, proba, by=by))
    found = group_balance(g, mass_of_group(g, np.ones(3)))
    assert np.isnan(found.gaps[2].value)
    assert found.verdicts[2] == "inconclusive"
    own = (1 - proba[:50, 0]).sum()
    assert found.gaps[0].value == pytest.approx(own / proba[50:99, 0].sum() - 1)
    found = group_balance(h, mass_of_group(h, np.ones(3)))  # one sample of class 1
    assert found.gaps[1].value == pytest.approx((1 - proba[99, 1]) / proba[100:, 1].sum() - 1)
    assert found.gaps[1].reason
    assert np.isnan(found.gaps[0].value)
    with pytest.raises(ValueError, match="class_mass must be positive of the 3 classes"):
        group_balance(h, np.ones(3))


def test_bins_are_those_of_sklearn():
    """Weights of classes as they come: the reliability curve's two coordinates."""
    prior = np.bincount(Y) / N
    bins = measure_bins(Y, F, bins=8)
    true, predicted = calibration_curve(Y, F, n_bins=8, strategy="quantile")
    for one, t, p in zip(bins, true, predicted, strict=True):
        mass = mass_of_group(one.predictions, prior)
        assert one.column == 1
        assert mass[1] / mass.sum() == pytest.approx(t, rel=1e-12)
        assert (mass @ one.predictions.mean_proba)[1] / mass.sum() == pytest.approx(p, rel=1e-12)
        # Gap of the class's equation in their terms.
        right = mass[0] * one.predictions.mean_proba[0, 1]
        gap = bin_balance(one, prior).gaps[1]
        assert gap.value == pytest.approx(((t - p) * mass.sum() + right) / right - 1, rel=1e-9)
        assert np.isnan(bin_balance(one, prior).gaps[0].value)


def test_bins_of_three_classes_and_of_ties():
    z = RNG.normal(size=(N, 3))
    y = RNG.integers(3, size=N)
    found = measure_bins(y, y_logits=z, bins=4)
    assert [one.column for one in found] == [0] * 4 + [1] * 4 + [2] * 4
    assert sum(one.predictions.count.sum() for one in found[:4]) == N
    constant = measure_bins(Y, np.full(N, 0.25), bins=10)
    assert [one.name for one in constant] == ["1: 0.25 to 0.25"]
    with pytest.raises(ValueError, match="bins must be at least 2, got 1"):
        measure_bins(Y, F, bins=1)
    with pytest.raises(ValueError, match="y_proba must hold probabilities"):
        measure_bins(Y, F + 1)


def test_gaps_of_groups_cover_and_conditioning_on_sizes_would_not():
    """Calibrated within each group; how many of a class fall into it is random."""
    rng, n_runs, covers, narrow = np.random.default_rng(1), 150, [], []
    mass = np.array([0.5, 0.5])
    for _ in range(n_runs):
        f = np.repeat(rng.choice([0.3, 0.7], size=2000), 1)
        y = (rng.random(2000) < f).astype(int)
        by = f > 0.5
        for _, p in measure_groups(y, f, by=by):
            w = mass_of_group(p, mass)
            gap = group_balance(p, w).gaps[1]
            covers.append(gap.low <= 0 <= gap.high)
            # The control: within the group nothing varies.
            narrow.append(abs(gap.value) < 1e-12)
    rate = np.mean(covers)
    assert abs(rate - 0.9) <= 4 * np.sqrt(0.9 * 0.1 / n_runs) or rate > 0.9
    assert np.mean(narrow) < 0.1
    assert stats.binom.sf(sum(covers) - 1, len(covers), 0.8) < 0.01
