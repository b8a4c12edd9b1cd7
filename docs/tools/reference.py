"""Writes what is generated: ``docs/reference/cli.md`` and the types of the public names.

``make docs`` runs it; a test holds what is committed against what it would write.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.cli import get_docs_for_click

import learnprop
from learnprop.cli import command_line
from learnprop.run_options import CallOptions
from learnprop.simulations.studies import STUDIES, options_type
from learnprop.simulations.studies.option import Declared, declared_options

ROOT = Path(__file__).parents[2]
PAGE, STUB = ROOT / "docs" / "reference" / "cli.md", ROOT / "learnprop" / "__init__.pyi"

HEAD = '''"""Types of the public names; written by docs/tools/reference.py."""

from collections.abc import Sequence
from os import PathLike
from typing import Any, Literal

from numpy.typing import ArrayLike, NDArray

'''


def page() -> str:
    """Write every command with its options, as typer documents them.

    Returns
    -------
    str
        Markdown.
    """
    command = command_line()
    context = typer.Context(command, info_name="learnprop")
    title = "The command line"
    return (
        get_docs_for_click(obj=command, ctx=context, name="learnprop", title=title).strip() + "\n"
    )


def stub() -> str:
    """Write the types of the public names of `learnprop`, for type checkers.

    Returns
    -------
    str
        Python.
    """
    lines = [HEAD, *_imports(), "", "__version__: str", *_all()]
    for study in STUDIES:
        lines += ["", *_function(study)]
    return "\n".join(lines) + "\n"


def _imports() -> Iterator[str]:
    homes: dict[str, list[str]] = {}
    for name in learnprop.__all__:
        if name not in STUDIES:
            homes.setdefault(learnprop._HOME[name], []).append(name)
    for home in sorted(homes):
        yield f"from {home} import ("
        yield from (f"    {name} as {name}," for name in sorted(homes[home], key=_isort_key))
        yield ")"


def _isort_key(name: str) -> tuple[int, str]:
    """Constants, classes, functions: the order of the formatter."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2), name


def _all() -> Iterator[str]:
    yield "__all__ = ["
    yield "    # Run a study"
    yield from (f'    "{name}",' for name in STUDIES)
    for group, modules in learnprop.GROUPS.items():
        yield f"    # {group}"
        yield from (f'    "{name}",' for names in modules.values() for name in names)
    yield "]"


def _function(study: str) -> Iterator[str]:
    yield f"def {study}("
    if STUDIES[study].takes_arrays:
        yield "    X: ArrayLike | None = ...,"
        yield "    y: ArrayLike | None = ...,"
    yield "    *,"
    if STUDIES[study].takes_arrays:
        yield "    estimator: Any = ...,"
    for declared in declared_options(options_type(study)).values():
        yield f"    {declared.name}: {_type(declared)} = ...,"
    for declared in declared_options(CallOptions).values():
        kind = "str | PathLike[str] | None" if declared.name == "out" else _type(declared)
        yield f"    {declared.name}: {kind} = ...,"
    yield ") -> StudyResult: ..."


def _type(declared: Declared) -> str:
    """Type that a caller may pass: one value where several may stand, too."""
    option = declared.option
    one = declared.kind.__name__
    if option.words and not option.numbers_are_words:
        one = f"Literal[{', '.join(map(repr, option.words))}]".replace("'", '"')
    if option.numbers_are_words:
        one = "str | float"
    whole = one
    if declared.several:
        item = f"{one} | Sequence[float]" if option.neighbours_join else one
        text = "str | " if "str" not in one else ""
        whole = f"{text}{one} | Sequence[{item}] | NDArray[Any]"
    return f"{whole} | None" if declared.may_be_none else whole


def main(written: dict[Path, Any] | None = None) -> None:
    """Write both files."""
    for path, text in (written or {PAGE: page(), STUB: stub()}).items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
