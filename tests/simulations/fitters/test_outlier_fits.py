"""Fits of overlapping classes with an outlier: they have a minimum, and are never separated."""

import numpy as np
import pytest
import statsmodels.api as sm
import torch

from learnprop.simulations.fitters.lgl_inr import fit_lgl_inr
from learnprop.simulations.fitters.logistic import fit_logistic
from learnprop.simulations.fitters.objective import Objective
from learnprop.simulations.fitters.one_vs_all import fit_one_vs_all
from learnprop.simulations.fitters.softmax import fit_softmax
from learnprop.simulations.refinement.output_layer import _apart

N = 300
BINARY = [fit_logistic, fit_softmax]
SENTINELS = [1e4, 99999.0, 1e6, 999999999.0, 1e11, 1e19]


@pytest.fixture(scope="module")
def overlapping():
    """A feature of slope 1.5; the first sample of class 1 is to be replaced."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=N)
    y = (rng.random(N) < 1 / (1 + np.exp(-1.5 * x))).astype(int)
    order = np.argsort(y, kind="stable")
    return x[order], y[order]


def slope_and_intercept(fit):
    params = fit.params[0, 0]
    return params if params.ndim == 1 else params[1] - params[0]


def with_first_of_class_1(overlapping, value):
    x, y = overlapping
    x = x.copy()
    x[np.argmax(y)] = value
    return x, y


@pytest.mark.parametrize("fitter", BINARY)
@pytest.mark.parametrize("sentinel", SENTINELS)
def test_a_sentinel_on_its_side_changes_nothing(overlapping, fitter, sentinel):
    """Its probability is one: the fit is that without it, R's 1.46097 and -0.05729."""
    x, y = with_first_of_class_1(overlapping, sentinel)
    rest = np.arange(N) != np.argmax(y)
    theirs = sm.GLM(y[rest], sm.add_constant(x[rest]), family=sm.families.Binomial())
    expected = theirs.fit(tol=1e-12).params[::-1]
    assert expected == pytest.approx([1.46097, -0.05729], abs=1e-5)
    fit = fitter(x[None, :, None], y, [[1.0, 1.0], [2.0, 2.0]])
    assert fit.status.tolist() == [["converged"] * 2]
    np.testing.assert_allclose(slope_and_intercept(fit), expected, rtol=2e-7)
    assert fit.gradient_norm.max() <= 1e-12


@pytest.mark.parametrize("fitter", BINARY)
@pytest.mark.parametrize("sentinel", [-s for s in SENTINELS])
def test_a_sentinel_on_the_other_side_has_a_minimum(overlapping, fitter, sentinel):
    """There its own pull, σ(-z) x, balances that of all others at a slope of about zero."""
    x, y = with_first_of_class_1(overlapping, sentinel)
    fit = fitter(x[None, :, None], y, [[1.0, 1.0]])
    assert fit.status.tolist() == [["converged"]]
    slope, intercept = slope_and_intercept(fit)
    z = slope * x + intercept
    pull = (y - 1 / (1 + np.exp(-z))) * x
    assert abs(pull.sum()) < 2e-12 * N * np.std(x)  # the gradient of a standardised feature
    assert np.abs(pull).max() > 0.1
    assert abs((y - 1 / (1 + np.exp(-z))).sum()) < 1e-9


@pytest.mark.parametrize("fitter", BINARY)
def test_six_samples_and_an_outlier(fitter):
    """Classes of one mean: 5e9 σ(-5e9 s - b) = 2 s 5e9 · curvature leaves s ≈ 40 / 5e9."""
    x, y = np.array([0, 2, 4, 1, 3, 5e9]), np.repeat([0, 1], 3)
    fit = fitter(x[None, :, None], y, [[1.0, 1.0]])
    assert fit.status.tolist() == [["converged"]]
    slope, intercept = slope_and_intercept(fit)
    assert 35 < slope * 5e9 < 45
    assert intercept == pytest.approx(np.log(2 / 3), abs=1e-6)  # two of class 1 against three


@pytest.mark.parametrize("value", [1e50, -1e50, 1e200, -1e300, 1.7e308])
@pytest.mark.parametrize("fitter", [*BINARY, fit_one_vs_all])
def test_beyond_what_floats_can_fit_it_is_not_converged(overlapping, fitter, value):
    x, y = with_first_of_class_1(overlapping, value)
    fit = fitter(x[None, :, None], y, [[1.0, 1.0]])
    assert set(fit.status.ravel()) <= {"not converged", "diverged"}


