"""How a file of predictions is audited: what was said is read, what was found is written."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from learnprop.commands.check_folder import TABLES, check_folder, put_aside
from learnprop.equations.arguments import BadArgument, renamed, shown, within
from learnprop.exits import say_lines, show_tables, stopped, tell, words_of_options

if TYPE_CHECKING:
    from datetime import datetime

    from learnprop.audit.predictions.files import Measured, PredictionsFile
    from learnprop.audit.predictions.user_predictions.choice import Asked
    from learnprop.audit.report.record import BalanceReport
    from learnprop.simulations.generators.user_files.dialect import Dialect


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
    bias: str


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


def check_options(margin: float, level: float) -> None:
    """Refuse what no file can change; raises `BadArgument`."""
    from learnprop.equations.arrays import check_level

    if not 0 < margin < 1:
        raise BadArgument("margin", f"must be a share between 0 and 1, e.g. 0.05, got {margin}")
    check_level(level)


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


def mention(files: Sequence[PredictionsFile]) -> None:
    """Say what is taken for what."""
    first, *others = files
    tell(f"{first.path}: {first.taken}")
    for other in others:
        alike = str(other.taken) == str(first.taken)
        tell(f"{other.path}: {'the same columns' if alike else other.taken}")


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


def warnings_of(file: Path, train: Path | None) -> tuple[str, ...]:
    """Say so where one file is given twice."""
    if train is None or not train.samefile(file):
        return ()
    return (
        "`train` is FILE itself: on its own training sample a fit balances whatever it does "
        "elsewhere, so FILE must hold predictions on fresh data",
    )


def report(
    stated: Stated,
    measured: Measured,
    train: Measured | None,
    *,
    margin: float,
    level: float,
    warnings: tuple[str, ...] = (),
) -> BalanceReport:
    """Put what was measured to the equation, with what was said of the training."""
    from learnprop.audit.check import report_of
    from learnprop.audit.inference.groups import group_balance, mass_of_group

    found = measured.predictions
    if stated.train_count:
        count = _counts(stated.train_count, found.labels)
    elif train is not None:
        count = train.predictions.weight_sum
    else:
        count = found.weight_sum
        warnings += (
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
        facts=_facts(stated, found.labels, count),
        groups=tuple(
            group_balance(
                one, mass_of_group(one, weight * count), margin=margin, level=level, name=name
            )
            for name, one in measured.groups
        ),
        warnings=warnings,
    )


def _weights(text: str, labels: Sequence[str], count: Any, argument: str) -> Any:
    from learnprop.audit.causes.weights import stated_weights

    return stated_weights(_of_labels(text, labels, argument), tuple(labels), count, argument)


def _counts(text: str, labels: Sequence[str]) -> Any:
    from learnprop.audit.causes.weights import stated_count

    return stated_count(_of_labels(text, labels, "train_count"), tuple(labels))


def _of_labels(text: str, labels: Sequence[str], argument: str) -> Any:
    """What `by_class` reads, by the labels as the file has them: 1 is 1.0."""
    given = by_class(text, argument)
    if not isinstance(given, dict):
        return given
    from learnprop.audit.predictions.user_predictions.table import whole

    of_number = {whole(label): label for label in labels}
    found: dict[str, float] = {}
    for said, number in given.items():
        label = said if said in labels else of_number.get(whole(said), said)
        if label in found:
            raise BadArgument(argument, f"has two numbers for {label!r}, got {text!r}")
        found[label] = number
    return found


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
        bias=_bias(stated.bias, labels),
    )


def _bias(text: str, labels: Sequence[str]) -> Any:
    if text.strip().lower() in ("", "none"):
        return False if text.strip() else None
    given = _of_labels(text, labels, "bias")
    if isinstance(given, str):
        raise BadArgument("bias", f"must be numbers with commas between, or none, got {text!r}")
    if not isinstance(given, dict):
        return given
    if set(given) != set(labels):
        raise BadArgument("bias", f"must hold a number for each of {shown(list(labels))}")
    return [given[label] for label in labels]


def show(report: BalanceReport, *, wide: bool, known: Collection[str]) -> None:
    """Print a report, in the words of a command that has the arguments `known`."""
    from learnprop.audit.report.console import report_sentences, report_tables

    say_lines(words_of_options(line, known) for line in [*report_sentences(report), ""])
    show_tables(report_tables(report), wide=wide, known=known)


def write(
    report: BalanceReport,
    out: Path,
    *,
    configuration: dict[str, Any],
    started: datetime,
    fresh: bool = False,
) -> None:
    """Write tables, figure and provenance of a report, all of them or none.

    Raises
    ------
    BadArgument
        If the folder cannot be written, or something would be lost in it.
    """
    from learnprop.execute import check_out
    from learnprop.reports.folders.provenance import write_provenance
    from learnprop.reports.layout.files import write_text
    from learnprop.reports.layout.fonts import mention_missing
    from learnprop.reports.layout.style import draw_to

    check_folder(out, configuration, fresh=fresh)
    check_out(out, "check")
    with _stopping(out), TemporaryDirectory(dir=out) as folder:
        beside = Path(folder)
        for table, stem in TABLES.items():
            frame = report.to_frame(table)
            if table == "considered":  # what is said of a cause stands in its first row
                frame.loc[frame.duplicated("rank"), ["why", "remedy"]] = ""
            if len(frame):
                write_text(beside / f"{stem}.csv", frame.to_csv(index=False))
        write_text(beside / "check.tex", report.to_latex())
        pictures = [beside / "check.pdf", beside / "check.png"]
        missing = draw_to(lambda: report.plot().figure, pictures)
        write_provenance(
            beside / "provenance.json", study="check", design=configuration, started=started
        )
        if fresh:
            put_aside(out)
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
