"""The protocol of a Table 1 study in the ADEMP frame, written before its first replication."""

from __future__ import annotations

from reports.protocol import replications, wrap
from simulations.monte_carlo import Study
from simulations.studies.table1.study import POPULATION

_READINGS = {
    "sum": "the sum of the two independent variables",
    "mixture": "an even mixture of the two laws",
    "covariance": "1.2 is the variance of each feature",
    "standard-deviation": "1.2 is the standard deviation of each feature",
}


def table1_protocol(study: Study, mcse: float | None = None) -> str:
    """Protocol of a Table 1 study, in Markdown.

    Parameters
    ----------
    study : Study
    mcse : float or None
        Target of precision for the gaps, if one is declared.

    Returns
    -------
    str
    """
    design = study.design
    (n0, n1), (m0, m1) = design["train_size"], design["test_size"]
    settings = "\n".join(
        f"- λ0 = {label} = {w[0]:.6g}, λ1 = {w[1]:.6g}: right side {w[1] * n1 / (w[0] * n0):.6g}"
        for label, w in study.cells[0].class_weight
    )
    if design["training"] == "bfgs":
        network = (
            "BFGS on all samples until the loss falls by less than 1e-6, relative, over 10 "
            f"iterations, or {design['max_iter']} iterations; then the output layer is refined on "
            "frozen features and the output bias brought to a gradient of at most 1e-12 Σw. "
            "Also measured at shallower depths."
        )
    else:
        network = (
            f"Adam, {design['epochs']} epochs of minibatches of 64 at learning rate 0.001, no "
            "refinement: it stops before stationarity, and the verdict is `not converged`."
        )
    columns = (
        "as the paper prints them" if design["as_printed"] else "corrected as in docs/errata.md, 1"
    )
    estimand = (
        f"The left side of Eq. (10) for three settings of λ, {columns}. They share each "
        "replication's data and initial point."
    )
    return f"""# Protocol: Table 1

Written before the first replication.

## Aims

Is Eq. (10), (1 - p̄(0→0)) / p̄(1→0) = λ1 N1 / (λ0 N0), true of classifiers fitted with a
class-weighted logistic loss: on the training sample, on test data, in the population?

## Data-generating mechanisms

- Sim1: x | y=1 from N(-1.5, 1) + U(0, 0.5), x | y=0 from N(1.5, 1) + U(-0.5, 0); "+" read as
  {_READINGS[design["sim1_reading"]]}.
- Sim2: x | y=1 from N((0, 0, 0), 1.2 I), x | y=0 from N((1, 1, 1), I);
  {_READINGS[design["sim2_reading"]]}.
- Sizes (class 0, class 1): train ({n0}, {n1}), test ({m0}, {m1}), population
  ({POPULATION}, {POPULATION}) fresh samples per run.
{wrap(f"- Seed {study.seed}; every replication has its own key. {replications(study, mcse)}")}

## Estimands

{wrap(estimand)}

{settings}

## Methods

- Sim1: logistic regression, Newton's method to a gradient norm of 1e-12 Σw.
{wrap("- Sim2: a (3, 10, 1) network with sigmoid activation. " + network)}

## Performance measures

- Mean and SD over runs of the left side, as in the paper, each with its Monte Carlo standard error
  (of the SD by the jackknife). The mean of a ratio is biased upward.
- Decision: gap of the ratio of means, left / right - 1, with Fieller's 90 % interval, against a
  margin of ±{100 * design["margin"]:g} %: `holds` (interval inside), `fails` (outside),
  `inconclusive`; `not converged` if any run's bias gradient exceeds 1e-12 Σw.
- Predicted: Sim1 by quadrature, sandwich and delta method for samples of these sizes; Sim2 by the
  true posterior (the SD covers test sampling only).
- Runs attempted, converged and failed, zeros included. A failed run is never redrawn.
"""
