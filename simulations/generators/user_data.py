"""A user's own data as a study: classes in their order, resampled without replacement."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from learnprop.equations.arguments import BadArgument, marked, within
from learnprop.equations.mean_proba import FloatArray
from learnprop.simulations.engine.study import StudyError
from learnprop.simulations.generators.generator import Sample
from learnprop.simulations.generators.user_files.dialect import UNSAID, Dialect
from learnprop.simulations.generators.user_files.read import read_features_and_labels

SHOWN = 10
"""Labels that an error names."""

MOST_FRACTIONS, MOST_NUMBERS, ROWS_OF_EACH = 10, 20, 10
"""Different labels that may be numbers, whole ones or not, before they need so many rows each."""


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
        Of what was read (`digest_of`): however it is written, the same data are the same.
    called : str
        What errors call it, if not by its path: of arrays, "X".
    dialect : Dialect
        How a text file is written, as far as it was said.
    """

    path: str
    label: str
    drop: tuple[str, ...]
    labels: tuple[str, ...]
    counts: tuple[int, ...]
    n_features: int
    sha256: str
    called: str = ""
    dialect: Dialect = UNSAID

    @property
    def name(self) -> str:
        """What errors call the data."""
        return self.called or self.path


def describe_file(
    path: str,
    label: str,
    drop: Sequence[str],
    rarest: str = "",
    drop_labels: Collection[str] = (),
    dialect: Dialect = UNSAID,
) -> DataFile:
    """Read a file, check it, and order its classes: the rarest label is class 0.

    Parameters
    ----------
    path : str
        Text or Excel with a header, Parquet, or npz with an array ``X`` and one of labels.
    label : str
        Column of the labels.
    drop : sequence of str
        Columns that are no features.
    rarest : str
        Label that shall be class 0, if not the rarest one; labels of equal counts are in the order
        of their names.
    drop_labels : collection of str
        Labels whose rows are left out.
    dialect : Dialect
        What is known of a text file's encoding, separator and decimal mark.

    Returns
    -------
    DataFile

    Raises
    ------
    ValueError
        Naming the option and what is wrong with the file: columns that are not there, values that
        are missing or not finite (with their rows, counted from 1 after the header), or not
        numbers, features that never vary, labels that are no classes.
    """
    full = str(Path(path).expanduser().resolve())
    features, labels = read_features_and_labels(full, label, tuple(drop), dialect)
    with within("label", label):
        counts = class_counts(labels, "label", rarest, path, drop_labels)
    return DataFile(
        path=full,
        label=label,
        drop=tuple(drop),
        labels=tuple(counts),
        counts=tuple(counts.values()),
        n_features=features.shape[1],
        sha256=digest_of(features, labels, counts),
        dialect=dialect,
    )


def digest_of(features: FloatArray, labels: np.ndarray, classes: Collection[str]) -> str:
    """SHA-256 of the samples of some classes, in their order.

    Parameters
    ----------
    features : ndarray of float64, shape (n_samples, n_features)
    labels : ndarray of str, shape (n_samples,)
    classes : collection of str

    Returns
    -------
    str

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array(["a", "b", "c"])
    >>> digest_of(X, y, ["a", "b"]) == digest_of(X[:2], y[:2], ["b", "a"])
    True
    >>> digest_of(X, y, ["a", "b"]) == digest_of(X, y, ["a", "c"])
    False
    """
    kept = np.isin(labels, list(classes))
    digest = hashlib.sha256(features[kept].astype("<f8").tobytes())
    digest.update(json.dumps(labels[kept].tolist()).encode())
    return digest.hexdigest()


def class_counts(
    labels: np.ndarray,
    name: str,
    rarest: str = "",
    of: str = "y",
    drop_labels: Collection[str] = (),
) -> dict[str, int]:
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
    drop_labels : collection of str
        Labels that are no classes.

    Returns
    -------
    dict
        Label to number of samples.

    Raises
    ------
    BadArgument
        If they are fewer than two classes or no classes, or have a single sample, or `rarest` or
        `drop_labels` are none of them.

    Examples
    --------
    >>> class_counts(np.array(["no", "yes", "no", "no", "yes"]), "y")
    {'yes': 2, 'no': 3}
    >>> class_counts(np.array([*"ab" * 3, "c"]), "y")
    Traceback (most recent call last):
    ValueError: y has one row of 'c', and none is left to test: drop_labels 'c' leaves it out
    """
    counts = Counter(labels.tolist())
    for label in drop_labels:
        if label not in counts:
            raise BadArgument("drop_labels", f"must be labels of {of}, got {label!r}")
    counts = Counter({label: n for label, n in counts.items() if label not in drop_labels})
    if len(counts) < 2:
        raise BadArgument(name, f"must hold at least 2 labels, got {list(counts)}")
    _refuse_target(counts, name)
    if rarest and rarest not in counts:
        raise BadArgument("rarest", f"must be a label of {of}, got {rarest!r}")
    order = sorted(counts, key=lambda label: (label != rarest, counts[label], label))
    single = [label for label in order if counts[label] == 1]
    if single:
        shown = ", ".join(map(repr, single[:SHOWN]))
        more = f" and {len(single) - SHOWN} more" if len(single) > SHOWN else ""
        which = "" if more else f" {_listed(single)!r}"
        raise BadArgument(
            name,
            f"has one row of {shown}{more}, and none is left to test: `drop_labels`{which} leaves "
            f"{'it' if len(single) == 1 else 'them'} out",
        )
    return {label: counts[label] for label in order}


def _refuse_target(counts: Counter[str], name: str) -> None:
    """Raise BadArgument if labels are numbers that are measured, or differ in most rows."""
    numbers = [_as_number(label) for label in counts]
    n, n_rows = len(counts), counts.total()
    if not np.isnan(numbers).any():
        whole = np.equal(np.mod(numbers, 1), 0).all()
        few = n_rows < ROWS_OF_EACH * n or (not whole and 1 in counts.values())
        if few and n > (MOST_NUMBERS if whole else MOST_FRACTIONS):
            raise BadArgument(
                name,
                f"looks like a continuous target: {n} distinct values in {n_rows} rows, such as "
                f"{next(iter(counts))}; a classifier needs classes: cut it into intervals, or "
                f"name the classes, such as c{next(iter(counts))}",
            )
    if 2 * n > n_rows:
        raise BadArgument(
            name, f"must name classes, but holds {n} different values in {n_rows} rows"
        )


def _as_number(label: str) -> float:
    try:
        return float(label.replace(",", "."))
    except ValueError:
        return np.nan


def _listed(labels: Sequence[str]) -> str:
    """Labels as one gives a list: commas between, a word with a comma in double quotes."""
    return ",".join(f'"{label}"' if "," in label else label for label in labels)


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
    features, labels = read_features_and_labels(file.path, file.label, file.drop, file.dialect)
    if digest_of(features, labels, file.labels) != file.sha256:
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
