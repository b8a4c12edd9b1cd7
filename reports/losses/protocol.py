"""The protocol of the comparison of losses."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from learnprop.equations.losses.loss import Loss
from learnprop.reports.losses.balance import MARGIN, by_balance
from learnprop.reports.losses.paper import TABLE_5, paper_accuracy, trained_as_paper, variant_notes
from learnprop.reports.protocols.ademp import Protocol, items
from learnprop.reports.protocols.networks import NETWORKS, standardised, training
from learnprop.reports.statistics.resplit import resplit_protocol
from learnprop.reports.statistics.training_samples import GIVEN_SAMPLE
from learnprop.simulations.dataset_catalogue import dataset_named
from learnprop.simulations.engine.study import Study
from learnprop.simulations.studies.losses.block import LossCell
from learnprop.simulations.studies.losses.step_matching import MATCHED_OVER

_PER_SAMPLE = (
    "of a minibatch its sum over the size of a whole one, so that the last, shorter one counts for "
    "less"
)
_GIVEN_SETS = (
    "Where all runs share a test set the interval is of the noise of seeds, given that set; the "
    "set's own error of the difference is reported beside, at most: as if two losses erred "
    f"independently. The training images are shared as well: {GIVEN_SAMPLE}."
)
_PAPER = (
    "The paper's accuracy, of one run, stands beside ours with its binomial error; it is no part "
    "of any of our numbers."
)
_STATEMENTS = (
    "The paper's statements about its losses are put to the runs (`statements.csv`), for every "
    "network and at each step size on its own: LGL below SML on MNIST-type data, above it on "
    "CIFAR-10; LGL-INR at β = 1 above both; on KMNIST in all ten classes above LGL and in nine "
    "above SML (Fig. 1); "
    f"not sensitive to β from {min(TABLE_5):g} to {max(TABLE_5):g}; CNN5C above CNN2C. An "
    "inequality `holds` or `fails` where the 90 % t interval of the mean difference, paired by "
    "run, is wholly on one side of zero; that two β do not differ, where it is inside or outside "
    "the margin, and that none do, if all of these hold or one fails. A number of classes is "
    "between those whose difference is surely above zero and those whose may be, by intervals "
    "that hold together (Bonferroni). Else, and with one run, `inconclusive`. `overall` is the "
    "mean over the data sets of Table 3 that are there, run by run."
)
_CORRECTED = "accuracies, their differences and gaps"


def losses_protocol(study: Study) -> Protocol:
    """Protocol of a comparison of losses."""
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
    chosen = list(dict.fromkeys(cell.loss.kind for cell in cells))
    losses = [_definition(loss) for loss in chosen]
    for loss in chosen:
        for p in loss.parameters:
            of_loss = [cell.loss.parameters[p.name] for cell in cells if cell.loss.kind == loss]
            values = ", ".join(f"{value:g}" for value in dict.fromkeys(of_loss))
            losses.append(f"{p.symbol} of {loss.label}: {values}.")
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
    several = len({cell.setting for cell in cells}) > 1
    shares_test_set = any(cell.shares_test_set for cell in cells)
    performance = [
        "Top-1 accuracy at the last epoch, never at the best one: mean and SD over runs, with the "
        "mean's Monte Carlo standard error. `best_epoch_accuracy` in `summary.csv` is what one "
        "would print if one chose the epoch on the test set; no verdict is on it.",
        *([_in_pairs(design["margin"])] if several else []),
        *([_STATEMENTS] if several else []),
        *([_GIVEN_SETS] if shares_test_set else []),
        *([resplit_protocol(f"the images of {whose}", _CORRECTED)] if whose else []),
        *([_PAPER] if any(map(_is_in_paper, cells)) else []),
        *(f"{note[0].upper()}{note[1:]}." for note in variant_notes(c.model for c in cells)),
        "The output bias is refined on the training sample, and both sides of the balance are "
        f"compared on train and on test: {_balances()}. Where test samples are the runs' own, the "
        f"gap of their ratio of means is decided against ±{100 * MARGIN:g} %.",
        "E9: the mean minibatch gradient in the output bias along the path, against what the two "
        "ends of the path say, where the rate is constant."
        + "".join(
            f" Under {_named(losses)} that gradient is the difference of the two sides of "
            f"{balance.name} in its minibatch form, in the mean over the path."
            for balance, losses in by_balance().items()
            if balance.statement
        ),
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
            f"{standardised(cells[0].recipe)}. A replication draws the initial point and the "
            "order of the samples.",
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


def _definition(loss: Loss) -> str:
    """Say what a loss's minibatches minimise."""
    ending = _PER_SAMPLE if loss.per_sample else "the last minibatch counts in full"
    return f"`{loss.name}`: {loss.definition}; {ending}."


def _balances() -> str:
    """Say which equation is whose, e.g. "of Eq. (9) for `sml` and `lgl`"."""
    return ", ".join(
        f"of {b.name}{f', {b.statement},' if b.statement else ''} for {_named(losses)}"
        for b, losses in by_balance().items()
    )


def _named(losses: Sequence[Loss]) -> str:
    return " and ".join(f"`{loss.name}`" for loss in losses)


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
    printed = paper_accuracy(cell.dataset, cell.model, cell.loss)
    return trained_as_paper(cell) and isfinite(printed)
