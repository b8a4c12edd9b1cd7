"""Tables 3 to 5 as printed: top-1 accuracy in per cent on the standard test sets, one run each."""

from __future__ import annotations

from learnprop.equations.losses import chosen_loss
from learnprop.equations.losses.loss import ChosenLoss

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


def paper_accuracy(dataset: str, model: str, loss: ChosenLoss) -> float:
    """Accuracy that the paper prints, as a share; NaN where it prints none.

    Examples
    --------
    >>> round(paper_accuracy("kmnist", "cnn2c", chosen_loss("lgl-inr", beta=2.0)), 4)
    0.9629
    >>> paper_accuracy("digits", "cnn2c", chosen_loss("sml"))
    nan
    """
    of_panel = (TABLE_3 | TABLE_4).get((dataset, model), {})
    printed = {chosen_loss(name): accuracy for name, accuracy in of_panel.items()}
    if (dataset, model) == TABLE_5_PANEL:
        printed |= {chosen_loss(TABLE_5_LOSS, beta=beta): TABLE_5[beta] for beta in TABLE_5}
    return printed.get(loss, float("nan")) / 100


def binomial_error(accuracy: float, n: int) -> float:
    """Standard error of an accuracy on n test samples.

    Examples
    --------
    >>> round(binomial_error(0.9643, 10_000), 4)
    0.0019
    """
    return float((accuracy * (1 - accuracy) / n) ** 0.5)
