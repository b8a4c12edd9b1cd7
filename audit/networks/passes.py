"""A network's logits over all batches of a loader, with nothing of it changed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from learnprop.equations.arguments import BadArgument

LABELS = ("labels", "label", "y")
"""Keys of the labels in batches that are mappings, the first that is there."""

Forward = Callable[[nn.Module, Any], tuple[Tensor, Tensor]]
"""(module, batch) to logits and labels."""


def forward_of_batch(module: nn.Module, batch: Any) -> tuple[Tensor, Tensor]:
    """Logits and labels of a batch: a pair (x, y), or a mapping as Hugging Face has it.

    Parameters
    ----------
    module : nn.Module
        Returns logits, or what has them as ``logits`` or under that key.
    batch : pair or mapping
        Of a mapping all but the labels are passed by name.

    Returns
    -------
    logits, labels : tensor

    Raises
    ------
    ValueError
        If the batch or what the module returns is something else.

    Examples
    --------
    >>> z, y = forward_of_batch(nn.Linear(2, 3), (torch.zeros(4, 2), torch.zeros(4)))
    >>> tuple(z.shape), tuple(y.shape)
    ((4, 3), (4,))
    """
    labels = labels_in(batch)
    if isinstance(batch, Mapping):
        key = _key_of_labels(batch)
        output = module(**{name: one for name, one in batch.items() if name != key})
    else:
        output = module(batch[0])
    return logits_in(output), labels


def labels_in(batch: Any) -> Any:
    """The labels of a batch: the second of a pair, or under their name; else a ValueError."""
    if isinstance(batch, Mapping):
        labels = batch[_key_of_labels(batch)]
    elif isinstance(batch, tuple | list) and len(batch) == 2:
        labels = batch[1]
    else:
        got = type(batch).__name__
        if isinstance(batch, tuple | list):
            got = f"a {got} of {len(batch)}"
        said = f"must give pairs (x, y) or mappings, got {got}: pass `forward`"
        raise BadArgument("loader", said)
    if isinstance(labels, int | float) or getattr(labels, "ndim", None) == 0:
        said = "gives single samples: is it a data set? wrap it in a DataLoader"
        raise BadArgument("loader", said)
    return labels


def _key_of_labels(batch: Mapping[str, Any]) -> str:
    for key in LABELS:
        if key in batch:
            return key
    said = f"gives mappings with none of {', '.join(LABELS)}: pass `forward`"
    raise BadArgument("loader", said)


def logits_in(output: Any) -> Tensor:
    """The logits in what a module returned, or a ValueError."""
    found = output.get("logits") if isinstance(output, Mapping) else output
    found = getattr(found, "logits", found)
    if not isinstance(found, Tensor):
        got = type(output).__name__
        raise BadArgument("forward", f"is needed where the network returns no logits but {got}")
    return found


def moved(batch: Any, device: torch.device) -> Any:
    """A batch whose tensors are on a device.

    Examples
    --------
    >>> moved({"x": [torch.zeros(1)], "name": "a"}, torch.device("cpu"))
    {'x': [tensor([0.])], 'name': 'a'}
    """
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, Mapping):
        return {key: moved(one, device) for key, one in batch.items()}
    if isinstance(batch, tuple | list):
        return type(batch)([moved(one, device) for one in batch])
    return batch


def check_takes_all(loader: Any) -> None:
    """Refuse a loader that draws its samples anew, or leaves some out.

    Examples
    --------
    >>> data = torch.utils.data.TensorDataset(torch.zeros(5))
    >>> check_takes_all(torch.utils.data.DataLoader(data, batch_size=2, drop_last=True))
    Traceback (most recent call last):
    ValueError: loader leaves out 1 of 5 samples: it must have drop_last=False
    """
    sampler = getattr(loader, "sampler", None)
    if isinstance(sampler, torch.utils.data.WeightedRandomSampler) or getattr(
        sampler, "replacement", False
    ):
        said = f"draws samples anew ({type(sampler).__name__}): it must go through them once"
        raise BadArgument("loader", said)
    if getattr(loader, "drop_last", False) and isinstance(getattr(loader, "batch_size", None), int):
        n = len(loader.sampler) if hasattr(sampler, "__len__") else 0
        if n % loader.batch_size:
            said = (
                f"leaves out {n % loader.batch_size} of {n} samples: it must have drop_last=False"
            )
            raise BadArgument("loader", said)


@contextmanager
def evaluated(module: nn.Module, loader: Any) -> Iterator[None]:
    """Evaluate a module without a gradient; its modes and all random numbers are as before after.

    Generators of PyTorch, of numpy and of Python, and the loader's own; not those of its workers.
    """
    modes = {part: part.training for part in module.modules()}
    own = getattr(loader, "generator", None)
    states = [(g, g.get_state()) for g in (own,) if isinstance(g, torch.Generator)]
    theirs, pythons = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        module.eval()
        with torch.random.fork_rng(_devices_of(module)), torch.no_grad():
            yield
    finally:
        for part, mode in modes.items():
            part.training = mode
        np.random.set_state(theirs)  # noqa: NPY002
        random.setstate(pythons)
        for generator, state in states:
            generator.set_state(state)


def batches_of(loader: Iterable[Any], device: torch.device) -> Iterator[Any]:
    """Batches of a loader on a device."""
    try:
        batches = iter(loader)
    except TypeError:
        got = type(loader).__name__
        raise BadArgument("loader", f"must give batches, got {got}") from None
    for batch in batches:
        yield moved(batch, device)


def _devices_of(module: nn.Module) -> list[int]:
    """CUDA devices whose generators its layers could use."""
    found = {p.device for p in module.parameters() if p.device.type == "cuda"}
    return sorted(device.index or 0 for device in found)
