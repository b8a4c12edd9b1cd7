"""Tables of a report in LaTeX: they compile, whatever the labels are."""

import math
import re

import pytest

from learnprop.audit.report.grids import WORST
from learnprop.reports.folders.pdf import compile_report
from learnprop.reports.layout.latex import preamble
from tests.audited import LABELS, acting, made_up
from tests.latex import needs_latex

TABLES = ("classes", "causes", "groups")


@needs_latex
def test_they_compile(tmp_path):
    reports = [
        acting([1, 45], [1, 100], [10_000, 100]),
        made_up(10, LABELS, groups=3, ends={1: (-math.inf, math.inf), 2: (-0.9, 1e7)}),
        made_up(100, groups=30),
    ]
    tables = [reports[0].to_latex(), *(r.to_latex(t) for r in reports[1:] for t in TABLES)]
    fitted = "\n\n".join(f"\\tableblock{{A table}}{{{table}}}" for table in tables)
    body = rf"\begin{{document}}\begin{{blocks}}{fitted}\end{{blocks}}\end{{document}}"
    (tmp_path / "report.tex").write_text(preamble(body) + body, encoding="utf-8")
    assert compile_report(tmp_path).read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("table", TABLES)
def test_every_row_has_as_many_cells_as_there_are_columns(table):
    latex = made_up(10, LABELS, groups=3).to_latex(table)
    columns = re.match(r"\\begin\{tabular\}\{(\w+)\}", latex)[1]
    rows = [line for line in latex.splitlines() if line.endswith(r"\\") and "multicol" not in line]
    assert len(rows) > 3
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1, row


def test_a_label_in_brackets_is_no_option_of_the_row_above():
    for label in ("[2pt]", "*"):
        row = made_up(3, ["a", label, "c"]).to_latex().splitlines()[5]
        assert row.startswith("{}" + label)


@pytest.mark.parametrize("special", ["%", "#", "&", "$", "_", "^", "~", "{", "}", "\\"])
def test_letters_that_latex_takes_for_commands_are_escaped(special):
    label = made_up(3, [f"x{special}y", "b", "c"]).to_latex().splitlines()[4].split(" & ")[0]
    assert re.fullmatch(r"x(\\[%#&$_{}]|\\text\w+ )y", label), label


def test_numbers_are_formulas():
    latex = made_up(3, ends={1: (-math.inf, math.inf)}).to_latex()
    assert r"[-\infty, +\infty]$" in latex
    assert "inf]" not in latex
    assert "±" not in made_up(3).to_latex("causes")


def test_long_tables_are_folded():
    latex = made_up(1000).to_latex()
    assert f"{WORST} of 1000 classes" in latex
    assert latex.count("fails &") == WORST


def test_tables_that_there_are_are_named():
    with pytest.raises(ValueError, match=r"^table must be one of classes, causes, groups, got 'x'"):
        made_up().to_latex("x")
