"""A device that is not there: real values, and the rules of a GPU, on a build without one.

PyTorch's spare device type (PrivateUse1) is set up as a backend in Python, named `NAME`, whose
tensors are those of `tests.pretended.rules`. What it cannot know: numerics of cuDNN and cuBLAS,
capture of graphs, memory, speed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch.utils import backend_registration

from tests.pretended.counts import KERNEL, count
from tests.pretended.rules import NAME, UNCOMPUTED, PretendedTensor, overwritten

aten = torch.ops.aten
_LIBRARY = torch.library.Library("aten", "IMPL", "PrivateUse1")

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
    _LIBRARY.impl(aten.copy_.default, overwritten)
    return torch.device(NAME)


def _made(func: Any, *args: Any, **kwargs: Any) -> torch.Tensor:
    """A tensor made there from nothing."""
    if func not in UNCOMPUTED:
        count(KERNEL, str(func.overloadpacket.__name__))
    how = {k: v for k, v in kwargs.items() if k != "pin_memory"}
    return PretendedTensor(func(*args, **how | {"device": "cpu"}))
