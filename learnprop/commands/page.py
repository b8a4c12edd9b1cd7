"""Writes the page that shows in a browser what a class weight does."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import learnprop
from learnprop.equations.arguments import BadArgument
from learnprop.exits import bad_input, named_path, say


def page(
    out: Annotated[
        Path, typer.Option(parser=named_path, metavar="FILE", help="File to write: HTML.")
    ],
) -> None:
    """Write one HTML file that shows what a class weight does: drag, predict, drop your own CSV.

    It needs nothing beside it, asks no network for anything, and a CSV that is dropped on it stays
    in the browser. An older one in its place is replaced.

    Example: learnprop page --out balance.html
    """
    from learnprop.reports.layout.files import write_text
    from learnprop.reports.page.page import page_html

    with bad_input():
        try:
            if out.is_dir():
                raise BadArgument("out", f"must be a file, but {out} is a folder")
            if not out.parent.is_dir():
                raise BadArgument("out", f"{out} cannot be written: no such folder")
            write_text(out, page_html(learnprop.__version__))
        except OSError as error:
            said = f"{out} cannot be written: {error.strerror}"
            raise BadArgument("out", said) from None
    say(f"Written to {out}: open it in a browser, {out.resolve().as_uri()}")
