"""From stored studies to a folder for a paper: LaTeX fragments, figures, and a report of all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from learnprop.reports.folders.parts import Part, provenance_of, title_of
from learnprop.reports.folders.provenance import now
from learnprop.reports.layout.files import write_text
from learnprop.reports.layout.latex import escaped, from_markdown, preamble
from learnprop.reports.study_report import write_contents


def write_document(parts: Sequence[Part], out: Path) -> None:
    """Write a folder per study, and ``report.tex``, which inputs their tables and figures.

    Parameters
    ----------
    parts : sequence of Part
    out : Path
        Existing folder.
    """
    body = []
    fragments = ""
    for part in parts:
        folder = out / part.name
        folder.mkdir(exist_ok=True)
        write_contents(part.contents, folder)
        write_text(folder / "protocol.md", part.protocol)
        if part.about:
            write_text(folder / "provenance.json", json.dumps(part.about, indent=2) + "\n")
        body.append(_section(part, title_of(part, parts), folder))
        fragments += "".join(
            (folder / f"{table.name}.tex").read_text(encoding="utf-8")
            for table in part.contents.tables
        )
    head = [
        r"\title{learnprop: report}",
        r"\author{}",
        rf"\date{{{now():%Y-%m-%d}}}",
        r"\begin{document}",
        r"\maketitle",
        r"\tableofcontents",
    ]
    document = "\n".join([*head, *body, r"\end{document}"]) + "\n"
    write_text(out / "report.tex", preamble(document + fragments) + document)


def _section(part: Part, title: str, folder: Path) -> str:
    tables = [
        rf"\tableblock{{{escaped(table.title)}}}{{\input{{{part.name}/{table.name}}}}}"
        for table in part.contents.tables
    ]
    figures = [
        rf"\figureblock{{{escaped(figure.title)}}}"
        rf"{{\includegraphics{{{part.name}/{figure.name}.pdf}}}}"
        for figure in part.contents.figures
        if (folder / f"{figure.name}.pdf").exists()
    ]
    protocol, _, rest = from_markdown(part.protocol, level=1).partition("\n")
    lines = [
        rf"\section{{{escaped(title)}}}",
        *_blocks(tables),
        *_blocks(figures),
        protocol,
        r"\begin{multicols}{2}\small\raggedright",
        rest,
        r"\end{multicols}",
        r"\subsection*{Provenance}",
        rf"{{\raggedright {_provenance(part)}\par}}",
    ]
    return "\n".join(lines)


def _blocks(blocks: Sequence[str]) -> list[str]:
    return [r"\begin{blocks}", *blocks, r"\end{blocks}"] if blocks else []


def _provenance(part: Part) -> str:
    lines = [rf"\item[{name}] {escaped(text)}" for name, text in provenance_of(part).items()]
    return "\n".join([r"\begin{description}", *lines, r"\end{description}"])
