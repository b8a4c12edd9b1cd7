"""Loss and gradient of many Sim2 networks at once: where the time of Table 1 goes."""

from __future__ import annotations

import numpy as np
import torch

from learnprop.simulations.engine.devices import runs_many_at_once
from learnprop.simulations.fitters.fit import Problem
from learnprop.simulations.fitters.mlp.bfgs import ValueAndGradient
from learnprop.simulations.fitters.mlp.network import unpack

TILE_VALUES = 2**19
"""Hidden activations that are computed at once on CPU (2 MiB in float32)."""


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
        Of all that is per sample; sums over samples are added up in float64.

    Returns
    -------
    callable ``(problems, theta) -> (loss, gradient)``
        Both over the total mass.
    """
    inputs = problem.design.mT.to(dtype).contiguous()
    n_runs, n_inputs, n_samples = inputs.shape
    n_settings = len(problem.weight)
    sign, weight = problem.sign.to(dtype), problem.weight.to(dtype)
    signed_weight = weight * sign
    zero = weight.new_zeros(())
    # On CPU the settings of one replication at a time, in tiles of samples written in place: what
    # is needed stays in the second-level cache, 1.5 times faster than whole passes over 75
    # problems. One row per unit, not per sample: sums over units and samples run along memory.
    on_cpu = not runs_many_at_once(inputs.device)
    tile = max(64, TILE_VALUES // (n_settings * n_hidden)) if on_cpu else n_samples
    tile = min(tile, n_samples)
    tiles = [slice(i, min(i + tile, n_samples)) for i in range(0, n_samples, tile)]
    at_once = (1 if on_cpu else n_runs) * n_settings
    buffers = [inputs.new_empty(at_once * width * tile) for width in (n_hidden, n_inputs, 1, 1)]

    def evaluate(problems: torch.Tensor, theta: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        run, setting = problems // n_settings, problems % n_settings
        loss, gradient = theta.new_zeros(len(theta)), torch.zeros_like(theta)
        by_layer, by_readout, by_bias = unpack(gradient, n_inputs)
        for rows in _runs_of(run) if on_cpu else [slice(0, len(run))]:
            size = rows.stop - rows.start
            layer, readout, bias = unpack(theta[rows].to(dtype), n_inputs)
            x_all = inputs[run[rows.start]].expand(size, -1, -1) if on_cpu else inputs[run]
            pick = slice(None) if on_cpu and size == n_settings else setting[rows]
            w, signed = weight[pick], signed_weight[pick]
            for part in tiles:
                x = x_all[..., part]
                hidden, pulled, wrong_way, pull = (
                    buffer[: size * width * x.shape[2]].view(size, width, -1)
                    for buffer, width in zip(buffers, (n_hidden, n_inputs, 1, 1), strict=True)
                )
                torch.bmm(layer.mT, x, out=hidden).sigmoid_()
                torch.bmm(readout[:, None], hidden, out=wrong_way)
                wrong_way.add_(bias[:, None]).mul_(sign[part])
                torch.sigmoid(wrong_way, out=pull).mul_(signed[:, None, part])
                torch.logaddexp(wrong_way, zero, out=wrong_way).mul_(w[:, None, part])
                loss[rows] += wrong_way.sum(dim=(1, 2), dtype=theta.dtype)
                by_bias[rows] += pull.sum(dim=2, dtype=theta.dtype)
                torch.mul(x, pull, out=pulled)
                product = torch.bmm(hidden, pulled.mT)
                by_readout[rows] += product[:, :, -1]  # the last input is 1
                by_layer[rows] += product.sub_(torch.bmm(hidden.mul_(hidden), pulled.mT)).mT
            by_layer[rows] *= readout[:, None, :]
        return loss, gradient

    return evaluate


def _runs_of(values: torch.Tensor) -> list[slice]:
    """Slices within which all values are equal, one after the other."""
    sizes = torch.unique_consecutive(values, return_counts=True)[1].tolist()
    ends = np.cumsum(sizes).tolist()
    return [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
