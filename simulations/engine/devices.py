"""Devices: which one is meant, how it computes, and how it fails. Other files ask here."""

from __future__ import annotations

import gc
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import torch

from learnprop.equations.arguments import BadArgument, one_of
from learnprop.simulations.engine.study import StudyError

TF32 = "tf32"
"""Precision under which a device may round the factors of float32 products to 10 bits."""


def chosen_device(name: str) -> torch.device:
    """Device that a user means; "auto" is CUDA where there is one.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda"}

    Returns
    -------
    torch.device

    Raises
    ------
    ValueError
        If the name is unknown, or CUDA is asked for and absent.

    Examples
    --------
    >>> chosen_device("cpu")
    device(type='cpu')
    """
    one_of(name, "device", ("auto", "cpu", "cuda"))
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise BadArgument("device", "'cuda' was asked for, but torch finds no CUDA device")
    return torch.device(name)


def card_name(device: str) -> str:
    """Name of the card of a device that is no processor, e.g. "NVIDIA H200"."""
    return torch.cuda.get_device_name(device)


def runs_many_at_once(device: torch.device) -> bool:
    """Whether much at once takes a device hardly longer than little: any but a processor.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    bool

    Examples
    --------
    >>> runs_many_at_once(torch.device("cpu")), runs_many_at_once(torch.device("cuda"))
    (False, True)
    """
    return device.type != "cpu"


def copies_from_pinned(device: torch.device) -> bool:
    """Whether a device copies from pinned memory while the host goes on.

    Parameters
    ----------
    device : torch.device

    Returns
    -------
    bool

    Examples
    --------
    >>> copies_from_pinned(torch.device("cpu")), copies_from_pinned(torch.device("cuda"))
    (False, True)
    """
    return device.type == "cuda"


@contextmanager
def arithmetic(
    device: torch.device, precision: str = "float32", *, tuned: bool = False
) -> Iterator[None]:
    """How blocks compute: float32 that is float32, and nothing below the smallest normal number.

    What has converged is full of numbers below it, and they take a processor ten times as long:
    the thread that asks rounds them to zero. On CUDA products and convolutions of float32 are in
    full precision, unless TF32 is asked for. That is set for the whole process: of blocks that run
    side by side the first sets it and the last restores it. May be nested.

    Parameters
    ----------
    device : torch.device
    precision : str
        "tf32" asks for TF32; under any other name float32 is float32.
    tuned : bool
        Whether cuDNN tries which algorithm is fastest for each shape that it meets, as pays for
        many steps of one shape. While one block asks, all of the process have it.

    Raises
    ------
    StudyError
        If blocks that ask for the other precision are running in this process: it would change
        their numbers.
    """
    flushed = sys.float_info.min / 2 == 0.0
    torch.set_flush_denormal(True)
    try:
        with _cuda_flags(precision == TF32, tuned) if device.type == "cuda" else nullcontext():
            yield
    finally:
        torch.set_flush_denormal(flushed)


_guard = threading.Lock()
_inside: list[tuple[bool, bool]] = []
"""(TF32, tuned) as asked for by each block that runs on CUDA in this process."""
_before: list[tuple[Any, str, Any]] = []
"""Flags as they were before the first of them."""


@contextmanager
def _cuda_flags(tf32: bool, tuned: bool) -> Iterator[None]:
    asked = (tf32, tuned)
    cudnn = torch.backends.cudnn
    with _guard:
        if any(other != tf32 for other, _ in _inside):
            wanted, running = ("tf32", "float32") if tf32 else ("float32", "tf32")
            raise StudyError(
                f"blocks in {wanted} and in {running} cannot run side by side in one process"
            )
        if not _inside:
            flags = _precision_flags(tf32)
            names = [(owner, name) for owner, name, _ in flags] + [(cudnn, "benchmark")]
            _before[:] = [(owner, name, getattr(owner, name)) for owner, name in names]
            _set(flags)
        _inside.append(asked)
        cudnn.benchmark = any(each for _, each in _inside)
    try:
        yield
    finally:
        with _guard:
            _inside.remove(asked)
            cudnn.benchmark = any(each for _, each in _inside)
            if not _inside:
                _set(_before)


def _precision_flags(tf32: bool) -> list[tuple[Any, str, Any]]:
    """(owner, name, value) of what says whether products and convolutions may be in TF32."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    if not hasattr(cudnn, "conv"):  # before torch 2.9, since which the old names warn
        return [(owner, "allow_tf32", tf32) for owner in (matmul, cudnn)]
    word = "tf32" if tf32 else "ieee"
    return [(owner, "fp32_precision", word) for owner in (matmul, cudnn.conv, cudnn.rnn)]


def _set(flags: list[tuple[Any, str, Any]]) -> None:
    for owner, name, value in flags:
        setattr(owner, name, value)


_NO_MEMORY = re.compile(r"out of memory|(CUBLAS|CUDNN)_STATUS_ALLOC_FAILED")
_FAILURE = re.compile(
    r"CUDA (driver |unknown )?error|Triton Error \[CUDA\]|CUDNN_STATUS_EXECUTION_FAILED"
    r"|No CUDA GPUs are available|Found no NVIDIA driver|not compiled with CUDA"
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device has too little memory: less at once may do.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    bool

    Examples
    --------
    >>> is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"))
    True
    >>> is_out_of_memory(RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"))
    True
    >>> is_out_of_memory(RuntimeError("CUDA error: unspecified launch failure"))
    False
    """
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and bool(_NO_MEMORY.search(str(error)))


def release_memory() -> None:
    """Give back what a device keeps for tensors that are gone, captured computations included."""
    gc.collect()  # a captured step is part of a cycle
    torch.cuda.empty_cache()


def device_failure(error: BaseException) -> str | None:
    r"""Line of an error that says how a device failed, which is no fault of a replication.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    str or None
        None where the error is another one, a lack of memory included.

    Examples
    --------
    >>> error = RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might be")
    >>> device_failure(error)
    'CUDA error: unspecified launch failure'
    >>> device_failure(RuntimeError("shape '[2, 3]' is invalid for input of size 5")) is None
    True
    """
    if is_out_of_memory(error) or not isinstance(error, RuntimeError | AssertionError):
        return None
    lines = str(error).splitlines() or [type(error).__name__]
    for line in lines:
        if _FAILURE.search(line):
            return line.strip()
    is_of_device = isinstance(error, getattr(torch, "AcceleratorError", ()))
    return lines[0].strip() if is_of_device else None
