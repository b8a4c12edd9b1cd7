r"""The paper's other statements, each as a small design that puts it to the test.

======================== =========================================================================
cell                     statement of the paper
======================== =========================================================================
majority                 at N_0 = 10 N_1 and equal weights p̄(0→0) > 0.9; with inverse weights
                         p̄(0→0) = p̄(1→1), and the minority gains; logistic is softmax at K = 2
p00 = 0.98, p00 = 0.92   then p̄(1→1) = 0.8 and 0.2; classes so far apart that the premise is met
three classes            for K > 2 inverse weights need not help: here they harm a minority class
skew away, skew towards  upweighting costs less where the majority skews away from the boundary
hard class, ...          one-vs-all averages a hard class away among many easy ones: their number
                         and place and its size are varied
                         (`learnprop.simulations.studies.claims.hard_class`)
one hard class           of these, six easy ones behind a rare one: the weights of LGL-INR, by
                         hardness, relieve it; β = 0, without them, is the control
======================== =========================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from scipy.optimize import brentq

from learnprop.equations.balance import class_mass
from learnprop.equations.class_weights import class_weights
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.engine.study import Study
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.fitters import FITTERS
from learnprop.simulations.fitters.fit import Fitted
from learnprop.simulations.fitters.fitter import Batch
from learnprop.simulations.generators.gaussian import gaussian_classes
from learnprop.simulations.generators.generator import Generator
from learnprop.simulations.generators.posterior import posterior_balance
from learnprop.simulations.generators.skew_normal import skew_normal_classes
from learnprop.simulations.records.rows import Block
from learnprop.simulations.studies.cells import streams_of
from learnprop.simulations.studies.checks import check_chosen
from learnprop.simulations.studies.claims.hard_class import (
    BALANCED,
    LEVELS,
    PUBLISHED,
    hard_and_easy,
    train_size,
)
from learnprop.simulations.studies.claims.options import Options
from learnprop.simulations.studies.option import design_of
from learnprop.simulations.studies.recording import measured_block

NAME = "claims"
TEST_SIZE = 5000
HARD_TEST_SIZE = 1000
"""Of the designs with a hard class, of which there are many, but for those that try LGL-INR."""

BINARY_SIZE = (5000, 500)
SKEWNESS = 6.0
"""Shape of the skew-normal majority: a skewness of 0.9."""

LGL_INR = {f"lgl-inr beta={beta}": float(beta) for beta in (0, 1, 8)}
"""β of the settings of LGL-INR: the paper's is 1, at 0 hardness does not count."""


