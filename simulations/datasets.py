"""Image data sets: the embedded digits, the MNIST family, CIFAR-10; imbalanced subsamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from learnprop.equations.arguments import BadArgument
from learnprop.equations.mean_proba import IntArray
from learnprop.simulations.dataset_catalogue import DataSet, dataset_named
from learnprop.simulations.dataset_files import (
    ByteArray,
    data_folders,
    find_folder,
    read_cifar,
    read_idx,
    read_verified,
)

TEST_SHARE = 1 / 3
"""Of each class of a data set without a published test set, drawn anew in every replication."""


@dataclass(frozen=True, eq=False)
class Images:
    """A data set in memory; one is equal to itself only.

    Attributes
    ----------
    images, test_images : ndarray of uint8, shape (n_samples, channels, height, width)
        No test images where no test set is published.
    labels, test_labels : ndarray of int64, shape (n_samples,)
    """

    images: ByteArray
    labels: IntArray
    test_images: ByteArray
    test_labels: IntArray


def load_dataset(name: str, data_dir: str = "") -> Images:
    """Read a data set and verify every file of it.

    Parameters
    ----------
    name : str
    data_dir : str
        Where to look first (see `learnprop.simulations.dataset_files.data_folders`).

    Returns
    -------
    Images

    Raises
    ------
    ValueError
        If there is no such data set, it is in none of the folders, or a file is missing,
        corrupted, truncated or another one; naming it.

    Examples
    --------
    >>> digits = load_dataset("digits")
    >>> digits.images.shape, digits.images.dtype.name, len(digits.test_images)
    ((1797, 1, 28, 28), 'uint8', 0)
    """
    dataset = dataset_named(name)
    if not dataset.files:
        return _digits()
    folders = data_folders(data_dir)
    folder = find_folder(name, dataset.files, folders)
    if folder is None:
        looked = ", ".join(str(f) for f in folders) or "no folder"
        raise BadArgument(
            "dataset",
            f"{name} is not here (looked in {looked}): learnprop data fetch {name} "
            "downloads it, `data_dir` says where it is",
        )
    return _read(dataset, folder)


@lru_cache(maxsize=1)
def _read(dataset: DataSet, folder: Path) -> Images:
    """Read once per process, not once per replication."""
    contents = [(str(folder / f.path), read_verified(folder, f)) for f in dataset.files]
    if dataset.name == "cifar10":
        batches = [read_cifar(content, path) for path, content in contents]
        pictures, answers = (np.concatenate(part) for part in zip(*batches[:-1], strict=True))
        test, test_answers = batches[-1]
    else:
        arrays = [read_idx(content, path) for path, content in contents]
        pictures, answers, test, test_answers = arrays
        pictures, test = pictures[:, None], test[:, None]
    return Images(pictures, answers.astype(np.int64), test, test_answers.astype(np.int64))


@lru_cache(maxsize=1)
def _digits() -> Images:
    """scikit-learn's 8 x 8 digits of 0 to 16, interpolated to 28 x 28 of 0 to 255."""
    import torch
    from sklearn.datasets import load_digits
    from torch.nn.functional import interpolate

    found = load_digits()
    small = torch.as_tensor(found.images)[:, None]
    large = interpolate(small, size=(28, 28), mode="bilinear").numpy()
    pixels = np.round(large * (255 / 16)).astype(np.uint8)
    return Images(pixels, found.target.astype(np.int64), pixels[:0], np.empty(0, dtype=np.int64))


def class_supply(labels: IntArray, test_labels: IntArray, n_classes: int) -> IntArray:
    """Number of images of each class that a training sample can be drawn from.

    Parameters
    ----------
    labels, test_labels : ndarray of int
        Without a test set, `TEST_SHARE` of each class is kept for one.
    n_classes : int

    Returns
    -------
    ndarray of int, shape (n_classes,)

    Examples
    --------
    >>> class_supply(np.array([0, 0, 0, 1, 1, 1, 1]), np.array([]), 2).tolist()
    [2, 3]
    """
    counts = np.bincount(labels, minlength=n_classes)
    return counts if len(test_labels) else counts - _held_out(counts)


def _held_out(counts: IntArray) -> IntArray:
    return np.asarray(counts * TEST_SHARE).astype(np.int64)


def draw_rows(
    labels: IntArray, class_count: Sequence[int], rng: np.random.Generator, *, hold_out: bool
) -> tuple[IntArray, IntArray]:
    """Draw a training sample of given class sizes without replacement, and a test sample.

    Parameters
    ----------
    labels : ndarray of int, shape (n_samples,)
    class_count : sequence of int
        At most `class_supply` each.
    rng : numpy.random.Generator
    hold_out : bool
        Whether to draw a test sample of `TEST_SHARE` of each class too.

    Returns
    -------
    train, test : ndarray of int
        Numbers of samples, class by class; none of test unless `hold_out`.

    Examples
    --------
    >>> y = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    >>> train, test = draw_rows(y, (2, 1), np.random.default_rng(0), hold_out=True)
    >>> y[train].tolist(), y[test].tolist(), set(train) & set(test)
    ([0, 0, 1], [0, 1], set())
    """
    held_out = _held_out(np.bincount(labels, minlength=len(class_count)))
    train, test = [], []
    for k, (n_train, n_test) in enumerate(zip(class_count, held_out, strict=True)):
        shuffled = rng.permutation(np.flatnonzero(labels == k))
        test.append(shuffled[: n_test if hold_out else 0])
        train.append(shuffled[len(test[-1]) :][:n_train])
    return np.concatenate(train), np.concatenate(test)


def split_rows(
    labels: IntArray, rows: IntArray, n_second: Sequence[int]
) -> tuple[IntArray, IntArray]:
    """Split a sample: the last so many samples of each class are the second part.

    Parameters
    ----------
    labels : ndarray of int
        Of the whole data set.
    rows : ndarray of int
        Numbers of samples in random order within each class.
    n_second : sequence of int, shape (n_classes,)

    Returns
    -------
    first, second : ndarray of int
        Class by class.

    Examples
    --------
    >>> y = np.array([0, 1, 0, 1, 0, 1])
    >>> split_rows(y, np.array([4, 2, 0, 5, 1]), (1, 1))
    (array([4, 2, 5]), array([0, 1]))
    """
    first, second = [], []
    for k, n in enumerate(n_second):
        of_class = rows[labels[rows] == k]
        first.append(of_class[: len(of_class) - n])
        second.append(of_class[len(of_class) - n :])
    return np.concatenate(first), np.concatenate(second)
