"""What speaks against the input itself: answers for probabilities, shares for sizes, and the like.

Nothing here is certain, so that it is said and not refused; but of numbers that are no
probabilities no cause is looked for.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learnprop.audit.inference.statistics import within
from learnprop.audit.predictions.record import Predictions
from learnprop.equations.arguments import shown
from learnprop.equations.arrays import FloatArray

NOT_LOOKED = "no cause was looked for"
"""Said instead of causes: nobody may then say that none was found."""

FEW = 20
"""Samples, up to which a coincidence is no wonder."""

SUM_OF_ROW = 1e-3
"""Rounding of probabilities that were printed and are passed as logits."""

ALIKE = 0.1
"""Of shares of classes that are taken for the same, in another order."""


def no_probabilities(predictions: Predictions) -> str:
    """Say what numbers look like that are no probabilities, or logits; empty where they are.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    str

    Examples
    --------
    >>> from learnprop.audit.predictions.arrays import measure_predictions
    >>> y = [0, 1] * 20
    >>> no_probabilities(measure_predictions(y, y_logits=[[0.9, 0.1], [0.3, 0.7]] * 20))
    'the rows of y_logits are in [0, 1] and sum to one: these look like probabilities (y_proba)'
    """
    z = predictions.kept.logits
    if predictions.count.sum() <= FEW or predictions.activation != "softmax":
        return ""
    if (np.isneginf(z) | (z == 0)).all() and np.isneginf(z).any():
        return (
            "all values of y_proba are 0 or 1: these look like answers (predict), not "
            "probabilities (predict_proba)"
        )
    if not ((z >= 0) & (z <= 1)).all():  # log-probabilities are negative
        return ""
    # Of one logit per sample the other is zero.
    one_each = len(z[0]) == 2 and (z == 0).all(axis=0).any() and (z > 0).any()
    if one_each:
        return "all values of y_logits are in [0, 1]: these look like probabilities (y_proba)"
    if (np.abs(z.sum(axis=1) - 1) <= SUM_OF_ROW).all():
        return (
            "the rows of y_logits are in [0, 1] and sum to one: these look like probabilities "
            "(y_proba)"
        )
    return ""


def doubts(
    predictions: Predictions, count: FloatArray, train: Predictions | None, verdict: str
) -> tuple[str, ...]:
    """Say what looks wrong with labels, samples or sizes.

    Parameters
    ----------
    predictions : Predictions
        On fresh data.
    count : ndarray, shape (n_classes,)
        N.
    train : Predictions, optional
        On the training sample.
    verdict : str
        Sizes in another order are a matter only where the balance does not hold.

    Returns
    -------
    tuple of str
    """
    found = [_unrelated(predictions)]
    if train is None:
        found.append(_other_order(predictions, count) if verdict != "holds" else "")
    else:
        found += [_same_sample(predictions, train), _other_sizes(train, count)]
    return tuple(filter(None, found))


def _unrelated(predictions: Predictions) -> str:
    r"""Labels that probabilities know nothing of, though they vary.

    Of a posterior :math:`\mathrm{tr} P - 1 = \sum_k \mathrm{Var}(f_k) / w_k` (E7), and regardless
    of the labels it is 0. A weak classifier, whose probabilities hardly vary, promises little.
    """
    if predictions.count.sum() <= FEW or predictions.activation != "softmax":
        return ""
    spread, P = within(predictions), predictions.mean_proba
    n_classes = len(P)
    w = P.mean(axis=0)
    variance = (spread.variance + (P - w) ** 2).mean(axis=0)
    promised = float(np.divide(variance, w, out=np.zeros_like(w), where=w > 0).sum())
    if promised < SUM_OF_ROW:  # one that only knows the shares
        return ""
    kept = float(np.trace(P)) - 1
    error = 2 * float(np.sqrt((np.diagonal(spread.variance) / spread.count).sum()))
    if kept > error or kept + error >= promised / 2:
        return ""
    others = (n_classes - 1 - kept) / (n_classes * (n_classes - 1))
    return (
        "predictions and labels look unrelated: a class's own probability is "
        f"{np.trace(P) / n_classes:.3g} on its own samples and {others:.3g} on others', on "
        "average; are they in the same order of samples?"
    )


def _same_sample(predictions: Predictions, train: Predictions) -> str:
    same = (predictions.count == train.count).all() and np.allclose(
        predictions.mean_proba, train.mean_proba, rtol=1e-12, atol=0
    )
    if not same:
        return ""
    return (
        "the predictions are those of `train`: fresh ones are needed, for on its own training "
        "sample a fit balances whatever it does elsewhere"
    )


def _other_sizes(train: Predictions, count: FloatArray) -> str:
    n, weight = train.count, train.weight_sum
    if np.allclose(n, count, rtol=1e-6) or np.allclose(weight, count, rtol=1e-6):
        return ""
    k = int(np.argmax(np.abs(np.log(n) - np.log(count))))
    return (
        f"`train` holds {n[k]} samples of {train.labels[k]!r}, and `train_count` says "
        f"{count[k]:.6g}: `train_count` was taken; of a part of the training sample the residual "
        "has an error that is not counted"
    )


def _other_order(predictions: Predictions, count: FloatArray) -> str:
    n = predictions.count / predictions.count.sum()
    share = count / count.sum()
    reversed_ = np.allclose(share[::-1], n, rtol=ALIKE, atol=0)
    if not reversed_ or np.abs(np.log(share) - np.log(n)).max() < np.log(1.5):
        return ""
    return (
        f"`train_count`, {shown(count.tolist())}, looks like the sizes of y_true in the opposite "
        f"order: sizes are in that of the classes, {shown(list(predictions.labels))}, or a dict "
        "by label"
    )


def same_sizes(predictions: Predictions, count: Any) -> tuple[str, ...]:
    """Say that a sample whose sizes were stated as those of training may be that of training.

    Examples
    --------
    >>> from learnprop.audit.predictions.arrays import measure_predictions
    >>> found = measure_predictions([0, 0, 1] * 9, [0.1, 0.3, 0.6] * 9)
    >>> same_sizes(found, [19, 8]), len(same_sizes(found, [18, 9]))
    ((), 1)
    """
    if predictions.count.sum() <= FEW or not np.array_equal(predictions.count, count):
        return ()
    return (
        "y_true has exactly the class sizes of training: if these are predictions on the training "
        "samples themselves, they belong in `train`, and y_true needs fresh or left-out ones",
    )
