"""Capture of steps in CUDA graphs."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch

Step = Callable[[], None]

WARM_UP = 3
"""Runs of each step before it is captured: libraries choose and make ready what they need."""

CUDA_GRAPHS = "LEARNPROP_CUDA_GRAPHS"
"""Environment variable: where it is 0 nothing is captured, should a machine not do it."""

_capturing = threading.Lock()


@dataclass(frozen=True)
class Captured:
    """A graph, and the step that holds the tensors of which it knows the addresses.

    The stream is no other graph's: one that goes takes with it what libraries keep for its stream.
    """

    graph: torch.cuda.CUDAGraph
    step: Step
    stream: torch.cuda.Stream

    def __call__(self) -> None:
        """Do the step again."""
        self.graph.replay()


def captured(steps: Sequence[Step], begin: Step, device: torch.device) -> Sequence[Step]:
    """Capture steps as CUDA graphs; on other devices they are what they were.

    Parameters
    ----------
    steps : sequence of callable
        Static: what one did is done again by the same kernels on the same memory.
    begin : callable
        Puts everything that steps move where it is before the first; called before each step here,
        and to be called before the first replay, since steps are run to warm up.
    device : torch.device

    Returns
    -------
    sequence of callable
        Steps, to be called in turn, never at once: they share memory.
    """
    if device.type != "cuda" or os.environ.get(CUDA_GRAPHS) == "0":
        return steps
    with _capturing, _nothing_collected():
        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                for step in steps:
                    begin()
                    step()
        torch.cuda.current_stream(device).wait_stream(stream)
        pool = torch.cuda.graph_pool_handle()
        graphs = [Captured(torch.cuda.CUDAGraph(), step, stream) for step in steps]
        for one in graphs:
            begin()
            # Other threads may call what this one must not meanwhile.
            with torch.cuda.graph(
                one.graph, pool=pool, stream=stream, capture_error_mode="thread_local"
            ):
                one.step()
    return graphs


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Collect what is gone now, and nothing meanwhile: a graph that goes ends another's capture."""
    gc.collect()
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
