"""The stages in order of worth, each with its share of the time that is left."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NETWORKS = ("mnist", "fashion-mnist", "kmnist")
"""Data sets of Table 3."""


@dataclass(frozen=True)
class Setting:
    """What every stage is told.

    Attributes
    ----------
    device : str
        cpu or cuda.
    quick : bool
        Whether it is a rehearsal.
    log : Path
    studies : Path
        Folder of the studies' folders.
    """

    device: str
    quick: bool
    log: Path
    studies: Path


@dataclass(frozen=True)
class Stage:
    """A stage: a command in a process of its own.

    Attributes
    ----------
    name : str
    share : float
        Of the time that is left, at most.
    command : callable ``(stage, setting) -> list of str``
    study : str
        Name of the folder that it leaves; empty where it leaves none.
    datasets : tuple of str
        What it needs, but in a rehearsal.
    """

    name: str
    share: float
    command: Callable[[Stage, Setting], list[str]]
    study: str = ""
    datasets: tuple[str, ...] = ()


def _own(stage: Stage, at: Setting) -> list[str]:
    quick = ["--quick"] if at.quick else []
    return [
        sys.executable, "-m", "benchmarks.gpu.stages", stage.name,
        "--device", at.device, "--log", str(at.log), *quick,
    ]  # fmt: skip


def _study(*chosen: str, quick: str) -> Callable[[Stage, Setting], list[str]]:
    """Command of a study; `quick` are the options of its rehearsal, without its name."""

    def command(stage: Stage, at: Setting) -> list[str]:
        out = at.studies / stage.study
        options = [chosen[0], *quick.split()] if at.quick else list(chosen)
        options = [option.replace("STATES", str(out / "states")) for option in options]
        return [
            sys.executable, "-m", "learnprop", *options, "--device", at.device, "--out", str(out),
            "--backend", "sequential",
        ]  # fmt: skip

    return command


STAGES = (
    Stage("ceilings", 0.15, _own),
    Stage("tests", 0.25, _own),
    Stage("baselines", 0.15, _own),
    Stage("ways", 0.25, _own),
    Stage("hundred", 0.4, _own),
    Stage(
        "eq9",
        0.5,
        _study(
            "cnn", "--dataset", "fashion-mnist", "--imbalance", "10", "--runs", "100",
            "--heldout", "0.1", "--stages", "raw,bias,heldout", "--states", "STATES",
            quick="--sizes 28,24,20,16,14,12,12,10,10,10 --runs 2 --epochs 2 --heldout 0.2 "
            "--stages raw,bias,heldout --states STATES",
        ),
        "cnn-fashion-mnist",
        ("fashion-mnist",),
    ),
    Stage(
        "table3",
        0.6,
        _study(
            "losses", "--dataset", ",".join(NETWORKS), "--runs", "10",
            quick="--runs 2 --epochs 1",
        ),
        "losses-table3",
        NETWORKS,
    ),
    Stage(
        "cnn5c",
        0.7,
        _study(
            "losses", "--dataset", ",".join(NETWORKS), "--model", "cnn5c", "--runs", "1",
            quick="--model cnn5c --loss sml --runs 1 --epochs 1",
        ),
        "losses-table3-cnn5c",
        NETWORKS,
    ),
    Stage("fitters", 0.5, _own),
    Stage("colour", 0.9, _own),
)  # fmt: skip
"""What is worth most comes first: a command that is killed loses what is behind."""
