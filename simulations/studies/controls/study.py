r"""Negative and positive controls: what should break Eq. (9) breaks it, what should not does not.

Softmax regressions on Gaussian classes of imbalance 10, on the same data under every control. The
equation is always put to the *claimed* weights and the plain loss; a control changes what is
minimised, the weights after training, or the test data.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from learnprop.equations.balance import class_mass
from learnprop.equations.class_weights import class_weights
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.engine.study import Study
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.engine.within import tell
from learnprop.simulations.fitters.fit import Fit, Fitted
from learnprop.simulations.fitters.objective import PLAIN, Objective
from learnprop.simulations.fitters.softmax import fit_softmax, softmax_logits
from learnprop.simulations.generators.class_sizes import class_sizes
from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
from learnprop.simulations.generators.generator import Generator, Sample
from learnprop.simulations.records.rows import Block
from learnprop.simulations.studies.checks import check_chosen
from learnprop.simulations.studies.controls.options import Options
from learnprop.simulations.studies.option import design_of
from learnprop.simulations.studies.recording import SPLITS, drawing, record, stacked

NAME = "controls"
SEPARATION = 2.0
TRAIN_SIZE = class_sizes(5, 2500, 10.0)
"""The default sizes of the multiclass study: five classes, imbalance 10."""

TEST_SIZE = 1000
POPULATION = 10_000
SHIFT = 0.5
"""By which the first feature of test data moves under a shift of P(x | y), in SDs."""

ARBITRARY_WEIGHT = (0.7, 0.1, 3.0, 0.4, 1.6)
CONSTANT_FEATURE = 3.0

Expected = Literal["holds", "fails", "not converged"]


@dataclass(frozen=True)
class Control:
    """One way to train or to test.

    Attributes
    ----------
    name : str
    expected : {"holds", "fails", "not converged"}
    prediction : str
        How the residual is predicted: "zero", "bias", "smoothing", "torch smoothing", "minibatch",
        "posterior" or "gradient"; "-" where only the direction is known.
    without : str
        Name of the control that is the same without the violation.
    weights : str
        Scheme of the weights in training; "arbitrary" is a list of this file.
    claimed : str
        Scheme of the weights in the equation; empty for those of training.
    objective : Objective
    max_iter : int
        Few Newton iterations are early stopping.
    test : str
        Name of the test sample.
    constant_feature : bool
        Whether a feature is added that is constant.
    """

    name: str
    expected: Expected
    prediction: str
    without: str = "equal weights"
    weights: str = "equal"
    claimed: str = ""
    objective: Objective = PLAIN
    max_iter: int = 100
    test: str = "test"
    constant_feature: bool = False


CONTROLS = (
    Control("equal weights", "holds", "zero"),
    Control("inverse weights", "holds", "zero", weights="inverse"),
    Control("arbitrary weights", "holds", "zero", weights="arbitrary"),
    Control("penalised bias", "fails", "bias", objective=Objective(bias_penalty=5.0)),
    Control("L2 on weights only", "holds", "zero", objective=Objective(weight_penalty=5.0)),
    Control("label smoothing", "fails", "smoothing", objective=Objective(smoothing=0.1)),
    Control(
        "label smoothing, inverse weights",
        "holds",
        "smoothing",
        without="inverse weights",
        weights="inverse",
        objective=Objective(smoothing=0.1),
    ),
    Control(
        "PyTorch label smoothing",
        "fails",
        "torch smoothing",
        objective=Objective(smoothing=0.1, smoothing_form="torch"),
    ),
    Control(
        "PyTorch label smoothing, inverse weights",
        "fails",
        "torch smoothing",
        without="inverse weights",
        weights="inverse",
        objective=Objective(smoothing=0.1, smoothing_form="torch"),
    ),
    Control(
        "minibatch mean, inverse weights",
        "fails",
        "minibatch",
        without="inverse weights",
        weights="inverse",
        objective=Objective(batch_size=16),
    ),
    Control("minibatch mean", "holds", "minibatch", objective=Objective(batch_size=16)),
    Control("weights changed after training", "fails", "posterior", claimed="inverse"),
    Control("no bias", "fails", "-", objective=Objective(fit_bias=False)),
    Control(
        "no bias, a constant feature",
        "holds",
        "zero",
        objective=Objective(fit_bias=False),
        constant_feature=True,
    ),
    Control("dropout", "fails", "-", objective=Objective(dropout=0.3)),
    Control("mixup", "fails", "-", objective=Objective(mixup=1.0)),
    Control("shift of P(x|y)", "fails", "-", test="shifted"),
    Control("changed test priors", "holds", "zero", test="other priors"),
    Control("early stopping", "not converged", "gradient", max_iter=2),
)


@dataclass(frozen=True)
class ControlsCell:
    """The data cell that all controls share; a setting is a control."""

    name: str = "controls"
    device: str = "cpu"

    @property
    def settings(self) -> tuple[str, ...]:
        """Names of the controls."""
        return tuple(control.name for control in CONTROLS)

    @property
    def headline(self) -> tuple[int, str]:
        """Epoch and stage of the fits that the table is about."""
        return 0, "raw"

    def class_mass(self, setting: str) -> FloatArray:
        """Class mass w = λN that a control's equation is put to, shape (n_classes,)."""
        control = control_named(setting)
        return class_mass(weight_of(control.claimed or control.weights), TRAIN_SIZE)

    def generator(self) -> Generator:
        """Distribution of the classes."""
        return gaussian_classes(class_means("ring", len(TRAIN_SIZE), 2, SEPARATION))


