"""Puts the learning property of logistic and softmax losses on trial.

The public names of `equations` and `simulations` are here; each is imported when it is first used,
so that ``import learnprop`` loads no heavy library.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "table1": "learnprop.api",
    "multiclass": "learnprop.api",
    "explore": "learnprop.api",
    "cnn": "learnprop.api",
    "losses": "learnprop.api",
    "StudyResult": "learnprop.api",
    "mean_proba": "equations.mean_proba",
    "mean_proba_and_second_moments": "equations.mean_proba",
    "proba_from_logits": "equations.mean_proba",
    "class_count": "equations.mean_proba",
    "class_mass": "equations.balance",
    "residual": "equations.balance",
    "left_side": "equations.balance",
    "right_side": "equations.balance",
    "gap": "equations.balance",
    "detailed_balance_asymmetry": "equations.balance",
    "accuracy_bounds": "equations.accuracy_bounds",
    "split_residual": "equations.balance",
    "binary_ratio": "equations.balance",
    "binary_ratio_in_theory": "equations.balance",
    "stationary_distribution": "equations.stationary",
    "effective_class_weight": "equations.stationary",
    "effective_class_weight_of_model": "equations.stationary",
    "effective_class_weight_over_runs": "equations.stationary",
    "joint_test_of_model": "equations.model_inference",
    "joint_test_over_runs": "equations.joint_inference",
    "gaps_of_model": "equations.model_inference",
    "gaps_over_runs": "equations.simultaneous",
    "max_t_critical": "equations.simultaneous",
    "penalised_bias_residual": "equations.violations",
    "label_smoothing_residual": "equations.violations",
    "torch_label_smoothing_residual": "equations.violations",
    "minibatch_mean_class_weight": "equations.violations",
    "WeightedSoftmaxLoss": "equations.losses.softmax",
    "WeightedLogisticLoss": "equations.losses.logistic",
    "OneVsAllLogisticLoss": "equations.losses.one_vs_all",
    "LGLINRLoss": "equations.losses.lgl_inr",
    "weighted_softmax_loss": "equations.losses.softmax",
    "weighted_logistic_loss": "equations.losses.logistic",
    "one_vs_all_logistic_loss": "equations.losses.one_vs_all",
    "lgl_inr_loss": "equations.losses.lgl_inr",
    "in_negative_weights": "equations.losses.lgl_inr",
    "in_negative_sides": "equations.losses.lgl_inr",
    "in_negative_residual": "equations.losses.lgl_inr",
    "class_weights": "equations.class_weights",
    "table1_class_weights": "equations.class_weights",
    "Estimate": "equations.inference",
    "mcse_of_mean": "equations.inference",
    "mcse_of_sd": "equations.jackknife",
    "jackknife": "equations.jackknife",
    "ratio_of_means": "equations.inference",
    "equivalence_verdict": "equations.inference",
    "predict_logistic_ratio": "equations.population",
    "sim1": "simulations.generators",
    "sim2": "simulations.generators",
    "sample": "simulations.generator",
    "gaussian_classes": "simulations.gaussian",
    "class_means": "simulations.gaussian",
    "class_covariances": "simulations.gaussian",
    "skew_normal_classes": "simulations.skew_normal",
    "class_sizes": "simulations.imbalance",
    "posterior_balance": "simulations.posterior",
    "Fit": "simulations.fitters.fit",
    "fit_logistic": "simulations.fitters.logistic",
    "logistic_logits": "simulations.fitters.logistic",
    "Objective": "simulations.fitters.objective",
    "fit_softmax": "simulations.fitters.softmax",
    "softmax_logits": "simulations.fitters.softmax",
    "fit_one_vs_all": "simulations.fitters.one_vs_all",
    "fit_softmax_mlp": "simulations.fitters.softmax_mlp",
    "initial_softmax_params": "simulations.fitters.softmax_mlp",
    "softmax_mlp_logits": "simulations.fitters.softmax_mlp",
    "fit_mlp": "simulations.fitters.mlp",
    "initial_params": "simulations.fitters.mlp_network",
    "mlp_logits": "simulations.fitters.mlp_network",
    "measure": "simulations.measure",
    "replication_rng": "simulations.seeds",
    "Study": "simulations.monte_carlo",
    "run_study": "simulations.monte_carlo",
    "Workers": "simulations.workers",
    "open_store": "simulations.store",
    "read_store": "simulations.store",
    "read_fits": "simulations.tables",
    "read_measurements": "simulations.tables",
}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'learnprop' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
