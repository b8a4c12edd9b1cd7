"""What is released: an sdist and the wheel built from it, checked, and installed far from here.

``python -m tests.built dist`` does all of it (`make dist`). It needs no network: what builds the
package is in this environment, and what the package imports is lent from it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
TABLE1 = ("--runs", "2", "--train-size", "20,60", "--test-size", "50,50", "--max-iter", "3")
"""A Table 1 of a second."""


def run(*command: str | Path, cwd: Path) -> str:
    """What a command printed; where it fails that is raised. It imports nothing of the checkout."""
    answer = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )  # fmt: skip
    assert answer.returncode == 0, f"{' '.join(map(str, command))}\n{answer.stdout}"
    return answer.stdout


def build(out: Path, *what: str) -> list[Path]:
    """Build what is committed: an sdist and from it a wheel, or `what` is asked of ``build``."""
    with TemporaryDirectory() as folder:
        source = Path(folder) / "source"  # of the checkout there is more than is committed
        run("git", "clone", "--quiet", ROOT, source, cwd=ROOT)
        # Not isolated: that would fetch setuptools, which is here.
        command = (sys.executable, "-m", "build", "--no-isolation", "--outdir", out.resolve())
        run(*command, *what, source, cwd=Path(folder))
    return sorted(out.glob("learnprop-*"))


def check(files: list[Path]) -> str:
    """What twine says of files that an index would show."""
    return run(sys.executable, "-m", "twine", "check", "--strict", *files, cwd=ROOT)


def install(file: Path, folder: Path) -> Path:
    """Install a wheel or an sdist into a fresh environment; returns the folder of its commands."""
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    # A path file adds the libraries, but not the checkout, which that folder's own path files name.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run(
        sys.executable, "-m", "pip", "--python", folder, "install", "--quiet", "--no-index",
        "--no-deps", "--no-build-isolation", file.resolve(), cwd=folder,
    )  # fmt: skip
    return folder / "bin"


def main(out: Path) -> None:
    """Build into a folder, check, install each file and run it."""
    if out.exists() and any(out.iterdir()):
        raise SystemExit(f"{out} must be empty: an index would be sent what is left in it")
    files = build(out)
    print(check(files), end="")
    with TemporaryDirectory() as folder:
        for i, file in enumerate(files):
            commands = install(file, Path(folder) / str(i))
            version = run(commands / "learnprop", "--version", cwd=Path(folder)).strip()
            run(commands / "learnprop", "table1", *TABLE1, "--out", f"{i}-t", cwd=Path(folder))
            print(f"{file.name}: installs as {version}, and runs")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
