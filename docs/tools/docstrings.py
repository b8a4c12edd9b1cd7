"""Docstrings as the site shows them: numpydoc with its markup as Markdown, formulas as MathML.

An extension of Griffe, which reads the sources for mkdocstrings.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import formulas
import griffe

import learnprop
from learnprop.simulations.studies import STUDIES


class Docstrings(griffe.Extension):
    """Every docstring of the package as Markdown; those of the studies, which exist when called."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring:
            obj.docstring.value = to_markdown(obj.docstring.value)

    def on_package(self, *, pkg: griffe.Module, **_: Any) -> None:
        """Give the studies, which the stub has without them, their docstrings and defaults."""
        for study in STUDIES:
            described, called = pkg.members[study], getattr(learnprop, study)
            described.docstring = griffe.Docstring(to_markdown(called.__doc__), parent=described)
            for name, parameter in inspect.signature(called).parameters.items():
                described.parameters[name].default = repr(parameter.default)


def to_markdown(text: str) -> str:
    r"""Turn formulas into MathML, and public names into links to where they are described.

    Parameters
    ----------
    text : str
        A docstring, dedented.

    Returns
    -------
    str

    Examples
    --------
    >>> to_markdown("As `gap`, but not as `numpy`.")
    'As [`gap`][learnprop.gap], but not as `numpy`.'
    >>> to_markdown(r"It is :math:`\\kappa`.")[:36]
    'It is <span class="formula"><math xm'
    """
    text = re.sub(r"^( *)\.\. math::(.*(?:\n(?:\1 +.*)?)*)", _displayed, text, flags=re.MULTILINE)
    text = re.sub(r":math:`([^`]*)`", _inline, text)
    text = re.sub(r":[a-z]+:(?=`)", "", text)
    text = re.sub(r"^( *\w[\w, ]* : )(.*,.*)$", _as_written, text, flags=re.MULTILINE)
    return re.sub(r"(?<![`\w])`(?:learnprop\.)?([A-Za-z]\w*)(\(\))?`(?!`)", _linked, text)


def _displayed(found: re.Match[str]) -> str:
    return f"{found[1]}{formulas.displayed(found[2])}\n\n"


def _inline(found: re.Match[str]) -> str:
    return formulas.inline(found[1])


def _as_written(found: re.Match[str]) -> str:
    """Keep a type from being read, and written anew, as a tuple or a set of Python."""
    kind = re.sub(r"^\{(.*)\}", r"one of \1", found[2])
    return found[1] + re.sub(", (?!default|optional)", ",\N{NO-BREAK SPACE}", kind)


def _linked(found: re.Match[str]) -> str:
    name = found[1]
    if name not in learnprop.__all__:
        return found[0]
    return f"[`{name}{found[2] or ''}`][learnprop.{name}]"
