"""Leave-one-out logits of networks with a hidden layer (E13): by all parameters, or by the last."""

from __future__ import annotations

import numpy as np
import torch
from scipy.special import softmax

from learnprop.equations.arrays import FloatArray, IntArray
from learnprop.equations.leave_one_out.jacobian import left_out_by_jacobian
from learnprop.equations.leave_one_out.logits import left_out_softmax_logits
from learnprop.simulations.fitters.mlp.network import (
    hidden_activations,
    logit_jacobian,
    network_logits,
    unpack,
)
from learnprop.simulations.fitters.mlp.softmax_network import each_logits, unpack_softmax

AT_MINIMUM = 1e-8
"""Gradient in the output weights, over the total mass: ten times that of a refined head, whose bias
has moved since."""


def left_out_mlp(
    X: FloatArray, y: IntArray, params: FloatArray, class_weight: FloatArray
) -> FloatArray:
    """Leave-one-out logits for one data set and networks fitted to it, by all their parameters.

    They are those of the network linearised where training left it, as if that were the minimum of
    what is then a logistic regression on the derivatives of its logit. A network that stops early
    has not fitted directions of little curvature yet, and overfits less than this says; one that
    trains for long moves its hidden units further than they are linear, and may overfit more.

    A sample that alone tells a hidden unit something keeps its logit: without it nothing moves the
    network that way. Of 54 such samples the mean probability of their class was 0.85, and 0.59 of
    networks trained without them. Where units are steps to the last digit all samples are NaN: such
    a network is not predicted, and tables say of how many that is so.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    y : ndarray of int, shape (n_samples,)
    params : ndarray, shape (n_settings, n_params)
    class_weight : ndarray, shape (n_settings, 2)

    Returns
    -------
    ndarray, shape (n_settings, n_samples)
    """
    features, theta = torch.as_tensor(X).contiguous(), torch.as_tensor(params)
    inputs = torch.cat([features, torch.ones_like(features[:, :1])], dim=1)
    layers, readouts, _ = unpack(theta, inputs.shape[1])
    logits = network_logits(features, theta).numpy()
    found = np.empty_like(logits)
    for k, (layer, readout) in enumerate(zip(layers, readouts, strict=True)):
        jacobian = logit_jacobian(inputs, hidden_activations(features, layer), readout).numpy()
        moved = left_out_by_jacobian(jacobian, logits[k], y == 1, class_weight[k][y])
        alone = np.isnan(moved) & ~np.isnan(moved).all()
        found[k] = np.where(alone, logits[k], moved)
    return found


def left_out_output_layer(
    X: FloatArray, y: IntArray, params: FloatArray, class_weight: FloatArray
) -> FloatArray:
    """Leave-one-out logits for one data set and softmax networks refined on it, by the last layer.

    A regression on the hidden activations is what left a sample out, on features that did not: the
    output layer's share of the overfitting, and nothing of the hidden layer's.

    Parameters
    ----------
    X : ndarray, shape (n_samples, n_features)
    y : ndarray of int, shape (n_samples,)
    params : ndarray, shape (n_settings, n_params)
    class_weight : ndarray, shape (n_settings, n_classes)

    Returns
    -------
    ndarray, shape (n_settings, n_samples, n_classes)
        NaN where an output layer is at no minimum: on some hidden activations it has none.
    """
    n_classes = class_weight.shape[1]
    features, theta = torch.as_tensor(X).contiguous(), torch.as_tensor(params)
    layers, _ = unpack_softmax(theta, features.shape[1] + 1, n_classes)
    found = np.empty((len(theta), len(features), n_classes))
    one_hot = np.eye(n_classes)[y]
    for k, logits in enumerate(each_logits(features, theta, n_classes)):
        hidden, weight = hidden_activations(features, layers[k]).numpy(), class_weight[k][y]
        pull = weight[:, None] * (softmax(logits.numpy(), axis=1) - one_hot)
        at_minimum = np.linalg.norm(pull.T @ hidden) <= AT_MINIMUM * weight.sum()
        if at_minimum:
            found[k] = left_out_softmax_logits(hidden, logits.numpy(), y, weight)
        else:
            found[k] = np.nan
    return found
