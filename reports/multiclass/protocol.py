"""The protocol of a K-class study."""

from __future__ import annotations

from learnprop.reports.protocols.ademp import (
    EQ_9,
    RESIDUAL,
    TOGETHER,
    Protocol,
    decision,
    extra_stages,
    fitted_by,
    items,
    limit,
    no_minimum,
    predicted,
)
from learnprop.simulations.engine.study import Study


def multiclass_protocol(study: Study) -> Protocol:
    """Protocol of a K-class study."""
    design, (cell,) = study.design, study.cells
    n_classes, rank = len(cell.train_size), "K" if cell.one_vs_all else "K - 1"
    return Protocol(
        title=f"Eq. (9) for {n_classes} classes",
        aims=(
            f"Is Eq. (9), {EQ_9}, true of classifiers fitted with a class-weighted loss: on the "
            "training sample, on test data, in the population?",
        ),
        mechanisms=items(
            cell.family.record.sentence(**cell.family.options),
            f"Sizes: train {cell.train_size}, test {cell.test_size} of each class, population "
            f"{design['population']} fresh samples of each class per run.",
        ),
        estimands=(
            "Both sides of every equation under these weights, which share each replication's "
            "data:",
            *items(
                *(
                    f"{label}: λ = ({', '.join(f'{w:.6g}' for w in weight)})"
                    for label, weight in cell.class_weight
                )
            ),
        ),
        methods=items(fitted_by(cell), *extra_stages(cell)),
        performance=items(
            decision(design["margin"]),
            f"{TOGETHER} Hotelling's test of the residuals over runs on {rank} degrees of freedom.",
            "The share of fitted models that their own joint test on their test data rejects at "
            "5 %: above 5 % by the noise of the training sample, and by what they overfit. "
            "`untested` are those of which the test says nothing, too few misses being expected of "
            "the test sample.",
            *no_minimum(study),
            RESIDUAL,
            *predicted(cell),
            limit(cell),
        ),
    )
