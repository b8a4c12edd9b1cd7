"""The protocol of the comparison of losses."""

from __future__ import annotations

from math import isfinite

from reports.losses.balance import MARGIN
from reports.losses.paper import paper_accuracy
from reports.losses.summary import trained_as_paper
from reports.network_protocol import NETWORKS, training
from reports.protocol import Protocol, items
from reports.resplit import resplit_protocol
from reports.training_samples import GIVEN_SAMPLE
from simulations.datasets import dataset_named
from simulations.monte_carlo import Study
from simulations.step_matching import MATCHED_OVER
from simulations.studies.losses_block import LossCell

_PER_SAMPLE = (
    "of a minibatch its sum over the size of a whole one, so that the last, shorter one counts for "
    "less."
)
_LOSSES = {
    "lgl": f"`lgl`: one-vs-all logistic loss, summed over the K outputs; {_PER_SAMPLE}",
    "sml": f"`sml`: softmax loss; {_PER_SAMPLE}",
    "lgl-inr": "`lgl-inr`: Eq. (11) of each minibatch, summed over the K outputs, λ detached; an "
    "absent class has no positive term and is no negative sub-class (docs/errata.md, 9); the last "
    "minibatch counts in full.",
}
_GIVEN_SETS = (
    "Where all runs share a test set the interval is of the noise of seeds, given that set; the "
    "set's own error of the difference is reported beside, at most: as if two losses erred "
    f"independently. The training images are shared as well: {GIVEN_SAMPLE}."
)
_PAPER = (
    "The paper's accuracy, of one run, stands beside ours with its binomial error; it is no part "
    "of any of our numbers."
)
_CORRECTED = "accuracies, their differences and gaps"


def losses_protocol(study: Study) -> Protocol:
    """Protocol of a comparison of losses.

    Parameters
    ----------
    study : Study

    Returns
    -------
    Protocol
    """
    design, cells = study.design, study.cells
    first = {cell.stream: cell for cell in cells}
    data = [
        f"{dataset_named(cell.dataset).title}: {sum(cell.train_size)} training images, class sizes "
        f"{cell.train_size}; test: "
        + (
            "the published test set, the same for all runs, as are the training images"
            if cell.shares_test_set
            else "a third of each class, drawn anew in every replication"
        )
        + "."
        for cell in {cell.dataset: cell for cell in cells}.values()
    ]
    methods = [
        f"{NETWORKS[cell.model]} on {dataset_named(cell.dataset).title}. {training(cell.recipe)}."
        for cell in first.values()
    ]
    losses = [_LOSSES[name] for name in dict.fromkeys(cell.loss.name for cell in cells)]
    if any(cell.loss.name == "lgl-inr" for cell in cells):
        losses.append(f"β of LGL-INR: {', '.join(f'{beta:g}' for beta in design['beta'])}.")
    losses.append(
        "At one learning rate, as the paper has them"
        + (
            "; and `matched`: each loss times a constant that makes the root mean square of its "
            f"gradient's norm over the first {MATCHED_OVER} minibatches, before the first step and "
            "in float32, that of the softmax loss on the same minibatches. Weight decay, if any, "
            "stays as it is, and so weighs more against a loss that is made smaller."
            if design["match_step"]
            else "."
        )
    )
    whose = ", ".join(
        dataset_named(name).title
        for name in dict.fromkeys(cell.dataset for cell in cells if not cell.shares_test_set)
    )
    shares_test_set = any(cell.shares_test_set for cell in cells)
    performance = [
        "Top-1 accuracy at the last epoch, never at the best one: mean and SD over runs, with the "
        "mean's Monte Carlo standard error.",
        *([_in_pairs(design["margin"])] if len({cell.setting for cell in cells}) > 1 else []),
        *([_GIVEN_SETS] if shares_test_set else []),
        *([resplit_protocol(f"the images of {whose}", _CORRECTED)] if whose else []),
        *([_PAPER] if any(map(_is_in_paper, cells)) else []),
        "The output bias is refined on the training sample, and both sides of the balance are "
        "compared on train and on test: of Eq. (9) for `sml` and `lgl`, of E10, "
        "1 - p̄(k→k) = Σ_j≠k λ_j p̄(j→k), for `lgl-inr`. Where test samples are the runs' own, the "
        f"gap of their ratio of means is decided against ±{100 * MARGIN:g} %.",
        "E9: the mean minibatch gradient in the output bias along the path, against what the two "
        "ends of the path say, where the rate is constant. Under `lgl-inr` that gradient is the "
        "difference of the two sides of E10 in its minibatch form, in the mean over the path.",
    ]
    return Protocol(
        title="the paper's losses compared",
        aims=(
            "Does LGL-INR classify better than one-vs-all logistic (LGL) and softmax losses (SML), "
            "as Tables 3 to 5 of the paper have it, beyond the noise of seeds? And is it the loss, "
            "or the size of its steps?",
        ),
        mechanisms=items(
            *data,
            "Every image that is not of the test set is trained with, in every replication; "
            "standardised by channel. A replication draws the initial point and the order of the "
            "samples.",
        ),
        estimands=items(
            "Top-1 accuracy on the test set, overall and of each class, before training and after "
            "each epoch.",
            "P on train (evaluation mode) and on test after the last epoch, as trained and with "
            "the output bias refined in float64 on frozen features.",
        ),
        methods=items(*losses, *methods),
        performance=items(*performance),
    )


def _in_pairs(margin: float) -> str:
    return (
        "Losses are compared in pairs: those of a replication share its sample, its initial point "
        "and the order of its samples. Mean difference with its 90 % t interval over runs: "
        f"`equivalent` where it is inside ±{100 * margin:g} percentage points, else `higher` or "
        "`lower` where it is on one side of zero, else `inconclusive`; `failed` where more than "
        "5 % of the runs of either have no model. Each comparison is on its own: of twenty between "
        "equal losses, two would not cover zero. With one run there is no interval: `inconclusive`."
    )


def _is_in_paper(cell: LossCell) -> bool:
    """Whether the paper prints an accuracy of what is trained as it says."""
    printed = paper_accuracy(cell.dataset, cell.model, cell.loss.name, cell.loss.beta)
    return trained_as_paper(cell) and isfinite(printed)
