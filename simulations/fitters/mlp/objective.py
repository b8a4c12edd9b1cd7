"""Loss and gradient of many Sim2 networks at once: where the time of Table 1 goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch

from learnprop.simulations.engine.devices import runs_many_at_once
from learnprop.simulations.fitters.fit import Problem
from learnprop.simulations.fitters.mlp.bfgs import ValueAndGradient
from learnprop.simulations.fitters.mlp.network import unpack

TILE_VALUES = 2**19
"""Hidden activations that are computed at once on CPU (2 MiB in float32)."""


@dataclass(frozen=True)
class _Tile:
    """Some samples of every replication: what is known of them, and room for what is not.

    One row per unit, not per sample: sums over units and samples run along memory.
    """

    x: torch.Tensor
    """(n_runs, n_inputs, n)"""
    towards: torch.Tensor
    """Sign with which a logit speaks for a sample's own class, (n,)."""
    weight: torch.Tensor
    """(n_settings, 1, n)"""
    signed_weight: torch.Tensor
    """By which a logit is pulled where its class has no probability, (n_settings, 1, n)."""
    hidden: torch.Tensor
    """Room for units and, below them, ones for the bias, (at_once, n_hidden + 1, n)."""
    pulled: torch.Tensor
    logit: torch.Tensor
    own: torch.Tensor
    pull: torch.Tensor


