"""The folder of `learnprop check --out`: nothing that is there is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from learnprop.equations.arguments import BadArgument

TABLES = {"classes": "check", "considered": "check_causes", "groups": "check_groups"}
"""Tables of a report, and the stems of their files."""

WRITTEN = (
    *(f"{stem}.csv" for stem in TABLES.values()),
    "check.tex", "check.pdf", "check.png", "provenance.json",
)  # fmt: skip
"""Files of a report; not all of them in each."""

_OF_ONE_CALL = ("out", "fresh", "strict", "quiet", "wide")
"""Options that change no number."""


def configuration_of(params: Mapping[str, Any]) -> dict[str, Any]:
    """Options as they are stored: paths from the root, for another call may be made elsewhere."""
    return {
        name: str(value.absolute()) if isinstance(value, Path) else value
        for name, value in params.items()
    }


def check_folder(out: Path, configuration: Mapping[str, Any], *, fresh: bool = False) -> None:
    """Refuse a folder in which something would be lost; nothing is made or changed.

    Parameters
    ----------
    out : Path
    configuration : mapping
        What is to be written, of `configuration_of`.
    fresh : bool
        Whether earlier results will be put aside.

    Raises
    ------
    BadArgument
        About ``out``: if it holds a file that is read, by whatever name; results of another study;
        and, unless `fresh`, results of another check, or files called as ours that no check wrote.
    """
    from learnprop.execute import check_out

    if not out.exists():
        above = next(folder for folder in out.absolute().parents if folder.exists())
        if not (above.is_dir() and os.access(above, os.W_OK)):
            raise BadArgument("out", f"{out} cannot be written: {above} is no folder to write in")
        return
    check_out(out, "check")
    there = [name for name in WRITTEN if (out / name).exists() or (out / name).is_symlink()]
    for argument in ("file", "train"):
        read = configuration.get(argument)
        if read is None or not Path(read).exists():
            continue
        for name in there:
            if (out / name).exists() and (out / name).samefile(read):
                said = f"would write {out / name} over `{argument}` {read}: use another `out`"
                raise BadArgument("out", said)
    if not there or fresh:
        return
    advice = "use another `out`, or `fresh` to put it aside and start over"
    held = _held(out)
    if held is None:
        raise BadArgument("out", f"{out} holds {there[0]}, which no check wrote; {advice}")
    if other := _differences(held, configuration):
        raise BadArgument("out", f"{out} holds another check, {other}; {advice}")


def _held(out: Path) -> dict[str, Any] | None:
    """Configuration of the check whose results are there."""
    try:
        found = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
        return dict(found["configuration"]) if found["study"] == "check" else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _differences(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    names = [n for n in sorted(wanted) if n not in _OF_ONE_CALL and held.get(n) != wanted[n]]
    if not names:
        return ""
    said = [f"`{n}` {_value(held.get(n))}, here {_value(wanted[n])}" for n in names[:3]]
    more = f", and {len(names) - 3} more" if len(names) > 3 else ""
    return f"of {'; '.join(said)}{more}"


def _value(value: Any) -> str:
    return "none" if value in (None, "") else str(value)


def put_aside(out: Path) -> None:
    """Rename results that are there, ``check.1.csv`` and so on, all with one number."""
    there = [name for name in WRITTEN if (out / name).exists() or (out / name).is_symlink()]
    if not there:
        return
    n = 1
    while any(_aside(out / name, n).exists() for name in WRITTEN):
        n += 1
    for name in there:
        (out / name).rename(_aside(out / name, n))


def _aside(path: Path, n: int) -> Path:
    return path.with_name(f"{path.stem}.{n}{path.suffix}")
