"""Grids on terminals: what is given up first, and that nothing is given up without a word."""

from dataclasses import replace

import pytest

import tests.console
from learnprop.reports.layout import console
from learnprop.reports.layout.console import Titled
from learnprop.reports.layout.fitting import Fitted, fit, shortened
from learnprop.reports.layout.grid import Grid
from tests.console import check_table, lines_of

GAPS = Grid(
    ("λ, class", "N", "gap [90 %]", "verdict", "train"),
    (
        ("equal, 0", "300", "-0.4 % [-7.2, +6.8]", "inconclusive", "2.7e-12"),
        None,
        ("inverse, 0", "300", "+0.5 % [-5.5, +6.9]", "holds", "1.0e-12"),
    ),
    minor=("train", "N"),
    note="runs attempted / converged / failed: 25 / 25 / 0",
)
PANELS = Grid(
    ("data, network", "class", "gap"),
    (("Digits, CNN2C", "0", "+1.0"), ("", "1", "+2.0"), None, ("KMNIST, CNN2C", "0", "+3.0")),
    verbatim=(1,),
    keys=2,
)


def test_what_fits_is_as_it_is():
    assert fit(GAPS, 62) == fit(GAPS)
    assert lines_of(Titled("Gaps", GAPS), 62)[2] == (
        "λ, class      N           gap [90 %]       verdict    train"
    )


def test_columns_that_matter_least_go_first_and_are_named():
    assert [fit(GAPS, width).left_out for width in (59, 58, 50, 49, 45)] == [
        (), ("train",), ("train",), ("N", "train"), ("N", "train"),
    ]  # fmt: skip
    lines = lines_of(Titled("Gaps", GAPS), 50, more="--wide shows them")
    assert lines[-2:] == ["columns left out at this width: train (--wide", "shows them)"]
    assert not any("left out" in line for line in lines_of(Titled("Gaps", GAPS)))


def test_then_intervals_stand_below_their_values():
    lines = lines_of(Titled("Gaps", GAPS), 44)
    assert "    -0.4 %  inconclusive" in lines[5]
    assert lines[6].split() == ["[-7.2,", "+6.8]"]
    assert lines[6].endswith("[-7.2, +6.8]")
    assert lines[5].index("-0.4 %") + len("-0.4 %") == len(lines[6])


def test_at_last_columns_stand_in_several_grids_and_none_is_left_out():
    fitted = fit(GAPS, 24)
    assert fitted.left_out == ()
    assert [piece.heads[0] for piece in fitted.pieces] == ["λ, class"] * 4
    heads = [head.replace("\n", " ") for piece in fitted.pieces for head in piece.heads[1:]]
    assert heads == list(GAPS.heads[1:])


def test_names_of_groups_are_lifted_above_their_rows():
    assert lines_of(Titled("t", PANELS), 20)[2:] == [
        "data, network",
        "  class         gap",
        "───────────────────",
        "Digits, CNN2C",
        "  0            +1.0",
        "  1            +2.0",
        "",
        "KMNIST, CNN2C",
        "  0            +3.0",
    ]


def test_names_of_labels_lose_their_middle_and_words_break_at_blanks():
    long = Grid(("a", "b"), (("a sentence that says what is claimed of it", "1"),))
    assert lines_of(Titled("t", long), 30)[4:] == [
        "a sentence that says what  1",
        "  is claimed of it",
    ]
    label = Grid(("n", "label"), (("1", "what a user calls the rarest of his classes"),),
                 verbatim=(1,))  # fmt: skip
    assert lines_of(Titled("t", label), 24)[4] == "1  what a use…is classes"
    assert shortened("a name", 3, "...") == "a..."  # no name vanishes


def test_wide_letters_count_twice():
    wide = Grid(("n", "gap"), (("中中中", "+1"), ("p̄", "+2")))
    assert lines_of(Titled("t", wide))[4:] == ["中中中   +1", "p̄        +2"]


@pytest.mark.parametrize("grid", [GAPS, PANELS], ids=["gaps", "panels"])
def test_every_width(grid):
    check_table(Titled("A title that is longer than its table is wide, by far", grid))


@pytest.mark.parametrize(
    "fitted",
    [Fitted((GAPS,)), Fitted((replace(GAPS, heads=GAPS.heads[:4], rows=(GAPS.rows[0][:4],)),))],
    ids=["too wide", "lost without a word"],
)
def test_the_check_finds_what_is_too_wide_or_lost(fitted, monkeypatch):
    """The control: a grid as it is, and one of which a column and a row are gone."""
    for module in (console, tests.console):
        monkeypatch.setattr(module, "fit", lambda *_: fitted)
    with pytest.raises(AssertionError):
        check_table(Titled("t", GAPS))


@pytest.mark.parametrize("width", range(30, 51))
def test_a_number_is_never_shortened(width):
    """Names are; of the cells of numbers every word stands somewhere, also of three columns."""
    names = ("a label that is long, 0", "a label that is long, 1")
    cells = (("+2.1 % [-12.4, +17.9]", "100 / 97 / 3"), ("-0.4 % [-7.2, +6.8]", "25 / 25 / 0"))
    rows = tuple(
        (name, *pair, "0.1234567 ± 0.0012") for name, pair in zip(names, cells, strict=True)
    )
    grid = Grid(("λ, class", "gap, test [90 %]", "runs", "residual: optimisation"), rows)
    shown = [row for piece in fit(grid, width).pieces for row in piece.rows if row]
    for name, *numbers in rows:
        found = [" ".join(row[1:]).split() for row in shown]
        assert any(set(numbers[0].split()) <= set(words) for words in found), name
        assert any(set(numbers[2].split()) <= set(words) for words in found), name
    assert not any("…" in cell for row in shown for cell in row[1:])
