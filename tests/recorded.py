"""CUDA graphs that are not there: steps recorded and replayed operator by operator.

As a real graph, a recorded one does again what was done, on the same memory: what a step took from
Python, a count or a branch, is as it was then. An operator that brings a value to the host, for
which CUDA would have to wait, is an error while it records.
"""

from contextlib import contextmanager, nullcontext

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from learnprop.simulations.networks.stacked import capture, epoch

aten = torch.ops.aten
WAITS = {
    aten._local_scalar_dense.default,
    aten.is_nonzero.default,
    aten.equal.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten._unique2.default,
}


class Recording(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function in WAITS:
            raise RuntimeError(f"{function} waits for a value while a graph is captured")
        found = function(*args, **(kwargs or {}))
        self.calls.append((function, args, kwargs or {}, found))
        return found


class Graph:
    """In place of `torch.cuda.CUDAGraph`."""

    made: list["Graph"]

    def __init__(self):
        self.calls, self.n_replays = [], 0
        Graph.made.append(self)

    @torch.no_grad()
    def replay(self):
        self.n_replays += 1
        for function, args, kwargs, then in self.calls:
            now = function(*args, **kwargs)
            if any(r.alias_info is not None for r in function._schema.returns):
                continue  # a view, or written in place
            for old, new in zip(tree_leaves(then), tree_leaves(now), strict=True):
                if isinstance(old, torch.Tensor):
                    old.copy_(new)


@contextmanager
def record(graph, **_how):
    with Recording() as recording:
        yield
    graph.calls = recording.calls


def record_graphs(patch):
    """Have stacked epochs captured, by recording; returns the graphs, as they are made."""
    Graph.made = []
    for name, value in {
        "CUDAGraph": Graph,
        "graph": record,
        "graph_pool_handle": lambda: None,
        "stream": lambda _: nullcontext(),
        "current_stream": lambda _: Stream(),
        "Stream": lambda _: Stream(),
    }.items():
        patch.setattr(torch.cuda, name, value)
    patch.setattr(epoch, "captured", lambda steps, begin, _: capture.captured(steps, begin, CUDA))
    return Graph.made


CUDA = torch.device("cuda")


class Stream:
    def wait_stream(self, _other):
        """Nothing is computed behind our back."""
