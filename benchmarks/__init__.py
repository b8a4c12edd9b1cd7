"""Ours and the peers in one process run, on the same data, two cores each; ratios are printed.

``python -m benchmarks`` runs all of them, ``python -m benchmarks sim1 harness`` some. Sim2 takes
three minutes, nearly all of them the peer's; ``--runs`` makes it shorter. What is done on a GPU
(``gpu``, ``gpu-pack``, ``gpu-import``) is in docs/gpu.md.
"""
