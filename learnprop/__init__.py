"""Puts the learning property of logistic and softmax losses on trial.

The public names of `equations` and `simulations` are here; each is imported when it is first used,
so that ``import learnprop`` loads no heavy library.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any as _Any

from learnprop.simulations.studies import STUDIES

__version__ = "0.1.0"

GROUPS: dict[str, dict[str, tuple[str, ...]]] = {
    "Audit your classifier": {
        "learnprop.audit.check": ("check",),
        "learnprop.audit.report.record": ("BalanceReport",),
        "learnprop.audit.display": ("BalanceDisplay",),
        "learnprop.audit.networks.refine": ("refine_output_bias", "RefinedBias"),
        "learnprop.audit.networks.monitor": ("BalanceMonitor",),
        "learnprop.audit.networks.balance": ("NetworkBalance",),
        "learnprop.audit.networks.training_callbacks": (
            "lightning_balance", "transformers_balance", "keras_balance",
        ),
    },
    "Measure a classifier": {
        "learnprop.equations.mean_proba": (
            "mean_proba", "mean_proba_and_second_moments", "proba_from_logits",
        ),
        "learnprop.equations.labels": ("class_count",),
        "learnprop.simulations.records.measure": ("measure",),
        "learnprop.equations.accuracy_bounds": ("accuracy_bounds",),
    },
    "The two sides of Eqs. (8) to (10)": {
        "learnprop.equations.balance": (
            "class_mass", "residual", "left_side", "right_side", "gap", "split_residual",
            "binary_ratio", "binary_ratio_in_theory", "detailed_balance_asymmetry",
        ),
        "learnprop.equations.violations.residuals": (
            "penalised_bias_residual", "label_smoothing_residual",
            "torch_label_smoothing_residual",
        ),
        "learnprop.equations.violations.minibatch_mean": (
            "minibatch_mean_class_weight", "class_weight_for_minibatch_mean",
        ),
    },
    "Class weights": {
        "learnprop.equations.class_weights": ("class_weights", "table1_class_weights"),
        "learnprop.equations.stationary": (
            "stationary_distribution", "effective_class_weight", "effective_class_weight_of_model",
            "effective_class_weight_over_runs",
        ),
    },
    "Intervals, tests, verdicts": {
        "learnprop.equations.inference.estimates": (
            "Estimate", "mcse_of_mean", "ratio_of_means", "equivalence_verdict",
        ),
        "learnprop.equations.inference.jackknife": ("mcse_of_sd", "jackknife"),
        "learnprop.equations.inference.simultaneous": ("gaps_over_runs", "max_t_critical"),
        "learnprop.equations.inference.joint": ("joint_test_over_runs",),
        "learnprop.equations.inference.model": ("gaps_of_model", "joint_test_of_model"),
        "learnprop.equations.limits.predictions": ("predict_logistic_ratio",),
    },
    "The gap on fresh data, before it is drawn": {
        "learnprop.equations.limits.state_evolution": ("state_evolution",),
        "learnprop.equations.limits.state_evolution.record": ("StateEvolution",),
        "learnprop.equations.limits.state_evolution.separability": ("separability_threshold",),
    },
    "Losses": {
        "learnprop.equations.losses.softmax": ("WeightedSoftmaxLoss", "weighted_softmax_loss"),
        "learnprop.equations.losses.logistic": ("WeightedLogisticLoss", "weighted_logistic_loss"),
        "learnprop.equations.losses.one_vs_all": ("OneVsAllLogisticLoss",
        "one_vs_all_logistic_loss"),
        "learnprop.equations.losses.lgl_inr": ("LGLINRLoss", "lgl_inr_loss"),
        "learnprop.equations.losses.running_lgl_inr": ("RunningLGLINRLoss",),
        "learnprop.equations.losses.class_sums": ("ClassSums", "class_sums"),
        "learnprop.equations.losses.hardness": (
            "in_negative_weights", "in_negative_sides", "in_negative_residual",
        ),
        "learnprop.equations.losses.gradient_factor": ("gradient_factor",),
    },
    "Samples": {
        "learnprop.simulations.generators.paper": ("sim1", "sim2"),
        "learnprop.simulations.generators.generator": ("sample",),
        "learnprop.simulations.generators.gaussian": ("gaussian_classes", "class_means",
        "class_covariances"), "learnprop.simulations.generators.skew_normal":
        ("skew_normal_classes",), "learnprop.simulations.generators.class_sizes": ("class_sizes",),
        "learnprop.simulations.generators.posterior": ("posterior_balance",),
    },
    "Fitters": {
        "learnprop.simulations.fitters.fit": ("Fit",),
        "learnprop.simulations.fitters.objective": ("Objective",),
        "learnprop.simulations.fitters.logistic": ("fit_logistic", "logistic_logits"),
        "learnprop.simulations.fitters.softmax": ("fit_softmax", "softmax_logits"),
        "learnprop.simulations.fitters.one_vs_all": ("fit_one_vs_all",),
        "learnprop.simulations.fitters.leave_one_out": ("leave_one_out", "LeaveOneOut"),
        "learnprop.simulations.fitters.mlp.softmax": ("fit_softmax_mlp",),
        "learnprop.simulations.fitters.mlp.softmax_network": (
            "initial_softmax_params", "softmax_mlp_logits",
        ),
        "learnprop.simulations.fitters.mlp.sim2": ("fit_mlp",),
        "learnprop.simulations.fitters.mlp.network": ("initial_params", "mlp_logits"),
    },
    "Studies": {
        "learnprop.api": ("StudyResult",),
        "learnprop.simulations.engine.study": ("Study",),
        "learnprop.simulations.engine.monte_carlo": ("run_study",),
        "learnprop.simulations.records.rows": (
            "Block", "FitRow", "MeasurementRow", "stack_fits", "stack_measurements",
        ),
        "learnprop.simulations.engine.versions": ("code_version",),
        "learnprop.simulations.engine.seeds": ("replication_rng",),
        "learnprop.simulations.engine.workers": ("Workers",),
        "learnprop.simulations.records.store_file": ("open_store", "read_store"),
        "learnprop.simulations.records.store": ("read_fits", "read_measurements"),
    },
}  # fmt: skip
"""Public names by what they are for, and the modules that define them. The studies themselves come
from `STUDIES`."""

_HOME = {
    name: module for group in GROUPS.values() for module, names in group.items() for name in names
}

__all__ = [*STUDIES, *_HOME]


def __getattr__(name: str) -> _Any:
    if name in STUDIES:
        value: _Any = _import_module("learnprop.api").study_function(name)
    elif name in _HOME:
        value = getattr(_import_module(_HOME[name]), name)
    else:
        raise AttributeError(f"module 'learnprop' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
