"""The protocol of the paper's other statements."""

from __future__ import annotations

from learnprop.reports.protocols.ademp import Protocol, items
from learnprop.simulations.engine.study import Study


def claims_protocol(study: Study) -> Protocol:
    """Protocol of the claims."""
    margin = study.design["margin"]
    return Protocol(
        title="the paper's other statements",
        aims=(
            "Which of the consequences that the paper draws from Eq. (9) and (10) are true, and "
            "where?",
        ),
        mechanisms=(
            "Gaussian classes of unit covariance, or a skew-normal majority of unit SD (skew away: "
            "its tail points away from the boundary); means as in simulations/studies/claims. One "
            "hard class, 2 from the target, among easy ones: their number and place are crossed "
            "with its size.",
            *items(
                *(
                    f"{cell.name}: train {cell.train_size}, test "
                    f"{study.design['test_size'][cell.name]} of each class; settings "
                    f"{', '.join(cell.settings)}."
                    for cell in study.cells
                )
            ),
        ),
        estimands=(
            "Mean probabilities, accuracies and mean log-probabilities of single classes, and "
            "their changes, paired by run: from equal to inverse weights; with one hard class, "
            "between losses and between the β of LGL-INR. At β = 0 LGL-INR balances class sizes "
            "and has no hardness weights: what these add is the change from there. What one-vs-all "
            "loses: the accuracy of the hard class under softmax less that under one-vs-all. With "
            "no easy class it is zero, K being 2, so that it is also what easy classes cost beyond "
            "what they cost under softmax, whose linear model holds the true posterior. It is "
            "compared between numbers of easy classes and between sizes.",
        ),
        methods=(
            "Logistic, softmax and one-vs-all regression by Newton's method to a gradient of "
            "1e-12 Σw. LGL-INR (Eq. 11) of linear outputs, full batch, to a fixed point of λ: "
            "gradient at constant λ of 1e-12 for each output, of mass 2. The counterexample on "
            "weighted points exactly.",
        ),
        performance=items(
            "An equality holds if its 90 % interval over runs is within "
            f"±{100 * margin:g} % of the value claimed, and fails if it is outside; an inequality "
            "holds or fails if the interval is wholly on one side of the bound; else "
            "`inconclusive`.",
            "Remarks on a setting's equations: of Eq. (9), or of E10 under LGL-INR, which has no "
            "class masses; by the same margin.",
            "Effects of easy classes and of rarity on the accuracy of the hard class count from "
            f"{margin:g} on: that is the bound claimed of them.",
            "Differences between designs are of independent samples. Every row is a comparison of "
            "its own: intervals are not simultaneous.",
            "A guarantee fails by one counterexample; that there is none, holds by one.",
            "Identities hold to 1e-9.",
        ),
    )
