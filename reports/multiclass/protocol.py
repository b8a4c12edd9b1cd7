"""The protocol of a K-class study in the ADEMP frame, written before its first replication."""

from __future__ import annotations

from reports.protocol import (
    RESIDUAL,
    TOGETHER,
    bullets,
    decision,
    limit,
    replications,
    wrap,
)
from simulations.monte_carlo import Study


def multiclass_protocol(study: Study, mcse: float | None = None) -> str:
    """Protocol of a K-class study, in Markdown.

    Parameters
    ----------
    study : Study
    mcse : float or None
        Target of precision for the gaps, if one is declared.

    Returns
    -------
    str
    """
    design, (cell,) = study.design, study.cells
    settings = "\n".join(
        wrap(f"- {label}: λ = ({', '.join(f'{w:.6g}' for w in weight)})")
        for label, weight in cell.class_weight
    )
    fitter = cell.method
    rank = "K" if cell.one_vs_all else "K - 1"
    mechanisms = [
        cell.family.record.sentence(**cell.family.options),
        f"Sizes: train {cell.train_size}, test {cell.test_size} of each class, population "
        f"{design['population']} fresh samples of each class per run.",
    ]
    performance = [
        decision(design["margin"]),
        f"{TOGETHER} Hotelling's test of the residuals over runs on {rank} degrees of freedom.",
        "The share of fitted models that their own joint test on their test data rejects at 5 %: "
        "above 5 % by the noise of the training sample, and by what they overfit. `untested` are "
        "those of which the test says nothing, too few misses being expected of the test sample.",
        RESIDUAL,
        limit(cell.fitting),
    ]
    return f"""# Protocol: Eq. (9) for {len(cell.train_size)} classes

Written before the first replication.

## Aims

Is Eq. (9), w_j (1 - p̄(j→j)) = Σ_k≠j w_k p̄(k→j) with w = λN, true of classifiers fitted with a
class-weighted loss: on the training sample, on test data, in the population?

## Data-generating mechanisms

{bullets(*mechanisms)}
{wrap(f"- Seed {study.seed}; every replication has its own key. {replications(study, mcse)}")}

## Estimands

Both sides of every equation under these weights, which share each replication's data:

{settings}

## Methods

{wrap(f"- {fitter[0].upper()}{fitter[1:]}.")}

## Performance measures

{bullets(*performance)}
- Runs attempted, converged and failed, zeros included. A failed run is never redrawn.
"""
