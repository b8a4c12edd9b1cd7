"""Cells, populations and blocks of the gap on fresh data."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, softmax
from scipy.stats import norm

from learnprop.equations.arguments import BadArgument
from learnprop.equations.balance import residual
from learnprop.simulations.generators.gaussian import class_means
from learnprop.simulations.records.measure import measure
from learnprop.simulations.records.rows import select
from learnprop.simulations.studies.fresh.population import logits_of_population, normal_points
from learnprop.simulations.studies.fresh.study import Options, compute_block, make_study, sizes_of
from learnprop.simulations.studies.recording import LEFT_OUT


def model(n_classes, n_features, steepness, seed=0):
    """A model that leans away from the posterior in every direction, and the means."""
    means = class_means("simplex", n_classes, n_features, 2.0)
    rng = np.random.default_rng(seed)
    slope = steepness * (means + 0.3 * rng.standard_normal(means.shape))
    params = np.column_stack([slope, rng.standard_normal(n_classes)])
    return (params[1] - params[0] if n_classes == 2 else params), means


def measured_proba(params, means):
    n_classes = len(means)
    labels = np.repeat(np.arange(n_classes), len(normal_points(1)))
    return measure(labels, logits_of_population(params, means)).mean_proba


@pytest.mark.parametrize("steepness", [1.0, 3.0])
def test_population_of_two_classes_is_that_of_quadrature(steepness):
    params, means = model(2, 6, steepness)
    centre, size = means @ params[:-1] + params[-1], np.linalg.norm(params[:-1])
    exact = [
        quad(lambda u, m=m: expit(m + size * u) * norm.pdf(u), -12, 12, points=[-m / size])[0]
        for m in centre
    ]
    P = measured_proba(params, means)
    np.testing.assert_allclose(P[:, 1], exact, rtol=0, atol=1e-5)
    # The control: the means alone are not the classes.
    assert np.abs(expit(centre) - exact).min() > 1e-3


@pytest.mark.parametrize("steepness", [1.0, 3.0])
def test_population_of_three_classes_is_that_of_a_fine_grid_in_all_features(steepness):
    """Three features, of which the model uses two dimensions: a grid knows nothing of that."""
    params, means = model(3, 3, steepness)
    step = np.arange(-6, 6.01, 0.15)
    nodes = np.stack(np.meshgrid(step, step, step, indexing="ij"), axis=-1).reshape(-1, 3)
    density = np.exp(-(nodes**2).sum(axis=1) / 2)
    z = nodes @ params[:, :-1].T
    exact = [
        density @ softmax(z + params[:, :-1] @ m + params[:, -1], axis=1) / density.sum()
        for m in means
    ]
    np.testing.assert_allclose(measured_proba(params, means), exact, rtol=0, atol=3e-4)


def test_sizes_fall_by_equal_factors_and_sum_up():
    for n_classes in (2, 3, 5):
        sizes = sizes_of(n_classes, 1003, 16.0)
        assert sum(sizes) == 1003
        factor = np.divide(sizes[:-1], sizes[1:])
        np.testing.assert_allclose(factor, 16 ** (1 / (n_classes - 1)), rtol=0.03)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kappa": (0.01, 0.01)}, "kappa must be distinct, got 0.01 twice"),
        ({"kappa": ()}, "kappa must hold at least one number"),
        ({"kappa": (float("nan"),)}, "kappa must be positive and finite, got nan"),
        ({"kappa": (1.0,)}, "kappa 1 of 1000 samples is 1000 features: a fit takes more samples"),
        (
            {"classes": (5,), "kappa": (0.003,)},
            "kappa 0.003 of 1000 samples is 3 features: the means of 5 classes take 4",
        ),
        ({"classes": (2, 2)}, "classes must be distinct, got 2 twice"),
        ({"classes": (1,)}, "classes must be at least 2, got 1"),
        ({"imbalance": 0.5}, "imbalance must be finite and at least 1, got 0.5"),
        ({"train_size": 12}, "imbalance 9 leaves the rarest of 2 classes 1 of the 12 samples of"),
        (
            {"imbalance": 900.0},
            "imbalance 900 leaves the rarest of 2 classes 1 of the 1000 samples",
        ),
        (
            {"shift": 2.0},
            "shift must be less than 2, where the centre of the others is if separatio",
        ),
        (
            {"shift": 1.8},
            "shift must be less than 1.73, where the centre of the others is if separ",
        ),
        ({"separation": 0.0}, "separation must be positive and finite, got 0"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(options, message):
    with pytest.raises(BadArgument) as caught:
        make_study(Options(**options))
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def cells():
    study = make_study(Options(train_size=120, kappa=(0.1,), imbalance=3.0, shift=0.8))
    return {cell: compute_block(cell, 0, range(2)) for cell in study.cells}


def test_a_cell_is_named_without_commas(cells):
    """A list of names has those between them."""
    assert not [cell.name for cell in cells if "," in cell.name]


def test_only_class_0_is_moved_towards_the_others(cells):
    for cell in cells:
        before, after = cell.means(), cell.shifted_means()
        np.testing.assert_array_equal(before[1:], after[1:])
        assert np.linalg.norm(after[0] - before[0]) == pytest.approx(0.8)
        distance = [np.linalg.norm(m[1:] - m[0], axis=1) for m in (before, after)]
        assert (distance[1] < distance[0]).all()


def test_each_fit_is_measured_raw_and_repaired_and_only_raw_on_the_shifted(cells):
    for cell, block in cells.items():
        for setting in cell.settings:
            for stage, more in (("raw", {"shifted"}), ("loo", set())):
                rows = select(block.measurements, setting=setting, run=1, stage=stage)
                assert set(rows.split.tolist()) == {"train", LEFT_OUT, "population"} | more


def test_raw_models_balance_on_train_and_repaired_ones_where_left_out(cells):
    for cell, block in cells.items():
        for setting in cell.settings:
            w = cell.class_mass(setting)
            for stage, balanced, not_balanced in (
                ("raw", "train", LEFT_OUT), ("loo", LEFT_OUT, "train")
            ):  # fmt: skip
                of_split = {
                    split: np.abs(
                        residual(
                            select(
                                block.measurements, setting=setting, stage=stage, split=split
                            ).mean_proba,
                            w / w.sum(),
                        )
                    ).max()
                    for split in (balanced, not_balanced)
                }
                assert of_split[balanced] < 1e-11 < 1e-4 < of_split[not_balanced]
