"""The report of stored studies as one file of HTML: no script, and nothing from elsewhere."""

from __future__ import annotations

import struct
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from learnprop.reports.folders.parts import Part, provenance_of, title_of
from learnprop.reports.folders.provenance import now
from learnprop.reports.folders.reading import HOW, terms_of
from learnprop.reports.layout.files import write_text
from learnprop.reports.layout.html import STYLE, table_html
from learnprop.reports.layout.numbers import TEXT

if TYPE_CHECKING:
    from markupsafe import Markup

_DOTS = 2
"""Of a picture in a pixel of the page: a screen of high resolution shows them all."""


@dataclass(frozen=True)
class Block:
    """A table or a figure with its caption.

    Attributes
    ----------
    anchor : str
        Of the page: the name of the file beside it that holds the same.
    number : str
        As the LaTeX numbers it.
    title : str
    html : Markup
    """

    anchor: str
    number: str
    title: str
    html: Markup


def write_html(parts: Sequence[Part], out: Path) -> Path:
    """Write ``report.html``: the tables, figures, protocols and provenance of ``report.tex``.

    Parameters
    ----------
    parts : sequence of Part
    out : Path
        Folder where `learnprop.reports.folders.document.write_document` has written the same
        parts: figures are those files.

    Returns
    -------
    Path
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    sections, n_tables, n_figures = [], 0, 0
    for part in parts:
        figures = [
            figure
            for figure in part.contents.figures
            if (out / part.name / f"{figure.name}.png").exists()
        ]
        tables = part.contents.tables
        blocks = [
            Block(
                f"{part.name}/{table.name}.tex", f"Table {n_tables + i}", table.title,
                Markup(table_html(table.title, table.grid(TEXT))),
            )
            for i, table in enumerate(tables, 1)
        ] + [
            Block(
                f"{part.name}/{figure.name}.png", f"Figure {n_figures + i}", figure.title,
                picture_html(figure.title, out / part.name / f"{figure.name}.png"),
            )
            for i, figure in enumerate(figures, 1)
        ]  # fmt: skip
        n_tables, n_figures = n_tables + len(tables), n_figures + len(figures)
        sections.append(_section(part, title_of(part, parts), blocks))
    grids = [table.grid(TEXT) for part in parts for table in part.contents.tables]
    style = STYLE + files(__package__).joinpath("html_document.css").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = files(__package__).joinpath("html_document.html").read_text(encoding="utf-8")
    page = environment.from_string(template).render(
        sections=sections,
        how=HOW,
        terms=terms_of(grids),
        date=f"{now():%Y-%m-%d}",
        style=Markup(style),
        style_hash=b64encode(sha256(style.encode()).digest()).decode(),
    )
    write_text(out / "report.html", page + "\n")
    return out / "report.html"


def _section(part: Part, title: str, blocks: Sequence[Block]) -> dict[str, Any]:
    from markupsafe import Markup

    return {
        "anchor": part.name,
        "title": title,
        "blocks": blocks,
        "protocol": Markup(markdown_html(part.protocol, level=2)),
        "provenance": provenance_of(part),
    }


def picture_html(title: str, path: Path) -> Markup:
    """Write a PNG into a page, half as large as its pixels; its caption stands for it.

    PNG, which is there already: the same figures as SVG are about as large (0.6 to 1.6 times), and
    matplotlib styles them by attributes, which a page that names its styles does not allow.

    Parameters
    ----------
    title : str
    path : Path
        Of a PNG.

    Returns
    -------
    Markup
    """
    from markupsafe import Markup

    content = path.read_bytes()
    width, height = struct.unpack(">II", content[16:24])  # of its header, by the format's standard
    return Markup(
        '<div class="scroll picture"><img src="data:image/png;base64,{}" width="{}" height="{}" '
        'alt="{}"></div>'
    ).format(b64encode(content).decode(), width // _DOTS, height // _DOTS, title)


def markdown_html(text: str, *, level: int = 0) -> str:
    r"""Write Markdown as HTML in which nothing leads elsewhere: no HTML, link or image of its own.

    Parameters
    ----------
    text : str
    level : int
        Added to that of its headings.

    Returns
    -------
    str

    Examples
    --------
    >>> print(markdown_html("# Aims\n\n- is `a<b` <i>so</i>? [no](https://a.b)", level=2))
    <h3>Aims</h3>
    <ul>
    <li>is <code>a&lt;b</code> &lt;i&gt;so&lt;/i&gt;? [no](https://a.b)</li>
    </ul>
    """
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False})
    markdown.disable(["link", "image", "autolink", "reference"])
    tokens = markdown.parse(text)
    for token in tokens:
        if token.type.startswith("heading_"):
            token.tag = f"h{min(int(token.tag[1:]) + level, 6)}"
    return str(markdown.renderer.render(tokens, markdown.options, {})).rstrip("\n")
