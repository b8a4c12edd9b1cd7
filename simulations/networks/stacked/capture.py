"""Capture of steps in CUDA graphs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch

Step = Callable[[], None]

WARM_UP = 3
"""Runs of each step before it is captured: libraries choose and make ready what they need."""

_capturing = threading.Lock()


@dataclass(frozen=True)
class Captured:
    """A graph, and the step that holds the tensors of which it knows the addresses."""

    graph: torch.cuda.CUDAGraph
    step: Step

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
    if device.type != "cuda":
        return steps
    with _capturing:  # other blocks in threads of this process have the same stream
        stream = _side_stream(device)
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP):
                for step in steps:
                    begin()
                    step()
        torch.cuda.current_stream(device).wait_stream(stream)
        pool = torch.cuda.graph_pool_handle()
        graphs = [Captured(torch.cuda.CUDAGraph(), step) for step in steps]
        for one in graphs:
            begin()
            # Other threads may call what this one must not meanwhile.
            with torch.cuda.graph(
                one.graph, pool=pool, stream=stream, capture_error_mode="thread_local"
            ):
                one.step()
    return graphs


@lru_cache
def _side_stream(device: torch.device) -> torch.cuda.Stream:
    """Stream of a device to capture on; one, as libraries keep workspaces for each."""
    return torch.cuda.Stream(device)
