"""What the command line prints on terminals of any width and encoding, and into pipes."""

import io
import sys

import pytest

from learnprop import exits
from learnprop.cli import main
from learnprop.reports.layout.console import Titled
from learnprop.reports.layout.grid import Grid

TABLE = Titled(
    "A title that is longer than the table is wide, and longer than the terminal is",
    Grid(("λ", "N", "gap"), (("equal", "300", "+0.1±0.2?"),), minor=("N",)),
)


@pytest.fixture
def shown(monkeypatch, capsys):
    """What `show_tables` prints, with COLUMNS as given and with or without a terminal."""

    def show(columns=None, *, terminal=False, **how):
        monkeypatch.delenv("COLUMNS", raising=False)
        if columns is not None:
            monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.delenv("NO_COLOR", raising=False)
        monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
        exits.show_tables([TABLE], **how)
        return capsys.readouterr().out

    return show


def test_a_pipe_has_whole_lines_and_no_trailing_blanks(shown):
    lines = shown().splitlines()
    assert lines[0] == TABLE.title
    assert lines[-2] == "equal  300  +0.1±0.2?"
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("terminal", [False, True])
def test_columns_says_how_wide_lines_may_be(shown, terminal):
    plain = shown(19, terminal=terminal).replace("\x1b[2m", "").replace("\x1b[0m", "")
    assert "300" not in plain
    assert "columns left out at" in plain
    assert "300" in shown(19, terminal=terminal, wide=True)


def test_only_a_terminal_has_styles(shown):
    assert "\x1b[" in shown(80, terminal=True)
    assert "\x1b[" not in shown(80)


def ascii_output(monkeypatch, *arguments):
    """What a command prints to stdout and stderr where both are ASCII, and its status."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="ascii") for _ in range(2)]
    monkeypatch.setattr(sys, "argv", ["learnprop", *arguments])
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    with pytest.raises(SystemExit):
        main()
    texts = []
    for stream in streams:
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("ascii"))
    return texts


def test_help_and_errors_are_spelt(monkeypatch):
    out, _ = ascii_output(monkeypatch, "explore", "--help")
    assert "lambda" in out
    assert "\\u" not in out
    _, err = ascii_output(monkeypatch, "explore", "--weights", "λ±")
    assert "lambda+/-" in err


def test_tables_are_spelt_before_they_are_laid_out(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    exits.show_tables([TABLE])
    stream.flush()
    head, rule, row = stream.buffer.getvalue().decode("ascii").splitlines()[2:5]
    assert head == "lambda    N          gap"
    assert rule == "-" * len(head)
    assert row == "equal   300  +0.1+/-0.2?"


def test_sentences_break_at_blanks_and_commands_do_not(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "30")
    exits.say_lines(["a sentence of more than thirty letters", f"see: learnprop replay {'x' * 30}"])
    assert capsys.readouterr().out.splitlines() == [
        "a sentence of more than thirty", "  letters", f"see: learnprop replay {'x' * 30}",
    ]  # fmt: skip