@dataclass(frozen=True)
class ClaimCell:
    """A design: a distribution with sizes, and settings, each a scheme of weights and a fitter.

    The scheme of LGL-INR is ``hardness``: its weights are found by the fit.
    """

    name: str
    train_size: tuple[int, ...]
    schemes: tuple[tuple[str, str, str], ...]
    test_size: int = TEST_SIZE
    device: str = "cpu"

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the settings."""
        return tuple(name for name, _, _ in self.schemes)

    @property
    def headline(self) -> tuple[int, str]:
        """Epoch and stage of the fits that the claims are about."""
        return 0, "raw"

    def weight(self, setting: str) -> FloatArray:
        """Class weights λ of a setting, shape (n_classes,); LGL-INR has none."""
        scheme = next(scheme for name, scheme, _ in self.schemes if name == setting)
        return class_weights(scheme, self.train_size)

    def class_mass(self, setting: str) -> FloatArray:
        """Class mass w = λN of training, shape (n_classes,); NaN under LGL-INR: E10 has none."""
        if setting in LGL_INR:
            return np.full(len(self.train_size), np.nan)
        return class_mass(self.weight(setting), self.train_size)


def two_gaussians(separation: float) -> Generator:
    """Two unit Gaussians on a line, class 0 to the left."""
    return gaussian_classes([[-separation / 2], [separation / 2]])


@cache
def separation_with(mean_proba: float) -> float:
    """Separation at which p̄(0→0) of the true posterior has this value, at N_0 = 10 N_1.

    Examples
    --------
    >>> round(separation_with(0.98), 3)
    3.304
    """

    def excess(separation: float) -> float:
        P = posterior_balance(two_gaussians(separation), BINARY_SIZE).mean_proba
        return float(P[0, 0] - mean_proba)

    return float(brentq(excess, 0.05, 8.0))


def skewed_majority(direction: float) -> Generator:
    """Majority skew-normal at -1, minority normal at +1, both of unit SD."""
    return skew_normal_classes([[-1.0], [1.0]], [[direction * SKEWNESS], [0.0]])


GENERATORS: dict[str, Callable[[], Generator]] = {
    "majority": partial(two_gaussians, 2.0),
    "p00 = 0.98": lambda: two_gaussians(separation_with(0.98)),
    "p00 = 0.92": lambda: two_gaussians(separation_with(0.92)),
    "three classes": partial(gaussian_classes, [[0.0, 0.0], [3.0, 0.0], [4.0, 0.0]]),
    "skew away": partial(skewed_majority, -1.0),
    "skew towards": partial(skewed_majority, 1.0),
    **{name: partial(hard_and_easy, n, place) for name, (place, n, _) in LEVELS.items()},
}

_EQUAL, _INVERSE = ("equal", "equal", "logistic"), ("inverse", "inverse", "logistic")
_SOFTMAX = (("equal", "equal", "softmax"), ("inverse", "inverse", "softmax"))
_ONE_VS_ALL = (("one-vs-all", "equal", "one-vs-all"), ("softmax", "equal", "softmax"))
_HARDNESS = tuple((name, "hardness", "lgl-inr") for name in LGL_INR)
DESIGNS: dict[str, tuple[tuple[int, ...], tuple[tuple[str, str, str], ...]]] = {
    "majority": (BINARY_SIZE, (_EQUAL, _INVERSE, ("equal, softmax", "equal", "softmax"))),
    "p00 = 0.98": (BINARY_SIZE, (_EQUAL,)),
    "p00 = 0.92": (BINARY_SIZE, (_EQUAL,)),
    "three classes": ((5000, 500, 50), _SOFTMAX),
    "skew away": (BINARY_SIZE, (_EQUAL, _INVERSE)),
    "skew towards": (BINARY_SIZE, (_EQUAL, _INVERSE)),
    **{name: (train_size(n, sizes), _ONE_VS_ALL) for name, (_, n, sizes) in LEVELS.items()},
}
DESIGNS[PUBLISHED] = (
    DESIGNS[PUBLISHED][0],
    (*_ONE_VS_ALL, ("one-vs-all inverse", "inverse", "one-vs-all"), *_HARDNESS),
)
DESIGNS[BALANCED] = (DESIGNS[BALANCED][0], (*_ONE_VS_ALL, _HARDNESS[0]))


def make_study(options: Options) -> Study:
    """Check the options and lay the study out.

    Raises
    ------
    ValueError
        Naming the option and its value.

    Examples
    --------
    >>> len(make_study(Options()).cells)
    18
    """
    o = options
    check_chosen(o)
    device = chosen_device(o.device).type
    cells = tuple(
        ClaimCell(name, size, schemes, _test_size(name), device)
        for name, (size, schemes) in DESIGNS.items()
    )
    design = design_of(
        o,
        device=device,
        test_size={cell.name: cell.test_size for cell in cells},
        code=code_version(),
    )
    return Study(NAME, o.seed, o.runs, cells, compute_block, design)


def _test_size(name: str) -> int:
    return HARD_TEST_SIZE if name in LEVELS and name not in (PUBLISHED, BALANCED) else TEST_SIZE


def compute_block(cell: ClaimCell, seed: int, runs: range) -> Block:
    """Generate, fit and measure the replications `runs` of a design."""
    fresh = {"test": [cell.test_size] * len(cell.train_size)}
    fit = partial(_fit, cell, seed, runs)
    return measured_block(cell, GENERATORS[cell.name](), seed, runs, fit, fresh)


def _fit(cell: ClaimCell, seed: int, runs: range, X: FloatArray, y: np.ndarray) -> list[Fitted]:
    """Fit all settings of one fitter together."""
    fitted: list[Fitted] = []
    for fitter in dict.fromkeys(fitter for _, _, fitter in cell.schemes):
        names = tuple(name for name, _, own in cell.schemes if own == fitter)
        line = FITTERS[fitter]
        values = [cell.weight(name) if line.takes_weights else LGL_INR[name] for name in names]
        streams = streams_of(cell.name, seed, runs)
        fitted += line.record.fit(Batch(X, y, names, values, cell.device, streams))
    return fitted
