"""Draw floors and rooms, from the imports as they are: ``python docs/tools/draw_architecture.py``.

Writes ``architecture.svg`` and ``architecture.json`` beside ``architecture.md``; the tests hold
both against the sources. The text has every arrow, the picture those that no chain of others
implies.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grimp
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

PAGE = Path(__file__).parents[1] / "development"
FLOORS = ("learnprop", "audit", "reports", "simulations", "equations")  # from the top
COLOURS = dict(zip(FLOORS, ("#0072B2", "#CC79A7", "#009E73", "#D55E00", "#555555"), strict=True))
WIDTH, ROOM, ROW, HEAD, SKY = 10.0, 0.42, 0.85, 0.5, 0.35
"""Inches: of the picture, a room's height, from row to row, a floor's name, between floors."""


@dataclass(frozen=True)
class Floor:
    """Rooms of a floor and who imports whom.

    Attributes
    ----------
    rooms : dict of str to int
        Each room, a folder or a file on top of the floor, and how many files it has.
    arrows : tuple of (str, str)
        From a room to one that it imports.
    """

    rooms: dict[str, int]
    arrows: tuple[tuple[str, str], ...]


def floors() -> dict[str, Floor]:
    """Read floors, rooms and arrows off the imports."""
    graph = grimp.build_graph("learnprop", cache_dir=None)
    places = {module: place(module) for module in graph.modules}
    sizes: dict[str, dict[str, int]] = {floor: defaultdict(int) for floor in FLOORS}
    arrows: dict[str, set[tuple[str, str]]] = {floor: set() for floor in FLOORS}
    for module, (floor, room) in places.items():
        if not room:
            continue
        sizes[floor][room] += not graph.find_children(module)  # an __init__ is no file of its own
        for imported in graph.find_modules_directly_imported_by(module):
            its_floor, its_room = places[imported]
            if its_floor == floor and its_room not in ("", room):
                arrows[floor].add((room, its_room))
    return {
        floor: Floor(dict(sorted(sizes[floor].items())), tuple(sorted(arrows[floor])))
        for floor in FLOORS
    }


def place(module: str) -> tuple[str, str]:
    """Floor and room of a module; no room where it is the floor itself.

    Examples
    --------
    >>> place("learnprop.reports.layout.grid"), place("learnprop.cli"), place("learnprop.reports")
    (('reports', 'layout'), ('learnprop', 'cli'), ('reports', ''))
    """
    parts = module.split(".")
    if parts[1:2] and parts[1] in FLOORS:
        return parts[1], parts[2] if len(parts) > 2 else ""
    return "learnprop", parts[1] if len(parts) > 1 else ""


def rows_of(floor: Floor) -> list[list[str]]:
    """Rooms in rows, as they are drawn."""
    return untangled(rows_in_order(floor), drawn_arrows(floor))


def rows_in_order(floor: Floor) -> list[list[str]]:
    """Rooms in rows, from the top: each below everything that imports it.

    Examples
    --------
    >>> rows_in_order(Floor({"a": 1, "b": 1, "c": 1}, (("a", "b"), ("a", "c"), ("b", "c"))))
    [['a'], ['b'], ['c']]
    """
    below = {room: {b for a, b in floor.arrows if a == room} for room in floor.rooms}
    height: dict[str, int] = {}
    while len(height) < len(below):
        ready = [r for r in below if r not in height and below[r] <= height.keys()]
        if not ready:
            raise ValueError(
                f"rooms import each other in a circle: {sorted(below.keys() - height)}"
            )
        height |= {room: 1 + max((height[b] for b in below[room]), default=-1) for room in ready}
    levels = range(max(height.values()), -1, -1)
    return [[room for room in below if height[room] == level] for level in levels]


def drawn_arrows(floor: Floor) -> list[tuple[str, str]]:
    """Arrows that no chain of others implies: the picture shows these.

    Examples
    --------
    >>> drawn_arrows(Floor({"a": 1, "b": 1, "c": 1}, (("a", "b"), ("a", "c"), ("b", "c"))))
    [('a', 'b'), ('b', 'c')]
    """
    below: dict[str, set[str]] = {}
    for row in rows_in_order(floor)[::-1]:
        for room in row:
            nearest = {b for a, b in floor.arrows if a == room}
            below[room] = nearest.union(*(below[b] for b in nearest))
    implied = {(a, c) for a, b in floor.arrows for c in below[b]}
    return [one for one in floor.arrows if one not in implied]


def grouped(floor: Floor) -> Floor:
    """Take rooms together that import, and are imported by, the same ones: one box of the picture.

    Examples
    --------
    >>> grouped(Floor({"a": 3, "b": 1, "c": 1}, (("a", "c"), ("b", "c"))))
    Floor(rooms={'a 3 · b': 1, 'c': 1}, arrows=(('a 3 · b', 'c'),))
    """
    arrows = drawn_arrows(floor)
    alike = defaultdict(list)
    for room in floor.rooms:
        below = tuple(b for a, b in arrows if a == room)
        above = tuple(a for a, b in arrows if b == room)
        alike[below, above].append(room)
    said = {room: f"{room} {n}" if n > 1 else room for room, n in floor.rooms.items()}
    name = {room: " · ".join(said[r] for r in rooms) for rooms in alike.values() for room in rooms}
    kept = sorted({(name[a], name[b]) for a, b in arrows})
    return Floor(dict.fromkeys(name.values(), 1), tuple(kept))


def untangled(rows: list[list[str]], arrows: list[tuple[str, str]]) -> list[list[str]]:
    """Order each row by the middle of its neighbours, from above and from below, a few times."""
    at = {room: i / max(len(row) - 1, 1) for row in rows for i, room in enumerate(row)}
    for sweep in range(8):
        for row in rows if sweep % 2 else rows[::-1]:
            near = {
                room: [at[b] for a, b in arrows if a == room]
                + [at[a] for a, b in arrows if b == room]
                for room in row
            }
            row.sort(key=lambda r: (sum(near[r]) / len(near[r]) if near[r] else at[r], r))
            at |= {room: (i + 0.5) / len(row) for i, room in enumerate(row)}
    return rows


def draw() -> Figure:
    """Draw all floors, one above the other."""
    house = {name: grouped(floor) for name, floor in floors().items()}
    rows = {name: rows_of(floor) for name, floor in house.items()}
    heights = {name: HEAD + ROW * len(rows[name]) - (ROW - ROOM) + 0.2 for name in FLOORS}
    total = sum(heights.values()) + SKY * (len(FLOORS) - 1)
    figure = Figure(figsize=(WIDTH, total))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, total))
    axes.axis("off")
    top = total
    for name in FLOORS:
        draw_floor(axes, name, house[name], rows[name], top, heights[name])
        top -= heights[name] + SKY
        if name != FLOORS[-1]:
            arrow(axes, (0.45, top + SKY), (0.45, top), "black", lw=1.4, zorder=4)
    return figure


def draw_floor(
    axes: Axes, name: str, floor: Floor, rows: list[list[str]], top: float, height: float
) -> None:
    """Draw one floor: its name, its rooms in rows, and thin arrows between them."""
    colour = COLOURS[name]
    box(axes, (0.05, top - height), (WIDTH - 0.1, height), facecolor=colour, alpha=0.07, lw=0)
    axes.text(0.2, top - 0.12, name, fontsize=15, weight="bold", color=colour, va="top")
    centres = {}
    for i, row in enumerate(rows):
        y = top - HEAD - ROW * i - ROOM / 2
        widths = [0.35 + 0.088 * max(map(len, lines_of(room))) for room in row]
        gap = (WIDTH - 0.6 - sum(widths)) / len(row)
        left = 0.3 + gap / 2
        for room, wide in zip(row, widths, strict=True):
            centres[room] = x, y = left + wide / 2, y
            box(axes, (left, y - ROOM / 2), (wide, ROOM), fc="white", ec=colour, zorder=3)
            lines = lines_of(room)
            size = 11.0 if len(lines) == 1 else 10.0
            text = "\n".join(lines)
            axes.text(x, y, text, fontsize=size, ha="center", va="center", zorder=4)
            left += wide + gap
    levels = {room: i for i, row in enumerate(rows) for room in row}
    for a, b in drawn_arrows(floor):
        (xa, ya), (xb, yb) = centres[a], centres[b]
        far = levels[b] - levels[a] > 1
        lean = 0.2 * max(-1.0, min(1.0, (xb - xa) / 2))
        start, end = (xa + lean, ya - ROOM / 2), (xb - lean, yb + ROOM / 2)
        arrow(axes, start, end, colour, lw=0.8, alpha=0.55 if far else 0.85, bent=far)


def lines_of(room: str) -> list[str]:
    """Break the name of a box with many rooms in two."""
    parts = room.split(" · ")
    if len(room) < 45:
        return [room]
    half = (len(parts) + 1) // 2
    return [" · ".join(parts[:half]), " · ".join(parts[half:])]


def box(axes: Axes, corner: tuple[float, float], size: tuple[float, float], **look: Any) -> None:
    """Draw a box with round corners."""
    style = "round,pad=0,rounding_size=0.06"
    axes.add_patch(FancyBboxPatch(corner, *size, boxstyle=style, **look))


def arrow(
    axes: Axes,
    start: tuple[float, float],
    end: tuple[float, float],
    colour: str,
    *,
    bent: bool = False,
    **look: Any,
) -> None:
    """Draw a thin arrow."""
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=8, shrinkA=0, shrinkB=0, color=colour,
            connectionstyle=f"arc3,rad={0.06 if bent else 0.0}", **look,
        )
    )  # fmt: skip


def data() -> str:
    """Rooms and arrows as text, by which one sees what the picture shows."""
    house = {
        name: {"rooms": floor.rooms, "arrows": [f"{a} -> {b}" for a, b in floor.arrows]}
        for name, floor in floors().items()
    }
    return json.dumps(house, indent=1) + "\n"


def main(folder: Path = PAGE) -> None:
    """Write picture and data."""
    (folder / "architecture.json").write_text(data(), encoding="utf-8")
    with rc_context(
        {"svg.hashsalt": "learnprop", "svg.fonttype": "none", "font.family": "DejaVu Sans"}
    ):
        draw().savefig(folder / "architecture.svg", metadata={"Date": None, "Creator": None})


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
