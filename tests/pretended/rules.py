"""Tensors of the pretended device, and what CUDA refuses, waits for and copies.

A tensor holds one of the processor's and computes with that; on the way every operator passes
`_dispatch`:

- tensors of both devices in one operator, single numbers aside, are an error;
- so are `.numpy()` and numpy's functions;
- indices on the processor are copied, hidden; a mask as an index is counted first, and waited for;
- a number that is looked at, and a copy either way that is not said to be non-blocking, is waited
  for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

import torch
from torch.utils._mode_utils import no_dispatch

from tests.pretended.counts import COPY, HIDDEN, KERNEL, WAIT, count, site

NAME = "pretended"
COMPOSED = "CompositeImplicitAutograd"
"""PyTorch's word for operators that are made of others."""

aten = torch.ops.aten

LOOKS = {
    aten._local_scalar_dense.default,
    aten.is_nonzero.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten._unique2.default,
    aten.unique_dim.default,
    aten.unique_consecutive.default,
    aten.bincount.default,
    aten.repeat_interleave.Tensor,
    aten._linalg_check_errors.default,
    aten._linalg_eigh.default,  # both look at LAPACK's status themselves
    aten._linalg_svd.default,
}
"""Operators whose result, or its shape, or whether it is an error, the processor must know."""

INDEXING = {
    aten.index.Tensor,
    aten._unsafe_index.Tensor,
    aten.index_put.default,
    aten.index_put_.default,
    aten._index_put_impl_.default,
}

UNCOMPUTED = {
    aten.empty.memory_format,
    aten.empty_like.default,
    aten.empty_strided.default,
    aten.new_empty.default,
    aten.new_empty_strided.default,
    aten._local_scalar_dense.default,
    aten._unsafe_view.default,
}
"""Operators besides views that start no kernel."""


class PretendedTensor(torch.Tensor):
    """A tensor of the device; `held` has its values."""

    held: torch.Tensor

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> PretendedTensor:
        with torch.inference_mode(False):  # what is held is an inference tensor, where it would be
            made: PretendedTensor = torch.Tensor._make_wrapper_subclass(
                cls,
                held.size(),
                strides=held.stride(),
                storage_offset=held.storage_offset(),
                dtype=held.dtype,
                device=torch.device(NAME, 0),
            )
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _dispatch(func, args, kwargs or {})

    def __repr__(self) -> str:
        return f"PretendedTensor({self.held})"

    def numpy(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError(
            f"can't convert {NAME}:0 device type tensor to numpy, at {site()}. Use Tensor.cpu() to "
            "copy the tensor to host memory first."
        )

    __array__ = numpy

    def tolist(self) -> Any:
        return self.cpu().tolist()


def _dispatch(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if func is aten._to_copy.default:
        return _converted(*args, **kwargs)
    if func is aten.copy_.default:
        return overwritten(*args, **kwargs)
    kind = _kind(func)
    if kind.composed:  # in inference mode they come as they are
        return func.decompose(*args, **kwargs)
    _check_devices(func, args, kwargs)
    if kind.looks or (func in INDEXING and any(map(_is_mask, args[1]))):
        count(WAIT, kind.name)
    if kind.computes:
        count(KERNEL, kind.name)
    wanted = kwargs.get("device")
    how = {name: _held(value) for name, value in kwargs.items()}
    if wanted is not None:
        how["device"] = "cpu"
    found = func(*map(_held, args), **how)
    if wanted is not None and not _names_it(wanted):
        return found
    return _written_into(func, args, kwargs) if kind.writes else _there(found)


@dataclass(frozen=True)
class _Kind:
    """What an operator does: call others, look at values, start a kernel, write into tensors."""

    name: str
    composed: bool
    looks: bool
    computes: bool
    writes: bool


@cache
def _kind(func: Any) -> _Kind:
    aliases = [r.alias_info for r in func._schema.returns if r.alias_info]
    views = any(not alias.is_write for alias in aliases)
    return _Kind(
        name=str(func.overloadpacket.__name__),
        composed=torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), COMPOSED),
        looks=func in LOOKS,
        computes=not views and func not in UNCOMPUTED,
        writes=any(alias.is_write for alias in aliases),
    )


def _written_into(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The tensors given that an operator returns because it has written into them."""
    if torch.Tag.inplace_view in func.tags:  # `squeeze_`: the same for the shape outside
        with no_dispatch():
            return func(*args, **kwargs)
    out = [kwargs[a.name] for a in func._schema.arguments if a.is_out] or [args[0]]
    for tensor in out:
        if tensor.shape != tensor.held.shape:
            raise RuntimeError(f"{func} resizes a tensor that is given as `out`, at {site()}")
    return out[0] if len(out) == 1 else tuple(out)


def _check_devices(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse the processor's tensors beside the device's; single numbers are passed by value."""
    others = [t for t in _tensors((*args, *kwargs.values())) if not isinstance(t, PretendedTensor)]
    if not others:
        return
    if func in INDEXING and isinstance(args[0], PretendedTensor):
        indices = [t for t in others if any(t is index for index in args[1])]
        if indices:
            count(HIDDEN, "index on the processor")
            count(WAIT, "index on the processor")
        others = [t for t in others if not any(t is index for index in indices)]
    written_alone = func._schema.name.endswith("_") and others and others[0] is args[0]
    if written_alone or any(t.ndim for t in others):
        shapes = [tuple(t.shape) for t in others]
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, "
            f"{NAME}:0 and cpu! ({func}, on the processor {shapes}) at {site()}"
        )


def _converted(
    source: torch.Tensor, *, device: Any = None, non_blocking: bool = False, **how: Any
) -> torch.Tensor:
    """`Tensor.to`: another dtype, layout or device."""
    found = aten._to_copy.default(_held(source), **how)
    if device is None or _names_it(device):
        count(KERNEL, "to")
        return PretendedTensor(found)
    _count_copy(to_device=False, non_blocking=non_blocking)
    return found


def overwritten(
    target: torch.Tensor, source: torch.Tensor, non_blocking: bool = False
) -> torch.Tensor:
    """`Tensor.copy_`, between any two devices."""
    _held(target).copy_(_held(source))
    if _is_there(target) != _is_there(source):
        _count_copy(to_device=_is_there(target), non_blocking=non_blocking)
    elif _is_there(target):
        count(KERNEL, "copy_")
    return target


def _count_copy(*, to_device: bool, non_blocking: bool) -> None:
    which = "to the device" if to_device else "to the processor"
    count(COPY, which)
    if not non_blocking:
        count(WAIT, f"copy {which}")


def _is_there(value: Any) -> bool:
    return isinstance(value, PretendedTensor)


def _names_it(device: Any) -> bool:
    return torch.device(device).type == NAME


def _is_mask(value: Any) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype in (torch.bool, torch.uint8)


def _tensors(values: Iterable[Any]) -> Iterator[torch.Tensor]:
    """Tensors among arguments, which are values and lists of them."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)


def _held(value: Any) -> Any:
    """An argument as the processor takes it."""
    if isinstance(value, PretendedTensor):
        return value.held
    return type(value)(map(_held, value)) if isinstance(value, list | tuple) else value


def _there(value: Any) -> Any:
    """A result as one of the device."""
    if isinstance(value, torch.Tensor):
        return PretendedTensor(value)
    return tuple(map(_there, value)) if isinstance(value, list | tuple) else value
