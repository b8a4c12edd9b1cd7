"""Distributions that a machine with PyTorch may lack: pure Python, taken along as wheels."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

LEAST = {
    "pooch": "1.8", "platformdirs": "2.5", "packaging": "20.0",
    "requests": "2.19", "charset-normalizer": "2", "idna": "2.5", "urllib3": "1.26",
    "certifi": "2023.5.7",
    "typer": "0.27", "annotated-doc": "0.0.2", "shellingham": "1.3",
    "rich": "13.8", "markdown-it-py": "3.0", "mdurl": "0.1", "pygments": "2.13",
    "joblib": "1.4", "cloudpickle": "3.0", "threadpoolctl": "3.5", "filelock": "3.15",
    "pytest": "8.3", "iniconfig": "2", "pluggy": "1.6",
}  # fmt: skip
"""What the package and its tests need of pure Python, and the oldest that will do. jinja2 and
hypothesis are compiled, or need what is."""

OTHER_VERSION = {"typer": "0.28.0"}
"""In place of what is tested with: typer 0.29 needs pydantic, which is compiled."""

PYTHON = "3.12"


class NoWheels(ValueError):
    """One line that says which wheels cannot be had."""


def download_wheels(constraints: Path) -> dict[str, bytes]:
    """Fetch the wheels of `LEAST` from the package index.

    Parameters
    ----------
    constraints : Path
        File with the versions.

    Returns
    -------
    dict of str to bytes
        By file name.

    Raises
    ------
    NoWheels
        With pip's last line.
    """
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", constraints.read_text(), flags=re.MULTILINE))
    versions = {_plain(name): version for name, version in pinned.items()} | OTHER_VERSION
    wanted = [f"{name}=={versions[name]}" for name in LEAST]
    with TemporaryDirectory() as folder:
        answer = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
             "--only-binary=:all:", "--platform=any", f"--python-version={PYTHON}", *wanted],
            capture_output=True, text=True,
        )  # fmt: skip
        if answer.returncode:
            last = (answer.stderr.strip().splitlines() or ["pip says nothing"])[-1]
            raise NoWheels(f"the wheels cannot be downloaded: {last}")
        return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("*.whl"))}


def lacking_here(least: Mapping[str, str] = LEAST) -> list[str]:
    """Distributions that this Python lacks, or has in a version that is too old.

    Examples
    --------
    >>> lacking_here({"pytest": "1.0", "pip-of-tomorrow": "1.0"})
    ['pip-of-tomorrow']
    >>> lacking_here({"pytest": "1000.0"})
    ['pytest']
    """
    return [name for name, version in least.items() if _release(_version(name)) < _release(version)]


def unpack_wheels(wheels: Mapping[str, bytes], names: list[str], folder: Path) -> None:
    """Unpack the wheels of some distributions into a folder for ``PYTHONPATH``.

    Only of those that a machine lacks: nothing else of it is shadowed.
    """
    for file, content in wheels.items():
        if _plain(file.partition("-")[0]) in names:
            with zipfile.ZipFile(io.BytesIO(content)) as wheel:
                wheel.extractall(folder)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
