r"""Refinement of output biases: where Eq. (8) is exact, whatever the features (E6).

A convex problem for each network: with F the loss over the total mass and half the squares of the
bias times α, :math:`\partial F / \partial b_j = (\text{right}_j - \text{left}_j) / \sum w + \alpha
b_j`. Passes over the samples are of all networks at once, on the device of their logits; what a
pass finds of a network are a few numbers, with which it is led on the host.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TypeAlias

import numpy as np
import torch
from scipy.linalg import cho_solve, lapack

from learnprop.equations.mean_proba import FloatArray, IntArray
from learnprop.simulations.records.by_class import (
    Piece,
    by_class,
    groups,
    laid_out,
    pieces,
    taken,
)

LARGEST_MOVE = 2.0
"""Of a bias in one step: sides that differ by a factor of 60 are four of them apart."""

BIAS_TOLERANCE = 1e-13
"""Relative difference of the two sides of every class."""

BIAS_ITERATIONS = 100

LARGEST_SPREAD = 50.0
"""Of a sample's logits, for Newton steps in the bias: where probabilities are zero and one, the
curvature is zero and says nothing of how far to go."""

MANY = 64
"""Classes beyond which samples of all classes are pooled: a square that is added to for each class
is K³ numbers in each pass, of 1000 classes and 10,000 samples ten times what the sums take."""

SAFE_PIVOT = 1e-6
"""Of a scaled Laplacian: by smaller ones it is not solved with."""

CONNECTED = 1e-14
"""Of the largest eigenvalue of a scaled Laplacian: below it is a part with no flow to others."""

Trial: TypeAlias = tuple[float, FloatArray]
"""A temperature, by which logits are divided, and a bias, (n_classes,), that is added then."""

Sides: TypeAlias = tuple[FloatArray, FloatArray, FloatArray]
"""What `sides_of_sample` says of one network."""

Refined: TypeAlias = tuple[FloatArray, int]
"""A bias, and how many trials it took."""

Path: TypeAlias = Generator[Trial, Sides, Refined]


def sides_of_sample(
    logits: torch.Tensor,
    labels: torch.Tensor,
    class_share: torch.Tensor,
    sample_weight: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Both sides of Eq. (8) of many networks on their samples, and the flow between classes.

    No side is a difference: each keeps its digits however close to zero it is.

    Parameters
    ----------
    logits : tensor of float64, shape (n_networks, n_samples, n_classes)
    labels : tensor of int, shape (n_samples,) or (n_networks, n_samples)
        Every class is present, in each network's sample as often.
    class_share : tensor of float64, shape (n_networks, n_classes)
        λ over the total mass.
    sample_weight : tensor of float64, shape (n_samples,), optional
        Not negative, of every network's: a sample counts as so many.

    Returns
    -------
    left, right : tensor, shape (n_networks, n_classes), over the total mass
    flow : tensor, shape (n_networks, n_classes, n_classes)
        Sum over all samples of the share times f_j f_k, j ≠ k: minus the Hessian in the bias.

    Raises
    ------
    ValueError
        If the labels do not fit (see `learnprop.simulations.records.by_class.by_class`).
    """
    samples = by_class(labels, logits.shape)
    weight = None if sample_weight is None else sample_weight[samples.order]
    return _sides(lambda piece: taken(logits, samples, piece), samples.ends, class_share, weight)


