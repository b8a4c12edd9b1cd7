"""CNN2C in every way that there is: a user's loops, and ours for one network and for many."""

from __future__ import annotations

import os
import traceback
from contextlib import AbstractContextManager, nullcontext, suppress
from unittest.mock import patch

import torch

from benchmarks.gpu.log import NOT_CAPTURED
from benchmarks.gpu.stages.at import At
from benchmarks.trainings import (
    BATCH,
    CPU,
    FLOPS,
    images_and_labels,
    lean_loop,
    ours,
    seconds,
    users_loop,
)
from learnprop.simulations.engine.devices import TF32, arithmetic
from learnprop.simulations.networks.image_batches import ResidentImages, channel_moments, resident
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.stacked.capture import CUDA_GRAPHS
from learnprop.simulations.networks.stacked.epoch import stacked_epoch
from learnprop.simulations.networks.steps import eager_epoch
from learnprop.simulations.networks.trainer import MakeEpoch

IMAGES, EPOCHS, NETWORKS = 60_000, 20, 100
"""Of the trainings that are timed whole."""

CAPTURED = "stacked"
"""The way of studies on a GPU."""


def run_baselines(at: At) -> None:
    """Ordinary trainings of one network: with a DataLoader, and with the data on the device."""
    steps = 10 if at.quick else 300
    pixels, labels = images_and_labels(BATCH * steps)
    for name, loop in (("DataLoader loop", users_loop), ("lean loop", lean_loop)):
        for how, context in (("", _in_float32), (", as PyTorch comes", _as_it_comes)):
            with context(at):
                loop(pixels[: 10 * BATCH], labels[: 10 * BATCH], 1, at.device)  # warms up
                took = min(loop(pixels, labels, 1, at.device) for _ in range(2))
            at.say(name + how, 1e3 * took / steps, "ms a step", 1)


def run_ways(at: At) -> None:
    """Milliseconds of a step in each way, and how far it is from the processor after ten."""
    steps, sizes = (4, (1, 2)) if at.quick else (60, (1, 25, 50, 100))
    failed = dict[str, str]()
    for networks in sizes:
        data, y = _data(at, BATCH * steps)
        for name, (make_epoch, precision) in _ways(at).items():
            if name in failed:
                continue
            times: list[float] = []
            timed = _timed(make_epoch, times, at.device)
            try:
                with arithmetic(at.device, precision, tuned=True):
                    ours(data, y, networks, Recipe(epochs=3), timed)
            except RuntimeError as error:  # the other ways may do
                failed[name] = f"{name}, {networks} networks: {_said(error)}"
                continue
            step = min(times) / steps
            at.say(name, 1e3 * step, "ms a step", networks)
            at.say(name, networks * BATCH * FLOPS / step / 1e12, "TFLOP/s", networks)
            if at.device.type == "cuda":
                at.say(name, torch.cuda.max_memory_allocated() / 2**30, "GiB at most", networks)
                with suppress(RuntimeError):  # after a capture that failed
                    torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats()
    _say_agreement(at, failed)
    if failed:
        which = f"{NOT_CAPTURED}: " if CAPTURED in failed else ""
        raise RuntimeError(which + "; ".join(failed.values()))


def run_hundred(at: At) -> None:
    """A hundred trainings at once, whole, one alone, and a hundred ordinary ones in a row."""
    images, epochs, networks = (5 * BATCH, 2, 2) if at.quick else (IMAGES, EPOCHS, NETWORKS)
    pixels, labels = images_and_labels(images)
    data, y = _data(at, images)
    users_loop(pixels[: 5 * BATCH], labels[: 5 * BATCH], 1, at.device)  # warms up
    ordinary = users_loop(pixels, labels, 1, at.device)
    at.say("an epoch of the DataLoader loop, as PyTorch comes", ordinary, "s", 1)
    failed = []
    for several in (networks, 1):
        try:
            with _in_float32(at):
                how = _said_first(stacked_epoch, at, several)
                took, _ = ours(data, y, several, Recipe(epochs=epochs), how)
        except RuntimeError as error:  # step by step it may do
            failed.append(f"{several} networks: {_said(error)}")
            with _in_float32(at):
                how = _said_first(_without_graph, at, several)
                took, _ = ours(data, y, several, Recipe(epochs=epochs), how)
        at.say(f"trainings of {images} images and {epochs} epochs", took, "s", several)
        at.say(
            "times as fast as as many DataLoader trainings in a row, extrapolated from one epoch",
            several * epochs * ordinary / took,
            "times",
            several,
        )
    if failed:
        raise RuntimeError(f"{NOT_CAPTURED}: " + "; ".join(failed))


