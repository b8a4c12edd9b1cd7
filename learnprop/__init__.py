"""Puts the learning property of logistic and softmax losses on trial.

The public names of `equations` and `simulations` are here; each is imported when it is first used,
so that ``import learnprop`` loads no heavy library.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from simulations.studies import STUDIES

__version__ = "0.1.0"

GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "Measure a classifier": {
        "equations.mean_proba": (
            "mean_proba", "mean_proba_and_second_moments", "proba_from_logits", "class_count",
        ),
        "simulations.records.measure": ("measure",),
        "equations.accuracy_bounds": ("accuracy_bounds",),
    },
    "The two sides of Eqs. (8) to (10)": {
        "equations.balance": (
            "class_mass", "residual", "left_side", "right_side", "gap", "split_residual",
            "binary_ratio", "binary_ratio_in_theory", "detailed_balance_asymmetry",
        ),
        "equations.violations": (
            "penalised_bias_residual", "label_smoothing_residual",
            "torch_label_smoothing_residual", "minibatch_mean_class_weight",
        ),
    },
    "Class weights": {
        "equations.class_weights": ("class_weights", "table1_class_weights"),
        "equations.stationary": (
            "stationary_distribution", "effective_class_weight", "effective_class_weight_of_model",
            "effective_class_weight_over_runs",
        ),
    },
    "Intervals, tests, verdicts": {
        "equations.inference.estimates": (
            "Estimate", "mcse_of_mean", "ratio_of_means", "equivalence_verdict",
        ),
        "equations.inference.jackknife": ("mcse_of_sd", "jackknife"),
        "equations.inference.simultaneous": ("gaps_over_runs", "max_t_critical"),
        "equations.inference.joint": ("joint_test_over_runs",),
        "equations.inference.model": ("gaps_of_model", "joint_test_of_model"),
        "equations.limits.predictions": ("predict_logistic_ratio",),
    },
    "Losses": {
        "equations.losses.softmax": ("WeightedSoftmaxLoss", "weighted_softmax_loss"),
        "equations.losses.logistic": ("WeightedLogisticLoss", "weighted_logistic_loss"),
        "equations.losses.one_vs_all": ("OneVsAllLogisticLoss", "one_vs_all_logistic_loss"),
        "equations.losses.lgl_inr": (
            "LGLINRLoss", "lgl_inr_loss", "in_negative_weights", "in_negative_sides",
            "in_negative_residual",
        ),
    },
    "Samples": {
        "simulations.generators.paper": ("sim1", "sim2"),
        "simulations.generators.generator": ("sample",),
        "simulations.generators.gaussian": ("gaussian_classes", "class_means", "class_covariances"),
        "simulations.generators.skew_normal": ("skew_normal_classes",),
        "simulations.generators.class_sizes": ("class_sizes",),
        "simulations.generators.posterior": ("posterior_balance",),
    },
    "Fitters": {
        "simulations.fitters.fit": ("Fit",),
        "simulations.fitters.objective": ("Objective",),
        "simulations.fitters.logistic": ("fit_logistic", "logistic_logits"),
        "simulations.fitters.softmax": ("fit_softmax", "softmax_logits"),
        "simulations.fitters.one_vs_all": ("fit_one_vs_all",),
        "simulations.fitters.mlp.softmax": (
            "fit_softmax_mlp", "initial_softmax_params", "softmax_mlp_logits",
        ),
        "simulations.fitters.mlp.sim2": ("fit_mlp",),
        "simulations.fitters.mlp.network": ("initial_params", "mlp_logits"),
    },
    "Studies": {
        "learnprop.api": ("StudyResult",),
        "simulations.engine.monte_carlo": ("Study", "run_study"),
        "simulations.records.rows": (
            "Block", "FitRow", "MeasurementRow", "stack_fits", "stack_measurements",
        ),
        "simulations.engine.versions": ("code_version",),
        "simulations.engine.seeds": ("replication_rng",),
        "simulations.engine.workers": ("Workers",),
        "simulations.records.store_file": ("open_store", "read_store"),
        "simulations.records.store": ("read_fits", "read_measurements"),
    },
}  # fmt: skip
"""Public names by what they are for, and the modules that define them. The studies themselves come
from `STUDIES`."""

_HOME = {
    name: module for group in GROUPS.values() for module, names in group.items() for name in names
}

__all__ = [*STUDIES, *_HOME]


def __getattr__(name: str) -> Any:
    if name in STUDIES:
        value: Any = import_module("learnprop.api").study_function(name)
    elif name in _HOME:
        value = getattr(import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'learnprop' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
