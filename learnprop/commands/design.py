"""``learnprop design``: class weights for a target."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from learnprop.commands.studies import parameter_of, value_of
from learnprop.equations.arguments import BadArgument, renamed
from learnprop.exits import bad_input, say, say_lines, show_tables, stopped, words_of_options
from learnprop.run_options import WIDE
from learnprop.simulations.generators import FAMILIES
from learnprop.simulations.studies import options_type
from learnprop.simulations.studies.option import (
    Declared,
    Option,
    Seed,
    declared_options,
    with_parameters,
)

if TYPE_CHECKING:
    from learnprop.audit.design.record import DesignReport
    from learnprop.equations.arrays import FloatArray

TARGET, OWN_DATA, DRAWN = "Target: one of these", "Your own data", "Or a generator"
FILES = ("design.csv", "design.tex")


@with_parameters(generator=FAMILIES)
class Options:
    """Find class weights for a target, and what moving the bias alone would do.

    Weights are found on some splits of your data, or samples of a generator, and verified on
    others. Beside them stands the same model with equal weights, of which only the output bias (of
    a cost: the decision) is moved: the ranking stays, and nothing is fitted again.

    learnprop design --data FILE.csv --label COLUMN --recall yes=0.9
    """

    mean_proba: Annotated[
        tuple[str, ...],
        Option(
            "Mean predicted probability of a class over its own samples; may be repeated.",
            metavar="LABEL=0.8",
            panel=TARGET,
        ),
    ] = ()
    recall: Annotated[
        tuple[str, ...],
        Option("Recall of a class; may be repeated.", metavar="LABEL=0.9", panel=TARGET),
    ] = ()
    equal_recalls: Annotated[bool, Option("Equal recalls.", panel=TARGET)] = False
    equal_mean_probas: Annotated[bool, Option("Equal mean probabilities.", panel=TARGET)] = False
    cost: Annotated[
        str,
        Option(
            "The least expected cost: a row for each true class, a column for each answer, in the "
            "order of labels; or a file with a line for each row.",
            metavar="0,1;5,0|FILE",
            panel=TARGET,
        ),
    ] = ""
    data: Annotated[
        str,
        Option(
            "Features and labels: .csv or .tsv, plain or .gz, .xlsx, .parquet or .npz.",
            metavar="FILE",
            panel=OWN_DATA,
            is_path=True,
        ),
    ] = ""
    generator: Annotated[
        str, Option("Where the samples come from.", choices=FAMILIES, panel=DRAWN)
    ] = ""
    train_count: Annotated[
        tuple[int, ...],
        Option("Training samples of each class.", metavar="N0,N1,...", panel=DRAWN),
    ] = ()
    test_size: Annotated[
        int | None, Option("Fresh samples of each class in every run: 1000.", panel=DRAWN)
    ] = None
    prior: Annotated[
        tuple[float, ...],
        Option(
            "Shares of the classes that accuracy, log-loss and cost are of. By default those of "
            "training.",
            metavar="P0,P1,...",
        ),
    ] = ()
    fitter: Annotated[
        str,
        Option(
            "What is fitted; auto is logistic for two classes, else softmax.",
            choices=("auto", "logistic", "softmax"),
        ),
    ] = "auto"
    l2: Annotated[
        float,
        Option("α of the penalty (α/2) Σ coef², added to the weighted sum of losses: 1 / C."),
    ] = 0.0
    runs: Annotated[
        int, Option("Runs of the verification, at least 25; the search takes as many others.")
    ] = 25
    seed: Seed = 0
    level: Annotated[float, Option("Of the intervals.")] = 0.9
    margin: Annotated[
        float,
        Option("What is asked is reached where an interval shows that it is missed by less."),
    ] = 0.05
    out: Annotated[
        str,
        Option(
            f"Folder for {' and '.join(FILES)} and provenance.json.", metavar="DIR", is_path=True
        ),
    ] = ""
    quiet: Annotated[bool, Option("No table.")] = False
    wide: Annotated[bool, Option(WIDE)] = False


_OF_FILE = ("label", "drop", "drop_labels", "sep", "decimal", "encoding")
"""Options that `explore` has too."""


def _declared() -> dict[str, Declared]:
    """All options, those of a file after its name."""
    own = declared_options(Options)
    of_file = {name: declared_options(options_type("explore"))[name] for name in _OF_FILE}
    before = list(own)[: list(own).index("data") + 1]
    return {n: own[n] for n in before} | of_file | own


def command(**written: Any) -> None:
    """See `Options`, whose text is the help."""
    declared = _declared()
    with bad_input():
        chosen = {name: value_of(declared[name], value) for name, value in written.items()}
        out = Path(chosen["out"]) if chosen["out"] else None
        if out is not None and out.exists() and not out.is_dir():
            raise BadArgument("out", f"must be a folder, but {out} is a file")
        from learnprop.reports.folders.provenance import now, study_of

        if out is not None and study_of(out) not in (None, "design"):
            raise BadArgument("out", f"{out} holds another study: {study_of(out)}")
        started = now()
        report = _designed(chosen)
    if out is not None:
        _write(report, out, {n: v for n, v in chosen.items() if n not in _OF_OUTPUT}, started)
    if not chosen["quiet"]:
        from learnprop.audit.design.table import titled

        show_tables([titled(report)], wide=chosen["wide"])
        say_lines(report.sentences())
        if out is not None:
            say(f"Written to {out}/")


_OF_OUTPUT = ("out", "quiet", "wide")

_parameters = [parameter_of(d, d.default) for d in _declared().values()]
# typer reads names, defaults and help from the signature, types from the annotations.
command.__signature__ = inspect.Signature(_parameters)  # type: ignore[attr-defined]
command.__annotations__ = {p.name: p.annotation for p in _parameters} | {"return": None}
command.__doc__ = words_of_options(
    "\n\n".join(" ".join(part.split()) for part in (Options.__doc__ or "").split("\n\n"))
)  # a line for each paragraph: typer keeps line ends


def _designed(chosen: dict[str, Any]) -> DesignReport:
    """Design from what was chosen; raises BadArgument in Python's names of the options."""
    from learnprop.audit.design.design import design

    option, target = _target(chosen)
    if bool(chosen["data"]) == bool(chosen["generator"]):
        said = "takes the place of `generator`: leave one of them out"
        raise BadArgument("data", said if chosen["data"] else "is needed, or a `generator`")
    source = _of_file(chosen) if chosen["data"] else _of_generator(chosen)
    more = {name: chosen[name] for name in ("fitter", "l2", "runs", "seed", "level", "margin")}
    with renamed(target=option, X="data", y="label"):
        return design(target=target, prior=chosen["prior"] or None, **source, **more)


