"""Fonts for what users write in their labels: whatever script it is in."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

FIRST = "DejaVu Sans"
"""Matplotlib's own, of every figure."""

PREFERRED = ("Noto Sans", "Noto", "DejaVu")
"""Families whose names begin so come before others that have the same characters."""

LAST_RESORT = "Last Resort"
"""Matplotlib's font of boxes, which has every character."""

MENTIONED = 8
"""Of the characters that no font has, so many are named."""


def use_fonts_of_scripts(figure: Any) -> str:
    """Let every text of a figure fall back to fonts of this machine that have its characters.

    Parameters
    ----------
    figure : matplotlib.figure.Figure

    Returns
    -------
    str
        Characters that no font has, sorted: matplotlib draws boxes for them.
    """
    from matplotlib.text import Text

    nowhere: set[str] = set()
    known = code_points(FIRST)
    for text in figure.findobj(Text):
        foreign = {c for c in text.get_text() if c.isprintable() and ord(c) not in known}
        if foreign:
            families, without = families_for(foreign)
            text.set_fontfamily([FIRST, *families])
            nowhere |= without
    return "".join(sorted(nowhere))


def families_for(characters: Iterable[str]) -> tuple[list[str], set[str]]:
    """Families that together have as many of the characters as any font of this machine has.

    Parameters
    ----------
    characters : iterable of str

    Returns
    -------
    families : list of str
    without : set of str
        What none of them has.

    Examples
    --------
    >>> families_for("→")
    (['DejaVu Sans'], set())
    """
    families, missing = [], set(characters)
    for family in _families():
        if not missing:
            break
        found = {c for c in missing if ord(c) in code_points(family)}
        if found:
            families.append(family)
            missing -= found
    return families, missing


@cache
def code_points(family: str) -> frozenset[int]:
    """What a family has in its regular face.

    Examples
    --------
    >>> ord("λ") in code_points("DejaVu Sans"), 0x732B in code_points("DejaVu Sans")
    (True, False)
    """
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(family)).get_charmap())


@cache
def _families() -> tuple[str, ...]:
    """Families with a regular face, those that are preferred first."""
    from matplotlib.font_manager import fontManager

    regular = {
        font.name
        for font in fontManager.ttflist
        if font.style == "normal" and str(font.weight) in ("400", "normal", "regular")
    }

    def order(name: str) -> tuple[bool, int, str]:
        rank = next((i for i, p in enumerate(PREFERRED) if name.startswith(p)), len(PREFERRED))
        return name != FIRST, rank, name

    return tuple(sorted((n for n in regular if not n.startswith(LAST_RESORT)), key=order))


def mention_missing(characters: Iterable[str], folder: Path) -> None:
    """Say on stderr, in one line, which characters no font has; nothing where there are none.

    Parameters
    ----------
    characters : iterable of str
    folder : Path
        Of the figures.
    """
    missing = sorted(set(characters))
    if missing:
        names = ", ".join(f"{c} (U+{ord(c):04X})" for c in missing[:MENTIONED])
        names += ", ..." if len(missing) > MENTIONED else ""
        print(
            f"figures in {folder} show boxes for {names}: no font here has them (Debian and "
            "Ubuntu: apt install fonts-noto-core fonts-noto-cjk)",
            file=sys.stderr,
        )
