"""How a file of predictions is audited: what was said is read, what was found is written."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from learnprop.equations.arguments import BadArgument, renamed, shown, within
from learnprop.exits import say_lines, show_tables, stopped, tell, words_of_options

if TYPE_CHECKING:
    from datetime import datetime

    from learnprop.audit.predictions.files import Measured, PredictionsFile
    from learnprop.audit.predictions.user_predictions.choice import Asked
    from learnprop.audit.report.record import BalanceReport
    from learnprop.simulations.generators.user_files.dialect import Dialect

TABLES = {"classes": "check", "considered": "check_causes", "groups": "check_groups"}
"""Tables of a report, and the stems of their files."""


@dataclass(frozen=True)
class Stated:
    """What a user says of the training; weights and counts as they are written."""

    class_weight: str
    train_count: str
    sampler_weight: str
    batch_size: int | None
    micro_batch: int | None
    replicas: int | None
    label_smoothing: float | None


def words(text: str, argument: str) -> tuple[str, ...]:
    """Read a list with commas between; a word with a comma in it is put into double quotes.

    Parameters
    ----------
    text : str
        Empty is no list.
    argument : str

    Returns
    -------
    tuple of str

    Raises
    ------
    BadArgument
        If one of several words is empty.

    Examples
    --------
    >>> words('cat, "dog, wet"', "labels")
    ('cat', 'dog, wet')
    """
    found = [word.strip() for word in next(csv.reader([text], skipinitialspace=True), [])]
    if not all(found):
        raise BadArgument(argument, f"must be words with commas between, got {text!r}")
    return tuple(found)


def by_class(text: str, argument: str) -> str | dict[str, float] | list[float]:
    """Read weights or sizes of classes: one word, numbers in order, or pairs of label and number.

    Parameters
    ----------
    text : str
    argument : str

    Returns
    -------
    str, dict of str to float, or list of float

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> by_class("inverse", "class_weight"), by_class("1,3.5", "class_weight")
    ('inverse', [1.0, 3.5])
    >>> by_class("cat=2,dog=1", "class_weight")
    {'cat': 2.0, 'dog': 1.0}
    """
    given = words(text, argument)
    pairs = [word.rpartition("=") for word in given]
    if len(given) == 1 and not pairs[0][1] and not _is_number(given[0]):
        return given[0]
    numbers = [number for *_, number in pairs]
    if len({mark for _, mark, _ in pairs}) > 1 or not all(map(_is_number, numbers)):
        raise BadArgument(
            argument, f"must be numbers with commas between, or LABEL=NUMBER,..., got {text!r}"
        )
    if not pairs[0][1]:
        return [float(number) for number in numbers]
    labels = [label.strip() for label, *_ in pairs]
    for label in labels:
        if labels.count(label) > 1:
            raise BadArgument(argument, f"has two numbers for {label!r}, got {text!r}")
    return dict(zip(labels, map(float, numbers), strict=True))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def check_options(margin: float, level: float, out: Path | None) -> None:
    """Refuse what no file can change; raises `BadArgument`."""
    from learnprop.equations.arrays import check_level
    from learnprop.execute import check_out

    if not 0 < margin < 1:
        raise BadArgument("margin", f"must be a share between 0 and 1, e.g. 0.05, got {margin}")
    check_level(level)
    if out is not None and out.exists():
        check_out(out, "check")
    elif out is not None:
        above = next(folder for folder in out.absolute().parents if folder.exists())
        if not (above.is_dir() and os.access(above, os.W_OK)):
            raise BadArgument("out", f"{out} cannot be written: {above} is no folder to write in")


def open_file(path: Path, asked: Asked, dialect: Dialect, argument: str) -> PredictionsFile:
    """Open a file that an argument names; it is named in errors."""
    from learnprop.audit.predictions.files import open_predictions

    with renamed(file=argument), within("file", str(path)):
        return open_predictions(path, asked, dialect)


def open_train(path: Path, of: PredictionsFile, asked: Asked, dialect: Dialect) -> PredictionsFile:
    """Open predictions on the training samples, of the same classes in the same order.

    Raises
    ------
    BadArgument
        About ``train``, if the classes are others.
    """
    from dataclasses import replace

    train = open_file(path, asked, dialect, "train")
    mine, theirs = of.taken.labels, train.taken.labels
    if set(mine) != set(theirs):
        raise BadArgument(
            "train", f"{path} has {len(theirs)} classes, {shown(list(theirs))}, but {of.path} has "
            f"{len(mine)}, {shown(list(mine))}",
        )  # fmt: skip
    if mine != theirs:
        return open_file(path, replace(asked, labels=mine), dialect, "train")
    return train


def mention(file: PredictionsFile) -> None:
    """Say what is taken for what."""
    tell(f"{file.path}: {file.taken}")


def measure(file: PredictionsFile, argument: str, *, quiet: bool) -> Measured:
    """Measure a file that an argument names; say so where rows were divided by their sums."""
    from learnprop.audit.predictions.files import measure_file

    with renamed(file=argument), within("file", str(file.path)):
        measured = measure_file(file)
        for name, n in zip(file.taken.labels, measured.predictions.count.tolist(), strict=True):
            if n < 2:
                holds = "one sample" if n else "no sample"
                raise BadArgument("file", f"holds {holds} of {name!r}: each class needs two")
    if measured.rounding and not quiet:
        tell(
            f"{file.path}: rows of probabilities miss one by up to {measured.rounding:.2g}, as "
            "their rounding explains; they are divided by their sums"
        )
    return measured


def check_stated(stated: Stated, labels: Sequence[str]) -> None:
    """Refuse, before anything is measured, what cannot be said of such classes."""
    import numpy as np

    _weights(stated.class_weight, labels, np.ones(len(labels)), "class_weight")
    if stated.train_count:
        _counts(stated.train_count, labels)
    _facts(stated, labels, np.ones(len(labels)))


def report(
    stated: Stated, measured: Measured, train: Measured | None, *, margin: float, level: float
) -> BalanceReport:
    """Put what was measured to the equation, with what was said of the training."""
    from dataclasses import replace

    from learnprop.audit.check import report_of
    from learnprop.audit.inference.groups import group_balance, mass_of_group

    found = measured.predictions
    warnings: tuple[str, ...] = ()
    if stated.train_count:
        count = _counts(stated.train_count, found.labels)
    elif train is not None:
        count = train.predictions.class_sizes
    else:
        count = found.class_sizes
        warnings = (
            "the class sizes of training were not given (`train_count`, `train`): those of FILE "
            "were taken for them",
        )
    weight = _weights(stated.class_weight, found.labels, count, "class_weight")
    return report_of(
        found,
        weight,
        count,
        margin=margin,
        level=level,
        train=None if train is None else train.predictions,
        facts=replace(_facts(stated, found.labels, count), sizes_known=not warnings),
        groups=tuple(
            group_balance(
                one, mass_of_group(one, weight * count), margin=margin, level=level, name=name
            )
            for name, one in measured.groups
        ),
        warnings=warnings,
    )


def _weights(text: str, labels: Sequence[str], count: Any, argument: str) -> Any:
    from learnprop.audit.stated_weights import stated_weights

    return stated_weights(by_class(text, argument), tuple(labels), count, argument)


def _counts(text: str, labels: Sequence[str]) -> Any:
    from learnprop.audit.stated_weights import stated_count

    return stated_count(by_class(text, "train_count"), tuple(labels))


def _facts(stated: Stated, labels: Sequence[str], count: Any) -> Any:
    from learnprop.audit.causes.facts import check_facts

    sampler = stated.sampler_weight
    return check_facts(
        len(labels),
        batch_size=stated.batch_size,
        micro_batch=stated.micro_batch,
        replicas=stated.replicas,
        sampler_weight=_weights(sampler, labels, count, "sampler_weight") if sampler else None,
        label_smoothing=stated.label_smoothing,
    )


def show(report: BalanceReport, *, wide: bool) -> None:
    """Print a report."""
    from learnprop.audit.report.console import report_sentences, report_tables

    say_lines(map(words_of_options, [*report_sentences(report), ""]))
    show_tables(report_tables(report), wide=wide)


def write(
    report: BalanceReport, out: Path, *, configuration: dict[str, Any], started: datetime
) -> None:
    """Write tables, figure and provenance of a report, all of them or none.

    Raises
    ------
    BadArgument
        If the folder cannot be written.
    """
    from learnprop.execute import check_out
    from learnprop.reports.folders.provenance import write_provenance
    from learnprop.reports.layout.files import write_text
    from learnprop.reports.layout.fonts import mention_missing
    from learnprop.reports.layout.style import draw_to

    check_out(out, "check")
    with _stopping(out), TemporaryDirectory(dir=out) as folder:
        beside = Path(folder)
        for table, stem in TABLES.items():
            frame = report.to_frame(table)
            if len(frame):
                write_text(beside / f"{stem}.csv", frame.to_csv(index=False))
        write_text(beside / "check.tex", report.to_latex())
        pictures = [beside / "check.pdf", beside / "check.png"]
        missing = draw_to(lambda: report.plot().figure, pictures)
        write_provenance(
            beside / "provenance.json", study="check", design=configuration, started=started
        )
        for stem in TABLES.values():  # of a report that had more
            (out / f"{stem}.csv").unlink(missing_ok=True)
        for path in sorted(beside.iterdir()):
            path.replace(out / path.name)
    mention_missing(missing, out)


@contextmanager
def _stopping(out: Path) -> Iterator[None]:
    """Let a disk that is full be one line; exit status 3."""
    try:
        yield
    except OSError as error:
        raise stopped(f"stopped: {out} cannot be written: {error.strerror}") from None


def now() -> datetime:
    """Return when the command began."""
    from learnprop.reports.folders.provenance import now as time

    return time()
