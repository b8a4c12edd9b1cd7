"""How a text file writes a table: encoding, separator, decimal mark; said, or beyond doubt."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TextIO

from learnprop.equations.arguments import BadArgument

SEPARATORS = (",", ";", "\t", "|")
"""Between columns, of which the header decides."""

_MARKS = (  # UTF-32's begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_WITH_MARK = re.compile(r"(?=.*\d)[+-]?(\d*[.,]\d*)(?:[eE][+-]?\d+)?")
ONE_MARK = "write every number with one decimal mark and nothing between thousands"
_OF_THOUSANDS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")


@dataclass(frozen=True)
class Dialect:
    r"""What a user says of a text file; empty is found.

    Attributes
    ----------
    sep : str
        Between columns: one character, ``\t`` as it is or spelled out. Several blanks are one.
    decimal : {"", ".", ","}
    encoding : str
        As Python calls it.
    """

    sep: str = ""
    decimal: str = ""
    encoding: str = ""


UNSAID = Dialect()


def check_dialect(dialect: Dialect, is_text: bool) -> None:
    """Refuse what no file can be written in.

    Parameters
    ----------
    dialect : Dialect
    is_text : bool
        Whether the file is text: others say it themselves.

    Raises
    ------
    BadArgument

    Examples
    --------
    >>> check_dialect(Dialect(sep="::"), is_text=True)
    Traceback (most recent call last):
    ValueError: sep must be one character between columns, got '::'
    """
    for name, value in ((f.name, getattr(dialect, f.name)) for f in fields(dialect)):
        if value and not is_text:
            raise BadArgument(name, f"is of text files, got {value!r}")
    if dialect.sep and (len(_sep(dialect)) != 1 or _sep(dialect) in '"\r\n\0'):
        raise BadArgument("sep", f"must be one character between columns, got {dialect.sep!r}")
    if dialect.decimal not in ("", ".", ","):
        raise BadArgument("decimal", f"must be . or a comma, got {dialect.decimal!r}")
    try:
        "".encode(dialect.encoding or "utf-8")
    except (LookupError, ValueError):
        raise BadArgument(
            "encoding",
            f"must be one that Python knows, such as utf-8, cp1252 or utf-16, "
            f"got {dialect.encoding!r}",
        ) from None


def text_of(content: bytes, encoding: str) -> str:
    r"""Text that bytes hold: in the encoding of their byte order mark, else as said, else UTF-8.

    Parameters
    ----------
    content : bytes
    encoding : str
        Empty is not said.

    Returns
    -------
    str
        Without the mark.

    Raises
    ------
    BadArgument
        If the mark is another encoding's, or naming the line of a byte that the encoding lacks:
        every byte is a letter in several encodings, of which none is guessed.

    Examples
    --------
    >>> text_of("größe".encode("utf-16"), ""), text_of(b"gr\xf6\xdfe", "cp1252")
    ('größe', 'größe')
    >>> text_of(b"gr\xf6\xdfe", "")
    Traceback (most recent call last):
    ValueError: data cannot be read: byte 0xf6 in line 1 is not UTF-8; encoding cp1252 reads 'ö'
    """
    mark, marked = next((m for m in _MARKS if content.startswith(m[0])), (b"", ""))
    said = codecs.lookup(encoding).name.removesuffix("-sig") if encoding else ""
    if marked and not marked.startswith(said):
        raise BadArgument(
            "encoding", f"must be {marked}, whose mark the file begins with, got {encoding!r}"
        )
    chosen = marked or said or "utf-8"
    content = content[len(mark) :]
    try:
        text = content.decode(chosen)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start : error.start + 1]
        letter = byte.decode("cp1252", errors="replace")
        advice = "" if marked or said else f"; `encoding` cp1252 reads {letter!r}"
        raise BadArgument(
            "data",
            f"cannot be read: byte {byte[0]:#x} in line {line} is not {_shown(chosen)}{advice}",
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        advice = (
            "" if marked or said else "; if it is UTF-16, say `encoding` utf-16-le or utf-16-be"
        )
        raise BadArgument("data", f"cannot be read: NUL in line {line}, which is no text{advice}")
    return text


def _shown(encoding: str) -> str:
    return "UTF-8" if encoding == "utf-8" else encoding


def _sep(dialect: Dialect) -> str:
    return "\t" if dialect.sep == "\\t" else dialect.sep


def separator_of(file: TextIO, label: str, dialect: Dialect) -> str:
    """Separator with which the header names the column of labels: no two can.

    Parameters
    ----------
    file : text file
        Is read from its start.
    label : str
    dialect : Dialect
        Its separator, if it is said.

    Returns
    -------
    str
        Where none does, that of most columns, for an error.

    Examples
    --------
    >>> import io
    >>> [separator_of(io.StringIO(t), "kind", Dialect()) for t in ("a;b,c;kind", "a,b;c,kind")]
    [';', ',']
    """
    if dialect.sep:
        return _sep(dialect)
    headers = {}
    for sep in SEPARATORS:
        try:
            headers[sep] = stripped_names(next(records(file, sep), []))
        except csv.Error:
            headers[sep] = []
        if len(headers[sep]) > 1 and label in headers[sep]:
            return sep
    return max(SEPARATORS, key=lambda sep: len(headers[sep]))


def records(file: TextIO, sep: str) -> Iterator[list[str]]:
    """Records of a file from its start, without blank lines and blanks that begin a field.

    Examples
    --------
    >>> import io
    >>> list(records(io.StringIO('a; b||"c ; d"; "e"'.replace("|", chr(10))), ";"))
    [['a', 'b'], ['c ; d', 'e']]
    """
    file.seek(0)
    yield from filter(None, csv.reader(file, delimiter=sep, strict=True, skipinitialspace=True))


def stripped_names(record: Sequence[str]) -> list[str]:
    """Fields of a record without the blanks around them.

    Examples
    --------
    >>> stripped_names(["a ", "", "b c"])
    ['a', '', 'b c']
    """
    return [field.strip() for field in record]


def is_decimal(text: str) -> bool:
    """Whether text is a number with one mark, which cannot be of thousands.

    Examples
    --------
    >>> [is_decimal(text) for text in ("1,5", "0,500", "1,500", "1,500.5", "01.02.2020", "15")]
    [True, True, False, False, False, False]
    """
    match = _WITH_MARK.fullmatch(text)
    return match is not None and not _OF_THOUSANDS.fullmatch(match[1])


def decimal_of(rows: Iterable[Sequence[str]], sep: str) -> str:
    """Decimal mark of numbers that are written with one, where there is no other way to read them.

    Parameters
    ----------
    rows : iterable of sequence of str
        Features; what is no number is passed over.
    sep : str
        Between columns: a semicolon stands where commas are decimal, and points of thousands.

    Returns
    -------
    {".", ","}

    Raises
    ------
    BadArgument
        If both marks are there, or one that may be of thousands; rows are counted from 1.

    Examples
    --------
    >>> decimal_of([["1,5", "x"], ["2", "1,500"]], ";"), decimal_of([["1.5"], ["1.500"]], ";")
    (',', '.')
    >>> decimal_of([["2"], ["1,500"]], ";")
    Traceback (most recent call last):
    ValueError: data holds '1,500' in row 2: 1.500 or 1500? say decimal ',' or write 1500
    """
    seen: dict[str, str] = {}  # the first number of each mark
    sure: set[str] = set()
    for row, values in enumerate(rows, start=1):
        for text in map(str.strip, values):
            mark = "," if "," in text else "." if "." in text else ""
            if mark and mark not in sure and _WITH_MARK.fullmatch(text):
                seen.setdefault(mark, f"{text!r} in row {row}")
                if is_decimal(text):
                    sure.add(mark)
    if len(seen) == 2:
        raise BadArgument(
            "data",
            f"holds {seen[',']} and {seen['.']}: {ONE_MARK}, or leave columns out with `drop`",
        )
    for mark, number in seen.items():
        if mark not in sure and (mark == "," or sep == ";"):
            digits = number.split("'")[1]
            whole = digits.replace(mark, "")
            raise BadArgument(
                "data",
                f"holds {number}: {digits.replace(',', '.')} or {whole}? say "
                f"`decimal` {mark!r} or write {whole}",
            )
    return "," if "," in seen else "."
