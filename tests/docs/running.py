"""Executes the blocks of a page, in order, in one folder and one namespace."""

from __future__ import annotations

import doctest
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from itertools import zip_longest

import pytest

from learnprop.cli import main
from tests.docs.blocks import NOT_CODE, Block, Page

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
PRINTED = re.compile(r"print\(.*?\)\)? *# (.*)")


class Differs(AssertionError):
    """A page says something else than what happens."""


def run(page: Page) -> int:
    """Execute the page in the working directory; returns how many blocks were executed."""
    names: dict[str, object] = {"__name__": "__main__"}
    executed = [block for block in page.blocks if not block.not_run and block.kind not in NOT_CODE]
    for block, below in zip_longest(executed, executed[1:]):
        where = f"{page.name}, line {block.line}"
        expected = below.content if below and below.kind == "output" else None
        if block.kind == "pycon":
            _session(block, names, where)
        elif block.kind == "python":
            printed = _python(block, names, where)
            said = "\n".join(PRINTED.findall(block.content)) if expected is None else expected
            compare(said, printed, where)
        elif block.kind == "sh":
            printed = "".join(_shell(line, where) for line in command_lines(block.content))
            if expected is not None:
                compare(expected, printed, where)
    return len(executed)


def compare(want: str, got: str, where: str) -> None:
    """Compare what a page says with what was printed; `Differs` shows both."""
    if not doctest.OutputChecker().check_output(want.strip(), got.strip(), FLAGS):
        raise Differs(f"{where} says\n{want}\nbut this is printed:\n{got}")


def command_lines(content: str) -> Iterator[str]:
    """Lines of a shell block: continued ones joined, comments alone and blank ones left out."""
    for line in content.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def _python(block: Block, names: dict[str, object], where: str) -> str:
    with redirect_stdout(io.StringIO()) as printed:
        exec(compile(block.content, where, "exec"), names)
    return printed.getvalue()


def _session(block: Block, names: dict[str, object], where: str) -> None:
    source = "\n".join(_with_blank_lines(block.content.splitlines())) + "\n"
    test = doctest.DocTestParser().get_doctest(source, names, where, where, block.line)
    test.globs = names  # not a copy: later blocks see what this one defines
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    runner.run(test, out=report.write, clear_globs=False)
    if runner.failures:
        raise Differs(report.getvalue())


def _with_blank_lines(lines: list[str]) -> Iterable[str]:
    """Doctest ends what is printed at a blank line; here the next prompt or the fence does."""
    for i, line in enumerate(lines):
        later = [following for following in lines[i:] if following.strip()]
        inside = not line.strip() and later and not later[0].startswith(">>> ")
        yield "<BLANKLINE>" if inside else line


def _shell(line: str, where: str) -> str:
    status = re.search(r"# exit status (\d)$", line)
    expected = int(status[1]) if status else 0
    words = shlex.split(line, comments=True)
    if words[0] != "learnprop":
        answer = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
        found, printed, complaint = answer.returncode, answer.stdout, answer.stderr
    else:
        found, printed, complaint = _learnprop(words)
    if found != expected:
        raise Differs(f"{where}: {line}\nends with status {found}, not {expected}:\n{complaint}")
    return printed


def _learnprop(words: list[str]) -> tuple[object, str, str]:
    """Call the command line in this process: its libraries are loaded once."""
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as printed:
        patch.setattr(sys, "argv", words)
        patch.delenv("COLUMNS", raising=False)  # into a file, of any width
        with redirect_stderr(io.StringIO()) as said, pytest.raises(SystemExit) as stop:
            main()
    return stop.value.code, printed.getvalue(), said.getvalue()
