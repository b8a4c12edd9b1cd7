"""Timings of a GPU as tables, made from the log."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from benchmarks.gpu.log import Ended, Machine, Reading

COLUMNS = ("stage", "what", "networks", "value", "unit")


def as_csv(readings: Sequence[Reading]) -> str:
    """Tidy table: a row per number.

    Examples
    --------
    >>> print(as_csv([Reading("ways", "eager", 1.5, "ms a step", 25)]), end="")
    stage,what,networks,value,unit
    ways,eager,25,1.5,ms a step
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([["" if r[c] is None else r[c] for c in COLUMNS] for r in map(vars, readings)])
    return text.getvalue()


def as_markdown(machine: Machine, ended: Sequence[Ended], readings: Sequence[Reading]) -> str:
    """Page: the machine, what became of the stages, and what each found."""
    p, git = machine.provenance, machine.provenance["git"]
    statuses = [(e.stage, e.status, f"{e.seconds:.0f}", e.note.replace("|", "/")) for e in ended]
    lines = [
        f"# Timings on {machine.device}" + (" (a rehearsal)" if machine.quick else ""),
        "",
        f"PyTorch {p['packages']['torch']}, Python {p['packages']['python']}, "
        f"{p['machine']['cores']} cores, {p['started']}, revision "
        f"{git['revision'][:12] if git else 'not known'}.",
        "",
        *_table(("stage", "status", "seconds", "note"), statuses),
    ]
    for stage in dict.fromkeys(reading.stage for reading in readings):
        rows = [
            (r.what, "" if r.networks is None else str(r.networks), f"{r.value:.4g}", r.unit)
            for r in readings
            if r.stage == stage
        ]
        lines += ["", f"## {stage}", "", *_table(("what", "networks", "value", "unit"), rows)]
    return "\n".join(lines) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