def _sides(
    logits_of: Callable[[Piece], torch.Tensor],
    ends: tuple[int, ...],
    class_share: torch.Tensor,
    weight: torch.Tensor | None = None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`sides_of_sample` of logits (networks, n_classes, samples), a piece at a time."""
    n_networks, n_classes = class_share.shape
    if n_classes > MANY:
        return _sides_of_many(logits_of, ends, class_share, weight)
    flow = class_share.new_zeros(n_networks, n_classes, n_classes)
    sums = torch.zeros_like(flow)
    for piece in pieces(ends, n_networks, n_classes, flow.device):
        of = piece.networks, piece.class_
        proba = torch.softmax(logits_of(piece), dim=1)
        counted = proba
        if weight is not None:
            counted = proba * weight[piece.networks, None, piece.samples]
        sums[of] += class_share[of][:, None] * counted.sum(dim=2)
        flow[piece.networks] += class_share[of][:, None, None] * torch.bmm(counted, proba.mT)
    for square in (sums, flow):
        square.diagonal(dim1=1, dim2=2).zero_()
    return sums.sum(dim=2), sums.sum(dim=1), flow


def _sides_of_many(
    logits_of: Callable[[Piece], torch.Tensor],
    ends: tuple[int, ...],
    class_share: torch.Tensor,
    weight: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """`_sides`, samples of all classes together: each counts with its class's share."""
    n_networks, n_classes = class_share.shape
    device = class_share.device
    flow = class_share.new_zeros(n_networks, n_classes, n_classes)
    left, right = torch.zeros_like(class_share), torch.zeros_like(class_share)
    each = torch.arange(n_classes, device=device)
    classes = each.repeat_interleave(torch.tensor(ends, device=device).diff())
    for piece in pieces((0, ends[-1]), n_networks, n_classes, device):
        of = piece.networks
        own = each[:, None] == classes[piece.samples]
        proba = torch.softmax(logits_of(piece), dim=1)
        counted = class_share[of][:, classes[piece.samples]]
        if weight is not None:
            counted = counted * weight[of, piece.samples]
        shared = proba * counted[:, None]
        flow[of].baddbmm_(shared, proba.mT)
        others = shared.masked_fill_(own, 0.0)
        left[of] += others.sum(dim=1) @ own.T.to(others)
        right[of] += others.sum(dim=2)
    flow.diagonal(dim1=1, dim2=2).zero_()
    return left, right, flow


def refine_bias(
    logits: torch.Tensor,
    labels: torch.Tensor,
    class_share: torch.Tensor,
    bias: torch.Tensor,
    *,
    penalty: float = 0.0,
    sample_weight: torch.Tensor | None = None,
) -> tuple[torch.Tensor, IntArray]:
    """Solve for the output biases by damped Newton: both sides of Eq. (8) become equal.

    Logits that are far apart are divided first until they are not, and then by less and less.

    Memory is that of a copy of the logits, of as many networks at a time as make 1 GiB, and some
    temporaries, of half a MiB each on a processor and 128 MiB on a GPU. An iteration copies
    n_classes (n_classes + 2) numbers of each network to the host, and n_classes + 2 back; networks
    that have settled take no part in it.

    Parameters
    ----------
    logits : tensor of float64, shape (n_networks, n_samples, n_classes)
        Without the bias.
    labels : tensor of int, shape (n_samples,) or (n_networks, n_samples)
        Every class is present, in each network's sample as often.
    class_share : tensor of float64, shape (n_networks, n_classes)
        λ over the total mass.
    bias : tensor of float64, shape (n_networks, n_classes)
        Where to start; without a penalty its mean is kept, as softmax training keeps it.
    penalty : float
        α_b, of the bias; 0 leaves Eq. (8) exact.
    sample_weight : tensor of float64, shape (n_samples,), optional
        As in `sides_of_sample`.

    Returns
    -------
    bias : tensor of float64, shape (n_networks, n_classes)
    n_iter : ndarray of int, shape (n_networks,)
        Passes over the sample.

    Raises
    ------
    ValueError
        If the labels do not fit (see `learnprop.simulations.records.by_class.by_class`).

    Examples
    --------
    >>> logits = torch.zeros(1, 4, 2, dtype=torch.float64)  # p of class 0 becomes its share, 3/4
    >>> share = torch.full((1, 2), 0.25, dtype=torch.float64)
    >>> b, _ = refine_bias(logits, torch.tensor([0, 0, 0, 1]), share, logits[:, 0])
    >>> torch.softmax(b, dim=1).round(decimals=12).tolist()
    [[0.75, 0.25]]
    """
    samples = by_class(labels, logits.shape)
    refined, n_iter = np.empty(bias.shape), np.empty(len(bias), dtype=np.int64)
    for group in groups(logits):
        z = laid_out(logits, samples, group)
        spread = (z.amax(dim=1) - z.amin(dim=1)).amax(dim=1)
        start = torch.cat([spread[:, None], bias[group]], dim=1).cpu().numpy()
        paths = [_path(of[0], of[1:], penalty) for of in start]
        weight = None if sample_weight is None else sample_weight[samples.order[group]]
        found = _followed(paths, z, samples.ends, class_share[group], weight)
        refined[group], n_iter[group] = (list(values) for values in zip(*found, strict=True))
    return torch.as_tensor(refined, device=bias.device), n_iter


def _followed(
    paths: list[Path],
    logits: torch.Tensor,
    ends: tuple[int, ...],
    class_share: torch.Tensor,
    weight: torch.Tensor | None,
) -> list[Refined]:
    """Lead networks to their ends, with a pass over the samples of all that are on their way."""
    trials = {i: next(path) for i, path in enumerate(paths)}
    refined: dict[int, Refined] = {}
    while trials:
        sides = _sides_at(trials, logits, ends, class_share, weight)
        for i, of_network in zip(list(trials), sides, strict=True):
            try:
                trials[i] = paths[i].send(of_network)
            except StopIteration as end:
                refined[i] = end.value
                del trials[i]
    return [refined[i] for i in range(len(paths))]


def _sides_at(
    trials: Mapping[int, Trial],
    logits: torch.Tensor,
    ends: tuple[int, ...],
    class_share: torch.Tensor,
    weight: torch.Tensor | None,
) -> list[Sides]:
    """Sides of each network that is tried; one copy to the device, one back."""
    numbers = np.array([[i, temperature, *bias] for i, (temperature, bias) in trials.items()])
    sent = torch.as_tensor(numbers, device=logits.device)
    network, temperature, bias = sent[:, 0].long(), sent[:, 1, None, None], sent[:, 2:, None]

    def at_trial(piece: Piece) -> torch.Tensor:
        of = piece.networks
        z = logits[:, :, piece.samples].index_select(0, network[of])
        return torch.addcdiv(bias[of], z, temperature[of])

    of_trials = None if weight is None else weight[network]
    left, right, flow = _sides(at_trial, ends, class_share[network], of_trials)
    home = torch.cat([left[:, None], right[:, None], flow], dim=1).cpu().numpy()
    return [(of_network[0], of_network[1], of_network[2:]) for of_network in home]


def _path(spread: float, bias: FloatArray, penalty: float) -> Path:
    """Ask for the sides at one trial after another; the bias of one network, and how many."""
    b, n_iter = bias, 0
    temperature = max(1.0, spread / LARGEST_SPREAD)
    while True:
        b, n = yield from _newton_in_bias(temperature, b / temperature, penalty * temperature)
        b, n_iter = b * temperature, n_iter + n
        if temperature == 1:
            return b, n_iter
        temperature = max(1.0, temperature / 4)


def _newton_in_bias(temperature: float, bias: FloatArray, penalty: float) -> Path:
    """Newton steps from a start; the best point that was met."""
    b = best = bias
    least, n_iter = float("inf"), 0
    while n_iter < BIAS_ITERATIONS:
        n_iter += 1
        left, right, flow = yield temperature, b
        gradient = right - left + penalty * b
        larger = np.maximum(np.maximum(left, right), abs(penalty * b))
        differs = float((np.abs(gradient) / np.maximum(larger, 1e-300)).max())
        if differs < least:
            best, least = b, differs
        elif least < 1e-11:  # rounding
            break
        if differs <= BIAS_TOLERANCE:
            break
        step = _bias_step(gradient, flow, penalty)
        if penalty == 0:
            step -= step.mean()
        b = b + step * min(1.0, LARGEST_MOVE / max(float(np.abs(step).max()), 1e-300))
    return best, n_iter


def _bias_step(gradient: FloatArray, flow: FloatArray, penalty: float) -> FloatArray:
    """Newton step: a Laplacian, scaled to a diagonal of one; without a penalty one bias is held."""
    diagonal = flow.sum(axis=1) + penalty
    hessian = np.diag(diagonal) - flow
    free = diagonal > 1e-290  # a class whose probability is zero everywhere does not move
    if penalty == 0:
        free[diagonal.argmax()] = False
    scale = 1 / np.sqrt(diagonal[free])
    matrix = scale[:, None] * hessian[np.ix_(free, free)] * scale
    step = np.zeros_like(gradient)
    if len(scale) > MANY:  # of 1000 classes eigenvectors take 20 times as long
        root, failed = lapack.dpotrf(matrix, lower=True)
        if not failed and np.diagonal(root).min() ** 2 > SAFE_PIVOT:
            step[free] = -scale * cho_solve((root, True), scale * gradient[free])
            return step
    if len(scale):
        # By eigenvectors: parts of the classes between which nothing flows are no trouble, and
        # lstsq, which would do, does not give the same bits twice.
        values, vectors = np.linalg.eigh(matrix)
        kept = values > CONNECTED * values[-1]
        projected = vectors[:, kept].T @ (scale * gradient[free])
        step[free] = -scale * (vectors[:, kept] @ (projected / values[kept]))
    return step
