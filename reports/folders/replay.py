"""A replay in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from learnprop.simulations.engine.replay import Replay


def replay_text(replay: Replay, cell: str, run: int, code: Sequence[str]) -> Iterator[str]:
    """Say whether the bits agree, and what became of the replication asked for.

    Parameters
    ----------
    replay : Replay
    cell : str
    run : int
    code : sequence of str
        How this program differs from the one that wrote the store.

    Yields
    ------
    str
        Lines.
    """
    runs = replay.runs
    what = (
        f"{cell}, runs {runs.start} to {runs.stop - 1}: {replay.n_fits} fits and "
        f"{replay.n_measurements} measurements, computed again in {replay.seconds:.1f} s"
    )
    if replay.timed_out is not None:
        yield (
            f"{what}; nothing to compare: the stored block ran past its limit of "
            f"{replay.timed_out:g} s. The study tries it again with a longer timeout, or none"
        )
    elif not replay.differences:
        yield f"{what}: every bit agrees"
    else:
        yield f"{what}: not the same"
        finite = [d for d in replay.differences if math.isfinite(d.largest)]
        if finite:
            worst = max(finite, key=lambda d: d.largest)
            yield f"  largest difference {worst.largest:.3g}, in {worst.field} ({worst.where})"
        for d in replay.differences:
            size = f", by at most {d.largest:.3g}" if math.isfinite(d.largest) else ""
            yield f"  {d.field}: {d.count} rows differ{size} ({d.where})"
        for line in code:
            yield f"  since it was stored: {line}"
    yield f"run {run} is:"
    fits = replay.again
    for i in range(len(fits)):
        yield (
            f"  λ {fits.setting[i]}, epoch {fits.epoch[i]}, {fits.stage[i]}: {fits.status[i]}, "
            f"{fits.n_iter[i]} iterations, loss {fits.loss[i]:.9g}, "
            f"bias gradient {abs(fits.bias_gradient[i]).max():.1e}"
            + (f"; {fits.reason[i]}" if fits.reason[i] else "")
        )
    for trace in dict.fromkeys(str(t) for t in fits.traceback if t):
        yield trace.rstrip()
