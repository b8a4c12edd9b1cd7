"""A user's own data as a study: classes in their order, resampled without replacement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from learnprop.equations.arguments import BadArgument, marked, within
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.generators.generator import Sample
from learnprop.simulations.generators.user_files.read import read_features_and_labels


@dataclass(frozen=True)
class DataFile:
    """What a study says of a file: enough to report it without the file.

    Attributes
    ----------
    path : str
    label : str
        Column of the labels; in an npz file, the array.
    drop : tuple of str
        Columns that are no features.
    labels : tuple of str
        Names of the classes in the order of the study.
    counts : tuple of int
        Samples of each class.
    n_features : int
    sha256 : str
        Of the file's bytes.
    called : str
        What errors call it, if not by its path: of arrays, "X".
    """

    path: str
    label: str
    drop: tuple[str, ...]
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    n_features: int
    sha256: str
    called: str = ""

    @property
    def name(self) -> str:
        """What errors call the data."""
        return self.called or self.path


def describe_file(path: str, label: str, drop: Sequence[str], rarest: str = "") -> DataFile:
    """Read a file, check it, and order its classes: the rarest label is class 0.

    Parameters
    ----------
    path : str
        CSV with a header, Parquet, or npz with an array ``X`` and one of labels.
    label : str
        Column of the labels.
    drop : sequence of str
        Columns that are no features.
    rarest : str
        Label that shall be class 0, if not the rarest one; labels of equal counts are in the order
        of their names.

    Returns
    -------
    DataFile

    Raises
    ------
    ValueError
        Naming the option and what is wrong with the file: columns that are not there, values that
        are missing or not finite (with their rows, counted from 1 after the header), or not
        numbers, features that never vary, fewer than two labels.
    """
    full = str(Path(path).expanduser().resolve())
    features, labels, sha256 = read_features_and_labels(full, label, tuple(drop))
    with within("label", label):
        counts = class_counts(labels, "label", rarest, path)
    return DataFile(
        path=full,
        label=label,
        drop=tuple(drop),
        labels=tuple(counts),
        counts=tuple(counts.values()),
        n_features=features.shape[1],
        sha256=sha256,
    )


def class_counts(labels: np.ndarray, name: str, rarest: str = "", of: str = "y") -> dict[str, int]:
    """Count the samples of each class, in the order of the study: the rarest label is class 0.

    Parameters
    ----------
    labels : ndarray of str, shape (n_samples,)
    name : str
        Argument that they are, for an error.
    rarest : str
        Label that shall be class 0, if not the rarest one.
    of : str
        Where the labels are from, for an error.

    Returns
    -------
    dict
        Label to number of samples.

    Raises
    ------
    BadArgument
        If they are fewer than two classes or no classes, or `rarest` is none of them.

    Examples
    --------
    >>> class_counts(np.array(["no", "yes", "no", "no"]), "y")
    {'yes': 1, 'no': 3}
    """
    counts = Counter(labels.tolist())
    if len(counts) < 2:
        raise BadArgument(name, f"must hold at least 2 labels, got {list(counts)}")
    if 2 * len(counts) > len(labels):
        raise BadArgument(
            name,
            f"must name classes, but holds {len(counts)} different values in {len(labels)} rows",
        )
    if rarest and rarest not in counts:
        raise BadArgument("rarest", f"must be a label of {of}, got {rarest!r}")
    order = sorted(counts, key=lambda label: (label != rarest, counts[label], label))
    return {label: counts[label] for label in order}


def samples_of_file(file: DataFile) -> list[FloatArray]:
    """Features of each class of a file, (n_samples, n_features) each, in the order of the study.

    Raises
    ------
    StudyError
        If the file is gone or no longer what it was: nothing can be computed from it.
    """
    try:
        return list(_samples(file))
    except (OSError, ValueError) as error:
        raise StudyError(marked(error)) from None


@lru_cache(maxsize=1)
def _samples(file: DataFile) -> tuple[FloatArray, ...]:
    """Read once per process, not once per block."""
    features, labels, sha256 = read_features_and_labels(file.path, file.label, file.drop)
    if sha256 != file.sha256:
        raise BadArgument("data", f"{file.path} is not the file that the study began with")
    return tuple(features[labels == name] for name in file.labels)


def draw_from_classes(
    classes: Sequence[FloatArray],
    train_size: Sequence[int],
    test_size: Sequence[int],
    rng: np.random.Generator,
) -> tuple[Sample, Sample]:
    """Draw training and test samples of given class sizes, no sample twice.

    Parameters
    ----------
    classes : sequence of ndarray, shape (n_samples, n_features)
    train_size, test_size : sequence of int
        Of each class; their sum is at most what there is.
    rng : numpy.random.Generator

    Returns
    -------
    train, test : tuple of (X, y)
        Labels sorted.

    Examples
    --------
    >>> classes = [np.arange(4.0)[:, None], np.arange(10.0, 20.0)[:, None]]
    >>> train, test = draw_from_classes(classes, (3, 2), (1, 1), np.random.default_rng(0))
    >>> train[0].shape, train[1].tolist(), sorted(train[0][:3, 0].tolist() + [float(test[0][0, 0])])
    ((5, 1), [0, 0, 0, 1, 1], [0.0, 1.0, 2.0, 3.0])
    """
    parts: tuple[list[FloatArray], list[FloatArray]] = ([], [])
    for features, n_train, n_test in zip(classes, train_size, test_size, strict=True):
        chosen = rng.permutation(len(features))[: n_train + n_test]
        parts[0].append(features[chosen[:n_train]])
        parts[1].append(features[chosen[n_train:]])

    def labelled(pieces: list[FloatArray]) -> Sample:
        labels = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
        return np.concatenate(pieces), labels

    return labelled(parts[0]), labelled(parts[1])
