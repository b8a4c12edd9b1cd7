"""The K-class study at its default sizes, and what its options refuse."""

from dataclasses import replace

import numpy as np
import pytest

from learnprop.equations.balance import left_side, right_side
from learnprop.simulations.records.rows import select
from learnprop.simulations.records.store import read_fits, read_measurements
from learnprop.simulations.records.store_file import read_store
from learnprop.simulations.studies import stored_study
from learnprop.simulations.studies.multiclass.study import Options, make_study

SMALL = Options(runs=25, classes=3, train_size=300, imbalance=4, test_size=100)


@pytest.mark.parametrize(
    "fitted",
    [{"fitter": "softmax"}, {"fitter": "one-vs-all"}, {"fitter": "mlp", "epochs": 2, "hidden": 4}],
)
def test_train_sides_agree_in_every_class_and_run(fitted, run_to_store):
    study = make_study(replace(SMALL, **fitted))
    folder, _ = run_to_store(study)
    (cell,) = study.cells
    epoch, stage = cell.headline
    with read_store(folder) as store:
        fits = select(read_fits(store, cell.name), epoch=epoch, stage=stage)
        measured = select(read_measurements(store, cell.name), epoch=epoch, stage=stage)
        assert stored_study(store.study, store.design, 25).cells == study.cells
    assert (fits.status == "converged").all()
    assert len(fits) == 75
    for setting in cell.settings:
        train = select(measured, setting=setting, split="train")
        mass = cell.class_mass(setting)
        left = left_side(train.mean_proba, mass, train.miss_proba)
        right = right_side(train.mean_proba, mass)
        assert (np.abs(left - right) <= 1e-9 * np.maximum(left, right)).all()
        # E1: the stored gradients of the biases are minus the residuals
        gradient = select(fits, setting=setting).bias_gradient
        np.testing.assert_allclose((right - left) / mass.sum(), gradient, atol=1e-12)


def test_settings_share_data_and_replications_do_not(run_to_store):
    study = make_study(replace(SMALL, weights=("equal", "1,1,1")))
    folder, _ = run_to_store(study)
    with read_store(folder) as store:
        measured = read_measurements(store, "gaussian")
    a, b = (select(measured, setting=s, split="test").mean_proba for s in ("equal", "1,1,1"))
    np.testing.assert_allclose(a, b, rtol=1e-9)
    assert len(np.unique(a[:, 0, 0])) == 25


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classes": 1}, "classes must be at least 2, got 1"),
        ({"imbalance": 0.5}, "imbalance must be finite and at least 1, got 0.5"),
        ({"imbalance": 1e9}, "imbalance 1e\\+09 leaves class"),
        ({"profile": "linear"}, "profile must be one of exponential, step, got 'linear'"),
        ({"train_size": 0}, "train_size must be at least 1, got 0"),
        ({"sizes": (5,)}, r"sizes must be at least 2 positive integers, got \[5\]"),
        ({"sizes": (5, 0)}, r"sizes must be at least 2 positive integers, got \[5, 0\]"),
        ({"weights": ("1,2,3",)}, "weights must hold 5 weights, one per class"),
        ({"weights": ("1,0,1,1,1",)}, "weights must be positive and finite"),
        (
            {"weights": ("1,x,3,4,5",)},
            "weights must be equal, .* λ0 or numbers like 1,2,3, got '1,x,3,4,5'",
        ),
        (
            {"weights": ("invers",)},
            "weights must be equal, inverse, sqrt-inverse, .*, got 'invers'",
        ),
        ({"weights": ("equal", "equal")}, "weights must be distinct, got 'equal' twice"),
        ({"weights": ("effective-number",), "beta": 1.0}, "beta must satisfy 0 <= beta < 1"),
        ({"fitter": "svm"}, "fitter must be one of logistic, softmax, one-vs-all, mlp, got 'svm'"),
        ({"fitter": "lgl-inr"}, "fitter must be one of logistic, softmax, one-vs-all, mlp, got"),
        ({"fitter": "logistic"}, "fitter logistic is for 2 classes, got 5"),
        ({"hidden": 4}, "hidden is an option of fitter mlp, got 4 with fitter softmax"),
        ({"fitter": "mlp", "hidden": 0}, "hidden must be at least 1, got 0"),
        ({"generator": "sim3"}, "generator must be one of sim1, sim2, gaussian, skew-normal, got"),
        ({"generator": "sim1", "classes": 3}, "classes is an option of generator gaussian or "
         "skew-normal, got 3 with generator sim1"),
        ({"generator": "sim1", "sizes": (9, 9, 9)}, "sizes must be 2 with generator sim1, got"),
        ({"generator": "sim2", "reading": "sum"}, "reading must be one of covariance, stand"),
        ({"generator": "sim2", "reading": "no"}, "reading must be one of sum, mixture, cov"),
        ({"skewness": 0.5}, "skewness is an option of generator skew-normal, got 0.5 with"),
        ({"generator": "skew-normal", "skewness": 1.0}, "skewness must be within ±0.99, got 1"),
        ({"means": "simplex"}, "means 'simplex' of 5 classes need"),
        ({"means": "line"}, "means must be one of .*line"),
        ({"separation": 0.0}, "separation must be"),
        ({"covariance": "diagonal"}, "covariance must be one of .*diagonal"),
        ({"dimension": 0}, "dimension must be at least 1, got 0"),
        ({"test_size": 0}, "test_size must be at least 1, got 0"),
        (
            {"sizes": (2, 1, 1), "dimension": 3, "means": "random"},
            "train_size leaves 4 samples",
        ),
        ({"runs": 1}, "runs must be at least 2"),
        ({"margin": 0.0}, "margin must be a share"),
        ({"device": "tpu"}, "device must be one of auto, cpu, cuda, got 'tpu'"),
    ],
)  # fmt: skip
def test_bad_options_are_named(options, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make_study(Options(**options))
