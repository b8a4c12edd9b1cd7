"""Stages one after the other within a limit of time, each in a process with a limit of its own."""

from __future__ import annotations

import argparse
import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from benchmarks.gpu.log import (
    DONE,
    FAILED,
    LOG,
    NOT_CAPTURED,
    SKIPPED,
    STOPPED,
    Ended,
    Machine,
    write_entry,
)
from benchmarks.gpu.pack import FOLDER
from benchmarks.gpu.parts import Whole, split
from benchmarks.gpu.plan import STAGES, Setting, Stage
from benchmarks.gpu.supply import supply

GRACE = 10.0
"""Seconds that a stage has at its limit to write what it has, before it is killed."""

LEAST = 15.0
"""Seconds under which a stage is not begun: it would load its libraries and stop."""

PART_SIZE = 15 * 2**20
STAYS = ("states", "unfinished")
"""Folders in a study's, of trained networks and of unfinished trainings, that are not archived."""

OUTPUT = "stages.log"


def main(arguments: Sequence[str]) -> int:
    """Run the stages; returns the exit status."""
    chosen = _parser().parse_args(arguments)
    end = time.monotonic() + 60 * chosen.minutes
    try:
        stages = _stages(chosen.stages)
        if not 0 < chosen.minutes < 10**6:
            raise ValueError(f"--minutes must be positive, got {chosen.minutes:g}")
        if chosen.out.exists() and not chosen.out.is_dir():
            raise ValueError(f"--out must be a folder, but {chosen.out} is a file")
        needed = {} if chosen.quick else {d: f"stage {s.name}" for s in stages for d in s.datasets}
        environment = supply(chosen.pack, chosen.work, needed)
        device = _device(chosen.device, rehearses=chosen.quick)
    except ValueError as error:
        print(f"gpu: {error}", file=sys.stderr)
        return 2
    chosen.out.mkdir(parents=True, exist_ok=True)
    studies = chosen.work / ("rehearsal" if chosen.quick else "studies")
    at = Setting(device, chosen.quick, chosen.out / LOG, studies)
    write_entry(at.log, _machine(at, chosen.minutes, stages))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ends the stage too
    ended = run_stages(stages, at, end, environment)
    print(table(ended))
    return int(any(e.status == FAILED for e in ended))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks gpu",
        description="Check, time and collect evidence on a GPU within a limit of time.",
        epilog="Stages, in order of worth: " + ", ".join(s.name for s in STAGES) + ".",
    )
    parser.add_argument("stages", nargs="*", metavar="STAGE", help="by default all")
    parser.add_argument("--minutes", type=float, default=9.0, metavar="M")
    parser.add_argument("--device", choices=("auto", "cuda", "cpu"), default="auto")
    parser.add_argument("--quick", action="store_true", help="a rehearsal, small")
    for name, default, told in (
        ("--out", "gpu-results", "what comes back: few files, none large"),
        ("--pack", FOLDER, "from make gpu-pack"),
        ("--work", "gpu-work", "what is unpacked, and the studies; stays here"),
    ):
        parser.add_argument(name, type=Path, default=Path(default), metavar="DIR", help=told)
    return parser


def _stages(names: Sequence[str]) -> list[Stage]:
    unknown = set(names) - {stage.name for stage in STAGES}
    if unknown:
        known = ", ".join(stage.name for stage in STAGES)
        raise ValueError(f"no such stage: {', '.join(sorted(unknown))}; there are {known}")
    return [stage for stage in STAGES if not names or stage.name in names]


def _device(name: str, *, rehearses: bool) -> str:
    from learnprop.simulations.engine.devices import chosen_device

    device = chosen_device(name).type
    if name == "auto" and device == "cpu" and not rehearses:
        raise ValueError("there is no CUDA device here: --quick rehearses on a processor")
    return device


def _machine(at: Setting, minutes: float, stages: Sequence[Stage]) -> Machine:
    from learnprop.reports.folders.provenance import now, provenance

    words = [
        f"--minutes={minutes:g}",
        *(["--quick"] if at.quick else []),
        *(s.name for s in stages),
    ]
    found = provenance(
        study="gpu", design={"device": at.device}, started=now(),
        command=["python", "-m", "benchmarks", "gpu", *words],
    )  # fmt: skip
    machine = found["machine"]
    return Machine(machine.get("gpu", machine["processor"]), at.quick, found)


