"""Labels in scripts that the font of figures lacks."""

from functools import partial

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib.font_manager import findfont
from matplotlib.text import Text

from learnprop.reports.layout import fonts
from learnprop.reports.layout.fonts import families_for, mention_missing
from learnprop.reports.layout.heat_map import Panel, draw_heat_maps
from learnprop.reports.layout.style import draw_to, house_style

# A letter: of the fonts that come with matplotlib, STIXGeneral has it and DejaVu Sans not.
ELSEWHERE = "\u1d81"
NOWHERE = "中"


@pytest.fixture(autouse=True)
def two_fonts(monkeypatch):
    """A machine with no fonts but matplotlib's."""
    monkeypatch.setattr(fonts, "_families", lambda: ("DejaVu Sans", "cmr10", "STIXGeneral"))


def heat_map(label):
    return draw_heat_maps([Panel("P", np.eye(2), np.zeros(2))], labels=("cat", label))


def has(family, character):
    """As fontTools reads the font."""
    return ord(character) in TTFont(findfont(family)).getBestCmap()


def test_a_family_that_has_the_characters_is_found():
    assert [has(f, ELSEWHERE) for f in ("DejaVu Sans", "cmr10", "STIXGeneral")] == [0, 0, 1]
    found = families_for(f"cat{ELSEWHERE}{NOWHERE}")
    assert found == (["DejaVu Sans", "STIXGeneral"], {NOWHERE})


def test_preferred_families_come_first(monkeypatch):
    monkeypatch.undo()
    names = fonts._families()
    assert names[0] == "DejaVu Sans"
    noto = [name.startswith("Noto") for name in names[1:]]
    assert noto == sorted(noto, reverse=True)
    assert not any(name.startswith("Last Resort") for name in names)


def test_figures_draw_what_another_font_has_without_a_word(tmp_path, monkeypatch):
    drawn = {}
    draw = Text.draw

    def noted(text, *args, **kwargs):
        drawn[text.get_text()] = text.get_fontfamily()
        draw(text, *args, **kwargs)

    monkeypatch.setattr(Text, "draw", noted)
    label = f"cat{ELSEWHERE}"
    assert draw_to(partial(heat_map, label), [tmp_path / "a.pdf", tmp_path / "a.png"]) == ""
    assert drawn[label] == ["DejaVu Sans", "STIXGeneral"]
    assert drawn["cat"] == ["sans-serif"]  # as it always was
    with house_style(), pytest.warns(UserWarning, match="Glyph 7553 .* missing"):  # the control
        heat_map(label).savefig(tmp_path / "b.png")


def test_what_no_font_has_is_said_in_one_line(tmp_path, capsys):
    missing = draw_to(partial(heat_map, f"a{NOWHERE}"), [tmp_path / "a.pdf", tmp_path / "a.png"])
    assert missing == NOWHERE
    assert (tmp_path / "a.png").stat().st_size > 8000
    mention_missing(missing * 2, tmp_path)
    mention_missing("", tmp_path)
    (line,) = capsys.readouterr().err.splitlines()
    assert "中 (U+4E2D)" in line
    assert "no font here has them" in line
