"""Where samples come from: distributions, and files of a user.

A family of distributions is a file with its record
(`learnprop.simulations.generators.family.Family`) and a line of `FAMILIES`.
"""

from __future__ import annotations

from learnprop.simulations.registry import Parameter, Registered

ARRANGEMENTS = ("ring", "simplex", "random")
COVARIANCES = ("shared", "per-class")
SIM1_READINGS = ("sum", "mixture")
SIM2_READINGS = ("covariance", "standard-deviation")

_READING = Parameter(
    str | None,
    None,
    "What N + U of sim1, or σ1 = 1.2 I of sim2, means; by default sum, or covariance.",
    choices=(*SIM1_READINGS, *SIM2_READINGS),
)
_PLACED = {
    "classes": Parameter(int, 3, "K, at least 2."),
    "dimension": Parameter(int, 2, "Number of features.", least=1),
    "means": Parameter(str, "ring", "How the class means lie.", choices=ARRANGEMENTS),
    "separation": Parameter(float, 2.0, "Distance between nearest means, in SDs of a feature."),
}

FAMILIES: dict[str, Registered] = {
    "sim1": Registered("learnprop.simulations.generators.paper:SIM1", {"reading": _READING}),
    "sim2": Registered("learnprop.simulations.generators.paper:SIM2", {"reading": _READING}),
    "gaussian": Registered(
        "learnprop.simulations.generators.gaussian:FAMILY",
        _PLACED
        | {
            "covariance": Parameter(
                str, "shared", "Covariance of the classes.", choices=COVARIANCES
            ),
        },
    ),
    "skew-normal": Registered(
        "learnprop.simulations.generators.skew_normal:FAMILY",
        _PLACED
        | {"skewness": Parameter(float, 0.9, "Of every feature of every class, within ±0.99.")},
    ),
}
