import numpy as np
import pytest

from learnprop.equations.balance import class_mass, left_side, right_side
from learnprop.equations.inference.jackknife import mcse_of_sd
from learnprop.reports.statistics.runs import FEW_RUNS, jackknifed_gap, ratio_over_runs
from learnprop.reports.statistics.sides import sides_from

MASS = class_mass([0.5, 0.5], [1000, 10000])


def runs(ratio, n=50, noise=0.05, seed=0):
    """P of runs whose ratio of Eq. (10) scatters around `ratio`."""
    rng = np.random.default_rng(seed)
    b = 0.02 * (1 + noise * rng.normal(size=n))
    a = ratio * 0.02 * (1 + noise * rng.normal(size=n))
    return np.stack([np.stack([1 - a, a], axis=1), np.stack([b, 1 - b], axis=1)], axis=1)


def sides(mean_proba, *, converged):
    """Both sides for both classes; class 0's equation is Eq. (10)."""
    both = (side(mean_proba, MASS) for side in (left_side, right_side))
    return sides_from(*both, margin=0.05, converged=converged, unit=MASS)


@pytest.mark.parametrize(
    ("ratio", "noise", "verdict"),
    [
        (10.0, 0.05, "holds"),
        (11.0, 0.05, "fails"),
        (10.0, 0.3, "inconclusive"),
        (9.0, 0.05, "fails"),
    ],
)
def test_verdicts(ratio, noise, verdict):
    assert sides(runs(ratio, noise=noise), converged=True).verdicts[0] == verdict


@pytest.mark.parametrize(("apart", "verdict"), [(0.0, "holds"), (1e-9, "inconclusive")])
def test_sides_that_are_equal_in_every_run_hold_however_much_they_vary(apart, verdict):
    """Of three right sides so far from each other Fieller's interval is unbounded."""
    right = np.array([[0.01, 1e-13], [1e-5, 1e-13], [1e-4, 1e-13]])
    left = right * [[1 + 2e-16], [1 - 2e-16], [1 + apart]]
    found = sides_from(left, right, margin=0.05, converged=True)
    assert np.isinf([found.gaps[0].low, found.gaps[0].high]).all()
    assert found.verdicts == [verdict, "interpolated"]
    open_yet = sides_from(left, right, margin=0.05, converged=False)
    assert open_yet.verdicts == ["not converged", "interpolated"]


def test_what_is_not_converged_neither_holds_nor_fails():
    for ratio in (10.0, 12.0):
        assert sides(runs(ratio), converged=False).verdicts[0] == "not converged"


def test_numbers_by_hand():
    # ratios 10 and 12.5; means of the sides 500 x 0.15 and 5000 x 0.014: 75 / 70
    P = np.array([[[0.9, 0.1], [0.01, 0.99]], [[0.8, 0.2], [0.018, 0.982]]])
    assert ratio_over_runs(P, MASS)["lhs_mean"] == pytest.approx((10 + 0.2 / 0.018) / 2)
    found = sides(P, converged=True)
    assert found.gaps[0].value == pytest.approx(0.15 / 0.14 - 1)
    gap, _ = jackknifed_gap(found.left[:, 0], found.right[:, 0])
    assert np.isinf(gap.high)  # two runs cannot be jackknifed


def test_interpolated_runs_have_no_verdict_on_the_balance():
    P = np.array([[[1.0, 1e-17], [1e-18, 1.0]]] * 5)
    assert sides(P, converged=True).verdicts[0] == "interpolated"
    assert np.isnan(ratio_over_runs(P, MASS)["lhs_mean"])


def z_of_true_sd(n, repeats=2000):
    """z of the SD of n normal numbers against the SD that they have."""
    samples = np.random.default_rng(n).standard_normal((repeats, n))
    return np.array([(x.std(ddof=1) - 1) / mcse_of_sd(x) for x in samples])


def test_an_sd_of_few_runs_is_put_to_no_prediction():
    """As the comment of FEW_RUNS says: its z is far from a normal one, with enough runs it is not.

    Shares of 2000 samples have a standard error of at most 0.7 %; a normal z is beyond ±3 in 0.3 %.
    """
    few, enough = z_of_true_sd(4), z_of_true_sd(FEW_RUNS)
    assert np.mean(np.abs(few) > 3) > 0.09
    assert np.mean(np.abs(enough) > 3) < 0.05
    assert few.std() > 2
    assert enough.std() < 1.4
