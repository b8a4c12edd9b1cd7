r"""The paper's Sim2 network, (d, h, 1) with sigmoid activation: parameters, logits, gradient.

.. math:: z(x) = v^T \sigma(W^T x + c) + b

Parameters are one vector per fit: W row by row (n_features x n_hidden), c (n_hidden), v
(n_hidden), and the output bias b last.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from equations.mean_proba import FloatArray
from simulations.fitters.bfgs import Objective
from simulations.fitters.fit import Problem

TILE_VALUES = 2**19
"""Hidden activations (2 MiB) that are computed at once on CPU."""


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
    features = torch.as_tensor(np.asarray(X, dtype=np.float64), device=device).contiguous()
    theta = torch.as_tensor(np.asarray(params, dtype=np.float64), device=device)
    return network_logits(features, theta).cpu().numpy()


def network_logits(features: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    """The one arithmetic in which logits are refined, described and measured.

    With output weights of 1e5, which overfitted networks have, another order of the same sums
    moves the bias gradient by more than 1e-12.

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


def hidden_size(problem: Problem, theta: torch.Tensor) -> int:
    """Width of the hidden layer of parameters theta, shape (..., n_params)."""
    return (theta.shape[1] - 1) // (problem.design.shape[2] + 1)


def unpack(theta: torch.Tensor, n_inputs: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Parts of theta as views: W over c (B, n_inputs, n_hidden), v (B, n_hidden), b (B, 1)."""
    n_hidden = (theta.shape[1] - 1) // (n_inputs + 1)
    split = n_inputs * n_hidden
    return theta[:, :split].unflatten(1, (n_inputs, n_hidden)), theta[:, split:-1], theta[:, -1:]


def make_objective(
    problem: Problem, n_hidden: int, dtype: torch.dtype = torch.float64
) -> Objective:
    r"""Loss and gradient of the networks of every (replication, setting), numbered row by row.

    Parameters
    ----------
    problem : Problem
    n_hidden : int
    dtype : torch.dtype
        Of the hidden layer; logits, loss and sums over tiles are float64.

    Returns
    -------
    callable ``(problems, theta) -> (loss, gradient)``
        Both over the total mass.
    """
    inputs = problem.design.mT.to(dtype).contiguous()
    n_runs, n_inputs, n_samples = inputs.shape
    n_settings = len(problem.weight)
    signed_weight = problem.weight * problem.sign
    # On CPU the settings of one replication at a time, in tiles of samples written in place: what
    # is needed stays in the second-level cache, twice as fast as whole passes over 75 problems.
    on_cpu = inputs.device.type == "cpu"
    tile = min(n_samples, TILE_VALUES // (n_settings * n_hidden)) if on_cpu else n_samples
    tiles = [slice(i, min(i + tile, n_samples)) for i in range(0, n_samples, tile)]
    at_once = (1 if on_cpu else n_runs) * n_settings
    hidden_buffer = inputs.new_empty(at_once * tile * n_hidden)
    pulled_buffer = inputs.new_empty(at_once * tile * n_inputs)
    logit_buffer = inputs.new_empty(2, at_once * tile)
    zero = problem.weight.new_zeros(())
    pull_buffer = problem.weight.new_empty(2, at_once * tile)

    def evaluate(problems: torch.Tensor, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        run, setting = problems // n_settings, problems % n_settings
        loss, gradient = theta.new_zeros(len(theta)), torch.zeros_like(theta)
        by_layer, by_readout, by_bias = unpack(gradient, n_inputs)
        sizes = torch.unique_consecutive(run, return_counts=True)[1].tolist()
        for rows in _consecutive(sizes if on_cpu else [len(run)]):
            size = rows.stop - rows.start
            layer, readout, bias = unpack(theta[rows].to(dtype), n_inputs)
            x_all = inputs[run[rows.start]].expand(size, -1, -1) if on_cpu else inputs[run]
            pick = slice(None) if on_cpu and size == n_settings else setting[rows]
            weight, signed = problem.weight[pick], signed_weight[pick]
            for part in tiles:
                x, n = x_all[..., part], part.stop - part.start
                hidden = hidden_buffer[: size * n * n_hidden].view(size, n, n_hidden)
                torch.bmm(x.mT, layer, out=hidden).sigmoid_()
                logits, pull_ = logit_buffer[:, : size * n].view(2, size, n)
                for z, h, v, b in zip(logits, hidden, readout, bias, strict=True):
                    torch.addmv(b, h, v, out=z)
                pull, wrong_way = pull_buffer[:, : size * n].view(2, size, n)
                wrong_way.copy_(logits).mul_(problem.sign[part])
                torch.sigmoid(wrong_way, out=pull).mul_(signed[:, part])
                by_bias[rows, 0] += pull.sum(dim=1)
                torch.logaddexp(wrong_way, zero, out=wrong_way).mul_(weight[:, part])
                loss[rows] += wrong_way.sum(dim=1)
                pulled = pulled_buffer[: size * n * n_inputs].view(size, n_inputs, n)
                torch.mul(x, pull_.copy_(pull)[:, None, :], out=pulled)
                # The slope of the sigmoid is h - h^2; the last input is 1, and so the last row of
                # the first product is the gradient of the output layer.
                product = torch.bmm(pulled, hidden)
                by_readout[rows] += product[:, -1]
                by_layer[rows] += product.sub_(torch.bmm(pulled, hidden.mul_(hidden)))
            by_layer[rows] *= readout[:, None, :]
        return loss, gradient

    return evaluate


def _consecutive(sizes: list[int]) -> list[slice]:
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
