"""Convolution of many networks at once, channels last: columns of the input, batched products."""

from __future__ import annotations

from typing import Any

import torch


class Convolution(torch.autograd.Function):
    """``Convolution.apply(x, weight)``: without padding, stride 1, no bias.

    ==========  ====================================================
    ``x``       (n_networks, n, height, width, channels)
    ``weight``  (n_networks, channels out, kernel height, kernel width, channels)
    returns     (n_networks, n, height out, width out, channels out)
    ==========  ====================================================

    The gradient is written out for the sake of `summed_columns`, whose order in memory decides how
    fast a GPU reads the columns; autograd's own has the channels apart.
    """

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Product of the columns and the kernels."""
        windows = columns(x, weight.shape[2], weight.shape[3])
        rows = windows.flatten(4).flatten(1, 3)
        ctx.save_for_backward(rows, weight)
        ctx.shape = x.shape
        return torch.bmm(rows, weight.flatten(2).mT).unflatten(1, windows.shape[1:4])

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
        """Gradients in the input, where one is asked for, and in the kernels."""
        rows, weight = ctx.saved_tensors
        of_rows = gradient.flatten(1, 3)
        of_weight = torch.bmm(of_rows.mT, rows).view_as(weight)
        if not ctx.needs_input_grad[0]:  # of images
            return None, of_weight
        windows = torch.bmm(of_rows, weight.flatten(2))
        windows = windows.unflatten(2, weight.shape[2:]).unflatten(1, gradient.shape[1:4])
        return summed_columns(windows, ctx.shape), of_weight


def columns(x: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Copy the windows of images, each whole.

    Parameters
    ----------
    x : tensor, shape (n_networks, n, rows, columns, channels)
    height, width : int
        Of a window.

    Returns
    -------
    tensor, shape (n_networks, n, rows - height + 1, columns - width + 1, height, width, channels)

    Examples
    --------
    >>> x = torch.arange(6.0).view(1, 1, 2, 3, 1)
    >>> columns(x, 2, 2).flatten(4)[0, 0, 0].tolist()
    [[0.0, 1.0, 3.0, 4.0], [1.0, 2.0, 4.0, 5.0]]
    """
    windows = x.unfold(2, height, 1).unfold(3, width, 1)  # channels before height and width
    return windows.movedim(4, -1).contiguous()


def summed_columns(windows: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """Add up windows where they lie in their images: the transpose of `columns`.

    Parameters
    ----------
    windows : tensor
        Of the shape that `columns` returns.
    shape : torch.Size
        Of the images.

    Returns
    -------
    tensor

    Examples
    --------
    >>> x = torch.ones(1, 1, 2, 3, 1)
    >>> summed_columns(columns(x, 2, 2), x.shape)[0, 0, ..., 0].tolist()
    [[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]
    """
    n_networks, n, rows, across, channels = shape
    height, width = windows.shape[4:6]
    # First along the width, channels last: what lies together in the columns is read together.
    strips = torch.ops.aten.unfold_backward(
        windows.movedim(5, -1),
        [n_networks, n, rows - height + 1, across, height, channels],
        3,
        width,
        1,
    )
    summed: torch.Tensor = torch.ops.aten.unfold_backward(
        strips.movedim(4, -1), list(shape), 2, height, 1
    )
    return summed
