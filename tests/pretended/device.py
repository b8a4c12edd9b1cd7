"""A device that is not there: real values, and the rules of a GPU, on a build without one.

PyTorch's spare device type (PrivateUse1) is set up as a backend in Python, named `NAME`. Its
tensors hold one of the processor's and compute with that; on the way every operator passes
`_dispatch`, which refuses what CUDA refuses and counts what CUDA would wait for or copy:

- tensors of both devices in one operator, single numbers aside, are an error;
- so are `.numpy()` and numpy's functions;
- indices on the processor are copied, hidden; a mask as an index is counted first, and waited for;
- a number that is looked at, and a copy either way that is not said to be non-blocking, is waited
  for.

What it cannot know: numerics of cuDNN and cuBLAS, capture of graphs, memory, speed.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NoReturn

import torch
from torch.utils import backend_registration
from torch.utils._mode_utils import no_dispatch
from torch.utils._pytree import tree_leaves, tree_map

from tests.pretended.counts import COPY, HIDDEN, KERNEL, WAIT, count, site

NAME = "pretended"
aten = torch.ops.aten
_LIBRARY = torch.library.Library("aten", "IMPL", "PrivateUse1")

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

MADE_THERE = (
    aten.empty.memory_format,
    aten.empty_strided.default,
    aten.arange.default,
    aten.arange.start,
    aten.arange.start_step,
    aten.eye.default,
    aten.eye.m,
    aten.tril_indices.default,
    aten.triu_indices.default,
)
"""Operators that a backend must bring, for PyTorch to make all other tensors with."""

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

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self.cpu().__reduce_ex__(protocol)


class _Module:
    """What PyTorch asks of a device type, as ``torch.pretended``."""

    def is_available(self) -> bool:
        return True

    def is_initialized(self) -> bool:
        return True

    def _is_in_bad_fork(self) -> bool:
        return False

    def current_device(self) -> int:
        return 0

    def device_count(self) -> int:
        return 1

    def manual_seed_all(self, _seed: int) -> None:
        pass

    def get_amp_supported_dtype(self) -> list[torch.dtype]:
        return [torch.bfloat16]


def can_be_pretended() -> bool:
    """Whether this version of PyTorch can set a device up in Python."""
    return hasattr(backend_registration, "_setup_privateuseone_for_python_backend")


def pretend() -> torch.device:
    """Set the device up in this process, for good."""
    backend_registration._setup_privateuseone_for_python_backend(NAME, backend_module=_Module())
    for func in MADE_THERE:
        _LIBRARY.impl(func, partial(_made, func))
    _LIBRARY.impl(aten.copy_.default, _overwritten)
    return torch.device(NAME)


def _made(func: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    """A tensor made there from nothing."""
    if func not in UNCOMPUTED:
        count(KERNEL, str(func.overloadpacket.__name__))
    how = {k: v for k, v in kwargs.items() if k != "pin_memory"}
    return PretendedTensor(func(*args, **how | {"device": "cpu"}))


def _dispatch(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if func is aten._to_copy.default:
        return _converted(*args, **kwargs)
    if func is aten.copy_.default:
        return _overwritten(*args, **kwargs)
    _check_devices(func, args, kwargs)
    operator = str(func.overloadpacket.__name__)
    if func in LOOKS or (func in INDEXING and any(map(_is_mask, tree_leaves(args[1])))):
        count(WAIT, operator)
    views = any(r.alias_info and not r.alias_info.is_write for r in func._schema.returns)
    if not views and func not in UNCOMPUTED:
        count(KERNEL, operator)
    wanted = kwargs.get("device")
    how = kwargs if wanted is None else kwargs | {"device": "cpu"}
    found = func(*tree_map(_held, args), **tree_map(_held, how))
    if wanted is not None and not _names_it(wanted):
        return found
    if any(r.alias_info and r.alias_info.is_write for r in func._schema.returns):
        return _written_into(func, args, kwargs)
    return tree_map(_there, found)


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
    others = [t for t in tree_leaves((args, kwargs)) if _is_tensor(t) and not _is_there(t)]
    if func in INDEXING and _is_there(args[0]):
        indices = [i for i in tree_leaves(args[1]) if i is not None]
        if any(not _is_there(i) for i in indices):
            count(HIDDEN, "index on the processor")
            count(WAIT, "index on the processor")
        others = [t for t in others if not any(t is i for i in indices)]
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


def _overwritten(
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


def _is_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor)


def _is_mask(value: Any) -> bool:
    return _is_tensor(value) and value.dtype in (torch.bool, torch.uint8)


def _held(value: Any) -> Any:
    return value.held if isinstance(value, PretendedTensor) else value


def _there(value: Any) -> Any:
    return PretendedTensor(value) if _is_tensor(value) else value