def _target(chosen: dict[str, Any]) -> tuple[str, Any]:
    """Option of the target that was given, and the target as `design` takes it."""
    known = ("mean_proba", "recall", "equal_recalls", "equal_mean_probas", "cost")
    given = [name for name in known if chosen[name]]
    if len(given) != 1:
        words = ", ".join(f"`{name}`" for name in known[1:])
        got = " and ".join(f"`{name}`" for name in given) or "none"
        raise BadArgument(known[0], f"or one of {words} must say what is asked, got {got}")
    (name,) = given
    if name.startswith("equal"):
        return name, name.replace("_", "-")
    if name == "cost":
        return name, {name: _costs(chosen[name])}
    return name, {name: dict(_pair(name, text) for text in chosen[name])}


def _pair(name: str, text: str) -> tuple[str, float]:
    label, equals, number = text.rpartition("=")
    try:
        return label.strip(), float(number if equals else "")
    except ValueError:
        raise BadArgument(name, f"must be LABEL=NUMBER, got {text!r}") from None


def _costs(text: str) -> FloatArray:
    """A matrix in the option itself, or in a file."""
    import numpy as np

    written = text
    if ";" not in text:
        try:
            written = ";".join(Path(text).read_text(encoding="utf-8").split("\n"))
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or "no text"
            said = f"must be rows with semicolons between, or a file, got {text!r}: {reason}"
            raise BadArgument("cost", said) from None
    rows = [row.replace(",", " ").split() for row in written.split(";") if row.strip()]
    try:
        return np.array([[float(cell) for cell in row] for row in rows])
    except ValueError:
        raise BadArgument(
            "cost", f"must hold numbers in rows of one length, got {text!r}"
        ) from None


def _of_file(chosen: dict[str, Any]) -> dict[str, Any]:
    from learnprop.simulations.generators.user_files.dialect import Dialect
    from learnprop.simulations.generators.user_files.read import read_features_and_labels

    _refuse(chosen, [n for n in _of_family() if n != "generator"], "generator", "data")
    dialect = Dialect(chosen["sep"], chosen["decimal"], chosen["encoding"])
    X, y = read_features_and_labels(chosen["data"], chosen["label"], chosen["drop"], dialect)
    return {"X": X, "y": y, "drop_labels": chosen["drop_labels"]}


def _of_generator(chosen: dict[str, Any]) -> dict[str, Any]:
    from learnprop.simulations.generators.family import generator_of
    from learnprop.simulations.studies.cells import choose_family

    _refuse(chosen, list(_OF_FILE), "data", "generator")
    family = choose_family(Options(**{n: chosen[n] for n in _of_family()}))
    return {
        "generator": generator_of(family),
        "train_count": chosen["train_count"] or None,
        "test_size": chosen["test_size"],
    }


def _of_family() -> list[str]:
    own = list(declared_options(Options))
    return own[own.index("generator") : own.index("prior")]


def _refuse(chosen: dict[str, Any], names: list[str], owner: str, instead: str) -> None:
    """Refuse options that are not of where the samples come from."""
    declared = _declared()
    for name in names:
        if chosen[name] != declared[name].default:
            said = f"is an option of `{owner}`, got {chosen[name]!r} with `{instead}`"
            raise BadArgument(name, said)


def _write(report: DesignReport, out: Path, chosen: dict[str, Any], started: Any) -> None:
    """Write the folder: everything is made before the first file is written."""
    import json

    from learnprop.execute import check_out
    from learnprop.reports.folders.provenance import provenance
    from learnprop.reports.layout.files import write_text

    with bad_input():
        check_out(out, "design")
    table, fragment = report.to_frame().to_csv(index=False), report.to_latex()
    entry = provenance(study="design", design=chosen, started=started, runs=report.runs)
    texts = dict(zip(FILES, (table, fragment), strict=True))
    texts["provenance.json"] = json.dumps(entry, indent=2) + "\n"
    written: list[Path] = []
    try:
        for name, text in texts.items():
            write_text(out / name, text)
            written.append(out / name)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise stopped(f"stopped: {out} cannot be written: {error.strerror or error}") from None
