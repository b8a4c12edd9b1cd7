"""Tables 3 to 5 as printed: top-1 accuracy in per cent on the standard test sets, one run each.

Whose numbers they are, and which of our trainings may stand beside them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from learnprop.equations.losses import chosen_loss
from learnprop.equations.losses.loss import ChosenLoss
from learnprop.reports.protocols.networks import NETWORK_NAMES
from learnprop.simulations.studies.losses.block import LossCell
from learnprop.simulations.studies.losses.study import paper_recipe

TEST_SIZE = 10_000
"""Images of each of the four test sets."""

TABLE_3 = {
    ("mnist", "cnn2c"): {"lgl": 99.15, "sml": 99.09, "lgl-inr": 99.29},
    ("fashion-mnist", "cnn2c"): {"lgl": 89.44, "sml": 91.15, "lgl-inr": 91.15},
    ("kmnist", "cnn2c"): {"lgl": 94.37, "sml": 95.13, "lgl-inr": 96.43},
    ("mnist", "cnn5c"): {"lgl": 99.36, "sml": 99.47, "lgl-inr": 99.63},
    ("fashion-mnist", "cnn5c"): {"lgl": 92.35, "sml": 93.15, "lgl-inr": 93.54},
    ("kmnist", "cnn5c"): {"lgl": 96.35, "sml": 96.39, "lgl-inr": 97.46},
}
"""By data set and network, then by loss; LGL-INR at β = 1."""

TABLE_4 = {
    ("cifar10", "mobilenetv2"): {"lgl": 92.40, "sml": 91.11, "lgl-inr": 93.34},
    ("cifar10", "resnet18"): {"lgl": 91.55, "sml": 91.32, "lgl-inr": 93.68},
}
"""By data set and network, then by loss; LGL-INR at β = 1."""

TABLE_5 = {1.0: 96.43, 2.0: 96.29, 4.0: 96.43}
"""By β, of the loss `TABLE_5_LOSS` on `TABLE_5_PANEL`."""

TABLE_5_LOSS = "lgl-inr"
TABLE_5_PANEL = "kmnist", "cnn2c"

FIGURE_1 = {"lgl": 10, "sml": 9}
"""Classes in which the accuracy of LGL-INR is above that of another loss, on `FIGURE_1_PANEL`."""

FIGURE_1_PANEL = "kmnist", "cnn2c"

MAY_BE_PRINTED_AS = {"cnn2c-500": "cnn2c"}
"""Networks whose accuracies the paper may print, by the name under which it prints them.

The paper's settings are those of PyTorch's MNIST example, whose network has a hidden layer of 500
that Table 2's "800-10" leaves out: the numbers of CNN2C may be of that one (errata.md, 14).
"""


def paper_accuracy(dataset: str, model: str, loss: ChosenLoss) -> float:
    """Accuracy that the paper prints, as a share; NaN where it prints none.

    Of a network that `MAY_BE_PRINTED_AS` another, the other's.

    Examples
    --------
    >>> round(paper_accuracy("kmnist", "cnn2c", chosen_loss("lgl-inr", beta=2.0)), 4)
    0.9629
    >>> paper_accuracy("digits", "cnn2c", chosen_loss("sml"))
    nan
    >>> round(paper_accuracy("kmnist", "cnn2c-500", chosen_loss("sml")), 4)
    0.9513
    """
    model = MAY_BE_PRINTED_AS.get(model, model)
    of_panel = (TABLE_3 | TABLE_4).get((dataset, model), {})
    printed = {chosen_loss(name): accuracy for name, accuracy in of_panel.items()}
    if (dataset, model) == TABLE_5_PANEL:
        printed |= {chosen_loss(TABLE_5_LOSS, beta=beta): TABLE_5[beta] for beta in TABLE_5}
    return printed.get(loss, float("nan")) / 100


def printed_beside(
    printed: Mapping[tuple[str, str], Mapping[str, float]], panels: Collection[tuple[str, str]]
) -> dict[tuple[str, str], Mapping[str, float]]:
    """Numbers of a table of the paper that stand beside a study, in the order of their rows.

    All that is printed where the study has a network of the table, and those of a network that
    `MAY_BE_PRINTED_AS` one of it where the study has that.

    Parameters
    ----------
    printed : mapping of (dataset, model) to accuracies by loss
        `TABLE_3` or `TABLE_4`.
    panels : collection of (dataset, model)
        What the study trains as the paper says.

    Returns
    -------
    dict
        By data set and network; empty where the study has no part of the table.

    Examples
    --------
    >>> def models(*panels):
    ...     return list(dict.fromkeys(model for _, model in printed_beside(TABLE_3, panels)))
    >>> models(("mnist", "cnn2c")), models(("mnist", "cnn2c-500")), models(("digits", "cnn2c"))
    (['cnn2c', 'cnn5c'], ['cnn2c-500'], [])
    >>> models(("mnist", "cnn5c"), ("kmnist", "cnn2c-500"))
    ['cnn2c', 'cnn2c-500', 'cnn5c']
    """
    datasets = dict.fromkeys(dataset for dataset, _ in printed)
    found: dict[tuple[str, str], Mapping[str, float]] = {}
    for model in dict.fromkeys(model for _, model in printed):
        names = [model] if any(panel in printed for panel in panels) else []
        names += [
            name
            for name, printed_as in MAY_BE_PRINTED_AS.items()
            if printed_as == model and any((dataset, name) in panels for dataset in datasets)
        ]
        found |= {(d, name): printed[d, model] for name in names for d in datasets}
    return found


def variant_notes(models: Iterable[str]) -> list[str]:
    """Say below a table which networks stand beside the numbers of another.

    Examples
    --------
    >>> variant_notes(["cnn2c", "cnn2c-500"])[0].partition(" (")[0]
    "beside CNN2C-500: the paper's numbers of CNN2C, which may be of it"
    """
    return [
        f"beside {NETWORK_NAMES[name]}: the paper's numbers of {NETWORK_NAMES[printed_as]}, which "
        "may be of it (docs/explanation/errata.md, 14)"
        for name, printed_as in MAY_BE_PRINTED_AS.items()
        if name in set(models)
    ]


def trained_as_paper(cell: LossCell) -> bool:
    """Whether a cell is trained as the paper says.

    The paper says nothing of precision and compilation, and nothing of how images are standardised.
    """
    recipe = cell.recipe
    unsaid = {name: getattr(recipe, name) for name in ("precision", "compiled", "standardise")}
    return recipe == replace(paper_recipe(cell.dataset), **unsaid)


def binomial_error(accuracy: float, n: int) -> float:
    """Standard error of an accuracy on n test samples.

    Examples
    --------
    >>> round(binomial_error(0.9643, 10_000), 4)
    0.0019
    """
    return float((accuracy * (1 - accuracy) / n) ** 0.5)
