"""Toys whose blocks are computed together."""

import os
import signal
import time
import weakref
from dataclasses import replace
from pathlib import Path

from learnprop.simulations.engine.study import StudyError
from tests.toys import Toy, compute_toy, toy_study


def together_study(*cells, together, compute=compute_toy, n_runs=5, **more):
    """Blocks of one replication; cells of one initial belong together."""
    study = toy_study(*(cells or (Toy("x"),)), compute=compute, n_runs=n_runs, block_size=1)
    return replace(study, compute_together=together, group_of=lambda cell: cell.name[0], **more)


def leave(blocks, word):
    """A file per call in the folder of the cell: what was computed, by which process."""
    path = Path(blocks[0][0].folder, f"{word}-{time.monotonic_ns()}-{os.getpid()}")
    path.write_text(" ".join(f"{cell.name}{runs.start}" for cell, runs in blocks))


def calls(folder, word="together"):
    """(process, blocks) of every call, in their order."""
    paths = sorted(Path(folder).glob(f"{word}-*"))
    return [(path.name.rpartition("-")[2], set(path.read_text().split())) for path in paths]


def compute_all(blocks, seed, _unfinished):
    leave(blocks, "together")
    return [compute_toy(cell, seed, runs) for cell, runs in blocks]


def compute_alone(cell, seed, runs):
    leave([(cell, runs)], "alone")
    return compute_toy(cell, seed, runs)


def keep_unfinished(blocks, seed, unfinished):
    unfinished.mkdir(exist_ok=True)
    (unfinished / "half").touch()
    (unfinished.parent / "was").write_text(str(unfinished))
    return compute_all(blocks, seed, None)


def raise_together(blocks, _seed, _unfinished):
    leave(blocks, "together")
    raise FloatingPointError(f"{len(blocks)} at once\nare too many")


def in_another_order(blocks, seed, _unfinished):
    return [compute_toy(cell, seed, runs) for cell, runs in reversed(blocks)]


def stop_group_y(blocks, seed, _unfinished):
    if blocks[0][0].name == "y":
        raise StudyError("the data are gone")
    return compute_all(blocks, seed, None)


def stop_at_run_3(cell, seed, runs):
    if 3 in runs:
        raise StudyError("the data are gone")
    return compute_toy(cell, seed, runs)


def take_half_a_second(blocks, seed, _unfinished):
    for _ in range(50):
        time.sleep(0.01)
    return compute_all(blocks, seed, None)


def meet(blocks, seed, _unfinished):
    """Groups x and y end only if both are computed at the same time."""
    folder = Path(blocks[0][0].folder)
    (folder / f"begun-{blocks[0][0].name}").touch()
    deadline = time.monotonic() + 60
    while len(list(folder.glob("begun-*"))) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return compute_all(blocks, seed, None)


class Tensor:
    """What lies in a device's memory."""


held = list[weakref.ref]()


def run_out_of_memory(_blocks, _seed, _unfinished):
    tensor = Tensor()
    held.append(weakref.ref(tensor))
    raise MemoryError("too many")


def need_the_memory(cell, seed, runs):
    if held[-1]() is not None:
        raise MemoryError("it is still held")
    return compute_toy(cell, seed, runs)


def kill_once_together(blocks, seed, _unfinished):
    """Group y kills the process that computes it, the first time."""
    cell = blocks[0][0]
    if cell.name == "y":
        try:
            os.close(os.open(Path(cell.folder) / "killed", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            pass
        else:
            os.kill(os.getpid(), signal.SIGKILL)
    return compute_all(blocks, seed, None)
