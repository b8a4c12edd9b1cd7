"""What must be true of every table on the console, whatever the study."""

import math
from collections import Counter

from rich.cells import cell_len

from learnprop.reports.layout.console import Titled, console_lines
from learnprop.reports.layout.fitting import fit
from learnprop.reports.layout.numbers import TEXT

WIDTHS = (50, 60, 80, 100, 132)


def tables_of(contents):
    """All tables of a study, those too that are only in LaTeX."""
    return [Titled(table.title, table.grid(TEXT)) for table in contents.tables]


def words(cells):
    return Counter(word for cell in cells for word in cell.split())


def lines_of(table, width=math.inf, **how):
    return [text for text, _ in console_lines([table], width, **how)]


def check_width(table):
    """Nothing is longer than the terminal, nothing is lost that is not named as left out."""
    for width in WIDTHS:
        lines = lines_of(table, width, more="--wide shows them")
        for line in lines:
            assert cell_len(line) <= width, (width, line)
            assert line == line.rstrip()
        fitted = fit(table.grid, width)
        said = " ".join(lines)
        assert ("columns left out at this width: " in said) == bool(fitted.left_out)
        if "…" in said:  # of names from outside, or on terminals where nothing else is left
            continue
        heads = words(head for piece in fitted.pieces for head in piece.heads)
        assert set(words(table.grid.heads)) == set(heads) | set(words(fitted.left_out))
        shown = words(lines)
        for row in filter(None, table.grid.rows):
            kept = [
                cell
                for cell, head in zip(row, table.grid.heads, strict=True)
                if head not in fitted.left_out
            ]
            assert not words(kept) - shown, (width, row)


def check_whole(table):
    """Without a terminal a row is a line, with all of its cells."""
    lines = lines_of(table)
    for row in filter(None, table.grid.rows):
        assert any(words(line.split()) == words(row) for line in lines), row
    assert not any("left out" in line for line in lines)


def check_ascii(table):
    """No mark is lost, and none becomes that of something else; columns stay below each other."""
    for line in lines_of(table, 80, encoding="ascii"):
        assert len(line.encode("ascii")) <= 80
    plain, spelt = (
        "\n".join(lines_of(table, encoding=encoding)) for encoding in ("utf-8", "ascii")
    )
    assert spelt.count("?") == plain.count("?")
    assert spelt.count("+/-") == plain.count("±")


def check_table(table):
    """All of it."""
    check_width(table)
    check_whole(table)
    check_ascii(table)


def check_console(contents):
    """All of it, of every table of a study."""
    for table in tables_of(contents):
        check_table(table)
        assert "…" not in "".join(lines_of(table, 80))
