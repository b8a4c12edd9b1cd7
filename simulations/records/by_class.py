"""Samples of many networks in the order of their classes, a bounded part of them at a time.

Sums over a class are then sums over neighbours: no mask, and no atomic addition, whose order a GPU
chooses anew every time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch

from learnprop.equations.arguments import BadArgument

CACHED = 2**16
"""Numbers of one temporary on a processor: half a MiB, which the second-level cache holds."""

LAUNCHED = 2**24
"""Numbers of one temporary elsewhere: 128 MiB."""

COPIED = 2**27
"""Numbers of the logits of all networks that are laid out anew at once: 1 GiB."""


@dataclass(frozen=True)
class ByClass:
    """Where the samples of each class are.

    Attributes
    ----------
    order : tensor of int, shape (n_networks, n_samples)
        Numbers of each network's samples, class after class; an expanded view where networks share
        their labels.
    ends : tuple of int, shape (n_classes + 1,)
        Class k is ``order[:, ends[k] : ends[k + 1]]``, of every network.
    """

    order: torch.Tensor
    ends: tuple[int, ...]

    @property
    def class_count(self) -> list[int]:
        """Samples of each class."""
        return [end - first for first, end in pairwise(self.ends)]


@dataclass(frozen=True)
class Piece:
    """Neighbouring samples of one class of neighbouring networks, or of rows of such."""

    class_: int
    networks: slice
    samples: slice


def by_class(labels: torch.Tensor, shape: tuple[int, ...]) -> ByClass:
    """Bring samples into the order of their classes; one copy to the host.

    Parameters
    ----------
    labels : tensor of int, shape (n_samples,) or (n_networks, n_samples)
        0 .. n_classes-1, on any device; of one axis, where all networks share them.
    shape : (n_networks, n_samples, n_classes)
        Of the logits.

    Returns
    -------
    ByClass

    Raises
    ------
    ValueError
        If the labels' shape does not fit, a label is none, a class is absent, or the networks'
        class sizes differ.

    Examples
    --------
    >>> found = by_class(torch.tensor([2, 0, 1, 0]), (5, 4, 3))
    >>> found.order.shape, found.order[0].tolist(), found.ends
    (torch.Size([5, 4]), [1, 3, 2, 0], (0, 2, 3, 4))
    """
    n_networks, n_samples, n_classes = shape
    if labels.shape not in ((n_samples,), (n_networks, n_samples)):
        fits = f"({n_samples},) or ({n_networks}, {n_samples})"
        raise BadArgument("y_true", f"must have shape {fits}, got {tuple(labels.shape)}")
    labels = torch.atleast_2d(labels)
    found, order = labels.sort(dim=1, stable=True)
    classes = torch.arange(n_classes + 1, device=labels.device, dtype=labels.dtype)
    ends = torch.searchsorted(found, classes.expand(len(labels), -1).contiguous()).cpu().numpy()
    if (ends[:, 0] > 0).any() or (ends[:, -1] < n_samples).any():
        raise BadArgument("y_true", f"must hold labels 0..{n_classes - 1}")
    absent = (ends[:, 1:] == ends[:, :-1]).any(axis=0)
    if absent.any():
        raise BadArgument("y_true", f"holds no sample of class {absent.argmax()}")
    if (ends != ends[0]).any():
        raise BadArgument("y_true", "must have the same class sizes for every network")
    return ByClass(order.expand(n_networks, -1), tuple(ends[0].tolist()))


def pieces(
    ends: tuple[int, ...], n_networks: int, width: int, device: torch.device
) -> Iterator[Piece]:
    """Cut the samples of many networks into pieces whose temporaries stay small.

    Parameters
    ----------
    ends : tuple of int
        As of `ByClass`.
    n_networks : int
    width : int
        Numbers of a temporary per sample.
    device : torch.device
        Says what is small: `CACHED` or `LAUNCHED`.

    Yields
    ------
    Piece
        Of one class, with at most so many numbers; as many samples as that allows, then networks.

    Examples
    --------
    >>> cut = pieces((0, 3, 5), 4, 10, torch.device("cpu"))
    >>> [(p.class_, p.networks.stop, p.samples.stop) for p in cut]
    [(0, 4, 3), (1, 4, 5)]
    """
    size = (CACHED if device.type == "cpu" else LAUNCHED) // width
    for k, (start, end) in enumerate(pairwise(ends)):
        n_samples = max(1, min(end - start, size))
        at_once = max(1, size // n_samples)
        for network in range(0, n_networks, at_once):
            networks = slice(network, min(network + at_once, n_networks))
            for first in range(start, end, n_samples):
                yield Piece(k, networks, slice(first, min(first + n_samples, end)))


def taken(logits: torch.Tensor, samples: ByClass, piece: Piece) -> torch.Tensor:
    """Logits of a piece, shape (networks, n_classes, samples), of (n_networks, n, n_classes).

    Classes first: operations along the samples then run along contiguous memory, a softmax of ten
    classes 8 times faster on a processor than along the classes.
    """
    n_samples, n_classes = logits.shape[1:]
    first = torch.arange(piece.networks.start, piece.networks.stop, device=logits.device)
    rows = first[:, None] * n_samples + samples.order[piece.networks, piece.samples]
    found = logits.flatten(0, 1).index_select(0, rows.flatten())
    return found.view(*rows.shape, n_classes).mT.contiguous()


def groups(logits: torch.Tensor) -> Iterator[slice]:
    """Networks whose logits (n_networks, n_samples, n_classes) are laid out at once: `COPIED`."""
    at_once = max(1, COPIED // logits[0].numel())
    for first in range(0, len(logits), at_once):
        yield slice(first, min(first + at_once, len(logits)))


def laid_out(logits: torch.Tensor, samples: ByClass, networks: slice) -> torch.Tensor:
    """Copy of some networks' logits, (networks, n_classes, n_samples), class after class."""
    part, of = logits[networks], ByClass(samples.order[networks], samples.ends)
    copy = part.new_empty(len(part), part.shape[2], part.shape[1])
    for piece in pieces(of.ends, len(part), part.shape[2], part.device):
        copy[piece.networks, :, piece.samples] = taken(part, of, piece)
    return copy
