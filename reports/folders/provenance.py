"""Where a result comes from: command, configuration, versions, machine, revision, times."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from learnprop.reports.layout.files import write_text

PACKAGES = (
    "learnprop",
    "numpy",
    "scipy",
    "torch",
    "scikit-learn",
    "pandas",
    "matplotlib",
    "joblib",
)


def write_provenance(
    path: Path, *, study: str, design: Mapping[str, Any], started: datetime, **more: Any
) -> None:
    """Write ``provenance.json``: what `provenance` says of these.

    Parameters
    ----------
    path : Path
    study : str
    design : mapping
    started : datetime
    **more
    """
    entry = provenance(study=study, design=design, started=started, **more)
    write_text(path, json.dumps(entry, indent=2, sort_keys=False) + "\n")


def provenance(
    *, study: str, design: Mapping[str, Any], started: datetime, **more: Any
) -> dict[str, Any]:
    """Where a result comes from.

    Parameters
    ----------
    study : str
    design : mapping
        Full configuration of the study; what it computed on is its ``device``.
    started : datetime
        When this command began.
    **more
        Further entries, e.g. the number of runs and of workers.

    Returns
    -------
    dict of str to object
    """
    return {
        "study": study,
        "command": ["learnprop", *sys.argv[1:]],
        "configuration": dict(design),
        **more,
        "packages": {"python": platform.python_version(), **_versions()},
        "machine": {
            "system": platform.platform(),
            "processor": processor(),
            "cores": os.cpu_count(),
            **_gpu(design.get("device")),
        },
        "git": _git_revision(),
        "started": started.isoformat(timespec="seconds"),
        "finished": now().isoformat(timespec="seconds"),
    }


def study_of(folder: Path) -> str | None:
    """Name of the study whose ``provenance.json`` is in a folder; None where there is none."""
    path = folder / "provenance.json"
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["study"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return found


def processor() -> str:
    """Name of the processor: another one may take sums in another order."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _gpu(device: Any) -> dict[str, str]:
    """Name of the card, where one computed."""
    if device != "cuda":
        return {}
    from learnprop.simulations.engine.devices import card_name

    return {"gpu": card_name(device)}


def _git_revision() -> dict[str, Any] | None:
    """Revision of the checkout that the code runs from, and whether sources were changed since."""
    root = Path(__file__).resolve().parents[2]

    def git(*arguments: str) -> str:
        answer = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True
        )
        return answer.stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "*.py")
        return {"revision": git("rev-parse", "HEAD"), "sources_changed": bool(changed)}
    except (OSError, subprocess.CalledProcessError):
        return None
