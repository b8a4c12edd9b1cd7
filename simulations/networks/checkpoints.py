"""Unfinished trainings on disk: written whole or not at all, read without executing anything."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import torch

EVERY_SECONDS = 30.0
"""Between two checkpoints of one training, at the end of an epoch."""


@dataclass
class Checkpoint:
    """Where a training is kept, and what it is.

    Attributes
    ----------
    path : Path
    key : str
        All that determines the training: another one's file is not resumed.
    written : float
        `time.monotonic` of the last one.
    """

    path: Path
    key: str
    written: float = field(default_factory=time.monotonic)


def save_checkpoint(
    checkpoint: Checkpoint,
    state: Mapping[str, torch.Tensor],
    progress: Any,
    finished: bool,
) -> None:
    """Write a training if the last time is long enough ago or it is finished.

    Parameters
    ----------
    checkpoint : Checkpoint
    state : mapping of str to tensor
        Parameters and buffers.
    progress : dataclass
        Of numbers, tensors and dicts of them.
    finished : bool
    """
    if not finished and time.monotonic() - checkpoint.written < EVERY_SECONDS:
        return
    part = checkpoint.path.with_suffix(f".{os.getpid()}.part")
    content = {
        "key": checkpoint.key,
        "state": dict(state),
        "progress": {f.name: getattr(progress, f.name) for f in fields(progress)},
    }
    try:
        checkpoint.path.parent.mkdir(parents=True, exist_ok=True)
        torch.save(content, part)
        part.replace(checkpoint.path)
    except (OSError, RuntimeError):  # a full disk is either: only time is lost, not the training
        with suppress(OSError):
            part.unlink()
    checkpoint.written = time.monotonic()


def load_checkpoint(
    checkpoint: Checkpoint,
    state: Mapping[str, torch.Tensor],
    progress: Any,
) -> bool:
    """Put a training where its checkpoint has it, if there is one of this very training.

    Parameters
    ----------
    checkpoint : Checkpoint
    state : mapping of str to tensor
        Overwritten in place.
    progress : dataclass

    Returns
    -------
    bool
        Whether there was one. A file that cannot be read counts as none: it only costs time.
    """
    found = read_whole(checkpoint.path)
    if not isinstance(found, dict) or found.get("key") != checkpoint.key:
        return False
    with torch.no_grad():
        for name, tensor in state.items():
            tensor.copy_(found["state"][name])
    for name, value in found["progress"].items():
        setattr(progress, name, _placed(value, getattr(progress, name)))
    return True


def _placed(value: Any, like: Any) -> Any:
    """Tensors where those are whose place they take; others stay on the processor."""
    if isinstance(like, torch.Tensor):
        return value.to(like.device)
    if isinstance(like, dict):
        return {name: _placed(v, like.get(name)) for name, v in value.items()}
    return value


def read_whole(path: Path) -> Any:
    """Content of a file that `torch.save` wrote, every byte of it verified; else None."""
    if not is_zipfile(path):  # what else torch.load takes would be a bare pickle
        return None
    try:
        with ZipFile(path) as archive:
            if archive.testzip() is not None:  # torch.load would take a changed byte
                return None
        return torch.load(path, weights_only=True, map_location="cpu")
    except Exception:  # of the many that a file of another kind raises
        return None
