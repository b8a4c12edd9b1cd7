"""What the stages need on this machine: found here, or out of the pack."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.gpu.pack import ROOT, WHEELS, read_manifest, unpacked
from benchmarks.gpu.parts import BadPart, Whole
from benchmarks.gpu.wheels import lacking_here, unpack_wheels
from learnprop.simulations.dataset_catalogue import DATASETS
from learnprop.simulations.dataset_files import ENVIRONMENT, data_folders, read_verified


class Missing(ValueError):
    """One line that says what is needed, what for, and why it cannot be had."""


def supply(pack: Path, into: Path, needed_by: Mapping[str, str]) -> dict[str, str]:
    """Bring what is missing out of the pack; nothing of the pack that is not needed is looked at.

    Parameters
    ----------
    pack : Path
        Folder of the pack; it may hold some of its parts only, or not be there.
    into : Path
        Folder to unpack into.
    needed_by : mapping of str to str
        Data sets, and what needs each.

    Returns
    -------
    dict of str to str
        Environment variables of the stages.

    Raises
    ------
    Missing
    """
    data, wheels = into / "data", into / "wheels"
    try:
        manifest = read_manifest(pack)
    except BadPart as error:
        raise Missing(str(error)) from None
    lacking = lacking_here()
    needs = f"this Python lacks {', '.join(lacking)}"
    files_of_wheels = _files(WHEELS, manifest, pack, needs) if lacking else {}
    found = [data, *data_folders()]
    missing = {
        name: _files(name, manifest, pack, f"{stage} needs {name}, which is not here")
        for name, stage in needed_by.items()
        if not any(_is_whole(name, folder) for folder in found)
    }
    unpack_wheels(files_of_wheels, lacking, wheels)
    sys.path.append(str(wheels))
    for files in missing.values():
        for path, content in files.items():
            (data / path).parent.mkdir(parents=True, exist_ok=True)
            (data / path).write_bytes(content)
    return {
        "PYTHONPATH": _joined(ROOT, wheels, os.environ.get("PYTHONPATH")),
        ENVIRONMENT: _joined(data, os.environ.get(ENVIRONMENT)),
    }


def _files(name: str, manifest: Mapping[str, Whole], pack: Path, needs: str) -> dict[str, bytes]:
    if name not in manifest:
        raise Missing(f"{needs}, and {pack} has none: make gpu-pack gathers it")
    try:
        return unpacked(manifest[name], pack)
    except BadPart as error:
        raise Missing(f"{needs}: {error}") from None


def _is_whole(name: str, folder: Path) -> bool:
    try:
        for file in DATASETS[name].files:
            read_verified(folder / name, file)
    except ValueError:
        return False
    return True


def _joined(*folders: Path | str | None) -> str:
    return os.pathsep.join(str(folder) for folder in folders if folder)