def control_named(name: str) -> Control:
    """Return the control of that name.

    Examples
    --------
    >>> control_named("mixup").expected
    'fails'
    """
    return next(control for control in CONTROLS if control.name == name)


def weight_of(scheme: str) -> FloatArray:
    """Class weights of a scheme at the sizes of this study, scaled to sum to one."""
    return class_weights(ARBITRARY_WEIGHT if scheme == "arbitrary" else scheme, TRAIN_SIZE)


def make_study(options: Options) -> Study:
    """Check the options and lay the study out.

    Raises
    ------
    ValueError
        Naming the option and its value.

    Examples
    --------
    >>> make_study(Options(runs=50)).cells[0].settings[:2]
    ('equal weights', 'inverse weights')
    """
    o = options
    check_chosen(o)
    device = chosen_device(o.device).type
    design = design_of(
        o,
        device=device,
        train_size=list(TRAIN_SIZE),
        test_size=TEST_SIZE,
        population=POPULATION,
        code=code_version(),
    )
    return Study(NAME, o.seed, o.runs, (ControlsCell(device=device),), compute_block, design)


def compute_block(cell: ControlsCell, seed: int, runs: range) -> Block:
    """Generate, fit under every control, and measure the replications `runs`."""
    n_classes = len(TRAIN_SIZE)
    draw = drawing(cell.generator(), seed, cell.name)
    train = [draw(run, "train", TRAIN_SIZE) for run in runs]
    X, y = stacked(train)

    def samples_of(i: int) -> dict[str, Sample]:
        test = draw(runs[i], "test", [TEST_SIZE] * n_classes)
        population = draw(runs[i], "population", [POPULATION] * n_classes)
        return {
            "train": train[i],
            "test": test,
            "population": population,
            "shifted": _shifted(test),
            "shifted population": _shifted(population),
            "other priors": draw(runs[i], "test", TRAIN_SIZE[::-1]),
        }

    fitted = []
    for i, control in enumerate(CONTROLS):
        tell(f"{i} of {len(CONTROLS)} controls fitted")
        samples = dict(zip(SPLITS, SPLITS, strict=True)) | {"test": control.test}
        if control.test == "shifted":
            samples["population"] = "shifted population"
        fit = _fit(cell, control, X, y, seed, runs)
        fitted.append(Fitted((control.name,), 0, "raw", fit, softmax_logits, samples=samples))
    return record(cell.name, runs, fitted, samples_of)


def _shifted(data: Sample) -> Sample:
    features, labels = data
    return features + np.array([SHIFT, 0.0]), labels


def _fit(
    cell: ControlsCell, control: Control, X: FloatArray, y: np.ndarray, seed: int, runs: range
) -> Fit:
    """Fit every replication; every control that draws starts its stream anew."""
    if control.constant_feature:
        X = np.concatenate([X, np.full((*X.shape[:2], 1), CONSTANT_FEATURE)], axis=2)
    rngs = [replication_rng(seed, cell.name, run, "minibatch") for run in runs]
    fit = fit_softmax(
        X,
        y,
        [weight_of(control.weights)],
        objective=control.objective,
        rngs=rngs if control.objective.is_random else None,
        device=cell.device,
        max_iter=control.max_iter,
    )
    return _with_constant_in_bias(fit) if control.constant_feature else fit


def _with_constant_in_bias(fit: Fit) -> Fit:
    """Parameters without the constant feature: its coefficient becomes the bias."""
    params = np.delete(fit.params, -2, axis=-1)
    params[..., -1] += CONSTANT_FEATURE * fit.params[..., -2]
    return Fit(**{**vars(fit), "params": params})
