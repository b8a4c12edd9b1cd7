"""The protocol of a study of trained networks in the ADEMP frame, written before its first run."""

from __future__ import annotations

from reports.network_protocol import NETWORKS, training
from reports.protocol import TOGETHER, bullets, decision, replications, wrap
from reports.resplit import resplit_protocol
from reports.training_samples import GIVEN_SAMPLE, same_in_all_runs, training_sample
from simulations.dataset_catalogue import dataset_named
from simulations.monte_carlo import Study

_NORMALISER = "losses are normalised by constants, never by the weights in a minibatch"
_RESPLIT = resplit_protocol("the images of one data set", "gaps and accuracies over all classes")


def cnn_protocol(study: Study, mcse: float | None = None) -> str:
    """Protocol of a study of trained networks, in Markdown.

    Parameters
    ----------
    study : Study
    mcse : float or None
        Target of precision for the gaps, if one is declared.

    Returns
    -------
    str
    """
    design, cells = study.design, study.cells
    dataset, recipe = dataset_named(design["dataset"]), cells[0].recipe
    sizes = bullets(
        *(
            f"imbalance {cell.imbalance:.4g}: train {cell.train_size}, "
            f"{sum(cell.train_size)} in all, {training_sample(cell, design['supply'])}; "
            f"λ {', '.join(cell.settings)}"
            for cell in cells
        )
    )
    same = [same_in_all_runs(cell, design["supply"]) for cell in cells]
    test = (
        "the published test set, the same for all runs: its own sampling error is part of the "
        "intervals of the gaps that verdicts rest on; MCSEs, and jackknife intervals, are those of "
        "the mean over runs, given this test set"
        if cells[0].shares_test_set
        else "a third of each class, drawn anew in every replication"
    )
    mechanisms = [
        f"{dataset.title}, {len(dataset.labels)} classes, standardised by channel.",
        f"Test: {test}.",
        "All replications have their images from one data set: they vary less than fresh samples "
        "of a population would, and not at all where all train with the same images.",
    ]
    measured = ", ".join(map(str, cells[0].measure_at))
    unpenalised, left = "", "nothing"
    if recipe.decay_bias:
        unpenalised, left = " without its penalty", "α b_j by E8, since the bias is decayed"
    performance = [
        decision(design["margin"]),
        TOGETHER,
        *([] if cells[0].shares_test_set else [_RESPLIT]),
        *([f"{GIVEN_SAMPLE[0].upper()}{GIVEN_SAMPLE[1:]}."] if any(same) else []),
        "Three things are kept apart: optimisation (the residual on train, as trained, which is "
        f"minus the bias gradient{unpenalised}), what is left of it once the output bias is "
        f"refined ({left}), and overfitting and sampling (test minus train), one term.",
        "E9: the mean minibatch bias gradient along the path, against what the two ends of the "
        "path say, where the rate is constant.",
        "Where the features part the classes and nothing penalises the output layer, its loss has "
        "`no minimum`, and stage `head` has no measurements; parted but for ties, or with a "
        "minimum far out, it is `not converged`.",
    ]
    stages = wrap(
        "- After the last epoch at three stages: `raw` as trained; `bias` with the output bias "
        "refined in float64 on frozen features; `head` with the whole output layer refined, with "
        "its L2 if it has one."
    )
    return f"""# Protocol: Eq. (9) for trained networks

Written before the first replication.

## Aims

Does a network trained by stochastic gradient descent satisfy Eq. (9), w_j (1 - p̄(j→j)) =
Σ_k≠j w_k p̄(k→j) with w = λN: as trained, once its output bias is at the optimum, and on test data?

## Data-generating mechanisms

{bullets(*mechanisms)}
{sizes}
{wrap(f"- Seed {study.seed}; every replication has its own key. {replications(study, mcse)}")}

## Estimands

{wrap(f"- P on train (evaluation mode) and on test, as trained after epochs {measured}.")}
{stages}

## Methods

{wrap(f"- {NETWORKS[design['model']]}, head with bias. {training(recipe)}; {_NORMALISER}.")}

## Performance measures

{bullets(*performance)}
- Runs attempted, converged and failed, zeros included. A failed run is never redrawn.
"""
