"""Show that sources that were moved or rewritten still give the same numbers.

    python -m tests.same_numbers run DIR [--root CHECKOUT]   every study, small, into DIR
    python -m tests.same_numbers compare A B                 two such folders
    python -m tests.same_numbers against REV                 this checkout against a revision
    python -m tests.same_numbers reference                   the CSVs that the test compares with

Only the command line, the files that it writes and sqlite3 are used: nothing is imported from the
packages, which may be moved. What is compared, exactly unless asked otherwise: every row of every
store, but for times, tracebacks and the code's version; every CSV, exports included. Differences of
texts (.tex, .md, what is printed) are shown and do not count: a wording may be improved.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path

from tests.same_numbers.compare import compare
from tests.same_numbers.reference import REFERENCE, write_reference
from tests.same_numbers.running import ROOT, STUDIES, CommandFailedError, run


def against(revision: str, studies: Collection[str], **how: object) -> bool:
    """Run a revision and this checkout, and compare."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch, "tree")
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--quiet", "--detach", str(tree), revision], check=True)
        try:
            run(Path(scratch, "before"), tree, studies)
            run(Path(scratch, "after"), ROOT, studies)
        finally:
            subprocess.run([*git, "remove", "--force", str(tree)], check=True)
        return compare(Path(scratch, "before"), Path(scratch, "after"), **how)  # type: ignore[arg-type]


def main() -> int:
    """Command line of this file."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.same_numbers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run")
    runs.add_argument("folder", type=Path)
    runs.add_argument("--root", type=Path, default=ROOT, help="checkout whose sources are run")
    two = commands.add_parser("compare")
    two.add_argument("a", type=Path)
    two.add_argument("b", type=Path)
    revision = commands.add_parser("against")
    revision.add_argument("revision")
    for command in (runs, revision):
        command.add_argument("--study", action="append", choices=STUDIES, help="by default all")
    for command in (two, revision):
        command.add_argument(
            "--digits", action="store_true", help="CSVs within 1e-9, zeros within 1e-11"
        )
        command.add_argument("--csv-only", action="store_true", help="leave the stores out")
        command.add_argument("--without", action="append", default=[], metavar="ROW",
                             help="row of a store left out, e.g. 'study design.beta'")  # fmt: skip
    commands.add_parser("reference")
    chosen = parser.parse_args()
    try:
        if chosen.command == "run":
            run(chosen.folder.resolve(), chosen.root.resolve(), chosen.study or STUDIES)
            return 0
        if chosen.command == "reference":
            write_reference(REFERENCE)
            return 0
        how: Mapping[str, object] = {
            "relative": 1e-9 if chosen.digits else 0.0,
            "stores": not chosen.csv_only,
            "without": chosen.without,
        }
        if chosen.command == "compare":
            return 0 if compare(chosen.a, chosen.b, **how) else 1  # type: ignore[arg-type]
        return 0 if against(chosen.revision, chosen.study or STUDIES, **how) else 1
    except CommandFailedError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
