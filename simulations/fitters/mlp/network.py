r"""The paper's Sim2 network, (d, h, 1) with sigmoid activation: parameters and logits.

.. math:: z(x) = v^T \sigma(W^T x + c) + b

Parameters are one vector per fit: W row by row (n_features x n_hidden), c (n_hidden), v
(n_hidden), and the output bias b last.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_numbers, as_whole
from learnprop.simulations.engine.devices import chosen_device
from learnprop.simulations.fitters.fit import Problem, check_features
from learnprop.simulations.generators.generator import check_rng


def n_params(n_features: int, n_hidden: int) -> int:
    """Number of parameters of the network.

    Examples
    --------
    >>> n_params(3, 10)
    51
    """
    return (n_features + 2) * n_hidden + 1


def initial_params(n_features: int, n_hidden: int, rng: np.random.Generator) -> FloatArray:
    r"""Random initial parameters, uniform on :math:`\pm\sqrt{2 / (fan_{in} + fan_{out})}`.

    Parameters
    ----------
    n_features, n_hidden : int
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, shape (n_params,)

    References
    ----------
    After Glorot and Bengio (2010), AISTATS; the factor 2 is that of scikit-learn's MLPClassifier
    for the logistic function.

    Examples
    --------
    >>> initial_params(3, 10, np.random.default_rng(0)).shape
    (51,)
    """
    n_features, n_hidden = as_whole(n_features, "n_features", 1), as_whole(n_hidden, "n_hidden", 1)
    check_rng(rng)
    hidden = np.sqrt(2.0 / (n_features + n_hidden))
    output = np.sqrt(2.0 / (n_hidden + 1))
    return np.concatenate(
        [
            rng.uniform(-hidden, hidden, (n_features + 1) * n_hidden),
            rng.uniform(-output, output, n_hidden + 1),
        ]
    )


def mlp_logits(X: ArrayLike, params: ArrayLike, *, device: str = "cpu") -> FloatArray:
    """Logits of class 1 for one data set and a batch of networks.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
    params : array_like, shape (n_settings, n_params)
    device : {"cpu", "cuda"}

    Returns
    -------
    ndarray of float64, shape (n_settings, n_samples)

    Examples
    --------
    >>> mlp_logits([[0.0]], [[1.0, 0.0, 2.0, 0.5]])  # 2 * sigmoid(0) + 0.5
    array([[1.5]])
    """
    where, given = chosen_device(device), check_features(X)
    vectors = check_vectors(params, given.shape[1], n_outputs=1)
    features = torch.as_tensor(given, device=where).contiguous()
    theta = torch.as_tensor(vectors, device=where)
    return network_logits(features, theta).cpu().numpy()


def check_vectors(
    params: ArrayLike, n_features: int, n_outputs: int, name: str = "params"
) -> FloatArray:
    """Parameters of networks as float64, one vector for each, if they are of some width.

    Raises
    ------
    BadArgument
    """
    vectors = as_numbers(params, name)
    step = n_features + 1 + n_outputs
    width, rest = divmod(vectors.shape[-1] - n_outputs if vectors.ndim else 0, step)
    if vectors.ndim != 2 or rest or width < 1:
        raise BadArgument(
            name,
            f"must have shape (n, {step} h + {n_outputs}) for h hidden units, got {vectors.shape}",
        )
    return vectors


def network_logits(features: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    """The one arithmetic in which logits are refined, described and measured.

    With the large output weights of overfitted networks, another order of the same sums can move
    the bias gradient by more than 1e-12.

    Parameters
    ----------
    features : tensor, shape (n_samples, n_features), contiguous
    theta : tensor, shape (n_settings, n_params)

    Returns
    -------
    tensor, shape (n_settings, n_samples)
    """
    layers, readouts, biases = unpack(theta, features.shape[1] + 1)
    logits = features.new_empty(len(theta), len(features))
    for z, layer, readout in zip(logits, layers, readouts, strict=True):
        torch.mv(hidden_activations(features, layer), readout, out=z)
    return logits.add_(biases)


def hidden_activations(features: torch.Tensor, layer: torch.Tensor) -> torch.Tensor:
    """Activations (n_samples, n_hidden) of a layer W over c, shape (n_features + 1, n_hidden)."""
    return torch.addmm(layer[-1], features, layer[:-1]).sigmoid_()


def logit_jacobian(
    inputs: torch.Tensor, hidden: torch.Tensor, readout: torch.Tensor
) -> torch.Tensor:
    r"""Derivative of each logit in all parameters of a network, in their order.

    .. math:: \partial z / \partial W_{kj} = x_k v_j h_j (1 - h_j), \qquad
              \partial z / \partial v_j = h_j, \qquad \partial z / \partial b = 1,

    and c as W, of a feature that is 1.

    Parameters
    ----------
    inputs : tensor, shape (n_samples, n_features + 1)
        Features and a column of ones.
    hidden : tensor, shape (n_samples, n_hidden)
        Activations h.
    readout : tensor, shape (n_hidden,)
        v.

    Returns
    -------
    tensor, shape (n_samples, n_params)
    """
    (n_samples, n_inputs), n_hidden = inputs.shape, hidden.shape[1]
    jacobian = hidden.new_ones(n_samples, (n_inputs + 1) * n_hidden + 1)
    by_layer, by_readout, _ = unpack(jacobian, n_inputs)
    slope = hidden * (1 - hidden) * readout
    torch.mul(inputs[:, :, None], slope[:, None, :], out=by_layer)
    by_readout[:] = hidden
    return jacobian


def hidden_size(problem: Problem, theta: torch.Tensor) -> int:
    """Width of the hidden layer of parameters theta, shape (..., n_params)."""
    return (theta.shape[1] - 1) // (problem.design.shape[2] + 1)


def unpack(theta: torch.Tensor, n_inputs: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Parts of theta as views: W over c (B, n_inputs, n_hidden), v (B, n_hidden), b (B, 1)."""
    n_hidden = (theta.shape[1] - 1) // (n_inputs + 1)
    split = n_inputs * n_hidden
    return theta[:, :split].unflatten(1, (n_inputs, n_hidden)), theta[:, split:-1], theta[:, -1:]