def make_objective(
    problem: Problem, n_hidden: int, dtype: torch.dtype = torch.float64
) -> ValueAndGradient:
    r"""Loss and gradient of the networks of every (replication, setting), numbered row by row.

    With :math:`r_i = \omega_i s_i \sigma(s_i z_i)`, the pull of sample i on its logit, the gradient
    is :math:`\sum_i r_i` for b, :math:`\sum_i r_i h_i` for v, and
    :math:`v_j \sum_i r_i x_i (h_{ij} - h_{ij}^2)` for W and c.

    Parameters
    ----------
    problem : Problem
    n_hidden : int
    dtype : torch.dtype
        Of all that is per sample, and of sums over a tile of samples; tiles are added up in
        float64.

    Returns
    -------
    callable ``(problems, theta) -> (loss, gradient)``
        Both over the total mass.
    """
    n_settings, n_inputs = len(problem.weight), problem.design.shape[2]
    # On CPU the settings of one replication at a time, in tiles of samples written in place:
    # faster than whole passes over 75 problems, which come from memory.
    on_cpu = not runs_many_at_once(problem.design.device)
    at_once = n_settings if on_cpu else n_settings * len(problem.design)
    size = TILE_VALUES // (n_settings * n_hidden) if on_cpu else problem.design.shape[1]
    tiles = _tiles(problem, n_hidden, dtype, at_once, max(64, size))

    def evaluate(problems: torch.Tensor, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        layers = unpack(theta.to(dtype), n_inputs)[0].mT.contiguous()
        outputs = theta[:, None, n_inputs * n_hidden :].to(dtype)
        by_layer = layers.new_empty(len(tiles), *layers.shape)
        by_output = layers.new_empty(len(tiles), len(theta), n_hidden + 1, 1)
        log_likelihood = layers.new_empty(len(tiles), len(theta), 1, 1)
        parts = list(_parts(problems, n_settings)) if on_cpu else [_whole(problems, n_settings)]
        for tile, *sums in zip(tiles, by_layer, by_output, log_likelihood, strict=True):
            for rows, run, setting in parts:
                sums_of_rows = [each[rows] for each in sums]
                _evaluate(tile, run, setting, layers[rows], outputs[rows], *sums_of_rows)
        loss = -log_likelihood.sum(dim=(0, 2, 3), dtype=theta.dtype)
        of_layer = by_layer.sum(dim=0, dtype=theta.dtype) * theta[:, n_inputs * n_hidden : -1, None]
        of_output = by_output.sum(dim=0, dtype=theta.dtype)
        return loss, torch.cat([of_layer.mT.flatten(1), of_output[:, :, 0]], dim=1)

    return evaluate


def _tiles(
    problem: Problem, n_hidden: int, dtype: torch.dtype, at_once: int, size: int
) -> list[_Tile]:
    inputs = problem.design.mT.to(dtype).contiguous()
    towards, weight = -problem.sign.to(dtype), problem.weight[:, None].to(dtype)
    n_samples, n_inputs = problem.design.shape[1:]
    hidden = inputs.new_ones(at_once, n_hidden + 1, min(size, n_samples))
    pulled = inputs.new_empty(at_once, n_inputs, min(size, n_samples))
    rows = inputs.new_empty(3, at_once, 1, min(size, n_samples))
    tiles = []
    for first in range(0, n_samples, size):
        part = slice(first, min(first + size, n_samples))
        n = part.stop - first
        tiles.append(
            _Tile(
                inputs[..., part], towards[part], weight[..., part],
                -weight[..., part] * towards[part],
                hidden[..., :n], pulled[..., :n], *rows[..., :n],
            )
        )  # fmt: skip
    return tiles


def _evaluate(
    tile: _Tile,
    run: int | torch.Tensor,
    setting: list[int] | torch.Tensor | None,
    layer: torch.Tensor,
    output: torch.Tensor,
    by_layer: torch.Tensor,
    by_output: torch.Tensor,
    log_likelihood: torch.Tensor,
) -> None:
    """Sums over a tile for some networks; None is every setting of a replication."""
    x, weight, signed = tile.x[run], tile.weight, tile.signed_weight
    hidden, pulled, logit, own, pull = tile.hidden, tile.pulled, tile.logit, tile.own, tile.pull
    if setting is not None:
        n = len(layer)
        weight, signed = weight[setting], signed[setting]
        hidden, pulled, logit, own, pull = hidden[:n], pulled[:n], logit[:n], own[:n], pull[:n]
    units = hidden[:, :-1]
    _product(layer, x, units)
    units.sigmoid_()
    _product(output, hidden, logit)
    logit.mul_(tile.towards)
    torch.sigmoid(logit, out=own)
    torch.addcmul(signed, signed, own, value=-1, out=pull)
    torch.mul(x, pull, out=pulled)
    _product(hidden, pull.mT, by_output)
    units.addcmul_(units, units, value=-1)
    _product(units, pulled.mT, by_layer)
    # The logarithm of a probability below all numbers is the logit.
    _log(own.clamp_(min=torch.finfo(own.dtype).tiny))
    torch.minimum(own, logit, out=own)
    _product(own, weight.mT, log_likelihood)


def _product(left: torch.Tensor, right: torch.Tensor, out: torch.Tensor) -> None:
    """Matrix product; on CPU by numpy's OpenBLAS, 2.5 times faster at these shapes than torch's."""
    if runs_many_at_once(left.device):
        torch.matmul(left, right, out=out)
    else:
        np.matmul(left.numpy(), right.numpy(), out=out.numpy())


def _log(values: torch.Tensor) -> None:
    """Logarithm in place; on CPU numpy's, of float32 2.5 times faster than torch's."""
    if runs_many_at_once(values.device):
        values.log_()
    else:
        np.log(values.numpy(), out=values.numpy())


def _whole(
    problems: torch.Tensor, n_settings: int
) -> tuple[slice, int | torch.Tensor, list[int] | torch.Tensor | None]:
    """All rows at once: their replications and settings."""
    return slice(0, len(problems)), problems // n_settings, problems % n_settings


def _parts(
    problems: torch.Tensor, n_settings: int
) -> Iterator[tuple[slice, int | torch.Tensor, list[int] | torch.Tensor | None]]:
    """Rows, replication and settings, one replication after the other."""
    first = 0
    for run, group in groupby(problems.tolist(), lambda i: i // n_settings):
        settings = [i % n_settings for i in group]
        end = first + len(settings)
        yield slice(first, end), run, None if len(settings) == n_settings else settings
        first = end
