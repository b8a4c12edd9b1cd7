"""The protocol of a Table 1 study."""

from __future__ import annotations

from learnprop.reports.protocols.ademp import Protocol, decision, items
from learnprop.simulations.engine.study import Study
from learnprop.simulations.studies.table1.study import POPULATION

_READINGS = {
    "sum": "the sum of the two independent variables",
    "mixture": "an even mixture of the two laws",
    "covariance": "1.2 is the variance of each feature",
    "standard-deviation": "1.2 is the standard deviation of each feature",
}
_COLUMNS = {
    True: "as the paper prints them",
    False: "corrected as in docs/explanation/errata.md, 1",
}
_TRAININGS = {
    "bfgs": "BFGS on all samples until the loss falls by less than 1e-6, relative, over 10 "
    "iterations, or {max_iter} iterations; then the output layer is refined on frozen features and "
    "the output bias brought to a gradient of at most 1e-12 Σw. Also measured at shallower depths.",
    "adam": "Adam, {epochs} epochs of minibatches of 64 at learning rate 0.001, no refinement: it "
    "stops before stationarity, and the verdict is `not converged`.",
}

_LEFT_OUT = (
    "For Sim2 the formula takes the derivatives of the logit in all 51 parameters and the "
    "Gauss-Newton matrix, at the refined point of the deepest training. The hidden layer is at no "
    "minimum there, and the formula does not know how far it went: after few iterations directions "
    "of little curvature are not fitted yet, after many the hidden units have moved further than "
    "they are linear. It may be far off, too large or too small: with few samples, or under equal "
    "weights, it can tell of overfitting that is not there (docs/explanation/hidden-layers.md). "
    "Where units are steps, so that its leverages overflow, a network is not predicted; the table "
    "says in how many runs one is."
)


def table1_protocol(study: Study) -> Protocol:
    """Protocol of a Table 1 study."""
    design = study.design
    (n0, n1), (m0, m1) = design["train_size"], design["test_size"]
    return Protocol(
        title="Table 1",
        aims=(
            "Is Eq. (10), (1 - p̄(0→0)) / p̄(1→0) = λ1 N1 / (λ0 N0), true of classifiers fitted with "
            "a class-weighted logistic loss: on the training sample, on test data, in the "
            "population?",
        ),
        mechanisms=items(
            'Sim1: x | y=1 from N(-1.5, 1) + U(0, 0.5), x | y=0 from N(1.5, 1) + U(-0.5, 0); "+" '
            f"read as {_READINGS[design['sim1_reading']]}.",
            "Sim2: x | y=1 from N((0, 0, 0), 1.2 I), x | y=0 from N((1, 1, 1), I); "
            f"{_READINGS[design['sim2_reading']]}.",
            f"Sizes (class 0, class 1): train ({n0}, {n1}), test ({m0}, {m1}), population "
            f"({POPULATION}, {POPULATION}) fresh samples per run.",
        ),
        estimands=(
            "The left side of Eq. (10) for three settings of λ, "
            f"{_COLUMNS[design['as_printed']]}. They share each replication's data and initial "
            "point.",
            *items(
                *(
                    f"λ0 = {label} = {w[0]:.6g}, λ1 = {w[1]:.6g}: right side "
                    f"{w[1] * n1 / (w[0] * n0):.6g}"
                    for label, w in study.cells[0].class_weight
                )
            ),
        ),
        methods=items(
            "Sim1: logistic regression, Newton's method to a gradient norm of 1e-12 Σw.",
            "Sim2: a (3, 10, 1) network with sigmoid activation. "
            + _TRAININGS[design["training"]].format_map(design),
        ),
        performance=items(
            "Mean and SD over runs of the left side, as in the paper, each with its Monte Carlo "
            "standard error (of the SD by the jackknife). The mean of a ratio is biased upward.",
            decision(design["margin"]),
            "Predicted: Sim1 by quadrature, sandwich and delta method for samples of these sizes; "
            "Sim2 by the true posterior (the SD covers test sampling only).",
            "Predicted overfitting: the residual of the training samples, each left out of its fit "
            "by the leave-one-out formula, from that fit alone, and so that of a sample of one "
            "fewer in each class (docs/explanation/fresh.md); of a shift of P(x|y) between "
            "training and fresh data it knows nothing.",
            *([_LEFT_OUT] if design["training"] == "bfgs" else []),
        ),
    )
