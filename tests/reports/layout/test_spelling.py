"""On a terminal without λ it is spelt, and no character turns into the mark of something else."""

import io
import re
import tokenize
import unicodedata
from pathlib import Path

import pytest

from learnprop.reports.layout.spelling import SPELT, spelt

ROOT = Path(__file__).parents[3]
FOREIGN = "ĦħĐđŊŋŦŧĸÐÞðþ«»中†‡€"
"""Of tables of LaTeX's fonts: nothing of ours is written with them."""


def characters():
    """What is not ASCII in our sources, texts of errors and tables among them."""
    files = [p for d in ("equations", "simulations", "reports", "audit", "learnprop")
             for p in (ROOT / d).rglob("*.py")]  # fmt: skip
    found = set()
    for path in files:
        with tokenize.open(path) as file:
            found |= set(file.read())
    return sorted(c for c in found if not c.isascii() and c not in FOREIGN)


def test_everything_that_we_write_has_a_spelling():
    assert {"±", "λ", "→", "≤", "\u0304", "Σ", "…"} <= set(characters())
    for character in characters():
        written = spelt(character, "ascii")
        assert "?" not in written
        assert "\\" not in written
        assert written or unicodedata.category(character) == "Mn", character


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0.1±0.2?", "0.1+/-0.2?"),  # the mark of "inconclusive" is that of nothing else
        ("p̄(k→k), λ0, λk, β = 2", "p(k->k), lambda0, lambdak, beta = 2"),
        ("Σw ≤ 1 ≠ 2 − 3", "Sigmaw <= 1 != 2 - 3"),
        ("größe, Größe", "grosse, Grosse"),
        ("中 ?", "\\u4e2d ?"),
        ("plain", "plain"),
    ],
)
def test_spellings(text, written):
    assert spelt(text, "ascii") == written
    assert spelt(text, "utf-8") == text


def test_streams_spell_by_the_handlers_name():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    stream.write("±λ")
    stream.flush()
    assert stream.buffer.getvalue() == b"??"  # as it was: two marks of "inconclusive"
    stream.reconfigure(errors=SPELT)
    stream.write("±λ")
    stream.flush()
    assert stream.buffer.getvalue() == b"??+/-lambda"


def test_only_what_an_encoding_lacks_is_spelt():
    assert spelt("λ ± ö", "latin-1") == "lambda ± ö"
    assert not re.search(r"[^\x00-\xff]", spelt("".join(characters()), "latin-1"))
