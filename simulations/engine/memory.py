"""Memory of large tensors kept by the process while networks are trained and measured."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager

KEPT = 2**31 - 1
"""Bytes, 2 GiB: as much free memory at the end of its heap a process keeps at most."""

TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX = -1, -3, -4
"""Parameters of glibc's mallopt."""

_guard = threading.Lock()
_inside = 0


@contextmanager
def large_tensors_kept() -> Iterator[None]:
    """Keep freed memory, up to `KEPT`, which else goes back to the kernel; it goes at the end.

    glibc maps every tensor of some size afresh and unmaps it when it is freed, so that each step
    pays for its pages anew: of MobileNetV2 on CIFAR-10 107 s of CPU, of which the system 76, in
    place of 28; of CNN2C a twentieth, on two threads a quarter. The price is a heap with holes: a
    peak of 4.6 in place of 2.8 GiB there. Without glibc nothing happens.
    """
    libc = ctypes.CDLL(None)
    if not (hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim")):
        yield
        return
    _enter(libc)
    try:
        yield
    finally:
        _leave(libc)


def _enter(libc: ctypes.CDLL) -> None:
    global _inside
    with _guard:
        _inside += 1
        libc.mallopt(MMAP_MAX, 0)
        libc.mallopt(TRIM_THRESHOLD, KEPT)


def _leave(libc: ctypes.CDLL) -> None:
    global _inside
    with _guard:
        _inside -= 1
        if _inside:  # other blocks in threads of this process
            return
        # Where glibc's own thresholds end once large blocks have been freed.
        libc.mallopt(MMAP_MAX, 65536)
        libc.mallopt(MMAP_THRESHOLD, 2**25)
        libc.mallopt(TRIM_THRESHOLD, 2**26)
        libc.malloc_trim(0)
