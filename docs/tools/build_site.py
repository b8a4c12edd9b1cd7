"""Build the documentation site: ``make docs``.

Writes what is generated and committed, lays out the site's sources in ``build/docs``, builds them
into ``site``, and looks for what is dead in it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE, STDOUT

import api
import check_site
import draw_architecture
import gallery
import reference
import staging

TOOLS, ROOT = Path(__file__).parent, Path(__file__).parents[2]
SOURCES, SITE = ROOT / "build" / "docs", ROOT / "site"


def build() -> int:
    """Lay out, build, check.

    Returns
    -------
    int
        0, or 1 where something is amiss, which is said.
    """
    staging.stage(SOURCES)
    for path, text in api.pages().items():
        (SOURCES / path).parent.mkdir(parents=True, exist_ok=True)
        (SOURCES / path).write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "zensical", "build", "--clean", "--strict"]
    beside = os.pathsep.join(filter(None, (str(TOOLS), os.environ.get("PYTHONPATH"))))
    built = subprocess.run(
        command, cwd=ROOT, check=False, stdout=PIPE, stderr=STDOUT, text=True,
        env={**os.environ, "PYTHONPATH": beside},  # docstrings.py imports from its own folder
    )  # fmt: skip
    print(built.stdout, end="")
    if built.returncode or "griffe: " in built.stdout:  # of a docstring, which is not --strict's
        return 1
    found = check_site.problems(SITE)
    print("\n".join(found) or f"{SITE / 'index.html'}: no dead link", flush=True)
    return bool(found)


if __name__ == "__main__":
    reference.main()
    draw_architecture.main()
    gallery.main()
    sys.exit(build())
