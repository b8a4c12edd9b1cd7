r"""The network with one hidden layer and softmax outputs: parameters and logits.

.. math:: z(x) = V \sigma(W^T x + c) + b

Parameters are one vector per fit: W row by row (n_features x n_hidden), c (n_hidden), then the
output layer class by class, each with its bias last (n_classes x (n_hidden + 1)).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import ArrayLike

from learnprop.equations.arrays import FloatArray, as_whole
from learnprop.simulations.fitters.fit import check_features
from learnprop.simulations.fitters.mlp.network import check_vectors, hidden_activations
from learnprop.simulations.generators.generator import check_rng


def initial_softmax_params(
    n_features: int, n_hidden: int, n_classes: int, rng: np.random.Generator
) -> FloatArray:
    r"""Random initial parameters, uniform on :math:`\pm\sqrt{2 / (fan_{in} + fan_{out})}`.

    Parameters
    ----------
    n_features, n_hidden, n_classes : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (n_params,)

    References
    ----------
    After Glorot and Bengio (2010), AISTATS.

    Examples
    --------
    >>> initial_softmax_params(2, 16, 5, np.random.default_rng(0)).shape
    (133,)
    """
    n_features, n_hidden = as_whole(n_features, "n_features", 1), as_whole(n_hidden, "n_hidden", 1)
    n_classes = as_whole(n_classes, "n_classes", 2)
    check_rng(rng)
    hidden = np.sqrt(2.0 / (n_features + n_hidden))
    output = np.sqrt(2.0 / (n_hidden + n_classes))
    return np.concatenate(
        [
            rng.uniform(-hidden, hidden, (n_features + 1) * n_hidden),
            rng.uniform(-output, output, n_classes * (n_hidden + 1)),
        ]
    )


def unpack_softmax(
    theta: torch.Tensor, n_inputs: int, n_classes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Parts of theta (B, n_params) as views: W over c (B, n_inputs, h), V and b (B, K, h + 1)."""
    n_hidden = (theta.shape[1] - n_classes) // (n_inputs + n_classes)
    layer = theta[:, : n_inputs * n_hidden].unflatten(1, (n_inputs, n_hidden))
    return layer, theta[:, n_inputs * n_hidden :].unflatten(1, (n_classes, n_hidden + 1))


def softmax_mlp_logits(X: ArrayLike, params: ArrayLike, n_classes: int) -> FloatArray:
    """Logits of one data set and a batch of networks.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
    params : array_like, shape (n_settings, n_params)
    n_classes : int

    Returns
    -------
    ndarray of float64, shape (n_settings, n_samples, n_classes)

    Examples
    --------
    >>> softmax_mlp_logits([[0.0]], [[1.0, 0.0, 2.0, 0.5, -2.0, 0.0]], 2)  # hidden unit: 1/2
    array([[[ 1.5, -1. ]]])
    """
    given, n_classes = check_features(X), as_whole(n_classes, "n_classes", 2)
    features = torch.as_tensor(given).contiguous()
    theta = torch.as_tensor(check_vectors(params, given.shape[1], n_classes))
    return np.stack([z.numpy() for z in each_logits(features, theta, n_classes)])


def each_logits(
    features: torch.Tensor, theta: torch.Tensor, n_classes: int
) -> Iterator[torch.Tensor]:
    """Logits (n_samples, K) of each network: the one arithmetic of refining and measuring."""
    layers, outputs = unpack_softmax(theta, features.shape[1] + 1, n_classes)
    for layer, output in zip(layers, outputs, strict=True):
        yield torch.addmm(output[:, -1], hidden_activations(features, layer), output[:, :-1].mT)


def output_biases(params: FloatArray, n_hidden: int, n_classes: int) -> FloatArray:
    """Biases (..., n_classes) of parameters (..., n_params), as a view.

    Examples
    --------
    >>> output_biases(np.array([1.0, 0.0, 2.0, 0.5, -2.0, 0.0]), 1, 2).tolist()
    [0.5, 0.0]
    """
    return params[..., -n_classes * (n_hidden + 1) :][..., n_hidden :: n_hidden + 1]
