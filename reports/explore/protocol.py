"""The protocol of a grid."""

from __future__ import annotations

from learnprop.equations.arguments import Worded
from learnprop.reports.explore.text import weighting_name
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
    plain_text,
    predicted,
)
from learnprop.reports.statistics.resplit import resplit_protocol
from learnprop.simulations.engine.study import Study
from learnprop.simulations.studies.explore.source import Source
from learnprop.simulations.studies.explore.study import left_out_of

_RESPLIT = resplit_protocol("the samples of one file", "gaps and accuracies over all classes")


def explore_protocol(study: Study) -> Protocol:
    """Protocol of a grid."""
    design, cell = study.design, study.cells[0]
    source = cell.source
    names = ", ".join(weighting_name(setting) for setting in cell.settings)
    population = "" if source.file else f", population {design['population']} of each class"
    where = "test data" if source.file else "test data, in the population"
    bounds = "." if cell.one_vs_all else ", and the bounds that mean probabilities imply."
    return Protocol(
        title="a grid of imbalance ratios and class weights",
        aims=(
            f"What does a class weight do to each class, at each imbalance? Does {EQ_9} (Eq. 9; "
            f"for two classes Eq. 10) hold on train, on {where}?",
        ),
        mechanisms=items(
            *_mechanism(source),
            *(
                f"ratio {c.ratio:g}: train {c.train_size}, test {c.test_size}{population}"
                for c in study.cells
            ),
            *([plain_text(str(Worded(left_out_of(study))))] if "left_out" in design else []),
        ),
        estimands=(
            "Both sides of every equation under these weights, which share each replication's "
            f"data: {names}.",
        ),
        methods=items(fitted_by(cell), *extra_stages(cell)),
        performance=items(
            decision(design["margin"]),
            _together(source.n_classes),
            *([_RESPLIT] if source.file else []),
            RESIDUAL,
            *predicted(cell),
            "Where more than 5 % of the runs have no model, `separated` (or the commonest reason), "
            "and no means over the others: they would speak of those samples alone that have a "
            "model.",
            *no_minimum(study),
            "Mean probability of the own class, accuracy by class, balanced accuracy and accuracy "
            f"at the priors of training, each with its Monte Carlo standard error{bounds}",
            "No limit is known: overfitting and sampling are one term of the residual, and what is "
            "predicted is the overfitting in it."
            if source.file
            else limit(cell),
        ),
    )


def _mechanism(source: Source) -> list[str]:
    if source.file:
        counts = ", ".join(
            f"{plain_text(label)} ({n})"
            for label, n in zip(source.labels, source.file.counts, strict=True)
        )
        return [
            f"The samples of one file (SHA-256 of features and labels {source.file.sha256[:16]}…), "
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
