"""The protocol of a study of trained networks."""

from __future__ import annotations

from collections.abc import Sequence

from learnprop.reports.cnn.overfitting import SHARE
from learnprop.reports.protocols.ademp import EQ_9, TOGETHER, Protocol, decision, items
from learnprop.reports.protocols.networks import NETWORKS, standardised, training
from learnprop.reports.statistics.resplit import resplit_protocol
from learnprop.reports.statistics.training_samples import (
    GIVEN_SAMPLE,
    same_in_all_runs,
    training_sample,
)
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.engine.study import Study
from learnprop.simulations.networks.measuring import not_predicted
from learnprop.simulations.refinement.stages import OF_WHOLE_LAYERS
from learnprop.simulations.studies.cnn.block import CnnCell

_NORMALISER = "losses are normalised by constants, never by the weights in a minibatch"
_RESPLIT = resplit_protocol("the images of one data set", "gaps and accuracies over all classes")


_TEST = {
    True: "the published test set, the same for all runs: its own sampling error is part of the "
    "intervals of the gaps that verdicts rest on; MCSEs, and jackknife intervals, are those of the "
    "mean over runs, given this test set",
    False: "a third of each class, drawn anew in every replication",
}
"""By whether all runs share a test set."""


_STAGES = {
    "raw": "as trained",
    "bias": "with the output bias refined in float64 on frozen features",
    "heldout": "with the output bias refined on the images that were held out, weighted to the "
    "class masses of training",
    "head": "with the whole output layer refined, with its L2 if it has one",
    "loo": "with that output layer, and its bias where its left-out predictions balance "
    "(`repaired`; docs/explanation/fresh.md), so that on train it is off its minimum and has "
    "no verdict",
}


def _predictions(cells: Sequence[CnnCell]) -> list[str]:
    """What is predicted of a refined output layer, and where that is left out."""
    return [
        f"Of an output layer at its minimum the overfitting is {'; '.join(SHARE)}.",
        *(
            f"imbalance {cell.imbalance:.4g}: {reason}"
            for cell in cells
            if (reason := not_predicted(cell))
        ),
    ]


def cnn_protocol(study: Study) -> Protocol:
    """Protocol of a study of trained networks."""
    design, cells = study.design, study.cells
    dataset, recipe, shared = (
        dataset_named(design["dataset"]), cells[0].recipe, cells[0].shares_test_set
    )  # fmt: skip
    same = [same_in_all_runs(cell, design["supply"]) for cell in cells]
    unpenalised, left = "", "nothing"
    if recipe.decay_bias:
        unpenalised, left = " without its penalty", "α b_j, since the bias is decayed"
    return Protocol(
        title="Eq. (9) for trained networks",
        aims=(
            f"Does a network trained by stochastic gradient descent satisfy Eq. (9), {EQ_9}: as "
            "trained, once its output bias is at the optimum, and on test data?",
        ),
        mechanisms=items(
            f"{dataset.title}, {len(dataset.labels)} classes, {standardised(recipe)}.",
            f"Test: {_TEST[shared]}.",
            "All replications have their images from one data set: they vary less than fresh "
            "samples of a population would, and not at all where all train with the same images.",
            *(
                f"imbalance {cell.imbalance:.4g}: train {cell.train_size}, "
                + (f"held out of it {cell.heldout_size}, " if cell.heldout_size else "")
                + f"{sum(cell.train_size)} in all, {training_sample(cell, design['supply'])}; "
                f"λ {', '.join(cell.settings)}"
                for cell in cells
            ),
        ),
        estimands=items(
            "P on train (evaluation mode) and on test, as trained after epochs "
            f"{', '.join(map(str, cells[0].measure_at))}.",
            "After the last epoch: "
            + "; ".join(f"`{stage}` {_STAGES[stage]}" for stage in cells[0].stages)
            + ".",
        ),
        methods=items(
            f"{NETWORKS[design['model']]}, head with bias. {training(recipe)}; {_NORMALISER}."
        ),
        performance=items(
            decision(design["margin"]),
            TOGETHER,
            *([] if shared else [_RESPLIT]),
            *([f"{GIVEN_SAMPLE[0].upper()}{GIVEN_SAMPLE[1:]}."] if any(same) else []),
            "Three things are kept apart: optimisation (the residual on train, as trained, which "
            f"is minus the bias gradient{unpenalised}), what is left of it once the output bias is "
            f"refined ({left}), and overfitting and sampling (test minus train), one term.",
            "The mean minibatch bias gradient along the path, against what the biases at its two "
            "ends say that it is, where the rate is constant.",
            *(
                [
                    "At stage `heldout` the gap on test is beside what the sizes of the validation "
                    "and test samples let expect, were Eq. (9) to hold on fresh data. On train its "
                    "bias is not meant to balance: there the network knows the answers."
                ]
                if "heldout" in cells[0].stages
                else []
            ),
            *(
                [
                    "Where the features part the classes and nothing penalises the output layer, "
                    "its loss has `no minimum`, and stage `head` has no measurements; parted but "
                    "for ties, or with a minimum far out, it is `not converged`."
                ]
                if "head" in cells[0].stages
                else []
            ),
            *(_predictions(cells) if set(OF_WHOLE_LAYERS) & set(cells[0].stages) else []),
        ),
    )
