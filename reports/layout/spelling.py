"""What a terminal cannot show, in letters that it can: "±" as "+/-", λ as its name."""

from __future__ import annotations

import codecs
import re
import unicodedata

SPELT = "spelt"
"""Name of the error handler of codecs, for streams."""

_SPELLINGS = {
    "±": "+/-", "−": "-", "–": "-", "—": "-", "─": "-", "×": "x", "⊗": "(x)", "·": "*",
    "•": "*", "→": "->", "←": "<-", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "∝": "~", "∞": "inf",
    "∂": "d", "√": "sqrt", "²": "^2", "³": "^3", "ᵀ": "^T", "…": "...", "‘": "'", "’": "'",
    "“": '"', "”": '"', "ß": "ss",
}  # fmt: skip


def greek_name(letter: str) -> str:
    """Name of a Greek letter, with a capital if it is one.

    Examples
    --------
    >>> greek_name("λ"), greek_name("Σ")
    ('lambda', 'Sigma')
    """
    _, size, _, name = unicodedata.name(letter).split()
    name = name.lower().replace("lamda", "lambda")
    return name.capitalize() if size == "CAPITAL" else name


def spelt(text: str, encoding: str) -> str:
    r"""Text in which every character that an encoding lacks is spelt with those that it has.

    Marks over letters fall away; what has no spelling is its escape in Python. Nothing becomes the
    mark of something else.

    Parameters
    ----------
    text : str
    encoding : str
        Of a terminal or pipe.

    Returns
    -------
    str

    Examples
    --------
    >>> print(spelt("p̄(0→0) = 0.5±0.1?, λ ≤ 2, größe 中", "ascii"))
    p(0->0) = 0.5+/-0.1?, lambda <= 2, grosse \u4e2d
    >>> spelt("β = 1±2", "latin-1")
    'beta = 1±2'
    """
    return text.encode(encoding, SPELT).decode(encoding)


def _handle(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_spell, error.object[error.start : error.end])), error.end


def _spell(character: str) -> str:
    if character in _SPELLINGS:
        return _SPELLINGS[character]
    if unicodedata.category(character) == "Mn":  # stands over its letter
        return ""
    if re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER \w+", unicodedata.name(character, "")):
        return greek_name(character)
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    return plain or character.encode("ascii", "backslashreplace").decode()


codecs.register_error(SPELT, _handle)
