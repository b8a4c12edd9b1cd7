"""Ours and the peers in one process run, on the same data, in pairs that alternate.

``python -m benchmarks`` times all there is to time, within ten minutes on two idle cores, and
writes ``results/benchmarks.csv``: a row for each peer, with the median and the range of the pairs,
the goal where there is one, the machine and the versions. ``python -m benchmarks sim1 harness``
times some and replaces their rows. ``--runs`` and ``--pairs`` rehearse. What measures inference
and losses (``coverage``, ``fitted-models``, ``boosting``, ``adding-up``) is run by name only; what
is done on a GPU (``gpu``, ``gpu-pack``, ``gpu-import``) is in docs/how-to/gpu.md.
"""
