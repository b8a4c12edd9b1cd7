"""The protocol of the controls."""

from __future__ import annotations

from learnprop.reports.protocols.ademp import TOGETHER, Protocol, decision, items
from learnprop.simulations.engine.study import Study
from learnprop.simulations.studies.controls.study import CONTROLS, Control


def controls_protocol(study: Study) -> Protocol:
    """Protocol of the controls."""
    design = study.design
    return Protocol(
        title="controls of Eq. (9)",
        aims=(
            "Does the machinery that says `holds` say `fails` where Eq. (9) is violated, by the "
            "amount that theory predicts? Does what should not matter not matter?",
        ),
        mechanisms=items(
            "Five Gaussian classes with unit covariance on a ring in two features, neighbours 2 "
            "apart.",
            f"Sizes: train {tuple(design['train_size'])}, test {design['test_size']} of each "
            f"class, population {design['population']} of each.",
        ),
        estimands=(
            "Residuals r_j = w_j - (wP)_j of the plain loss under the claimed weights, on test "
            "data. Controls and what is expected of them:",
            *items(*(f"{c.name}: {c.expected}; {_how(c)}." for c in CONTROLS)),
        ),
        methods=items(
            "Softmax regression by Newton's method, to a gradient of 1e-12 Σw of the objective "
            "that is minimised: penalty, smoothing, the normalisers of 2000 minibatches, or 8 "
            "copies of every sample under dropout and mixup included."
        ),
        performance=items(
            decision(design["margin"]),
            f"{TOGETHER} This is the verdict on a control.",
            "Power: probability that a study of this size ends as expected, from the predicted gap "
            "(the observed one where only the direction is known) and the spread over runs; a "
            "lower bound.",
            "Audits that reject: share of runs whose own joint test at 5 %, of one classifier on "
            "its test data, rejects.",
        ),
    )


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
