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
    commands : callable ``(stage, setting) -> list of list of str``
        One after the other; the first that fails is the last.
    study : str
        Name of the folder that it leaves; empty where it leaves none.
    datasets : tuple of str
        What it needs, but in a rehearsal.
    least : float
        Seconds under which it would leave nothing, but in a rehearsal.
    """

    name: str
    share: float
    commands: Callable[[Stage, Setting], list[list[str]]]
    study: str = ""
    datasets: tuple[str, ...] = ()
    least: float = 0.0


def _own(stage: Stage, at: Setting) -> list[list[str]]:
    quick = ["--quick"] if at.quick else []
    command = [
        sys.executable, "-m", "benchmarks.gpu.stages", stage.name,
        "--device", at.device, "--log", str(at.log), *quick,
    ]  # fmt: skip
    return [command]


def _study(
    *chosen: str, runs: tuple[int, ...], quick: str
) -> Callable[[Stage, Setting], list[list[str]]]:
    """Commands of a study, with so many runs and then with more, each with its report.

    `quick` are the options of its rehearsal, without its name, for 2, 3 and so on runs.
    """

    def commands(stage: Stage, at: Setting) -> list[list[str]]:
        out = at.studies / stage.study
        options = [chosen[0], *quick.split()] if at.quick else list(chosen)
        options = [option.replace("STATES", str(out / "states")) for option in options]
        return [
            [
                sys.executable, "-m", "learnprop", *options, "--runs", str(n),
                "--device", at.device, "--out", str(out), "--backend", "sequential",
            ]
            for n in (range(2, 2 + len(runs)) if at.quick else runs)
        ]  # fmt: skip

    return commands


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
            "cnn", "--dataset", "fashion-mnist", "--imbalance", "10",
            "--heldout", "0.1", "--stages", "raw,bias,heldout", "--states", "STATES",
            runs=(50, 100),
            quick="--sizes 28,24,20,16,14,12,12,10,10,10 --epochs 2 --heldout 0.2 "
            "--stages raw,bias,heldout --states STATES",
        ),
        "cnn-fashion-mnist",
        ("fashion-mnist",),
    ),
    Stage(
        "table3",
        0.6,
        _study(
            "losses", "--dataset", ",".join(NETWORKS), runs=(10,), quick="--epochs 1"
        ),
        "losses-table3",
        NETWORKS,
    ),
    Stage(
        "cnn5c",
        0.7,
        _study(
            "losses", "--dataset", ",".join(NETWORKS), "--model", "cnn5c",
            runs=(1,), quick="--model cnn5c --loss sml --epochs 1",
        ),
        "losses-table3-cnn5c",
        NETWORKS,
        least=100,  # of one data set: 95 s, by the operations of a step
    ),
    Stage("fitters", 0.5, _own),
    Stage("colour", 0.9, _own),
)  # fmt: skip
"""What is worth most comes first: a command that is killed loses what is behind."""
