"""Studies from Python: laid out from keyword arguments, run, and returned as data frames."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import MISSING, dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill, indent
from typing import TYPE_CHECKING, Any

from learnprop.arguments import as_text, check_path, from_python
from learnprop.equations.arguments import BadArgument, Worded
from learnprop.run_options import CallOptions
from learnprop.simulations.studies import STUDIES, options_type
from learnprop.simulations.studies.option import Declared, declared_options

if TYPE_CHECKING:
    import pandas as pd

    from learnprop.reports.study_report import Contents
    from learnprop.simulations.engine.study import Study


@dataclass(frozen=True)
class StudyResult:
    """What a study showed.

    Attributes
    ----------
    study : Study
        What was computed, with its design.
    """

    study: Study
    _contents: Contents

    def to_frame(self, table: str = "summary") -> pd.DataFrame:
        """Return a copy of one of the study's tidy tables, by the stem of its CSV file.

        Parameters
        ----------
        table : str

        Returns
        -------
        DataFrame

        Raises
        ------
        ValueError
            If there is no such table.
        """
        if table not in self._contents.frames:
            raise BadArgument(
                "table", f"must be one of {', '.join(self._contents.frames)}, got {table!r}"
            )
        return self._contents.frames[table].copy()

    def save(self, folder: str | Path) -> None:
        """Write every table as CSV and LaTeX, and every figure as PDF and PNG.

        Parameters
        ----------
        folder : str or Path
            Made if it is not there.

        Raises
        ------
        ValueError
            If it cannot be made, is a file, or has no name.
        """
        from learnprop.reports.study_report import write_contents

        if not isinstance(folder, str | PathLike):
            raise BadArgument("folder", f"must name a folder, got {folder!r}")
        check_path("folder", fspath(folder))
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadArgument("folder", f"{folder} cannot be made: {error.strerror}") from None
        write_contents(self._contents, Path(folder))

    def __repr__(self) -> str:
        from learnprop.simulations.records.rows import REASONS, with_way_on

        shown, where = self.to_frame(), ""
        if "split" in shown:  # on train they hold by construction
            shown, where = shown[shown["split"] == "test"], "on test data "
        verdicts = shown["verdict"].value_counts().items()
        design = self.study.design
        counts = ", ".join(
            f"{n} {Worded(with_way_on(REASONS.get(verdict, verdict), design))}"
            for verdict, n in verdicts
        )
        name = f"{self.study.name}, quick look" if self.study.quick else self.study.name
        return f"<{name}: {self.study.n_runs} runs; {where}{counts}>"


_HOW = {"out": None, "jobs": 1, "max_failures": 1.0}
"""Defaults of Python's own: nothing is kept, computed here, whatever fails."""

_TOLD = {
    "out": "Folder that keeps the study, made if it is not there: its store, protocol and "
    "provenance, and a copy of your arrays, data.npz. Tables and figures come by ``save()``. By "
    "default nothing is kept."
}
"""What options are where they do something else than on the command line."""

_ARRAYS = {
    "X": "array_like, shape (n_samples, n_features), optional\n"
    "    Your own features, resampled to the ratios; or name a file with ``data``.",
    "y": "array_like, shape (n_samples,), optional\n"
    "    Their labels, of any kind. Where both are pandas', they have one index.",
}


_OBJECTS = {
    "estimator": "classifier, optional\n"
    "    Any classifier of scikit-learn's kind with ``predict_proba``, instead of ``fitter``:\n"
    "    cloned for every replication, its ``random_state`` set from the seed, on one thread. λ\n"
    "    goes in as ``sample_weight`` (of a pipeline, its last step's), else as ``class_weight``,\n"
    "    scaled to a mean of one. Resumed from Python, reported from anywhere, not replayed.",
}


def study_function(name: str) -> Callable[..., StudyResult]:
    """Make the function that runs a study, from the options that it declares.

    Parameters
    ----------
    name : str
        Of the study.

    Returns
    -------
    callable
        ``(**options) -> StudyResult``; its signature and docstring name every option.

    Examples
    --------
    >>> import inspect
    >>> table1 = study_function("table1")
    >>> list(inspect.signature(table1).parameters)[:3]
    ['runs', 'seed', 'train_size']
    """
    options = options_type(name)
    arrays = tuple(_ARRAYS) if STUDIES[name].takes_arrays else ()
    objects = tuple(_OBJECTS) if STUDIES[name].takes_arrays else ()
    own, how = declared_options(options), declared_options(CallOptions)

    def study(*positional: Any, **given: Any) -> StudyResult:
        if len(positional) > len(arrays):
            raise TypeError(f"{name} takes its options by keyword, got {positional[-1]!r}")
        passed = dict(zip(arrays, positional, strict=False)) | given
        values = {array: passed.pop(array, None) for array in arrays}
        given_objects = {key: passed.pop(key) for key in objects if key in passed}
        chosen_how = {key: passed.pop(key) for key in how if key in passed}
        out = chosen_how.get("out")
        try:
            return _run(name, passed, chosen_how, values, **given_objects)
        except KeyboardInterrupt:
            interrupted = KeyboardInterrupt(_kept(out))
        # Not above, and not from there: what is shown ends at the call, with what is kept.
        raise interrupted

    signature = inspect.Signature(
        [
            inspect.Parameter(array, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=None)
            for array in arrays
        ]
        + [inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=None) for key in objects]
        + [_parameter(d, d.default) for d in own.values()]
        + [_parameter(d, _HOW.get(d.name, d.default)) for d in how.values()],
        return_annotation=StudyResult,
    )
    study.__signature__ = signature  # type: ignore[attr-defined]
    study.__name__ = study.__qualname__ = name
    study.__doc__ = _documented(options.__doc__ or "", arrays + objects, own | how)
    return study


