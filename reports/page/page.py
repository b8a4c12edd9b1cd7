"""The page put together: one HTML file that asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from string import Template

SOURCES = Path(__file__).with_name("sources")

SECTIONS = ("balance", "guess", "three", "fresh", "broken", "undo", "yours")
"""Of the document, from above to below."""

MATHEMATICS = (
    "numerics",
    "balance",
    "sim1",
    "triangle",
    "overfitting",
    "violations",
    "csv",
    "predictions",
    "effective_weights",
    "doubts",
)
"""Scripts that compute, each on those before it."""

DISPLAY = (
    "document",
    "chart",
    "state",
    "snippets",
    "sections",
    "lever",
    "balance",
    "guess",
    "triangle",
    "fresh",
    "broken",
    "undo",
    "yours",
    "start",
)
"""Scripts that show, each on those before it and on all that compute."""


def page_html(version: str) -> str:
    """HTML of the page; the same version has the same bytes.

    All scripts are one, so that they share a scope that nothing else sees. What the browser may do
    is said by a Content-Security-Policy: run this script and use this style, known by their hashes,
    and nothing besides.

    Parameters
    ----------
    version : str
        Of learnprop, for the foot of the page.

    Returns
    -------
    str

    Examples
    --------
    >>> html = page_html("1.2.3")
    >>> html.startswith("<!DOCTYPE html>"), "default-src 'none'" in html, "1.2.3" in html
    (True, True, True)
    """
    style, script = _read("style.css"), _script()
    return Template(_read("page.html")).substitute(
        policy=content_security_policy(style, script),
        style=style,
        sections="\n".join(_read(f"sections/{name}.html") for name in SECTIONS),
        script=script,
        version=version,
    )


def content_security_policy(style: str, script: str) -> str:
    """What the page may do: use one style and one script, and show pictures of its own.

    Parameters
    ----------
    style, script : str
        Text between the tags, to the letter.

    Returns
    -------
    str

    Examples
    --------
    >>> content_security_policy("a {}", "1").split("; ")[0]
    "default-src 'none'"
    """
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _script() -> str:
    files = [
        *(f"mathematics/{name}.js" for name in MATHEMATICS),
        *(f"display/{name}.js" for name in DISPLAY),
        "names.js",
    ]
    parts = "\n".join(map(_read, files))
    return f'\n"use strict";\n(() => {{\n{parts}}})();\n'


def _read(name: str) -> str:
    return (SOURCES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
