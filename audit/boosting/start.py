r"""Where boosted trees shall start: at the masses of the classes under the weights asked for.

A tree adds to each of its leaves η G / H, the sums of gradient and curvature there, and with small
steps moves the mean probabilities by η times the residual of Eq. (9). What a start is off balance
therefore falls about as :math:`(1 - \eta)^T` in T rounds, whatever the features; at balance it has
nothing to fall from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from learnprop.audit.stated_weights import stated_weights
from learnprop.equations.arguments import BadArgument, renamed, shown
from learnprop.equations.arrays import FloatArray, as_finite
from learnprop.equations.labels import class_of, names_in


def start_at_balance(
    y: ArrayLike, class_weight: Any = None, *, sample_weight: ArrayLike | None = None
) -> FloatArray:
    r"""Raw scores from which boosting starts at balance: `init_score`, or `base_margin`.

    Without features Eq. (9) leaves one solution, the shares of the class masses

    .. math:: f_k = \frac{w_k}{\sum_j w_j}, \qquad w_k = \lambda_k \sum_{i: y_i = k} \omega_i .

    Of two classes its log odds, as objectives of two classes have it; of more the logarithms.
    "balanced" counts samples, whatever their weights, as LightGBM and scikit-learn's
    HistGradientBoosting do; its LogisticRegression, from 1.9 on, counts weighted ones.
    LightGBM does not keep an `init_score`, and XGBoost is told the `base_margin` again where it
    predicts: `balanced_logits` does both. The trainer is still to be told the weights.

    Parameters
    ----------
    y : array_like, shape (n_samples,)
        Training labels, in which each class is: strings, or whole numbers.
    class_weight : str, dict, Series or array_like, optional
        λ that the trainer is told, of whatever sum: a scheme of `class_weights`, "balanced"
        (scikit-learn's name of "inverse"), numbers in the order of sorted labels, or a dict or
        Series by label, in which a label that is missing has 1. Equal weights by default.
    sample_weight : array_like, shape (n_samples,), optional
        ω that the trainer is told besides; all 1 by default.

    Returns
    -------
    ndarray of float64, shape (n_samples,) of two classes, else (n_samples, n_classes)
        The same in every row.

    Raises
    ------
    ValueError
        If there are fewer than two classes, labels are no labels, weights do not fit them, or a
        class has no weight.

    References
    ----------
    Friedman (2001), Annals of Statistics 29, 1189-1232, for the step in a leaf.

    Examples
    --------
    >>> y = [0, 0, 0, 1]
    >>> start_at_balance(y, "balanced").tolist(), np.exp(start_at_balance(y)).round(6).tolist()
    ([0.0, 0.0, 0.0, 0.0], [0.333333, 0.333333, 0.333333, 0.333333])
    >>> np.exp(start_at_balance(["a", "a", "b", "c"], {"c": 2})[0]).round(6).tolist()
    [0.4, 0.2, 0.4]
    """
    classes, labels = _classes(y)
    count = np.bincount(classes)
    mass = stated_weights(class_weight, labels, count) * _weight_sum(sample_weight, classes)
    if not (mass > 0).all():
        label = labels[int(mass.argmin())]
        raise BadArgument("sample_weight", f"leaves class {shown(label)} without weight")
    of_row = np.log(mass / mass.sum())
    return np.tile(of_row, (len(classes), 1)) if len(mass) > 2 else np.full(
        len(classes), of_row[1] - of_row[0]
    )  # fmt: skip


def _classes(y: ArrayLike) -> tuple[np.ndarray, list[Any]]:
    """Class of each sample, in the order of the sorted labels, and these."""
    with renamed(y_true="y"):
        labels = names_in(y)
        if labels is None:
            numbers = as_finite(y, "y")
            labels = np.unique(numbers).tolist()
            if any(label != int(label) for label in labels):
                raise BadArgument("y", f"must hold labels, got numbers such as {shown(labels)}")
        if len(labels) < 2:
            raise BadArgument("y", f"must hold at least 2 classes, got {shown(labels)}")
        return class_of(y, len(labels), labels), labels


def _weight_sum(sample_weight: ArrayLike | None, classes: np.ndarray) -> FloatArray:
    """Sum of the weights of the samples of each class."""
    if sample_weight is None:
        return np.bincount(classes).astype(np.float64)
    weight = as_finite(sample_weight, "sample_weight")
    if weight.shape != classes.shape:
        problem = f"must hold {len(classes)} numbers, one per sample, got shape {weight.shape}"
        raise BadArgument("sample_weight", problem)
    if (weight < 0).any():
        raise BadArgument("sample_weight", f"must not be negative, got {weight.min()}")
    return np.asarray(np.bincount(classes, weights=weight), dtype=np.float64)