def _parameter(declared: Declared, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        declared.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if default is MISSING else default,
        annotation=_type(declared),
    )


def _type(declared: Declared) -> str:
    kind = declared.kind.__name__
    if declared.several:
        kind = f"tuple of {kind}"
    return f"{kind} or None" if declared.may_be_none or declared.name == "out" else kind


def _documented(about: str, besides: tuple[str, ...], options: dict[str, Declared]) -> str:
    """A numpydoc docstring: what the options say, every parameter, what is raised, the example."""
    text, _, example = inspect.cleandoc(about).partition("Examples\n--------\n")
    entries = [f"{name} : {(_ARRAYS | _OBJECTS)[name]}" for name in besides]
    for name, declared in options.items():
        option = declared.option
        words = f"{{{', '.join(option.words)}}}" if option.words else _type(declared)
        if option.words and declared.several:
            words = f"tuple of {words}"
        default = _HOW.get(name, declared.default)
        shown = f", default {as_text(default)}" if default not in ((), "", None, MISSING) else ""
        told = fill(_TOLD.get(name, str(Worded(option.help))), width=96)
        entries.append(f"{name} : {words}{shown}\n{indent(told, '    ')}")
    return (
        str(Worded(text)).strip()
        + "\n\nParameters\n----------\n"
        + "\n".join(entries)
        + "\n\nReturns\n-------\nStudyResult\n\nRaises\n------\nValueError\n"
        "    If an option is unknown or cannot be, or `out` holds another study.\n"
        "\nWarns\n-----\nUserWarning\n"
        "    If no run has a model: what it would show is NaN. If your own data cannot have all of "
        "the\n    default design.\n"
        f"\nExamples\n--------\n{example}"
    )


def _kept(out: str | PathLike[str] | None) -> str:
    """Say what is kept of a study that was interrupted."""
    from learnprop.reports.folders.status import study_status
    from learnprop.simulations.records.store_file import StoreError, read_store

    if out is None:
        return "interrupted: nothing is kept without `out`"
    try:
        with read_store(Path(out)) as store:
            cells = study_status(store).cells
    except (StoreError, OSError):
        return "interrupted: nothing was computed yet"
    done, asked = sum(c.blocks_done for c in cells), sum(c.blocks_asked for c in cells)
    return f"interrupted: {done} of {asked} blocks kept in {fspath(out)}; the same call resumes"


def _run(
    name: str,
    given: dict[str, Any],
    given_how: dict[str, Any],
    arrays: dict[str, Any],
    estimator: Any = None,
) -> StudyResult:
    from learnprop.arrays import arrays_as_file
    from learnprop.execute import Caller, execute, lay_out

    out = given_how.pop("out", None)
    if not isinstance(out, str | PathLike | None):
        raise BadArgument("out", f"must be a folder or None, got {out!r}")
    if out is not None:
        check_path("out", fspath(out))
    chosen = from_python(name, options_type(name), given)
    how = _HOW | from_python(name, CallOptions, given_how)
    known: dict[str, Any] = {}
    if estimator is not None:
        from learnprop.simulations.fitters.estimator import choose_estimator

        known["estimator"] = choose_estimator(estimator)
        given = given | {"estimator": estimator}
    called = ", ".join(f"{option}={value!r}" for option, value in given.items())
    caller = Caller(
        command=[f"learnprop.{name}({' '.join(called.split())})"],
        without_model=lambda line: warnings.warn(line, stacklevel=6),
        left_out=lambda line: warnings.warn(line, stacklevel=5),
    )
    with ExitStack() as stack:
        folder = Path(out if out is not None else stack.enter_context(TemporaryDirectory()))
        if any(array is not None for array in arrays.values()):
            if any(array is None for array in arrays.values()):
                raise BadArgument("X", "and `y` must be given together")
            file = folder / "data.npz"
            content, known["file"] = arrays_as_file(**arrays, path=file, chosen=chosen)
            chosen["label"] = known["file"].label
            caller = replace(caller, files={file.name: content})
        study = lay_out(name, chosen, **known)
        return StudyResult(*execute(study, CallOptions(**how | {"out": str(folder)}), caller))