def _data(at: At, n_images: int) -> tuple[ResidentImages, torch.Tensor]:
    pixels, labels = images_and_labels(n_images)
    data = resident(pixels, channel_moments(pixels), at.device)
    return data, torch.as_tensor(labels, device=at.device)


def _in_float32(at: At) -> AbstractContextManager[None]:
    return arithmetic(at.device, tuned=True)


def _as_it_comes(_: At) -> AbstractContextManager[None]:
    return nullcontext()


def _ways(at: At) -> dict[str, tuple[MakeEpoch, str]]:
    """How epochs are made, and the precision of products; graphs and TF32 are of CUDA only."""
    ways = {
        "eager": (eager_epoch, "float32"),
        "stacked, no graph": (_without_graph, "float32"),
    }
    if at.device.type == "cuda":
        ways[CAPTURED] = (stacked_epoch, "float32")
        ways["stacked, TF32 products"] = (stacked_epoch, TF32)
    return ways


def _without_graph(*arguments):
    """Stacked networks, step by step."""
    with patch.dict(os.environ, {CUDA_GRAPHS: "0"}):
        return stacked_epoch(*arguments)


def _said(error: RuntimeError) -> str:
    """An error on one line; whole where the stage prints."""
    traceback.print_exception(error)
    return " ".join(str(error).split())[:200]


def _said_first(make_epoch: MakeEpoch, at: At, networks: int) -> MakeEpoch:
    """The same epochs; the first one's time is said at once, should there be no last."""

    def make(*arguments):
        times: list[float] = []
        epoch = _timed(make_epoch, times, at.device)(*arguments)

        def said(*of_epoch):
            found = epoch(*of_epoch)
            if len(times) == 1:
                at.say("the first epoch of these trainings", times[0], "s", networks)
            return found

        return said

    return make


def _timed(make_epoch: MakeEpoch, times: list[float], device: torch.device) -> MakeEpoch:
    """The same epochs, each timed; what makes them ready is not."""

    def make(*arguments):
        epoch = make_epoch(*arguments)

        def timed(*of_epoch):
            found = []
            times.append(seconds(lambda: found.append(epoch(*of_epoch)), device))
            return found[0]

        return timed

    return make


def _say_agreement(at: At, failed: dict[str, str]) -> None:
    """Largest difference after ten steps to single trainings on a processor in float64.

    Of the ways that have not failed; those that fail now are added.
    """
    networks, n_images, recipe = 4, 10 * BATCH, Recipe(epochs=1)
    data, y = _data(at, n_images)
    pixels, labels = images_and_labels(n_images)
    exact = resident(pixels, channel_moments(pixels), CPU, torch.float64)
    alone = ours(exact, torch.as_tensor(labels), networks, recipe)[1]
    for name, (make_epoch, precision) in _ways(at).items():
        if name in failed:
            continue
        try:
            with arithmetic(at.device, precision, tuned=True):
                found = ours(data, y, networks, recipe, make_epoch)[1]
        except RuntimeError as error:
            failed[name] = f"{name}, {networks} networks: {_said(error)}"
            continue
        differences = [
            float((found.state[key].detach().cpu().double() - value.detach()).abs().max())
            for key, value in alone.state.items()
        ]
        at.say(f"{name}: from the processor in float64 after ten steps", max(differences),
               "largest difference", networks)  # fmt: skip
