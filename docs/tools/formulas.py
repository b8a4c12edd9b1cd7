"""Formulas as MathML, the one road to it: of docstrings, and of pages as GitHub takes them."""

from __future__ import annotations

import re

from latex2mathml.converter import convert

_FENCE = re.compile(r"^( *)```math *\n(.*?)^\1``` *$", re.MULTILINE | re.DOTALL)
_DOLLARS = re.compile(r"(\(?)(?<![\\$\w])\$(?!\s)([^$\n]+)(?<!\s)\$(?![\w$])([).,:;]*)")


def displayed(formula: str) -> str:
    r"""Show a formula on lines of its own.

    Parameters
    ----------
    formula : str
        LaTeX; of several lines, with ``\\`` between them, aligned at ``&``.

    Returns
    -------
    str
        One line of HTML.
    """
    formula = " ".join(formula.split())
    if r"\\" in formula and r"\begin" not in formula:  # as Sphinx takes them
        formula = rf"\begin{{split}} {formula} \end{{split}}"
    return f'<div class="formula">{_mathml(formula, "block")}</div>'


def inline(formula: str, before: str = "", behind: str = "") -> str:
    r"""Show a formula within a line, in a span: a line that began with <math> would be a block.

    Parameters
    ----------
    formula : str
        LaTeX.
    before, behind : str
        What a line must not part from it.

    Examples
    --------
    >>> inline(r"\kappa")[:36]
    '<span class="formula"><math xmlns="h'
    """
    shown = _mathml(" ".join(formula.split()), "inline")
    return f'<span class="formula">{before}{shown}{behind}</span>'


def fences(text: str) -> str:
    r"""Show what blocks of ``math`` have.

    Examples
    --------
    >>> fences("As\n\n```math\na = b\n```\n\nhas it.")[:41]
    'As\n\n<div class="formula"><math xmlns="htt'
    """
    return _FENCE.sub(lambda found: f"{found[1]}{displayed(found[2])}\n", text)


def dollars(prose: str) -> str:
    """Show what stands between dollars in prose, which has no code; a line ends behind its comma.

    Examples
    --------
    >>> dollars("It is $a$, for 5 $ and 6 $.").count("<math ")
    1
    """
    return _DOLLARS.sub(lambda found: inline(found[2], found[1], found[3]), prose)


def _mathml(formula: str, display: str) -> str:
    text = convert(formula, display=display).replace("\n", " ")
    # A bar of |x| is no relation, with room on both sides, nor is a slash.
    return re.sub(
        r"<mo[^>]*>(&#x0007C;|&#x02016;|&#x0002F;)</mo>",
        r'<mo lspace="0" rspace="0">\1</mo>', text,
    )  # fmt: skip
