"""Refuses a checkout whose links are files. What the package is stands in pyproject.toml."""

from pathlib import Path

from setuptools import setup

FILES = [p for p in Path(__file__).with_name("learnprop").iterdir() if p.is_file() and not p.suffix]
if FILES:
    raise SystemExit(
        f"{', '.join(sorted(f'learnprop/{p.name}' for p in FILES))} must be links to the folders "
        "beside learnprop, and are files: clone with `git clone -c core.symlinks=true`, or install "
        "a wheel"
    )
setup()
