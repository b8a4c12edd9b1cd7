"""Audits a file of predictions: check."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from learnprop.commands.check_folder import check_folder, configuration_of
from learnprop.commands.stated import Stated, check_stated, words
from learnprop.exits import VERDICT_FAILED, bad_input, named_path, say
from learnprop.run_options import WIDE

COLUMNS, TRAINING, JUDGED = "What is in FILE", "How it was trained", "What comes of it"


def _text(help_: str, metavar: str, panel: str) -> Any:
    return typer.Option(help=help_, metavar=metavar, rich_help_panel=panel)


def _flag(name: str, help_: str, panel: str = JUDGED) -> Any:
    return typer.Option(name, help=help_, rich_help_panel=panel)


def check(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            parser=named_path,
            metavar="FILE",
            help="True labels and predicted probabilities on fresh data, a row per sample: .csv or "
            ".tsv, plain or .gz, whose first line names the columns, as in y_true,y_proba; "
            ".parquet; or .npz with arrays y_true, and y_proba or y_logits of shape (n_samples, "
            "n_classes).",
        ),
    ],
    label: Annotated[
        str,
        _text(
            "Column, or array of an npz, of the true labels. By default y_true, label, y, y_test, "
            "target or truth.",
            "COLUMN",
            COLUMNS,
        ),
    ] = "",
    proba: Annotated[
        str,
        _text(
            "Columns of the probabilities, one per class, or one of two classes; or an array of an "
            "npz. By default those called proba_LABEL, p_LABEL, prob_LABEL, predict_proba_LABEL, "
            "y_proba_LABEL or LABEL, else y_proba, proba, y_prob, y_score, score, p, prob or "
            "y_pred.",
            "COLUMN,...",
            COLUMNS,
        ),
    ] = "",
    labels: Annotated[
        str,
        _text(
            "Label of each class, in the order of --proba, or of the columns where they are "
            "numbered: proba_0, proba_1, ...",
            "LABEL,...",
            COLUMNS,
        ),
    ] = "",
    pos_label: Annotated[
        str,
        _text(
            "Whose probability a single column holds. By default the label in its name, else the "
            "larger of two.",
            "LABEL",
            COLUMNS,
        ),
    ] = "",
    logits: Annotated[
        bool,
        _flag("--logits", "They are logits; columns may then be called logit_LABEL too.", COLUMNS),
    ] = False,
    sample_weight: Annotated[
        str, _text("Column, or array, of weights of samples.", "COLUMN", COLUMNS)
    ] = "",
    by: Annotated[
        str,
        _text(
            "Column, or array, of groups, within which balance is looked at too.", "COLUMN", COLUMNS
        ),
    ] = "",
    bins: Annotated[
        int | None,
        _text(
            "Bins of each class's probability, within which balance is looked at too: all numbers "
            "are held then.",
            "<int>",
            COLUMNS,
        ),
    ] = None,
    sep: Annotated[
        str,
        _text(
            "What stands between columns. By default what the header says.", "CHARACTER", COLUMNS
        ),
    ] = "",
    decimal: Annotated[
        str,
        _text(
            "Decimal mark. By default the point, unless nothing but commas fits.", ".|,", COLUMNS
        ),
    ] = "",
    encoding: Annotated[
        str, _text("Of text, such as cp1252. By default UTF-8.", "NAME", COLUMNS)
    ] = "",
    class_weight: Annotated[
        str,
        _text(
            "Class weights it was trained with: equal, inverse (or balanced), sqrt-inverse, "
            "effective-number; one number per class; or LABEL=NUMBER,..., with 1 for the others. "
            "By default equal ones are assumed.",
            "SCHEME|NUMBER,...",
            TRAINING,
        ),
    ] = "",
    train_count: Annotated[
        str,
        _text(
            "Training samples of each class, also as LABEL=NUMBER,... By default as in --train, "
            "else as in FILE.",
            "NUMBER,...",
            TRAINING,
        ),
    ] = "",
    train: Annotated[
        Path | None,
        typer.Option(
            parser=named_path,
            metavar="FILE2",
            help="Predictions on the training samples, in the same columns.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        _text("Samples of a minibatch, on all replicas together.", "<int>", TRAINING),
    ] = None,
    micro_batch: Annotated[
        int | None,
        _text("Samples of the parts that gradients are accumulated over.", "<int>", TRAINING),
    ] = None,
    replicas: Annotated[
        int | None, _text("Devices that share a minibatch.", "<int>", TRAINING)
    ] = None,
    sampler_weight: Annotated[
        str,
        _text(
            "Class weights of the sampler, written as --class-weight is.",
            "SCHEME|NUMBER,...",
            TRAINING,
        ),
    ] = "",
    label_smoothing: Annotated[
        float | None, _text("Label smoothing, 0 <= ε < 1.", "<float>", TRAINING)
    ] = None,
    bias: Annotated[
        str,
        _text(
            "The output bias of each class, also as LABEL=NUMBER,...; none if there is none.",
            "NUMBER,...",
            TRAINING,
        ),
    ] = "",
    margin: Annotated[
        float,
        _text("The gap that still counts as none, declared beforehand.", "<float>", JUDGED),
    ] = 0.05,
    level: Annotated[
        float, _text("Confidence level of the effective weights.", "<float>", JUDGED)
    ] = 0.95,
    out: Annotated[
        Path | None,
        typer.Option(
            parser=named_path,
            metavar="DIR",
            help="Folder for tables, figures and provenance. By default nothing is written.",
            rich_help_panel=JUDGED,
        ),
    ] = None,
    fresh: Annotated[
        bool, _flag("--fresh", "Put results that are in --out aside and write new ones.")
    ] = False,
    strict: Annotated[bool, _flag("--strict", "Exit with 1 if the verdict is 'fails'.")] = False,
    quiet: Annotated[bool, _flag("--quiet", "No table, and not a word on what was read.")] = False,
    wide: Annotated[bool, _flag("--wide", WIDE)] = False,
) -> None:
    """Say which class weights a classifier acts upon, from a file of its predictions.

    FILE is read piece by piece, however large it is. What is taken for what is said on stderr.

    Example: learnprop check test.csv --class-weight inverse --train train.csv --out results
    """
    from learnprop.audit.predictions.user_predictions.choice import Asked
    from learnprop.commands import file_audit
    from learnprop.simulations.generators.user_files.dialect import Dialect

    started = file_audit.now()
    stated = Stated(
        class_weight, train_count, sampler_weight, batch_size, micro_batch, replicas,
        label_smoothing, bias,
    )  # fmt: skip
    dialect = Dialect(sep, decimal, encoding)
    configuration = configuration_of(context.params)
    with bad_input():
        file_audit.check_options(margin, level, bins)
        if out is not None:
            check_folder(out, configuration, fresh=fresh)
        named = words(proba, "proba"), words(labels, "labels")
        asked = Asked(label, *named, pos_label, sample_weight, by, logits)
        test = file_audit.open_file(file, asked, dialect, "file")
        files = [test] if train is None else [
            test, file_audit.open_train(train, test, replace(asked, by=""), dialect)
        ]  # fmt: skip
        check_stated(stated, test.taken.labels)
        if not quiet:
            file_audit.mention(files)
        measured = file_audit.measure(test, "file", quiet=quiet)
        trained = None
        if len(files) > 1:
            trained = file_audit.measure(files[1], "train", quiet=quiet)
        found = file_audit.report(
            stated, measured, trained, margin=margin, level=level,
            bins=file_audit.measure_bins(test, bins),
            warnings=file_audit.warnings_of(file, train),
        )  # fmt: skip
        if out is not None:
            file_audit.write(found, out, configuration=configuration, started=started, fresh=fresh)
    if not quiet:
        file_audit.show(found, wide=wide, known=context.params)
        if out is not None:
            say(f"Written to {out}/")
    if strict and found.verdict == "fails":
        raise typer.Exit(VERDICT_FAILED)
