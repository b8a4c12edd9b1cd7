"""Bring what a GPU found home: whole studies and timings into ``results/``."""

from __future__ import annotations

import argparse
import io
import json
import re
import shutil
import sqlite3
import sys
import tarfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.gpu.log import DONE, LOG, SKIPPED, Ended, Machine, Reading, read_entries
from benchmarks.gpu.parts import join
from benchmarks.gpu.timings import as_csv, as_markdown
from learnprop.reports.layout.files import write_text

REPORT = ("protocol.md", "provenance.json", "summary.csv")
"""What every report of a study has."""

RECORDS = "records.sqlite"


@dataclass(frozen=True)
class Found:
    """What some folders hold.

    Attributes
    ----------
    machine : Machine
    stages : dict of str to (Ended, Path)
        What became of each stage when it ran last, and the folder that says so.
    readings : dict of str to list of Reading
        Of each stage when it ran last.
    """

    machine: Machine
    stages: dict[str, tuple[Ended, Path]]
    readings: dict[str, list[Reading]]


def main(arguments: Sequence[str]) -> int:
    """Bring home; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks gpu-import",
        description="Bring the studies and timings that a GPU's machine handed back into results/.",
    )
    parser.add_argument(
        "folders", nargs="+", type=Path, metavar="FOLDER", help="what gpu wrote into --out"
    )
    parser.add_argument("--into", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--force", action="store_true", help="replace what is there")
    chosen = parser.parse_args(arguments)
    try:
        with TemporaryDirectory() as scratch:
            written, left = bring_home(
                chosen.folders, chosen.into, Path(scratch), force=chosen.force
            )
    except (ValueError, OSError) as error:
        print(f"gpu-import: {error}", file=sys.stderr)
        return 2
    for line in left:
        print(f"left out: {line}")
    for path in written:
        print(path)
    return 0


def bring_home(
    folders: Sequence[Path], into: Path, scratch: Path, *, force: bool
) -> tuple[list[Path], list[str]]:
    """Verify everything, then copy reports, without records.

    Parameters
    ----------
    folders : sequence of Path
        What came back from one machine, in this order.
    into : Path
    scratch : Path
        An empty folder.
    force : bool
        Whether what is there is replaced.

    Returns
    -------
    written : list of Path
        Folders.
    left : list of str
        Studies that were stopped before they had a report, and why.

    Raises
    ------
    ValueError
        One line that says what is not whole, or is there already.
    """
    found = read_folders(folders)
    slug = slug_of(found.machine)
    studies, left = dict[Path, Path](), list[str]()
    for ended, folder in found.stages.values():
        if ended.archive is None:
            continue
        try:
            source = unpacked_study(ended, folder, scratch, found.machine)
        except ValueError as error:
            if ended.status == DONE:
                raise
            left.append(f"{ended.stage}, which {ended.status}: {error}")
        else:
            studies[into / f"{ended.study}-{slug}"] = source
    timings = into / f"gpu-{slug}"
    for target in (*studies, timings):
        if target.exists() and not force:
            raise ValueError(f"{target} is there: --force replaces it")
    for target, source in studies.items():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=_no_report)
    _write_timings(timings, found)
    return [*studies, timings], left


def read_folders(folders: Sequence[Path]) -> Found:
    """Read the logs of folders.

    Raises
    ------
    ValueError
        If a log is not whole, or they are of several machines.
    """
    machines = list[Machine]()
    stages = dict[str, tuple[Ended, Path]]()
    readings = dict[str, list[Reading]]()
    for folder in folders:
        running = list[Reading]()
        for entry in read_entries(folder / LOG):
            if isinstance(entry, Machine):
                machines.append(entry)
            elif isinstance(entry, Reading):
                running.append(entry)
            elif entry.status != SKIPPED or entry.stage not in stages:
                stages[entry.stage] = entry, folder
                readings[entry.stage], running = running, []
        for reading in running:  # of a stage that was cut off with the whole command
            readings.setdefault(reading.stage, []).append(reading)
        if not machines:
            raise ValueError(f"{folder / LOG} does not say where it was written")
    if len({slug_of(machine) for machine in machines}) > 1:
        raise ValueError("these are of several machines, or of a rehearsal and the real thing")
    return Found(machines[-1], stages, readings)


def slug_of(machine: Machine) -> str:
    """Name of a machine for folders.

    Examples
    --------
    >>> slug_of(Machine("NVIDIA H200", quick=True, provenance={}))
    'nvidia-h200-quick'
    """
    name = re.sub(r"[^a-z0-9]+", "-", machine.device.lower()).strip("-")
    return f"{name}-quick" if machine.quick else name


def unpacked_study(ended: Ended, folder: Path, scratch: Path, machine: Machine) -> Path:
    """Folder of a stage's study, whole.

    Raises
    ------
    ValueError
        Naming what is missing, damaged, or of another device.
    """
    assert ended.archive is not None
    content = join(ended.archive, folder)
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        tar.extractall(scratch, filter="data")
    study = scratch / ended.study
    for name in (*REPORT, RECORDS):
        if not (study / name).is_file():
            raise ValueError(f"{ended.archive.name} has no {name}")
    try:
        at = json.loads((study / "provenance.json").read_text())["machine"]
        device = at.get("gpu", at["processor"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"provenance.json of {ended.archive.name} is not whole: {error}") from None
    if device != machine.device:
        raise ValueError(f"{ended.archive.name} was computed on {device}, not {machine.device}")
    if len((study / "summary.csv").read_text().splitlines()) < 2:
        raise ValueError(f"summary.csv of {ended.archive.name} has no rows")
    try:
        with closing(sqlite3.connect(study / RECORDS)) as records:
            (answer,) = records.execute("PRAGMA quick_check").fetchone()
    except sqlite3.Error as error:
        answer = str(error)
    if answer != "ok":
        raise ValueError(f"{RECORDS} of {ended.archive.name} is damaged: {answer}")
    return study


def _no_report(_folder: str, names: list[str]) -> list[str]:
    return [name for name in names if ".sqlite" in name]


def _write_timings(folder: Path, found: Found) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    readings = [reading for of_stage in found.readings.values() for reading in of_stage]
    ended = [ended for ended, _ in found.stages.values()]
    provenance = json.dumps(found.machine.provenance, indent=2) + "\n"
    for name, text in (
        ("timings.csv", as_csv(readings)),
        ("timings.md", as_markdown(found.machine, ended, readings)),
        ("provenance.json", provenance),
    ):
        write_text(folder / name, text)
