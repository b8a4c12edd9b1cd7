"""Puts the learning property of logistic and softmax losses on trial.

The public names of `equations` and `simulations` are here; each is imported when it is first used,
so that ``import learnprop`` loads no heavy library.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "mean_proba": "equations.mean_proba",
    "mean_proba_and_second_moments": "equations.mean_proba",
    "proba_from_logits": "equations.mean_proba",
    "class_count": "equations.mean_proba",
    "class_mass": "equations.balance",
    "residual": "equations.balance",
    "left_side": "equations.balance",
    "right_side": "equations.balance",
    "gap": "equations.balance",
    "binary_ratio": "equations.balance",
    "binary_ratio_in_theory": "equations.balance",
    "stationary_distribution": "equations.stationary",
    "effective_class_weight": "equations.stationary",
    "class_weights": "equations.class_weights",
    "table1_class_weights": "equations.class_weights",
    "Estimate": "equations.inference",
    "mcse_of_mean": "equations.inference",
    "mcse_of_sd": "equations.inference",
    "jackknife": "equations.inference",
    "ratio_of_means": "equations.inference",
    "equivalence_verdict": "equations.inference",
    "predict_logistic_ratio": "equations.population",
    "sim1": "simulations.generators",
    "sim2": "simulations.generators",
    "sample": "simulations.generator",
    "Fit": "simulations.fitters.fit",
    "fit_logistic": "simulations.fitters.logistic",
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
