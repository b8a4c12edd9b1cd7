"""What pages say of results/, as they say it."""

from __future__ import annotations

import pandas as pd

from tests.docs.blocks import ROOT


def results(name: str) -> pd.DataFrame:
    """Return a table of results/."""
    return pd.read_csv(ROOT / "results" / f"{name}.csv")


def page(name: str) -> str:
    """Return the text of a page of docs/explanation, without its line ends."""
    text = (ROOT / "docs" / "explanation" / f"{name}.md").read_text(encoding="utf-8")
    return " ".join(text.split())


def points(row: pd.Series, ends=("low", "high"), signed=False, digits=None) -> str:
    """Return an interval in percentage points, of two digits or, with signs, one."""
    sign, digits = "+" if signed else "", (1 if signed else 2) if digits is None else digits
    low, high = (f"{100 * row[end]:{sign}.{digits}f}" for end in ends)
    return f"[{low}, {high}]"
