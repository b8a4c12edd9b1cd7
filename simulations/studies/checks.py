"""Checks of what a user chose: every complaint names the option."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit, logit

from learnprop.equations.arguments import BadArgument, renamed
from learnprop.equations.class_weights import SCHEMES, class_weights
from learnprop.simulations.engine.seeds import MAX_SEED
from learnprop.simulations.generators.class_sizes import class_sizes
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.studies.option import declared_options

LEAST_WEIGHT = 1e-9
"""Share of the weights that a class must have: of less, a gradient of 1e-12 Σw says too little."""


def check_chosen(chosen: Any, least_runs: int = 2) -> None:
    """Check what every study has, and that every word is one of its choices.

    Parameters
    ----------
    chosen : dataclass
        Options of a study.
    least_runs : int

    Raises
    ------
    BadArgument
    """
    runs, seed, margin = chosen.runs, chosen.seed, chosen.margin
    if runs < least_runs:
        raise BadArgument("runs", f"must be at least {least_runs}, got {runs}")
    if not 0 <= seed < MAX_SEED:
        raise BadArgument("seed", f"must satisfy 0 <= seed < 2**63, got {seed}")
    if not 0 < margin < 1:
        raise BadArgument("margin", f"must be a share between 0 and 1, e.g. 0.05, got {margin}")
    for name, declared in declared_options(type(chosen)).items():
        value = getattr(chosen, name)
        if declared.option.words and value is not None:
            for word in value if declared.several else (value,):
                check_choice(name, word, declared.option.words)


def check_positive(**options: int) -> None:
    """Raise ValueError, naming the option, unless all are at least 1.

    Examples
    --------
    >>> check_positive(test_size=0)
    Traceback (most recent call last):
    ValueError: test_size must be at least 1, got 0
    """
    for name, value in options.items():
        if value < 1:
            raise BadArgument(name, f"must be at least 1, got {value}")


def check_recipe(recipe: Recipe) -> Recipe:
    """Return how networks are trained; raise ValueError, naming the option, if they cannot be."""
    check_positive(epochs=recipe.epochs, batch_size=recipe.batch_size)
    if not (math.isfinite(recipe.lr) and recipe.lr > 0):
        raise BadArgument("lr", f"must be positive and finite, got {recipe.lr:g}")
    if not 0 <= recipe.momentum < 1:
        raise BadArgument("momentum", f"must satisfy 0 <= momentum < 1, got {recipe.momentum:g}")
    decay = recipe.weight_decay
    if not (math.isfinite(decay) and decay >= 0):
        raise BadArgument("weight_decay", f"must be finite and not negative, got {decay:g}")
    if recipe.decay_bias and not decay:
        raise BadArgument("decay_bias", "needs `weight_decay`, got 0")
    return recipe


def check_choice(option: str, value: str, choices: Sequence[str]) -> None:
    """Raise ValueError, naming the option, unless the value is among the choices."""
    if value not in choices:
        raise BadArgument(option, f"must be one of {', '.join(choices)}, got {value!r}")


def train_sizes(
    sizes: Sequence[int], classes: int, largest: int, imbalance: float, profile: str
) -> tuple[int, ...]:
    """Training class sizes: as listed, or from the largest one and the imbalance.

    Examples
    --------
    >>> train_sizes((), 3, 1000, 100, "exponential"), train_sizes((5, 2), 3, 1000, 100, "step")
    ((1000, 100, 10), (5, 2))
    """
    if not sizes:
        with renamed(n_classes="classes", largest="train_size", ratio="imbalance"):
            return class_sizes(classes, largest, imbalance, profile)
    if len(sizes) < 2 or any(n < 1 for n in sizes):
        raise BadArgument("sizes", f"must be at least 2 positive integers, got {list(sizes)}")
    return tuple(sizes)


def weight_settings(
    weights: Sequence[str], train_size: Sequence[int], beta: float
) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Class weights by label: a scheme, λ_0, or one number per class with commas between.

    Of λ_0 alone, the other classes share what is left to one equally.

    Examples
    --------
    >>> weight_settings(("inverse", "1,3"), (100, 300), beta=0.999)
    (('inverse', (0.75, 0.25)), ('1,3', (0.25, 0.75)))
    >>> weight_settings(("0.5",), (100, 300, 300), beta=0.999)
    (('0.5', (0.5, 0.25, 0.25)),)
    """
    if not weights:
        raise BadArgument("weights", "must name at least one scheme")
    found = {}
    for written in weights:
        scheme = _scheme(written, len(train_size))
        label = _label(written)
        if label in found:
            raise BadArgument("weights", f"must be distinct, got {label!r} twice")
        with renamed(scheme="weights"):
            weight = class_weights(scheme, train_size, beta=beta)
        if not weight.min() >= LEAST_WEIGHT * weight.sum():
            raise BadArgument(
                "weights", f"must be at least {LEAST_WEIGHT:g} of their sum, got {written!r}"
            )
        found[label] = tuple(float(w) for w in weight)
    return tuple(found.items())


def _label(written: str) -> str:
    """One label for one choice of numbers: 0.5 for .50."""
    if written in SCHEMES:
        return written
    return ",".join(f"{float(number):.12g}" for number in written.split(","))


def _scheme(label: str, n_classes: int) -> str | list[float]:
    if label in SCHEMES:
        return label
    try:
        numbers = [float(number) for number in label.split(",")]
    except ValueError:
        raise BadArgument(
            "weights", f"must be {', '.join(SCHEMES)}, λ0 or numbers like 1,2,3, got {label!r}"
        ) from None
    if len(numbers) > 1:
        return numbers
    (first,) = numbers
    if not 0 < first < 1:
        problem = "must have 0 < λ0 < 1, or be one number per class, like '1,2,3'"
        raise BadArgument("weights", f"{problem}; got {label!r}")
    return [first] + [(1 - first) / (n_classes - 1)] * (n_classes - 1)


def is_lambda0(setting: str) -> bool:
    """Whether a λ setting is named by its λ_0.

    Examples
    --------
    >>> is_lambda0(".5"), is_lambda0("equal"), is_lambda0("1,2,3")
    (True, False, False)
    """
    return setting not in SCHEMES and "," not in setting


def lambda0_grid(low: float, high: float, n: int) -> tuple[str, ...]:
    """Labels of n values of λ_0, evenly spaced in log(λ_0 / (1 - λ_0)), of four digits each.

    The labels are the values: what is printed is what is used.

    Examples
    --------
    >>> lambda0_grid(0.01, 0.99, 3)
    ('0.01', '0.5', '0.99')
    """
    if not (0 < low < high < 1 and n >= 2):
        raise BadArgument(
            "lambda0_grid", f"must have 0 < low < high < 1 and n >= 2, got {low:g} {high:g} {n}"
        )
    labels = tuple(f"{value:.4g}" for value in expit(np.linspace(logit(low), logit(high), n)))
    if len(set(labels)) < n:
        raise BadArgument("lambda0_grid", f"is too fine for four digits, got {low:g} {high:g} {n}")
    return labels
