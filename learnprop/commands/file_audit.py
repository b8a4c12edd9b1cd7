"""How a file of predictions is audited: what was said is read, what was found is written."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from learnprop.commands.check_folder import TABLES, check_folder, put_aside
from learnprop.commands.stated import Stated, class_weights_of, counts_of, facts_of
from learnprop.equations.arguments import BadArgument, renamed, shown, within
from learnprop.exits import say_lines, show_tables, stopped, tell, words_of_options

if TYPE_CHECKING:
    from datetime import datetime

    from learnprop.audit.predictions.files import Measured, PredictionsFile
    from learnprop.audit.predictions.groups import Bin
    from learnprop.audit.predictions.user_predictions.choice import Asked
    from learnprop.audit.report.record import BalanceReport
    from learnprop.simulations.generators.user_files.dialect import Dialect


def check_options(margin: float, level: float, bins: int | None) -> None:
    """Refuse what no file can change; raises `BadArgument`."""
    from learnprop.equations.arrays import as_whole, check_level

    if not 0 < margin < 1:
        raise BadArgument("margin", f"must be a share between 0 and 1, e.g. 0.05, got {margin}")
    check_level(level)
    if bins is not None:
        as_whole(bins, "bins", 2)


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


def measure_bins(file: PredictionsFile, bins: int | None) -> list[Bin]:
    """Measure bins of a file, if they are wanted."""
    from learnprop.audit.predictions.files import measure_bins_of_file

    if bins is None:
        return []
    with within("file", str(file.path)):
        return measure_bins_of_file(file, bins)


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
    bins: Sequence[Bin] = (),
    warnings: tuple[str, ...] = (),
) -> BalanceReport:
    """Put what was measured to the equation, with what was said of the training."""
    from dataclasses import replace

    from learnprop.audit.check import report_of
    from learnprop.audit.inference.groups import bin_balance, group_balance, mass_of_group

    found = measured.predictions
    if stated.train_count:
        count = counts_of(stated.train_count, found.labels)
    elif train is not None:
        count = train.predictions.class_sizes
    else:
        count = found.class_sizes
        warnings += (
            "the class sizes of training were not given (`train_count`, `train`): those of FILE "
            "were taken for them",
        )
    sizes_known = bool(stated.train_count) or train is not None
    weight = class_weights_of(stated, found.labels, count)
    mass = weight * count
    return report_of(
        found,
        weight,
        count,
        margin=margin,
        level=level,
        train=None if train is None else train.predictions,
        facts=replace(facts_of(stated, found.labels, count), sizes_known=sizes_known),
        groups=(
            *(
                group_balance(one, mass_of_group(one, mass), margin=margin, level=level, name=name)
                for name, one in measured.groups
            ),
            *(bin_balance(one, mass, margin=margin, level=level) for one in bins),
        ),
        warnings=warnings,
        stated=bool(stated.class_weight),
    )


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
