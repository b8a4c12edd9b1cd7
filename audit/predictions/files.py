"""Predictions in a file, measured in one pass that holds few rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np

from learnprop.audit.predictions.chunks import MANY, Chunk, measure_chunks
from learnprop.audit.predictions.groups import MOST, Bin, measure_bins
from learnprop.audit.predictions.record import Predictions
from learnprop.audit.predictions.user_predictions.choice import Asked, Taken, choose
from learnprop.audit.predictions.user_predictions.rows import checked
from learnprop.audit.predictions.user_predictions.table import LABELS, Table
from learnprop.equations.arguments import BadArgument
from learnprop.simulations.generators.user_files.dialect import UNSAID, Dialect, check_dialect

TEXT = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
SUFFIXES = (*TEXT, ".parquet", ".npz")
MOST_HELD = 1 << 30
"""Bytes of the chunks that are held at all."""


@dataclass(frozen=True)
class PredictionsFile:
    """A file whose columns were chosen, and of which nothing was measured yet.

    Attributes
    ----------
    path : Path
    table : Table
    taken : Taken
    """

    path: Path
    table: Table
    taken: Taken


@dataclass(frozen=True)
class Measured:
    """What a file holds.

    Attributes
    ----------
    predictions : Predictions
    groups : tuple of (str, Predictions)
        In the order of their names; empty unless they were asked for.
    rounding : float
        By how much a row of probabilities missed one, at most, where rows were divided by their
        sums; else 0.
    """

    predictions: Predictions
    groups: tuple[tuple[str, Predictions], ...]
    rounding: float


def open_predictions(path: Path, asked: Asked, dialect: Dialect = UNSAID) -> PredictionsFile:
    """Open a file of predictions, and choose its columns.

    Parameters
    ----------
    path : Path
        A text file (.csv, .tsv, plain or .gz), Parquet or npz, by its ending in any case.
    asked : Asked
    dialect : Dialect
        What is known of a text file's encoding, separator and decimal mark.

    Returns
    -------
    PredictionsFile

    Raises
    ------
    BadArgument
        About ``file``, the fields of `asked` or those of `dialect`.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "predictions.csv"
    ...     text = "y_true,proba_no,proba_yes/no,.8,.2/yes,.4,.6/"
    ...     _ = path.write_text(text.replace("/", chr(10)))
    ...     file = open_predictions(path, Asked())
    ...     print(file.taken)
    ...     measure_file(file).predictions.mean_proba.tolist()
    labels in 'y_true'; probabilities of 2 classes in 'proba_no', 'proba_yes'
    [[0.8, 0.2], [0.4, 0.6]]
    """
    name = path.name.lower()
    if path.is_dir():
        raise BadArgument("file", f"is a folder: it must be a file, {', '.join(SUFFIXES)}")
    if not name.endswith(SUFFIXES):
        raise BadArgument("file", f": must end in {', '.join(SUFFIXES)}")
    check_dialect(dialect, is_text=name.endswith(TEXT))
    try:
        with path.open("rb"):
            pass
    except OSError as error:
        raise BadArgument("file", f"cannot be read: {error.strerror}") from None
    table = _table(path, asked, dialect)
    return PredictionsFile(path, table, choose(table, asked))


def _table(path: Path, asked: Asked, dialect: Dialect) -> Table:
    if path.suffix.lower() == ".npz":
        from learnprop.audit.predictions.user_predictions.npz_files import npz_table

        return npz_table(path)
    if path.suffix.lower() == ".parquet":
        from learnprop.audit.predictions.user_predictions.parquet_files import parquet_table

        return parquet_table(path)
    from learnprop.audit.predictions.user_predictions.text_files import text_table

    return text_table(path, (asked.label,) if asked.label else LABELS, dialect)


def measure_file(file: PredictionsFile) -> Measured:
    """Measure a file of predictions, as a whole and within each group.

    Without groups few rows are held at a time; with groups all numbers of the file are.

    Parameters
    ----------
    file : PredictionsFile

    Returns
    -------
    Measured

    Raises
    ------
    BadArgument
        About ``file``, naming the row; or about ``by``.
    """
    rounding: list[float] = []
    by_group = _by_group(file, rounding) if file.taken.columns.by else {}
    labels, are_logits = file.taken.labels, file.taken.are_logits

    def measure(chunks: Callable[[], Iterable[Chunk]]) -> Predictions:
        return measure_chunks(chunks, labels, are_logits=are_logits, name="file")

    def read() -> Iterator[Chunk]:
        return (chunk for chunk, _ in checked(file.table, file.taken, rounding))

    if by_group:
        whole = measure(lambda: chain.from_iterable(by_group.values()))
    else:
        whole = measure(held_if_small(read) if len(labels) > MANY else read)
    sizes = whole.count, whole.effective_count, whole.weight_sum
    groups = tuple(
        (name, replace(measure(partial(iter, held)), all_counts=sizes))
        for name, held in sorted(by_group.items())
    )
    return Measured(whole, groups, max(rounding, default=0.0))


def measure_bins_of_file(file: PredictionsFile, bins: int) -> list[Bin]:
    """Measure bins of each class's probability, whose ends are quantiles: all numbers are held.

    Parameters
    ----------
    file : PredictionsFile
    bins : int
        Of each class, at least 2.

    Returns
    -------
    list of Bin

    Raises
    ------
    BadArgument
        About ``file``, naming the row; or about ``bins``.
    """
    chunks = [chunk for chunk, _ in checked(file.table, file.taken)]
    classes, values = (
        np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in ("classes", "values")
    )
    weights = [chunk.weight for chunk in chunks if chunk.weight is not None]
    labels = np.array(file.taken.labels)
    return measure_bins(
        labels[classes],
        **{"y_logits" if file.taken.are_logits else "y_proba": values},
        bins=bins,
        labels=labels,
        sample_weight=np.concatenate(weights) if weights else None,
    )


def held_if_small(read: Callable[[], Iterator[Chunk]]) -> Callable[[], Iterator[Chunk]]:
    """Chunks that are held the first time that they are read to the end, unless they are many.

    Of many classes inference asks for them again and again, and text takes its time.

    Parameters
    ----------
    read : callable

    Returns
    -------
    callable
    """
    held: list[Chunk] = []
    complete: list[bool] = []

    def chunks() -> Iterator[Chunk]:
        if complete and complete[0]:
            yield from held
            return
        size = 0
        for chunk in read():
            size += chunk.values.nbytes
            if not complete and size <= MOST_HELD:
                held.append(chunk)
            yield chunk
        if not complete:
            complete.append(size <= MOST_HELD)
            if size > MOST_HELD:
                held.clear()

    return chunks


def _by_group(file: PredictionsFile, rounding: list[float]) -> dict[str, list[Chunk]]:
    """Rows of each group, as they were read, without those that weigh nothing."""
    found: dict[str, list[Chunk]] = {}
    for chunk, by in checked(file.table, file.taken, rounding):
        assert by is not None
        order = np.argsort(by.codes, kind="stable")
        ends = np.searchsorted(by.codes[order], np.arange(len(by.names) + 1))
        for name, a, b in zip(by.names, ends, ends[1:], strict=False):
            rows = order[a:b]
            if chunk.weight is not None:
                rows = rows[chunk.weight[rows] > 0]
            if not len(rows):
                continue
            weight = None if chunk.weight is None else chunk.weight[rows]
            found.setdefault(name, []).append(
                Chunk(chunk.classes[rows], chunk.values[rows], weight)
            )
        if len(found) > MOST:
            column = file.taken.columns.by
            raise BadArgument("by", f"{column!r} holds more than {MOST} groups")
    return found
