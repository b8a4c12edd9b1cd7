"""Command lines put to the real options, without running them."""

from __future__ import annotations

import re
import shlex
from functools import cache
from typing import Any

import typer

from learnprop.arguments import spaces_to_commas
from learnprop.cli import command_line
from learnprop.commands.studies import number_lists
from learnprop.simulations.studies import STUDIES


@cache
def commands() -> Any:
    """The whole command line, made once."""
    return command_line()


@cache
def options() -> frozenset[str]:
    """All options of all commands, ``--out`` and so on."""
    found: set[str] = set()
    todo = [commands()]
    while todo:
        command = todo.pop()
        todo += getattr(command, "commands", {}).values()
        for parameter in command.get_params(typer.Context(command)):
            found |= {*parameter.opts, *parameter.secondary_opts}
    return frozenset(found)


def calls(line: str) -> list[list[str]]:
    """Words of each call of learnprop in a line: also ``.venv/bin/learnprop``, behind ``nohup``."""
    reader = shlex.shlex(line, posix=True, punctuation_chars=True)
    reader.whitespace_split = True
    try:
        words = list(reader)
    except ValueError:  # an apostrophe in prose
        return []
    found = []
    for i, word in enumerate(words):
        if re.fullmatch(r"(\S*/)?learnprop", word):
            rest = words[i + 1 :]
            ends = [j for j, other in enumerate(rest) if set(other) <= set("();<>|&")]
            found.append(rest[: ends[0]] if ends else rest)
    return found


def parse_call(words: list[str]) -> None:
    """Parse the words behind ``learnprop``; typer's error says what it does not know."""
    for study in [word for word in words[:2] if word in STUDIES]:
        words = spaces_to_commas(words, number_lists(study))
    command, context, name = commands(), None, "learnprop"
    while True:
        try:
            context = command.make_context(name, list(words), parent=context)
        except typer.Exit:  # of --help and --version
            return
        if not hasattr(command, "commands"):
            return
        rest = [*context._protected_args, *context.args]
        if not rest:
            return
        name, command, words = command.resolve_command(context, rest)
