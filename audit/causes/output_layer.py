r"""What the features of a linear output layer say of its training (E6).

At the minimum of a loss without a penalty every moment :math:`\sum_i (a_y f - T_y)_j h` vanishes,
of every feature h. Where there is no bias, or a penalised one, those of the features vanish and the
bias's does not; where training was stopped, or made noise of its own, neither do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import softmax

from learnprop.audit.causes.explanations.explanation import Explanation, errors_of_samples
from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.leave_one_out.logits import left_out_softmax_logits
from learnprop.equations.mean_proba import mean_proba_and_second_moments

LARGEST_LAYER = 3000
"""Parameters of which leave-one-out inverts the Hessian."""


@dataclass(frozen=True)
class OutputLayer:
    """Features of a linear output layer, and its logits, on the training sample.

    Attributes
    ----------
    features : ndarray of float64, shape (n_samples, n_features)
    logits : ndarray of float64, shape (n_samples, n_classes)
    classes : ndarray of int64, shape (n_samples,)
    """

    features: FloatArray
    logits: FloatArray
    classes: IntArray


def size_of_moments(layer: OutputLayer, e: Explanation, number: float, count: FloatArray) -> float:
    """Root mean square of the features' moments, each over its own sampling error.

    Zero at a minimum, near one where a sample was drawn anew (minibatches), else larger.

    Parameters
    ----------
    layer : OutputLayer
    e : Explanation
    number : float
        Its ε or α.
    count : ndarray, shape (n_classes,)
        N.

    Returns
    -------
    float

    Examples
    --------
    >>> layer = OutputLayer(np.array([[1.0], [1.0]]), np.zeros((2, 2)), np.array([0, 1]))
    >>> size_of_moments(layer, Explanation("", "", "", np.ones(2)), 0.0, np.ones(2))
    0.0
    """
    errors = errors_of_samples(e, number, count, softmax(layer.logits, axis=1), layer.classes)
    moment = errors.T @ layer.features
    spread = np.sqrt((errors**2).T @ layer.features**2)
    shares = np.divide(moment, spread, out=np.zeros_like(moment), where=spread > 0)
    return float(np.sqrt((shares**2).mean()))


def share_of_scale(layer: OutputLayer, e: Explanation, count: FloatArray) -> float:
    """How much of the features' moments is along what the layer has learnt, 0 to 1.

    Noise in training makes a layer underconfident: larger logits of the same kind would lower its
    loss. A training that was stopped has directions that it has not learnt yet.

    Parameters
    ----------
    layer : OutputLayer
    e : Explanation
        As stated.
    count : ndarray, shape (n_classes,)

    Returns
    -------
    float
        Squared cosine between gradient and coefficients, in units in which features have a spread
        of one.
    """
    errors = errors_of_samples(e, 0.0, count, softmax(layer.logits, axis=1), layer.classes)
    centred = layer.features - layer.features.mean(axis=0)
    spread = np.sqrt(np.einsum("ij,ij->j", centred, centred) / len(centred))
    scaled = np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 0)
    logits = layer.logits - layer.logits.mean(axis=1, keepdims=True)
    # Coefficients, from the logits that they make.
    learnt = np.linalg.lstsq(scaled, logits - logits.mean(axis=0), rcond=None)[0]
    gradient = scaled.T @ errors
    size = np.linalg.norm(learnt) * np.linalg.norm(gradient)
    return float((learnt * gradient).sum() / size) ** 2 if size > 0 else 0.0


def left_out_mean_proba(
    layer: OutputLayer, class_weight: FloatArray
) -> tuple[FloatArray, FloatArray] | None:
    """P of the training samples, each predicted without itself (E13), and what each class misses.

    None where it is not known: the layer is too large, or determined by single samples. Of a layer
    at its minimum.
    """
    centred = layer.features[:, np.ptp(layer.features, axis=0) > 0]
    n_classes = layer.logits.shape[1]
    if (n_classes - 1) * (centred.shape[1] + 1) > LARGEST_LAYER:
        return None
    weight = class_weight[layer.classes]
    left_out = left_out_softmax_logits(centred, layer.logits, layer.classes, weight)
    if not np.isfinite(left_out).all():
        return None
    P, _ = mean_proba_and_second_moments(layer.classes, softmax(left_out, axis=1))
    return P, np.asarray(P.sum(axis=1) - np.diagonal(P))
