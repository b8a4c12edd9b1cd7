"""Trained networks kept on disk: trained on one machine, measured on another.

A file per network, named by cell, setting, replication and the beginning of its key, which is all
that determines the training, the device apart.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import torch

from learnprop.equations.arguments import BadArgument
from learnprop.simulations.engine.versions import code_version
from learnprop.simulations.networks.checkpoints import read_whole
from learnprop.simulations.networks.members import NetworkCell
from learnprop.simulations.networks.training import Trained

KEY_LETTERS = 16
"""Of a key in the name of a file."""


def training_key(cell: NetworkCell, seed: int, setting: str, run: int) -> str:
    """All that determines a training, as one word; not the device, nor what is measured after it.

    Parameters
    ----------
    cell : NetworkCell
    seed : int
    setting : str
    run : int

    Returns
    -------
    str
    """
    known: dict[str, Any] = asdict(cell)  # type: ignore[call-overload]
    about = known | dict.fromkeys(("device", "data_dir", "states", "stages"), "")
    about |= {"seed": seed, "setting": setting, "run": run}
    return hashlib.sha256(json.dumps([about, code_version()], sort_keys=True).encode()).hexdigest()


def network_name(cell: NetworkCell, setting: str, run: int) -> str:
    """Name of a network, e.g. of the file of its state."""
    return f"{cell.name} {setting}, run {run}"


def state_path(folder: Path, name: str, key: str) -> Path:
    """File of a trained network.

    Parameters
    ----------
    folder : Path
    name : str
        Of the network: its cell, setting and replication.
    key : str

    Returns
    -------
    Path

    Examples
    --------
    >>> state_path(Path("states"), "kmnist cnn2c lgl-inr beta=1, run 3", "0123456789abcdef0").name
    'kmnist-cnn2c-lgl-inr-beta-1-run-3-0123456789abcdef.pt'
    """
    return folder / f"{_stem(name)}-{key[:KEY_LETTERS]}.pt"


def _stem(name: str) -> str:
    return re.sub(r"[^\w.]+", "-", name)


def trained_networks(cells: Sequence[NetworkCell], seed: int, n_runs: int) -> list[tuple[str, str]]:
    """Name and key of every training of a study.

    Parameters
    ----------
    cells : sequence of NetworkCell
    seed, n_runs : int

    Returns
    -------
    list of (name, key)
    """
    return [
        (network_name(cell, setting, run), training_key(cell, seed, setting, run))
        for cell in cells
        for run in range(n_runs)
        for setting, _ in cell.class_weight
    ]


def check_states(folder: Path, networks: Sequence[tuple[str, str]]) -> None:
    """Raise BadArgument if the folder holds other trainings under these names.

    Parameters
    ----------
    folder : Path
    networks : sequence of (name, key)

    Raises
    ------
    BadArgument
        Naming the first file.
    """
    if folder.exists() and not folder.is_dir():
        raise BadArgument("states", f"must be a folder, got {folder}")
    here = {path.name for path in folder.glob("*.pt")} if folder.is_dir() else set()
    for name, key in networks:
        mine = state_path(folder, name, key).name
        others = [f for f in here if f[: -KEY_LETTERS - 4] == _stem(name) and f != mine]
        if others and mine not in here:
            raise BadArgument(
                "states",
                f"holds a training of another design, or of other sources: {folder / others[0]}",
            )


def save_state(path: Path, key: str, device: str, trained: Trained) -> None:
    """Write a trained network, whole or not at all.

    Parameters
    ----------
    path : Path
    key : str
    device : str
        Name of the device that it was trained on.
    trained : Trained

    Raises
    ------
    OSError
        If it cannot be written.
    """
    part = path.with_suffix(f".{os.getpid()}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    content = {f.name: getattr(trained, f.name) for f in fields(trained)}
    try:
        torch.save({"key": key, "device": device} | content, part)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def load_state(path: Path, key: str) -> tuple[Trained, str] | None:
    """Read a trained network, and the name of the device that trained it.

    Parameters
    ----------
    path : Path
    key : str

    Returns
    -------
    (Trained, str) or None
        None where there is no such file, or none that can be read: it is then trained anew.
    """
    found = read_whole(path)
    if not isinstance(found, dict) or found.pop("key", None) != key:
        return None
    device = found.pop("device")
    return Trained(**found), device
