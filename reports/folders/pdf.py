"""A report.tex compiled: by latexmk, or by pdflatex as often as its table of contents needs."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from learnprop.reports.layout.latex import DEBIAN_PACKAGES

PASSES = 5
"""Of pdflatex at most: the second has the table of contents, a third its page numbers."""

_OPTIONS = ("-interaction=nonstopmode", "-halt-on-error")
_AUXILIARY = (".aux", ".toc")


class NotCompiled(Exception):
    """There is no PDF; the message says why, in one line."""


def compile_report(folder: Path) -> Path:
    """Compile ``report.tex`` in its folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Path
        Of ``report.pdf``.

    Raises
    ------
    NotCompiled
        If TeX is not installed, or reports an error: its first one, and where its log is.
    """
    if shutil.which("pdflatex") is None:
        raise NotCompiled(
            f"there is no pdflatex; {folder}/report.tex is kept (Debian and Ubuntu: apt install "
            f"{DEBIAN_PACKAGES})"
        )
    if shutil.which("latexmk"):  # -g: after an error it would not try the same file again
        _run(folder, ("latexmk", "-g", "-pdf", *_OPTIONS, "report.tex"))
        return folder / "report.pdf"
    before = None
    for _ in range(PASSES):
        _run(folder, ("pdflatex", *_OPTIONS, "report.tex"))
        found = [(folder / f"report{end}").read_bytes() for end in _AUXILIARY]
        if found == before:
            break
        before = found
    return folder / "report.pdf"


def _run(folder: Path, command: tuple[str, ...]) -> None:
    answer = subprocess.run(
        command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False,
        encoding="utf-8", errors="replace",
    )  # fmt: skip
    if answer.returncode == 0:
        return
    log = f"; see {folder}/report.log"
    raise NotCompiled(f"{command[0]}: {first_error(answer.stdout + answer.stderr)}{log}")


def first_error(printed: str) -> str:
    r"""First error in what TeX printed, with its line of the document; one line.

    Parameters
    ----------
    printed : str

    Returns
    -------
    str
        The last words, where there is no error in TeX's form.

    Examples
    --------
    >>> first_error("(report.tex\n! Undefined control sequence.\nl.7 \\nosuch\n            {x}\n")
    '! Undefined control sequence. (l.7 \\nosuch)'
    >>> first_error("! LaTeX Error: File `siunitx.sty' not found.\n\nType X to quit")
    "! LaTeX Error: File `siunitx.sty' not found."
    >>> first_error("latexmk: no such file\n")
    'latexmk: no such file'
    """
    found = re.search(r"^(!.*)$(?:[^!]*?^(l\.\d+.*)$)?", printed, flags=re.MULTILINE)
    if found is None:
        words = [line.strip() for line in printed.splitlines() if line.strip()]
        return words[-1] if words else "no reason given"
    error, line = found.groups()
    return error.rstrip() + (f" ({line.strip()})" if line else "")
