"""The protocol of the controls in the ADEMP frame, written before the first replication."""

from __future__ import annotations

from reports.protocol import bullets, replications, wrap
from simulations.monte_carlo import Study
from simulations.studies.controls.study import CONTROLS, Control


def controls_protocol(study: Study, mcse: float | None = None) -> str:
    """Protocol of the controls, in Markdown.

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
    listed = "\n".join(wrap(f"- {c.name}: {c.expected}; {_how(c)}.") for c in CONTROLS)
    methods = (
        "Softmax regression by Newton's method, to a gradient of 1e-12 Σw of the objective that is "
        "minimised: penalty, smoothing, the normalisers of 2000 minibatches, or 8 copies of every "
        "sample under dropout and mixup included."
    )
    performance = [
        "Verdict on all equations of a control: holds if the 90 % interval of each gap is "
        f"inside ±{100 * design['margin']:g} %, fails if any of the 95 % simultaneous intervals "
        "is outside; `not converged` if a gradient exceeds 1e-12 Σw.",
        "Power: probability that a study of this size ends as expected, from the predicted gap "
        "(the observed one where only the direction is known) and the spread over runs; a lower"
        " bound.",
        "Audits that reject: share of runs whose own joint test at 5 %, of one classifier on "
        "its test data, rejects.",
    ]
    return f"""# Protocol: controls of Eq. (9)

Written before the first replication.

## Aims

Does the machinery that says `holds` say `fails` where Eq. (9) is violated, by the amount that
theory predicts? Does what should not matter not matter?

## Data-generating mechanisms

- Five Gaussian classes with unit covariance on a ring in two features, neighbours 2 apart.
- Sizes: train {tuple(design["train_size"])}, test {design["test_size"]} of each class, population
  {design["population"]} of each.
{wrap(f"- Seed {study.seed}; every replication has its own key. {replications(study, mcse)}")}

## Estimands

Residuals r_j = w_j - (wP)_j of the plain loss under the claimed weights, on test data. Controls and
what is expected of them:

{listed}

## Methods

{bullets(methods)}

## Performance measures

{bullets(*performance)}
- Runs attempted, converged and failed, zeros included. A failed run is never redrawn.
"""


def _how(control: Control) -> str:
    return {
        "zero": "predicted residual: zero",
        "bias": "predicted: α b_j",
        "smoothing": "predicted: ε (w_j - Σw/K)",
        "torch smoothing": "predicted: ε/((1-ε)K) (Σλ Σ_k N_k p̄_kj - N λ_j)",
        "minibatch": "predicted: the true posterior under the weights that minibatches leave",
        "posterior": "predicted: the true posterior under the weights of training",
        "gradient": "predicted: minus the bias gradient at the end of training",
        "-": "only the direction is known",
    }[control.prediction]
