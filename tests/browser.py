"""Chromium, as the tests see it: a page that may ask nobody for anything, and complains aloud."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_QUIET = (
    "--no-sandbox",  # CI is root in a container
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Any]:
    """Browser from the system's package; where there is none the test says so and skips."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
    if path is None:
        pytest.skip("there is no Chromium: apt install chromium")
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_QUIET)
        yield browser
        browser.close()


class Watched:
    """What a page did that it must not do.

    Attributes
    ----------
    complaints : list of str
        Errors and warnings of its console, and exceptions.
    requests : list of str
        Addresses that it asked for, its own file left out.
    """

    def __init__(self, page: Any):
        self.complaints: list[str] = []
        self.requests: list[str] = []
        page.on(
            "console",
            lambda said: (
                self.complaints.append(said.text) if said.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on(
            "request",
            lambda asked: (
                None if asked.is_navigation_request() else self.requests.append(asked.url)
            ),
        )
