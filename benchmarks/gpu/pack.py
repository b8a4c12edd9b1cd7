"""What a machine without a network needs beyond the checkout, in parts that are small enough.

A bundle is a tar file: one for each data set, one for the wheels. The manifest is written last.
"""

from __future__ import annotations

import argparse
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.gpu.parts import BadPart, Part, Whole, join, split
from benchmarks.gpu.wheels import download_wheels
from learnprop.simulations.dataset_catalogue import DATASETS
from learnprop.simulations.dataset_files import data_folders, find_folder, read_verified

FOLDER = Path("gpu-pack")
MANIFEST = "manifest.json"
PART_SIZE = 39 * 2**20
USUAL = ("mnist", "fashion-mnist", "kmnist")
WHEELS = "wheels"
ROOT = Path(__file__).parents[2]


def main(arguments: Sequence[str]) -> int:
    """Gather; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks gpu-pack",
        description="Gather data sets and wheels for a machine without a network, in parts.",
    )
    parser.add_argument(
        "datasets", nargs="*", metavar="DATASET", help=f"by default {', '.join(USUAL)}"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.datasets if name not in DATASETS or name == "digits"]
    if unknown:
        parser.error(f"no such data set to take along: {', '.join(unknown)}")
    try:
        bundles = {name: files_of(name) for name in chosen.datasets or USUAL}
        bundles[WHEELS] = download_wheels(ROOT / "constraints.txt")
        wholes = write_pack(chosen.out, bundles)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    for whole in wholes:
        for part in whole.parts:
            print(f"{chosen.out / part.name}  {part.size / 2**20:.1f} MiB")
    print(f"{chosen.out / MANIFEST}: {sum(w.size for w in wholes) / 2**20:.1f} MiB in all")
    return 0


def files_of(dataset: str) -> dict[str, bytes]:
    """Published files of a data set that is here, verified, by ``dataset/file``.

    Raises
    ------
    ValueError
        If it is not here, or a file is not as published.
    """
    known, folders = DATASETS[dataset], data_folders()
    folder = find_folder(dataset, known.files, folders)
    if folder is None:
        looked = ", ".join(str(f) for f in folders)
        raise ValueError(f"{dataset} is not here (looked in {looked}): learnprop data fetch")
    for file in known.files:
        read_verified(folder, file)
    return {f"{dataset}/{file.path}": (folder / file.path).read_bytes() for file in known.files}


def write_pack(
    out: Path, bundles: Mapping[str, Mapping[str, bytes]], most: int = PART_SIZE
) -> list[Whole]:
    """Write bundles as parts, and their manifest; a pack that is there is replaced.

    Raises
    ------
    ValueError
        If the folder holds something else.
    """
    if out.exists():
        if not out.is_dir() or (any(out.iterdir()) and not (out / MANIFEST).exists()):
            raise ValueError(f"--out {out} is there and is no pack")
        for whole in read_manifest(out).values():
            for part in whole.parts:
                (out / part.name).unlink(missing_ok=True)
        (out / MANIFEST).unlink(missing_ok=True)
    out.mkdir(parents=True, exist_ok=True)
    wholes = [split(packed(files), f"{name}.tar", out, most) for name, files in bundles.items()]
    content = json.dumps([asdict(whole) for whole in wholes], indent=2) + "\n"
    (out / MANIFEST).write_text(content)
    return wholes


def packed(files: Mapping[str, bytes]) -> bytes:
    """Files as a tar file."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def read_manifest(folder: Path) -> dict[str, Whole]:
    """Bundles of a pack by name; none where there is no such folder.

    Raises
    ------
    BadPart
        If the folder has no manifest, or not a whole one.
    """
    path = folder / MANIFEST
    if not folder.exists() or not any(folder.iterdir()):
        return {}
    try:
        wholes = [
            Whole(**{**entry, "parts": tuple(Part(**part) for part in entry["parts"])})
            for entry in json.loads(path.read_text())
        ]
    except FileNotFoundError:
        raise BadPart(f"{path} is missing") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadPart(f"{path} is damaged: {error}") from None
    return {whole.name.removesuffix(".tar"): whole for whole in wholes}


def unpacked(whole: Whole, folder: Path) -> dict[str, bytes]:
    """Files of a bundle by name.

    Raises
    ------
    BadPart
        Naming what is missing or damaged.
    """
    with tarfile.open(fileobj=io.BytesIO(join(whole, folder))) as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isfile()}
        return {name: file.read() for name, file in files.items() if file is not None}