@pytest.mark.parametrize("value", [1e4, 1e9, 1e50, 1.7e308])
@pytest.mark.parametrize("fitter", [*BINARY, fit_one_vs_all])
def test_the_control_is_separated(overlapping, fitter, value):
    x, y = overlapping
    x = np.sort(x)
    x[-1] = value
    assert fitter(x[None, :, None], y, [[1.0, 1.0]]).status.tolist() == [["separated"]]


@pytest.mark.parametrize("fitter", [fit_softmax, fit_one_vs_all])
def test_three_classes_with_a_sentinel(fitter):
    rng = np.random.default_rng(2)
    y = np.repeat([0, 1, 2], 60)
    x = rng.normal(size=(1, 180, 2)) + np.eye(3)[y][:, :2]
    plain = fitter(np.delete(x, 119, axis=1), np.delete(y, 119), np.ones((1, 3)))
    x[0, 119, 1] = 999999.0
    fit = fitter(x, y, np.ones((1, 3)))
    assert fit.status.tolist() == [["converged"]]
    if fitter is fit_softmax:  # class 1 is where feature 1 is large
        np.testing.assert_allclose(fit.params, plain.params, atol=1e-6)


def test_lgl_inr_is_not_separated_by_a_sentinel(overlapping):
    x, y = with_first_of_class_1(overlapping, 999999999.0)
    assert "separated" not in fit_lgl_inr(x[None, :, None], y, [0.0, 1.0]).status


def test_a_run_with_an_outlier_touches_no_other(overlapping):
    x, y = overlapping
    outlier = with_first_of_class_1(overlapping, 999999999.0)[0]
    apart = np.sort(x)
    weight = [[1.0, 1.0], [1.0, 9.0]]
    for fitter in BINARY:
        fit = fitter(np.stack([x, outlier, apart])[..., None], y, weight)
        assert fit.status.tolist() == [["converged"] * 2, ["converged"] * 2, ["separated"] * 2]
        alone = fitter(x[None, :, None], y, weight)
        assert np.array_equal(fit.params[0], alone.params[0])


def test_what_stops_early_is_not_separated_for_that(overlapping):
    x, y = overlapping
    for fitter in BINARY:
        fit = fitter(x[None, :, None], y, [[1.0, 1.0]], max_iter=2)
        assert fit.status.tolist() == [["not converged"]]


def test_without_a_bias_only_a_hyperplane_through_the_origin_separates():
    y = np.repeat([0, 1], 10)
    x = np.linspace(1.0, 3.0, 20)[None, :, None]  # parted at 2, and all on one side of 0
    plain = fit_softmax(x, y, [[1.0, 1.0]], max_iter=3)
    assert plain.status.tolist() == [["separated"]]
    through = Objective(fit_bias=False)
    few = fit_softmax(x, y, [[1.0, 1.0]], objective=through, max_iter=1)
    assert few.status.tolist() == [["not converged"]]
    assert fit_softmax(x, y, [[1.0, 1.0]], objective=through).converged.all()
    assert fit_softmax(x - 2, y, [[1.0, 1.0]], objective=through).status == [["separated"]]


def test_mixed_samples_are_of_both_classes():
    """Mixup has a minimum where the plain loss has none, though it be not reached."""
    y = np.repeat([0, 1], 10)
    x = np.linspace(1.0, 3.0, 20)[None, :, None]
    mixup = Objective(mixup=1.0)
    few = fit_softmax(
        x, y, [[1.0, 1.0]], objective=mixup, rngs=[np.random.default_rng(0)], max_iter=1
    )
    assert few.status.tolist() == [["not converged"]]
    assert fit_softmax(x, y, [[1.0, 1.0]], max_iter=3).status.tolist() == [["separated"]]


@pytest.mark.parametrize(("ahead", "right"), [(1e-7, False), (1.0, True)])
def test_an_output_layer_is_not_parted_by_rounding(ahead, right):
    """Logits of 1e9 are known to 1e-7: what is ahead by that may as well be behind."""
    design = torch.tensor([[1e9, 1.0], [1e9 - 3, 1.0]], dtype=torch.float64)
    theta = torch.tensor([[0.0, 0.0], [1.0, -1e9 + ahead]], dtype=torch.float64)
    assert _apart(design, theta, design @ theta.mT) == right


@pytest.mark.parametrize("unit", [1e-250, 1e-150, 1.0, 1e150])
def test_the_unit_of_a_feature_does_not_matter(unit):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], 100)
    x = rng.normal(size=200) + y
    expected = fit_logistic(x[None, :, None], y, [[1.0, 1.0]]).params[0, 0]
    found = fit_logistic((x * unit)[None, :, None], y, [[1.0, 1.0]])
    assert found.status[0, 0] == "converged"
    slope, intercept = found.params[0, 0]
    assert slope * unit == pytest.approx(expected[0])
    assert intercept == pytest.approx(expected[1])
