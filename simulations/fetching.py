"""Downloads of published data sets, verified before anything is kept."""

from __future__ import annotations

import tarfile
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from learnprop.simulations.dataset_catalogue import DataSet, File
from learnprop.simulations.dataset_files import read_verified


def fetch_dataset(dataset: DataSet, folder: Path) -> list[Path]:
    """Download what is missing of a data set, or not as published.

    Parameters
    ----------
    dataset : DataSet
    folder : Path
        Gets a sub-folder of the data set's name.

    Returns
    -------
    list of Path
        The files, all of them verified.

    Raises
    ------
    ValueError
        If what was downloaded is not the published file; it is removed.
    OSError
        If it cannot be had: requests' errors are of this kind.
    """
    home = folder / dataset.name
    missing = [file for file in dataset.files if not _is_there(home, file)]
    if missing:
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=home) as name:  # what is there stays until it is replaced
            fresh = Path(name)
            if dataset.url.endswith("/"):
                for file in missing:
                    _retrieve(dataset.url + file.path, fresh, file.path)
            else:
                _retrieve_archive(dataset.url, fresh, [file.path for file in missing])
            for file in missing:
                read_verified(fresh, file)
                (home / file.path).parent.mkdir(parents=True, exist_ok=True)
                (fresh / file.path).replace(home / file.path)
    return [home / file.path for file in dataset.files]


def _is_there(home: Path, file: File) -> bool:
    try:
        read_verified(home, file)
    except ValueError:
        return False
    return True


def _retrieve(url: str, folder: Path, name: str, processor: Any = None) -> None:
    import pooch

    # Verified by what is in them: an archive that was packed anew is as good.
    pooch.retrieve(url, known_hash=None, fname=name, path=folder, processor=processor)


def _retrieve_archive(url: str, folder: Path, members: list[str]) -> None:
    import pooch

    processor = pooch.Untar(members=members, extract_dir=".")
    try:
        _retrieve(url, folder, url.rsplit("/", 1)[1], processor)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise ValueError(f"{url} is no archive, or a truncated one: {error}") from None
