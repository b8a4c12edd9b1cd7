"""Products of the features of a sample, each pair once."""

from __future__ import annotations

import torch


def products_of(x: torch.Tensor, out: torch.Tensor) -> None:
    """Multiply each pair p <= q of rows of x.

    Parameters
    ----------
    x : tensor, shape (n_runs, n_params, n_samples)
    out : tensor, shape (n_runs, n_params (n_params + 1) / 2, n_samples)

    Examples
    --------
    >>> x, out = torch.tensor([[[2.0], [3.0]]]), torch.empty(1, 3, 1)
    >>> products_of(x, out)
    >>> out.flatten().tolist()
    [4.0, 6.0, 9.0]
    """
    first = 0
    for p in range(x.shape[1]):
        others = slice(first, first + x.shape[1] - p)
        torch.mul(x[:, p:], x[:, p : p + 1], out=out[:, others])
        first = others.stop


def places_of_products(n_params: int) -> torch.Tensor:
    """Number of the product of each pair of parameters.

    Parameters
    ----------
    n_params : int

    Returns
    -------
    tensor of int64, shape (n_params, n_params)

    Examples
    --------
    >>> places_of_products(2).tolist()
    [[0, 1], [1, 2]]
    """
    p, q = torch.triu_indices(n_params, n_params)
    place = torch.empty(n_params, n_params, dtype=torch.int64)
    place[p, q] = place[q, p] = torch.arange(len(p))
    return place