def run_stages(
    stages: Sequence[Stage], at: Setting, end: float, environment: Mapping[str, str]
) -> list[Ended]:
    """Run stages until the end, each until its share of what is left; what is done is written.

    Parameters
    ----------
    stages : sequence of Stage
    at : Setting
    end : float
        When all shall be over, on `time.monotonic`'s clock.
    environment : mapping of str to str
        Variables that differ from ours.

    Returns
    -------
    list of Ended
        One per stage.
    """
    out, ended, broken = at.log.parent, list[Ended](), ""
    for stage in stages:
        limit = stage.share * (end - time.monotonic() - GRACE)
        if limit < (LEAST if at.quick else max(LEAST, stage.least)):
            over = Ended(stage.name, SKIPPED, 0.0, f"{max(0.0, limit):.0f} s were left for it")
        else:
            print(f"== {stage.name}, at most {limit:.0f} s", flush=True)
            folder = at.studies / stage.study
            if stage.study and at.quick:  # a study is resumed, a rehearsal starts anew
                shutil.rmtree(folder, ignore_errors=True)
            over = run_stage(stage, at, limit, environment)
            if broken:
                note = f"without captured steps, since {broken} failed"
                over = replace(over, note="; ".join(filter(None, (over.note, note))))
            elif over.status == FAILED and NOT_CAPTURED in over.note:
                broken, environment = stage.name, {**environment, **_without_graphs()}
            if stage.study and folder.is_dir():
                archive = archived(folder, stage.study, out)
                over = replace(over, study=stage.study, archive=archive)
        write_entry(at.log, over)
        print(f"   {over.status} after {over.seconds:.0f} s  {over.note}", flush=True)
        ended.append(over)
    return ended


def _without_graphs() -> dict[str, str]:
    from learnprop.simulations.networks.stacked.capture import CUDA_GRAPHS

    return {CUDA_GRAPHS: "0"}


def run_stage(stage: Stage, at: Setting, limit: float, environment: Mapping[str, str]) -> Ended:
    """Run a stage; at its limit it is asked to end, as by Ctrl-C, and then made to."""
    started, status = time.monotonic(), DONE
    with (at.log.parent / OUTPUT).open("ab+") as output:
        output.write(f"== {stage.name}\n".encode())
        output.flush()
        first = output.tell()
        for command in stage.commands(stage, at):
            left = max(0.0, started + limit - time.monotonic())
            status = _run(command, left, environment, output)
            if status != DONE:
                break
        output.seek(first)
        lines = output.read().decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")
    note = {DONE: "", FAILED: last[:300], STOPPED: f"its limit was {limit:.0f} s"}[status]
    return Ended(stage.name, status, round(time.monotonic() - started, 1), note)


def _run(
    command: Sequence[str], limit: float, environment: Mapping[str, str], output: BinaryIO
) -> str:
    """What became of a command."""
    # A group of its own, to end its workers too; no session, which might outlive ours.
    process = subprocess.Popen(
        command, env=os.environ | environment, process_group=0,
        stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        return FAILED if process.wait(limit) else DONE
    except subprocess.TimeoutExpired:
        _end(process)
        return STOPPED
    finally:
        _kill(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of a stage's processes."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def archived(folder: Path, name: str, out: Path) -> Whole:
    """Pack a study's folder, but no networks, trained or not: they would be most of it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as tar:
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_file() and path.suffix != ".lock" and inside.parts[0] not in STAYS:
                tar.add(path, f"{name}/{inside.as_posix()}")
    return split(content.getvalue(), f"{name}.tar.gz", out, PART_SIZE)


def table(ended: Sequence[Ended]) -> str:
    """Stages, what became of them, and how long they took."""
    rows = [("stage", "status", "seconds", "")] + [
        (e.stage, e.status, f"{e.seconds:.0f}", e.note) for e in ended
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [
        f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]}".rstrip()
        for row in rows
    ]
    return "\n".join(lines)
