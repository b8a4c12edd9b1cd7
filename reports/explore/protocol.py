"""The protocol of a grid in the ADEMP frame, written before its first replication."""

from __future__ import annotations

from reports.explore.text import weighting_name
from reports.protocol import (
    RESIDUAL,
    TOGETHER,
    bullets,
    decision,
    limit,
    plain_text,
    replications,
    wrap,
)
from reports.resplit import resplit_protocol
from simulations.monte_carlo import Study
from simulations.studies.explore.source import Source

_RESPLIT = resplit_protocol("the samples of one file", "gaps and accuracies over all classes")


def explore_protocol(study: Study, mcse: float | None = None) -> str:
    """Protocol of a grid, in Markdown.

    Parameters
    ----------
    study : Study
    mcse : float or None
        Target of precision for the gaps, if one is declared.

    Returns
    -------
    str
    """
    design, cell = study.design, study.cells[0]
    names = ", ".join(weighting_name(setting) for setting in cell.settings)
    sizes = bullets(
        *(
            f"ratio {c.ratio:g}: train {c.train_size}, test {c.test_size}"
            + ("" if c.source.file else f", population {design['population']} of each class")
            for c in study.cells
        )
    )
    fitter = cell.method
    performance = [
        decision(design["margin"]),
        _together(cell.source.n_classes),
        *([_RESPLIT] if cell.source.file else []),
        RESIDUAL,
        "Where more than 5 % of the runs have no model, `separated` (or the commonest reason), and "
        "no means over the others: they would speak of those samples alone that have a model.",
        "Mean probability of the own class, accuracy by class, balanced accuracy and accuracy at "
        "the priors of training, each with its Monte Carlo standard error"
        + ("." if cell.one_vs_all else ", and the bounds that mean probabilities imply."),
        "No limit is known: overfitting and sampling are one term of the residual."
        if cell.source.file
        else limit(cell.fitting),
    ]
    estimands = (
        "Both sides of every equation under these weights, which share each replication's data: "
        f"{names}."
    )
    where = "test data" if cell.source.file else "test data, in the\npopulation"
    return f"""# Protocol: a grid of imbalance ratios and class weights

Written before the first replication.

## Aims

What does a class weight do to each class, at each imbalance? Does w_j (1 - p̄(j→j)) =
Σ_k≠j w_k p̄(k→j) with w = λN (Eq. 9; for two classes Eq. 10) hold on train, on {where}?

## Data-generating mechanisms

{bullets(*_mechanism(cell.source))}
{sizes}
{wrap(f"- Seed {study.seed}; every replication has its own key. {replications(study, mcse)}")}

## Estimands

{wrap(estimands)}

## Methods

{wrap(f"- {fitter[0].upper()}{fitter[1:]}.")}

## Performance measures

{bullets(*performance)}
- Runs attempted, converged and failed, zeros included. A failed run is never redrawn.
"""


def _mechanism(source: Source) -> list[str]:
    if source.file:
        counts = ", ".join(
            f"{plain_text(label)} ({n})"
            for label, n in zip(source.labels, source.file.counts, strict=True)
        )
        return [
            f"The samples of one file (SHA-256 {source.file.sha256[:16]}…), "
            f"{source.file.n_features} features; labels and their samples: {counts}. Class 0 is "
            f"{plain_text(source.labels[0])}.",
            "Every replication draws training and test samples from it without replacement: they "
            "are disjoint within a replication and overlap between replications.",
        ]
    assert source.family is not None
    return [source.family.record.sentence(**source.family.options)]


def _together(n_classes: int) -> str:
    if n_classes == 2:
        return (
            "Two classes have one equation, which class 1 has with its sides exchanged: grids show "
            "class 0's, as in Eq. (10)."
        )
    return (
        f"{TOGETHER} Grids show this verdict, and the largest gap with its simultaneous interval."
    )
