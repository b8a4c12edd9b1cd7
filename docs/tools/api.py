"""Pages of the API reference, one for each group of public names; mkdocstrings fills them."""

from __future__ import annotations

import re

from docstrings import to_markdown

import learnprop
from learnprop.simulations.studies import STUDIES

FOLDER = "reference/api"


def groups() -> dict[str, tuple[str, ...]]:
    """Public names by what they are for: the studies, then the groups of `learnprop`."""
    named = {
        title: tuple(name for names in modules.values() for name in names)
        for title, modules in learnprop.GROUPS.items()
    }
    return {"Run a study": tuple(STUDIES), **named}


def pages() -> dict[str, str]:
    """Write the pages.

    Returns
    -------
    dict of str to str
        Path in the site's sources to Markdown.
    """
    written = {
        f"{FOLDER}/{slug(title)}.md": page(title, names) for title, names in groups().items()
    }
    return {f"{FOLDER}/index.md": overview(), **written}


def slug(title: str) -> str:
    """Name of a page.

    Examples
    --------
    >>> slug("The two sides of Eqs. (8) to (10)")
    'the-two-sides-of-eqs-8-to-10'
    """
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def overview() -> str:
    """Every public name with its first line."""
    text = "# Python\n\nEvery public name is imported from `learnprop`.\n"
    for title, names in groups().items():
        text += f"\n## [{title}]({slug(title)}.md)\n\n"
        text += "".join(f"- [`{name}`][learnprop.{name}]: {first_line(name)}\n" for name in names)
    return text


def first_line(name: str) -> str:
    """What a docstring begins with."""
    line = (getattr(learnprop, name).__doc__ or "").strip().partition("\n")[0]
    return to_markdown(line)


def page(title: str, names: tuple[str, ...]) -> str:
    """One group."""
    return f"# {title}\n\n" + "\n\n".join(f"::: learnprop.{name}" for name in names) + "\n"
