r"""Fits of the Sim2 network: training, then refinement of the output layer.

Training moves all parameters. Refinement then solves the convex problem of the output layer
(v, b), and of b alone, so that Eq. (8) holds as exactly as arithmetic allows without touching the
features.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import as_finite, as_whole
from learnprop.simulations.engine.devices import runs_many_at_once
from learnprop.simulations.engine.within import tell
from learnprop.simulations.fitters.fit import Fit, Problem, check_problem, of_both_classes
from learnprop.simulations.fitters.left_out import refined, samples_to_refine
from learnprop.simulations.fitters.mlp.left_out import left_out_mlp
from learnprop.simulations.fitters.mlp.network import (
    check_vectors,
    hidden_activations,
    hidden_size,
    mlp_logits,
    network_logits,
    unpack,
)
from learnprop.simulations.fitters.mlp.objective import make_objective
from learnprop.simulations.fitters.mlp.training import train_bfgs
from learnprop.simulations.minimisation.logistic_loss import minimise_logistic
from learnprop.simulations.minimisation.newton import GRADIENT_TOLERANCE, SETTLED
from learnprop.simulations.records.rows import CONVERGED, DIVERGED, NOT_CONVERGED

HEAD_TOLERANCE = 1e-9
"""Gradient norm of the output layer, over the total mass, at a finite minimum."""

HEAD_ITERATIONS = 30
"""Newton iterations for the output layer: a finite minimum takes about eight."""


def refine_output_layer(problem: Problem, theta: torch.Tensor) -> torch.Tensor:
    """Solve the convex problem of the output layer on frozen features, then of the bias alone.

    Where a hidden unit sees one class only, the output layer has no finite minimum: it stays as
    trained. The bias always has one, and Eq. (8) is its equation.

    Parameters
    ----------
    problem : Problem
    theta : tensor, shape (n_runs * n_settings, n_params)

    Returns
    -------
    tensor, shape (n_runs * n_settings, n_params)
        The same hidden layer, another output layer.
    """
    n_inputs, n_settings = problem.design.shape[2], len(problem.weight)
    refined = theta.clone()
    layers, readouts, biases = unpack(refined, n_inputs)
    at_once = len(theta) if runs_many_at_once(theta.device) else 1
    for first in range(0, len(theta), at_once):
        tell(f"{first} of {len(theta)} output layers refined")
        part = range(first, min(first + at_once, len(theta)))
        features = [problem.design[i // n_settings, :, :-1].contiguous() for i in part]
        weight = torch.stack([problem.weight[i % n_settings] for i in part])[:, None]
        hidden = torch.stack(
            [hidden_activations(x, layers[i]) for i, x in zip(part, features, strict=True)]
        )
        outputs = torch.cat([hidden, torch.ones_like(hidden[..., :1])], dim=2)
        signed = (outputs * problem.sign[:, None]).mT.contiguous()
        start = theta[first : part.stop, None, -signed.shape[1] :]
        head = minimise_logistic(signed, weight, start, max_iter=HEAD_ITERATIONS)
        settled = (head.gradient_norm <= HEAD_TOLERANCE) & (head.last_move <= SETTLED)
        output = torch.where(settled[..., None], head.theta, start)
        readouts[first : part.stop], biases[first : part.stop] = output[:, 0, :-1], 0.0
        offset = torch.stack(
            [network_logits(x, refined[i : i + 1]) for i, x in zip(part, features, strict=True)]
        )
        alone = minimise_logistic(
            signed[:, -1:], weight, output[..., -1:], offset=offset * problem.sign
        )
        biases[first : part.stop] = alone.theta[:, 0]
    return refined


def describe(problem: Problem, theta: torch.Tensor, n_iter: torch.Tensor) -> Fit:
    """Loss and gradients of networks, in float64, as a `Fit`.

    "converged" is the premise of Eq. (8) and no more: the bias gradient is below 1e-12 of the
    total mass. The hidden layer of such a network ends where the stop rule says, and the norm of
    the full gradient is there to be read.

    Parameters
    ----------
    problem : Problem
    theta : tensor, shape (n_runs * n_settings, n_params)
    n_iter : tensor of int, shape (n_runs * n_settings,)

    Returns
    -------
    Fit
    """
    everyone = torch.arange(len(theta), device=theta.device)
    loss, gradient = make_objective(problem, hidden_size(problem, theta))(everyone, theta)
    bias_gradient = _bias_gradient(problem, theta).cpu().numpy()
    finite = torch.isfinite(theta).all(dim=1).cpu().numpy() & np.isfinite(bias_gradient)
    status = np.where(np.abs(bias_gradient) <= GRADIENT_TOLERANCE, CONVERGED, NOT_CONVERGED)
    shape = (len(problem.design), len(problem.weight))
    params = theta.cpu().numpy().reshape(*shape, -1)
    return Fit(
        params=params,
        loss=loss.cpu().numpy().reshape(shape) * problem.mass,
        gradient_norm=torch.linalg.vector_norm(gradient, dim=1).cpu().numpy().reshape(shape),
        bias=np.stack([np.zeros(shape), params[..., -1]], axis=-1),
        bias_gradient=of_both_classes(bias_gradient.reshape(shape)),
        n_iter=n_iter.cpu().numpy().reshape(shape),
        status=np.where(finite, status, DIVERGED).reshape(shape),
    )


def _bias_gradient(problem: Problem, theta: torch.Tensor) -> torch.Tensor:
    """∂L/∂b over the total mass, from the logits that are measured."""
    n_settings = len(problem.weight)
    parts = []
    for run, features in enumerate(problem.design[:, :, :-1]):
        logits = network_logits(features.contiguous(), theta[run * n_settings :][:n_settings])
        pull = torch.sigmoid(logits * problem.sign) * problem.weight * problem.sign
        parts.append(pull.sum(dim=1))
    return torch.cat(parts)


def fit_mlp(
    X: ArrayLike,
    y: ArrayLike,
    class_weight: ArrayLike,
    start: ArrayLike,
    *,
    max_iter: int = 300,
    refine: str | None = None,
    device: str = "cpu",
) -> Fit:
    r"""Weighted (d, h, 1) sigmoid network for every replication and every λ setting.

    Trains all layers (`train_bfgs`), then refines the output layer (`refine_output_layer`).
    "converged" says that the output bias is at its minimum, which is the premise of Eq. (8); the
    hidden layer is where training left it.

    Parameters
    ----------
    X : array_like, shape (n_runs, n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 and 1
    class_weight : array_like, shape (n_settings, 2)
    start : array_like, shape (n_runs, n_params)
        Initial parameters, see `initial_params`.
    max_iter : int
    refine : {"loo"}, optional
        Move the output bias on, to where the leave-one-out predictions balance (`loo_stage`): by
        all parameters, linearised where training stopped (`left_out_mlp` says what that misses).
    device : {"cpu", "cuda", "auto"}

    Returns
    -------
    Fit
        Refined, ``bias_gradient`` and ``loss`` are those of the left-out predictions.

    Raises
    ------
    ValueError
        If an argument does not fit (see `check_problem`).

    Examples
    --------
    >>> from learnprop.simulations.fitters.mlp.network import initial_params
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(1, 200, 2)), np.repeat([0, 1], 100)
    >>> fit = fit_mlp(X, y, [[0.5, 0.5]], [initial_params(2, 3, rng)], max_iter=20)
    >>> fit.status.tolist(), bool(abs(fit.bias_gradient).max() <= 1e-12)
    ([['converged']], True)
    """
    problem = check_problem(X, y, class_weight, device)
    initial, max_iter = check_start(problem, start), as_whole(max_iter, "max_iter", 0)
    to_refine = samples_to_refine(refine, X, y, class_weight)
    ((theta, n_iter),) = train_bfgs(problem, initial, depths=[max_iter])
    fit = describe(problem, refine_output_layer(problem, theta), n_iter)
    return refined(fit, to_refine, mlp_logits, left_out_mlp)


def check_start(problem: Problem, start: ArrayLike) -> torch.Tensor:
    """Initial parameters as a tensor, if there is one finite vector per replication.

    Raises
    ------
    ValueError
        If the shape does not fit the problem or a number is not finite.
    """
    n_runs, _, n_inputs = problem.design.shape
    initial = check_vectors(start, n_inputs - 1, 1, "start")
    if len(initial) != n_runs:
        raise BadArgument("start", f"must hold {n_runs} vectors, got shape {initial.shape}")
    return torch.as_tensor(as_finite(initial, "start"), device=problem.design.device)
