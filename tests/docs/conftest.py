"""The scripts that make the documentation, as modules."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tool(monkeypatch):
    """Import a script of docs/tools."""
    monkeypatch.syspath_prepend(ROOT / "docs" / "tools")
    return importlib.import_module
