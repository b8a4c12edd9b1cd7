"""Fits of a network with one hidden layer and softmax outputs: training, then refinement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import torch
from numpy.typing import ArrayLike

from learnprop.equations.arguments import BadArgument
from learnprop.equations.arrays import FloatArray, as_number, as_whole
from learnprop.simulations.engine.devices import runs_many_at_once
from learnprop.simulations.engine.footprint import NUMBER, BlockSize
from learnprop.simulations.engine.within import tell
from learnprop.simulations.fitters.fit import (
    Fit,
    Fitted,
    Samples,
    check_rngs,
    check_samples,
    with_ones,
)
from learnprop.simulations.fitters.fitter import Batch, FitMemory, Fitter, left_out_by
from learnprop.simulations.fitters.left_out import loo_stage, samples_to_refine
from learnprop.simulations.fitters.mlp.left_out import left_out_output_layer
from learnprop.simulations.fitters.mlp.minibatches import MinibatchLoss, train_adam
from learnprop.simulations.fitters.mlp.network import check_vectors, hidden_activations
from learnprop.simulations.fitters.mlp.sim2 import HEAD_TOLERANCE
from learnprop.simulations.fitters.mlp.softmax_network import (
    each_logits,
    initial_softmax_params,
    output_biases,
    softmax_mlp_logits,
    unpack_softmax,
)
from learnprop.simulations.fitters.regression import in_units, standardise
from learnprop.simulations.generators import large_sample_limit
from learnprop.simulations.minimisation.newton import GRADIENT_TOLERANCE, SETTLED
from learnprop.simulations.minimisation.softmax_loss import plain_loss
from learnprop.simulations.minimisation.softmax_minimum import minimise_softmax
from learnprop.simulations.records.rows import CONVERGED, DIVERGED, NOT_CONVERGED
from learnprop.simulations.refinement.softmax_bias import refine_bias

HEAD_ITERATIONS = 50
"""Newton iterations for the output layer: a finite minimum takes about twenty."""

STAGES = ("raw", "bias", "head")
"""As trained; the output bias refined; the whole output layer refined on frozen features."""


def fit_softmax_mlp(
    X: ArrayLike,
    y: ArrayLike,
    class_weight: ArrayLike,
    start: ArrayLike,
    *,
    rngs: Sequence[np.random.Generator],
    epochs: int = 20,
    batch_size: int = 128,
    learning_rate: float = 1e-2,
    refine: str | None = None,
    device: str = "cpu",
) -> dict[str, Fit]:
    """Weighted one-hidden-layer softmax network for every replication and every λ setting.

    Trains all layers by minibatch Adam with a constant normaliser (`train_adam`); then refines the
    output bias; then the whole output layer on frozen features. "converged" is the premise of
    Eq. (8) and no more: the gradient in the output bias is at most 1e-12 of the total mass.

    Parameters
    ----------
    X : array_like, shape (n_runs, n_samples, n_features)
    y : array_like, shape (n_samples,), labels 0 .. n_classes-1
    class_weight : array_like, shape (n_settings, n_classes)
    start : array_like, shape (n_runs, n_params)
        Initial parameters, see `initial_softmax_params`.
    rngs : sequence of numpy.random.Generator
        One per replication, for its minibatches.
    epochs, batch_size : int
    learning_rate : float
    refine : {"loo"}, optional
        Beside the head, move its output bias on to where the leave-one-out predictions of the
        output layer balance (`loo_stage`, `left_out_output_layer`): what the hidden layer overfits
        is not known to them, and is not repaired.
    device : {"cpu", "cuda", "auto"}

    Returns
    -------
    dict of str to Fit
        By stage: "raw", "bias", "head" and, if asked for, "loo", whose ``bias_gradient`` and
        ``loss`` are those of the left-out predictions; their parameters have shape (n_runs,
        n_settings, n_params).

    Raises
    ------
    ValueError
        If an argument does not fit (see `check_samples`).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(1, 300, 2)), np.arange(300) % 3
    >>> start = [initial_softmax_params(2, 4, 3, rng)]
    >>> fits = fit_softmax_mlp(X, y, [[1.0, 1.0, 1.0]], start, rngs=[rng], epochs=2)
    >>> {stage: fit.status.item() for stage, fit in fits.items()}
    {'raw': 'not converged', 'bias': 'converged', 'head': 'converged'}
    """
    data = check_samples(X, y, class_weight, device)
    n_runs, n_samples, n_features = data.features.shape
    n_settings, n_classes = data.class_weight.shape
    initial = check_vectors(start, n_features, n_classes, "start")
    if len(initial) != n_runs:
        raise BadArgument("start", f"must hold {n_runs} vectors, got shape {initial.shape}")
    check_rngs(rngs, n_runs)
    epochs, batch_size = as_whole(epochs, "epochs", 1), as_whole(batch_size, "batch_size", 1)
    learning_rate = as_number(learning_rate, "learning_rate")
    if not 0 < learning_rate < np.inf:
        raise BadArgument("learning_rate", f"must be positive and finite, got {learning_rate}")
    to_refine = samples_to_refine(refine, X, y, class_weight)
    theta, n_iter = train_adam(
        _minibatch_loss(data),
        torch.as_tensor(initial, device=data.device).repeat_interleave(n_settings, dim=0),
        n_samples=n_samples,
        epochs=epochs,
        rngs=rngs,
        batch_size=batch_size,
        learning_rate=learning_rate,
    )
    head = _refine_output_layer(data, theta)
    stages = {"raw": theta, "bias": _refine_bias(data, theta), "head": _refine_bias(data, head)}
    fits = {stage: _describe(data, params, n_iter) for stage, params in stages.items()}
    if to_refine is not None:
        refined = _fitted((), epochs, "head", fits["head"], data.class_weight, n_features)
        fits["loo"] = loo_stage(refined, data.features, data.labels, data.class_weight).fit
    return fits


def _fitted(
    settings: tuple[str, ...],
    epochs: int,
    stage: str,
    fit: Fit,
    class_weight: FloatArray,
    n_features: int,
) -> Fitted:
    """Networks at a stage; refined heads with what they predict of samples left out."""
    n_classes = fit.bias.shape[-1]
    n_hidden = (fit.params.shape[-1] - n_classes) // (n_features + 1 + n_classes)
    at_head = stage == "head"
    return Fitted(
        settings, epochs, stage, fit, partial(softmax_mlp_logits, n_classes=n_classes),
        left_out=left_out_by(left_out_output_layer, fit, class_weight) if at_head else None,
        biases_of=partial(output_biases, n_hidden=n_hidden, n_classes=n_classes),
    )  # fmt: skip


def _minibatch_loss(data: Samples) -> MinibatchLoss:
    n_runs, n_samples, n_features = data.features.shape
    n_settings, n_classes = data.class_weight.shape
    design = with_ones(data)
    labels = torch.as_tensor(data.labels, device=data.device)
    weight = torch.as_tensor(data.class_weight / data.mass[:, None], device=data.device)
    run = torch.arange(n_runs, device=data.device)[:, None]

    def loss(theta: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
        x = design[run, rows].repeat_interleave(n_settings, dim=0)
        y = labels[rows]
        layer, output = unpack_softmax(theta, n_features + 1, n_classes)
        hidden = torch.sigmoid(torch.bmm(x, layer))
        z = torch.baddbmm(output[:, None, :, -1], hidden, output[:, :, :-1].mT)
        own = y.repeat_interleave(n_settings, dim=0)[:, :, None]
        nll = torch.logsumexp(z, dim=2) - z.gather(2, own)[:, :, 0]
        by_sample = weight[:, y].transpose(0, 1).flatten(0, 1)
        return (by_sample * nll).sum() * (n_samples / rows.shape[1])

    return loss


def _each_network(data: Samples, theta: torch.Tensor) -> Iterator[tuple[int, torch.Tensor, int]]:
    """Number, features (n_samples, n_features) and λ setting of each network."""
    n_settings = len(data.class_weight)
    features = torch.as_tensor(data.features, device=data.device)
    for i in range(len(theta)):
        yield i, features[i // n_settings], i % n_settings


def _refine_output_layer(data: Samples, theta: torch.Tensor) -> torch.Tensor:
    """Solve the convex problem of the output layer on frozen features, where it has a minimum."""
    n_classes = data.class_weight.shape[1]
    refined = theta.clone()
    layers, outputs = unpack_softmax(refined, data.features.shape[2] + 1, n_classes)
    networks, targets = list(_each_network(data, theta)), _targets(data)
    at_once = len(theta) if runs_many_at_once(data.device) else 1
    for first in range(0, len(theta), at_once):
        tell(f"{first} of {len(theta)} output layers refined")
        part = networks[first : first + at_once]
        hidden = [hidden_activations(features, layers[i]).mT for i, features, _ in part]
        by = standardise(torch.stack(hidden))
        design = torch.cat([by.features, torch.ones_like(by.features[:, :1])], dim=1)
        loss = plain_loss(design, torch.stack([targets[setting] for _, _, setting in part]))
        start = torch.zeros_like(loss.target_moments)
        found = minimise_softmax(loss, start, max_iter=HEAD_ITERATIONS)
        at_minimum = (found.gradient_norm <= HEAD_TOLERANCE) & (found.last_move <= SETTLED)
        before = outputs[first : first + at_once]
        before[:] = torch.where(at_minimum[..., None], in_units(found.theta, by)[:, 0], before)
    return refined


def _refine_bias(data: Samples, theta: torch.Tensor) -> torch.Tensor:
    """Solve for the output bias alone; of its minima the one that sums to zero."""
    n_classes = data.class_weight.shape[1]
    refined = theta.clone()
    _, outputs = unpack_softmax(refined, data.features.shape[2] + 1, n_classes)
    start = outputs[:, :, -1] - outputs[:, :, -1].mean(dim=1, keepdim=True)
    outputs[:, :, -1] = 0.0
    labels = torch.as_tensor(data.labels, device=data.device)
    class_share = torch.as_tensor(data.class_weight / data.mass[:, None], device=data.device)
    each = [
        z for i, features, _ in _each_network(data, theta)
        for z in each_logits(features, refined[i : i + 1], n_classes)
    ]  # fmt: skip
    shares = class_share.repeat(len(data.features), 1)
    outputs[:, :, -1], _ = refine_bias(torch.stack(each), labels, shares, start)
    return refined


def _targets(data: Samples) -> torch.Tensor:
    """Target mass (n_settings, n_classes, n_samples) of the plain loss, over the total mass."""
    weight = data.class_weight / data.mass[:, None]
    one_hot = np.eye(weight.shape[1])[:, data.labels]
    return torch.as_tensor(weight[:, None, data.labels] * one_hot, device=data.device)


def _describe(data: Samples, theta: torch.Tensor, n_iter: torch.Tensor) -> Fit:
    """Loss and gradients of networks, in float64."""
    shape, n_classes = (len(data.features), len(data.class_weight)), data.class_weight.shape[1]
    loss, norm, bias_gradient = list[torch.Tensor](), list[torch.Tensor](), list[torch.Tensor]()
    targets = _targets(data)
    for i, features, setting in _each_network(data, theta):
        parameters = theta[i : i + 1].clone().requires_grad_()
        (logits,) = each_logits(features, parameters, n_classes)
        target = targets[setting]
        value = -(target.mT * torch.log_softmax(logits, dim=1)).sum()
        (gradient,) = torch.autograd.grad(value, parameters)
        proba = torch.softmax(logits.detach(), dim=1)
        loss.append(value.detach())
        norm.append(torch.linalg.vector_norm(gradient))
        # Pulls are summed, not autograd's sums: those of the logits that are measured.
        bias_gradient.append(target.sum(dim=0) @ proba - target.sum(dim=1))
    gradients = torch.stack(bias_gradient).cpu().numpy()
    finite = torch.isfinite(theta).all(dim=1).cpu().numpy() & np.isfinite(gradients).all(axis=1)
    largest = np.abs(gradients).max(axis=1)
    status = np.where(largest <= GRADIENT_TOLERANCE, CONVERGED, NOT_CONVERGED)
    _, outputs = unpack_softmax(theta, data.features.shape[2] + 1, n_classes)
    return Fit(
        params=theta.cpu().numpy().reshape(*shape, -1),
        loss=torch.stack(loss).cpu().numpy().reshape(shape) * data.mass,
        gradient_norm=torch.stack(norm).cpu().numpy().reshape(shape),
        bias=outputs[:, :, -1].cpu().numpy().reshape(*shape, n_classes),
        bias_gradient=gradients.reshape(*shape, n_classes),
        n_iter=n_iter.cpu().numpy().reshape(shape),
        status=np.where(finite, status, DIVERGED).reshape(shape),
    )


def _fit(batch: Batch, *, hidden: int, epochs: int) -> list[Fitted]:
    """Every stage of the networks of a block, each run from a start of its own."""
    n_features, n_classes = batch.X.shape[2], len(batch.values[0])
    start = [
        initial_softmax_params(n_features, hidden, n_classes, rng) for rng in batch.rngs("start")
    ]
    fits = fit_softmax_mlp(
        batch.X,
        batch.y,
        batch.values,
        start,
        rngs=batch.rngs("minibatch"),
        epochs=epochs,
        device=batch.device,
    )
    return [
        _fitted(batch.settings, epochs, stage, fit, np.asarray(batch.values), n_features)
        for stage, fit in fits.items()
    ]


def _memory(size: BlockSize, *, hidden: int, **_: object) -> FitMemory:
    """As measured at 2 and 100 features; leaving out, at 4 to 100 hidden units, 3 to 10 classes."""
    outputs = 1.4 * (hidden + size.n_classes) * size.fits
    left_out = 4 * (hidden + size.n_classes) + 4 * (size.n_classes - 1) ** 2
    of_samples = max(outputs, left_out) * size.n_samples
    return FitMemory(NUMBER * (2.4 * size.features + of_samples))


def _headline(*, epochs: int, **_: object) -> tuple[int, str]:
    return epochs, "head"


FITTER = Fitter(
    title="a network with one hidden layer of {hidden} sigmoid units, {epochs} epochs of Adam in "
    "minibatches of 128 at learning rate 0.01; measured as trained (raw), with the output bias "
    "refined (bias) and with the output layer refined (head, in the tables); what is predicted of "
    "left-out samples is the output layer's share of the overfitting: the hidden layer's is not "
    "known to it",
    fit=_fit,
    headline=_headline,
    limit=large_sample_limit.RICH_MODEL,
    memory=_memory,
    leaves_out=True,
)
