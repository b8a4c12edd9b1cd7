"""A Ctrl-C before a command runs: one line, and status 3."""

import subprocess
import sys

import pytest

IMPORTING = """
import os, signal, sys
class Interrupting:
    def find_spec(name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupting)
sys.argv = ["learnprop", "table1", "--help"]
from learnprop.__main__ import main
main()
"""
WITHIN = """
import sys
import learnprop.cli
def interrupted(*_):
    exec("raise KeyboardInterrupt")
learnprop.cli.command_line = interrupted
sys.argv = ["learnprop"]
from learnprop.__main__ import main
main()
"""


@pytest.mark.usefixtures("no_signal_ignored")
@pytest.mark.parametrize(
    "code",
    [IMPORTING.format(name="learnprop.cli"), IMPORTING.format(name="typer"), WITHIN],
    ids=["first import", "later import", "in an exec, which CPython remembers"],
)
def test_it_is_one_line(code):
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stdout, answer.stderr) == (3, "", "interrupted\n")


def test_the_control_runs():
    code = IMPORTING.format(name="learnprop.nothing")
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0
    assert "table1" in answer.stdout
