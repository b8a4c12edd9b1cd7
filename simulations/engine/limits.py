"""Limits of what computes: one thread, so many seconds, no longer than the driver lives."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


class BlockTimeout(BaseException):
    """A block ran past its limit. Not an `Exception`, so that no library swallows it."""


_guard = threading.Lock()


_inside: list[Callable[[], None]] = []
"""One entry per block that runs in this process; the first restores the threads after the last."""


@lru_cache(maxsize=1)
def _thread_pools(_n_modules: int) -> Any:
    """Find the libraries with thread pools, again once more modules are loaded.

    To look for them takes 1.1 ms, as long as half of what is written of a block.
    """
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """One BLAS, OpenMP and torch thread, so that sums are taken in one order everywhere.

    Blocks that run side by side in one process share the limit: the first sets it, the last
    restores it. A block that restored it on its own would change the sums of its neighbour.
    """
    import torch

    with _guard:
        torch_threads = torch.get_num_threads()
        limits = _thread_pools(len(sys.modules)).limit(limits=1)  # OpenMP's: one number per thread
        torch.set_num_threads(1)

        def restore() -> None:
            limits.restore_original_limits()
            torch.set_num_threads(torch_threads)

        _inside.append(restore)
    try:
        yield
    finally:
        with _guard:
            if len(_inside) == 1:
                _inside[0]()
            _inside.pop()  # any but the first, which knows how it was before


@contextmanager
def timeout_after(seconds: float | None) -> Iterator[None]:
    """Raise `BlockTimeout` in this thread when the body takes longer; None is no limit.

    Works in any thread, which an alarm signal does not: dask computes outside the main thread.
    Python code is interrupted at once, a call into a library when it returns.

    Parameters
    ----------
    seconds : float or None

    Raises
    ------
    BlockTimeout
    """
    if seconds is None:
        yield
        return
    thread, guard, over = threading.get_ident(), threading.Lock(), False

    def interrupt() -> None:
        with guard:
            if not over:
                raise_in_thread(thread, BlockTimeout)

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with guard:
            over = True
        timer.cancel()
        raise_in_thread(thread, None)  # one that is not delivered yet comes too late


def raise_in_thread(thread: int, exception: type[BaseException] | None) -> None:
    """Raise an exception in another thread of this process, or take back one not yet raised.

    Parameters
    ----------
    thread : int
        Its `threading.get_ident`.
    exception : type or None
    """
    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread), None if exception is None else ctypes.py_object(exception)
    )


def start_worker(driver: int) -> None:
    """Prepare a worker process: it leaves Ctrl-C to the driver, and goes when the driver is gone.

    Parameters
    ----------
    driver : int
        Its process number. A driver that was killed leaves its workers waiting for minutes, with
        the memory they hold.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to workers, too

    def watch() -> None:
        while os.getppid() == driver:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
