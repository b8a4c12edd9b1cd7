"""Time ours and the peers in pairs, and write what was found as a table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.pairs import Comparison

BENCHMARKS = {
    "startup": "processes:run_startup",
    "sim1": "fits:run_sim1",
    "sim2": "fits:run_sim2",
    "softmax": "softmax:run",
    "growth": "softmax:run_growth",
    "leaving-out": "leaving_out:run",
    "explore": "explore:run",
    "cnn": "cnn:run",
    "losses": "losses:run",
    "audit": "audit:run",
    "check-file": "check_file:run",
    "harness": "harness:run",
    "memory": "processes:run_memory",
}

MEASUREMENTS = {
    "adding-up": "measurements.adding_up:run",
    "coverage": "measurements.coverage:run",
    "fitted-models": "measurements.fitted_models:run",
    "boosting": "boosting.run:run",
}
"""Of inference and of losses: they time nothing, take minutes, and are run by name only."""

COMMANDS = {"gpu": "gpu.run:main", "gpu-pack": "gpu.pack:main", "gpu-import": "gpu.home:main"}
"""With options of their own. A GPU's machine need not have what the peers above are made of."""

TABLE = Path("results/benchmarks.csv")


def found(place: str) -> Any:
    """Import a function of a module of ours."""
    module, _, name = place.partition(":")
    return getattr(import_module(f"benchmarks.{module}"), name)


def main(arguments: Sequence[str]) -> int:
    """Run what is named; returns the exit status."""
    if arguments and arguments[0] in COMMANDS:
        return found(COMMANDS[arguments[0]])(arguments[1:])
    parser = _parser()
    chosen = parser.parse_args(arguments)
    unknown = dict.fromkeys(n for n in chosen.names if n not in BENCHMARKS | MEASUREMENTS)
    if unknown:
        parser.error(
            f"no such benchmark: {', '.join(unknown)}; there are {_listed(BENCHMARKS)}, "
            f"{_listed(MEASUREMENTS)}"
        )
    for name in ("runs", "pairs"):
        given = getattr(chosen, name)
        if given is not None and given < 1:
            parser.error(f"--{name} must be positive, got {given}")
    for name in MEASUREMENTS:
        if name in chosen.names:
            print(f"== {name}", flush=True)
            found(MEASUREMENTS[name])()
    names = [n for n in BENCHMARKS if n in chosen.names or not chosen.names]
    rehearses = (chosen.runs, chosen.pairs) != (None, None)
    return time_all(names, chosen, None if rehearses else TABLE) if names else 0


def time_all(names: Sequence[str], chosen: argparse.Namespace, usual: Path | None) -> int:
    """Time benchmarks, then write their rows; returns the exit status."""
    from benchmarks.pairs import Setting
    from benchmarks.table import (
        BadTable,
        as_row,
        check_place,
        machine_columns,
        read_rows,
        replaced,
        write_rows,
    )
    from learnprop.reports.folders.provenance import now, provenance

    path = chosen.out or usual
    try:
        if path:
            check_place(path)
        old = read_rows(path) if path and len(names) < len(BENCHMARKS) else []
    except BadTable as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    machine = machine_columns(provenance(study="benchmarks", design={}, started=now()))
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    at = Setting(pairs=chosen.pairs) if chosen.runs is None else Setting(chosen.runs, chosen.pairs)
    comparisons = list[tuple[str, "Comparison"]]()
    for name in names:
        print(f"== {name}", flush=True)
        for comparison in found(BENCHMARKS[name])(at):
            print(comparison, flush=True)
            comparisons.append((name, comparison))
    goals = [c.met for _, c in comparisons if c.met is not None]
    print(f"{sum(goals)} of {len(goals)} goals met")
    if path:
        new = [as_row(name, comparison, machine) for name, comparison in comparisons]
        write_rows(path, replaced(old, new, names, list(BENCHMARKS)))
        print(path)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"{__doc__} By default all that are timed, within ten minutes on two idle "
        f"cores, and {TABLE} is written whole; of benchmarks that are named the rows are replaced.",
        epilog=f"By name only, since they measure inference and losses and time nothing: "
        f"{_listed(MEASUREMENTS)}. With options of their own: {_listed(COMMANDS)}.",
    )
    parser.add_argument("names", nargs="*", metavar="name", help=_listed(BENCHMARKS))
    for name, told in (
        ("runs", "replications of the fits, by default 100; what else is repeated goes with them"),
        ("pairs", "by default as many as each benchmark needs"),
    ):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=told)
    parser.add_argument(
        "--out", type=Path, metavar="CSV",
        help=f"by default {TABLE}; with --runs or --pairs, which rehearse, nothing is written",
    )  # fmt: skip
    return parser


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
