"""Downloads of published data sets, verified before anything is kept."""

from __future__ import annotations

from pathlib import Path

from simulations.dataset_files import File, read_verified
from simulations.datasets import DataSet


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
    if missing and dataset.url.endswith("/"):
        for file in missing:
            _download(dataset.url + file.path, home, file.path)
    elif missing:
        _download_archive(dataset.url, home, [file.path for file in missing])
    for file in missing:
        try:
            read_verified(home, file)
        except ValueError:
            (home / file.path).unlink(missing_ok=True)
            raise
    return [home / file.path for file in dataset.files]


def _is_there(home: Path, file: File) -> bool:
    try:
        read_verified(home, file)
    except ValueError:
        (home / file.path).unlink(missing_ok=True)
        return False
    return True


def _download(url: str, home: Path, name: str) -> None:
    import pooch

    # Verified by what is in them: an archive that was packed anew is as good.
    pooch.retrieve(url, known_hash=None, fname=name, path=home, progressbar=False)


def _download_archive(url: str, home: Path, members: list[str]) -> None:
    import pooch

    name = url.rsplit("/", 1)[1]
    processor = pooch.Untar(members=members, extract_dir=".")
    pooch.retrieve(url, known_hash=None, fname=name, path=home, processor=processor)
    (home / name).unlink()
