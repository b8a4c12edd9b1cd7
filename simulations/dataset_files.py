"""Files of published image data: found in folders, verified by content, read, never unpickled."""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from learnprop.simulations.dataset_catalogue import File

ENVIRONMENT = "LEARNPROP_DATA"
"""Variable that names folders of data sets, with ``os.pathsep`` between."""

ByteArray = NDArray[np.uint8]


def data_folders(data_dir: str = "") -> list[Path]:
    """Folders in which data sets are looked for, in this order.

    Parameters
    ----------
    data_dir : str
        Comes first; then those of the environment, then our own, where ``fetch`` puts them; it is
        known where pooch is installed.

    Returns
    -------
    list of Path
    """
    named = [data_dir, *os.environ.get(ENVIRONMENT, "").split(os.pathsep)]
    folders = [folder_named(name) for name in named if name]
    with suppress(ImportError):  # without pooch nothing was fetched
        folders.append(own_folder())
    return folders


def folder_named(name: str) -> Path:
    """Folder as a user names it, ``~`` expanded; that of nobody stays as it is."""
    return Path(os.path.expanduser(name))  # noqa: PTH111 - Path's raises RuntimeError


def resolved(name: str) -> str:
    """Folder as a user names it, from the root; nothing stays nothing."""
    return str(folder_named(name).resolve()) if name else ""


def own_folder() -> Path:
    """Folder of downloads: the user's cache, by the custom of the operating system.

    Raises
    ------
    ImportError
        Without pooch, which knows that custom.
    """
    import pooch

    return Path(pooch.os_cache("learnprop"))


def find_folder(name: str, files: Sequence[File], folders: Sequence[Path]) -> Path | None:
    """Folder of a data set: the first that holds any of its files; None where none does.

    Parameters
    ----------
    name : str
        Of the data set, and of its folder in one of `folders`.
    files : sequence of File
    folders : sequence of Path

    Returns
    -------
    Path or None
    """
    for folder in folders:
        if any((folder / name / file.path).is_file() for file in files):
            return folder / name
    return None


def read_verified(folder: Path, file: File) -> bytes:
    """Content of a file, uncompressed, if it is what its authors published.

    Parameters
    ----------
    folder : Path
        Of the data set.
    file : File

    Returns
    -------
    bytes

    Raises
    ------
    ValueError
        Naming the file: missing, not readable, truncated, or with another content.
    """
    path = folder / file.path
    try:
        content = path.read_bytes()
        if path.suffix == ".gz":
            content = gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"{path} is corrupted or truncated: {error}") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise ValueError(
            f"{path} is not the published file: SHA-256 of its content {found[:16]}..., "
            f"not {file.sha256[:16]}..."
        )
    return content


def read_idx(content: bytes, name: str) -> ByteArray:
    """Unsigned bytes in the IDX format, as an array.

    Two zero bytes, the type (8), the number of axes, the length of each as a big-endian integer
    of 32 bits, then the values.

    Parameters
    ----------
    content : bytes
    name : str
        For messages.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    ValueError
        If that is not its format, or values are missing or left over.

    References
    ----------
    LeCun, Cortes and Burges, The MNIST database of handwritten digits.

    Examples
    --------
    >>> read_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]), "labels").tolist()
    [7, 8, 9]
    """
    if content[:3] != b"\0\0\x08" or len(content) < 4:
        raise ValueError(f"{name} is no IDX file of unsigned bytes")
    n_axes = content[3]
    start = 4 + 4 * n_axes
    if not n_axes or len(content) < start:
        raise ValueError(f"{name} holds {len(content)} bytes, but a header of {n_axes} axes")
    shape = np.frombuffer(content[4:start], ">u4").tolist()
    values = np.frombuffer(content[start:], np.uint8)
    if len(values) != math.prod(shape):
        raise ValueError(f"{name} holds {len(values)} values, but is of shape {shape}")
    try:
        return values.reshape(shape)
    except ValueError as error:  # more axes than numpy has
        raise ValueError(f"{name} is of shape {shape}: {error}") from None


def read_cifar(content: bytes, name: str) -> tuple[ByteArray, ByteArray]:
    """Images and labels in CIFAR-10's binary format: a label, then 3 x 32 x 32 bytes, each.

    Parameters
    ----------
    content : bytes
    name : str
        For messages.

    Returns
    -------
    images : ndarray of uint8, shape (n, 3, 32, 32)
    labels : ndarray of uint8, shape (n,)

    Raises
    ------
    ValueError
        If it is no whole number of such records.

    References
    ----------
    Krizhevsky (2009), Learning Multiple Layers of Features from Tiny Images.

    Examples
    --------
    >>> images, labels = read_cifar(bytes([4]) + bytes(3072), "batch")
    >>> images.shape, labels.tolist()
    ((1, 3, 32, 32), [4])
    """
    size = 1 + 3 * 32 * 32
    if not content or len(content) % size:
        raise ValueError(f"{name} holds {len(content)} bytes, no multiple of {size}")
    records = np.frombuffer(content, np.uint8).reshape(-1, size)
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0]
