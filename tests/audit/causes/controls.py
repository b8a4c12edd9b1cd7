"""The controls of `learnprop controls` as a user would have them."""

from dataclasses import dataclass

import numpy as np

from learnprop.audit.check import check
from learnprop.equations.class_weights import class_weights
from learnprop.equations.mean_proba import proba_from_logits
from learnprop.simulations.engine.seeds import replication_rng
from learnprop.simulations.fitters.softmax import fit_softmax, softmax_logits
from learnprop.simulations.generators.gaussian import class_means, gaussian_classes
from learnprop.simulations.studies.controls import study
from learnprop.simulations.studies.recording import drawing, stacked

PLANTED = {
    "penalised bias": "a penalised bias",
    "label smoothing": "label smoothing of",
    "PyTorch label smoothing": "label smoothing of",  # with equal weights they are one
    "PyTorch label smoothing, inverse weights": "PyTorch's label smoothing of",
    "minibatch mean, inverse weights": "minibatch mean, 16 at once",
    "weights changed after training": "acts upon equal weights",
    "no bias": "no bias",
    "dropout": "noise in training",
    "mixup": "noise in training",
    "shift of P(x|y)": "shift of P(x|y)",
    "early stopping": "early stopping",
}
"""What the name of the cause begins with, of each control that has one."""

CLEAN = tuple(c.name for c in study.CONTROLS if c.name not in PLANTED)
BINARY = (2500, 250)
BINARY_WEIGHT = (0.7, 2.0)


@dataclass(frozen=True)
class Run:
    """One replication: the training sample, the test samples, and every control's parameters."""

    train: tuple
    tests: dict
    params: dict
    sizes: tuple

    def weight(self, scheme):
        """As the study has it."""
        if scheme == "arbitrary" and len(self.sizes) == 2:
            scheme = BINARY_WEIGHT
        return (
            study.weight_of(scheme) if len(self.sizes) == 5 else class_weights(scheme, self.sizes)
        )

    def report(self, control, knows="train", **more):
        """What `check` says to one who knows the predictions on fresh data, and more.

        The batch size wherever minibatches were drawn, the bias wherever there is one.
        """
        params = self.params[control.name]
        X, y = self.train
        features, labels = self.tests[control.test]
        logits, fresh = (softmax_logits(x, params[None])[0] for x in (X, features))
        if knows != "test":
            given = (y, proba_from_logits(logits))
            more["train"] = (*given, X) if knows == "X" else given
        if control.objective.batch_size:
            more["batch_size"] = control.objective.batch_size
        has_bias = control.objective.fit_bias or control.constant_feature
        stated = self.weight(control.claimed or control.weights)
        return check(
            labels, proba_from_logits(fresh), class_weight=stated, train_count=self.sizes,
            bias=params[:, -1] if has_bias else False, **more,
        )  # fmt: skip


def replications(runs, sizes=study.TRAIN_SIZE, seed=0):
    """Draw and fit as the study does; sizes of two classes are a design of its kind."""
    cell, n_classes = study.ControlsCell(), len(sizes)
    generator = gaussian_classes(class_means("ring", n_classes, 2, study.SEPARATION))
    name = cell.name if n_classes == 5 else "binary controls"
    draw = drawing(generator, seed, name)
    train = [draw(run, "train", sizes) for run in runs]
    X, y = stacked(train)
    fits = {c.name: _params(cell, c, X, y, seed, runs, sizes, name) for c in study.CONTROLS}
    for i, run in enumerate(runs):
        test = draw(run, "test", [study.TEST_SIZE] * n_classes)
        tests = {
            "test": test,
            "shifted": (test[0] + np.array([study.SHIFT, 0.0]), test[1]),
            "other priors": draw(run, "test", sizes[::-1]),
        }
        yield Run(train[i], tests, {name: params[i] for name, params in fits.items()}, tuple(sizes))


def _params(cell, control, X, y, seed, runs, sizes, name):
    if len(sizes) == 5:
        return study._fit(cell, control, X, y, seed, runs).params[:, 0]
    weight = BINARY_WEIGHT if control.weights == "arbitrary" else control.weights
    if control.constant_feature:
        X = np.concatenate([X, np.full((*X.shape[:2], 1), study.CONSTANT_FEATURE)], axis=2)
    rngs = [replication_rng(seed, name, run, "minibatch") for run in runs]
    fit = fit_softmax(
        X, y, [class_weights(weight, sizes)], objective=control.objective,
        rngs=rngs if control.objective.is_random else None, max_iter=control.max_iter,
    )  # fmt: skip
    fit = study._with_constant_in_bias(fit) if control.constant_feature else fit
    return fit.params[:, 0]


def is_among_first(report, control, n=2):
    """Whether the planted cause is among the first."""
    return any(cause.name.startswith(PLANTED[control.name]) for cause in report.causes[:n])


def control_of(name):
    """The control of a name."""
    return study.control_named(name)
