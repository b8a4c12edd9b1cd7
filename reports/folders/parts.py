"""Stored studies of any kind, read and summarised for a report of all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

from learnprop.reports.folders.status import study_status
from learnprop.reports.study_report import Contents, report_of
from learnprop.simulations.engine.study import Study
from learnprop.simulations.records.design_changes import summary_of
from learnprop.simulations.records.store import read_session
from learnprop.simulations.records.store_file import StoreError, read_store
from learnprop.simulations.studies import stored_study


@dataclass(frozen=True)
class Part:
    """A stored study, read and summarised.

    Attributes
    ----------
    source : Path
        Folder of its store.
    name : str
        Of its folder in the report.
    title : str
    contents : Contents
    protocol : str
        In Markdown.
    about : dict
        Of its ``provenance.json``; empty where there is none.
    note : str
        What a reader should know of how it was reported; may be empty.
    """

    source: Path
    name: str
    title: str
    contents: Contents
    protocol: str
    about: dict[str, Any]
    note: str


def read_parts(folders: Sequence[Path]) -> list[Part]:
    """Read and summarise stored studies of any kind. Nothing is fitted again.

    Parameters
    ----------
    folders : sequence of Path

    Returns
    -------
    list of Part

    Raises
    ------
    StoreError
        If a folder holds no store, or one that is not finished and shows nothing until it is.
    ValueError
        If a folder is given twice, or a study cannot be laid out again.
    """
    parts: list[Part] = []
    places = [folder.resolve() for folder in folders]
    for folder in folders:
        if places.count(folder.resolve()) > 1:
            raise ValueError(f"DIR must be given once, got {folder} twice")
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", folder.resolve().name).strip("-.") or "study"
        taken = [part.name for part in parts]
        names = chain([name], (f"{name}-{i}" for i in count(2)))
        parts.append(_read_part(folder, next(name for name in names if name not in taken)))
    return parts


def _read_part(folder: Path, name: str) -> Part:
    with read_store(folder) as store:
        runs = read_session(store).get("runs", {})
        unfinished = ""
        for cell in study_status(store).cells:
            if cell.done < cell.asked:
                unfinished = (
                    f"{folder} is not finished: {cell.done} of {cell.asked} replications of "
                    f"{cell.cell}; the command that began it resumes"
                )
                break
        if not runs:
            raise StoreError(f"{folder} holds no replications yet")
        design = store.design | {"device": "cpu"}  # reports need no GPU, whatever fitted
        laid_out = stored_study(store.study, design, n_runs=max(runs.values()))
        study = Study(**{**vars(laid_out), "cell_runs": runs})
        report = report_of(study.name)
        if unfinished and not report.shows_unfinished:
            raise StoreError(unfinished)
        contents = report.reported(study, store)
        different = summary_of(store.design.get("code"), study.design["code"], ".code")
    return Part(
        source=folder,
        name=name,
        title=report.title,
        contents=contents,
        protocol=_protocol(folder) or report.protocol(study, None),
        about=_about(folder),
        note=" ".join(
            f"{words}."
            for words, there in (
                (unfinished, unfinished),
                (f"Measured by other code than reports it: {different}", different),
            )
            if there
        ),
    )


def _protocol(folder: Path) -> str:
    path = folder / "protocol.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _about(folder: Path) -> dict[str, Any]:
    try:
        about = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def title_of(part: Part, parts: Sequence[Part]) -> str:
    """Title of a study; among several of its kind with its folder, as far as that tells."""
    alike = [other for other in parts if other.title == part.title]
    if len(alike) == 1:
        return part.title
    names = [other.source.resolve().name for other in alike]
    unique = names.count(part.source.resolve().name) == 1
    return f"{part.title}: {part.source.resolve().name if unique else part.source}"


def provenance_of(part: Part) -> dict[str, str]:
    """Where a study comes from, as far as that is known: names of entries, and their texts."""
    about = part.about
    packages = ", ".join(f"{k} {v}" for k, v in about.get("packages", {}).items() if v)
    machine, git = about.get("machine", {}), about.get("git") or {}
    revision = str(git.get("revision", "")) + (
        " with changes that are not committed" if git.get("sources_changed") else ""
    )
    known = {
        "Folder": str(part.source),
        "Command": " ".join(map(str, about.get("command", []))),
        "Runs": str(about.get("runs", "")),
        "Times": f"{about['started']} to {about['finished']}" if "started" in about else "",
        "Packages": packages,
        "Machine": ", ".join(str(machine[k]) for k in ("system", "processor") if k in machine),
        "Revision": revision,
        "Note": part.note,
    }
    return {name: text for name, text in known.items() if text}
