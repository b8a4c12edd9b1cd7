"""The picture of docs/development/architecture.md shows what the imports are now."""

import doctest
import importlib.util
import json
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "development"

pytest.importorskip("grimp")


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location(
        "draw_architecture", DOCS / "tools" / "draw_architecture.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look there
    spec.loader.exec_module(module)
    return module


ROOT = Path(__file__).parents[1]


def test_rooms_and_arrows_are_those_of_the_imports(script):
    said = (PAGE / "architecture.json").read_text(encoding="utf-8")
    assert json.loads(said) == json.loads(script.data()), (
        "run: python docs/tools/draw_architecture.py"
    )


def test_the_picture_shows_every_room(script):
    picture = (PAGE / "architecture.svg").read_text(encoding="utf-8")
    rooms = [room for floor in script.floors().values() for room in floor.rooms]
    assert [room for room in rooms if room not in picture] == []
    assert len(rooms) > 20


def test_it_is_drawn_the_same_every_time(script, tmp_path):
    written = []
    for name in ("once", "again"):
        (tmp_path / name).mkdir()
        script.main(tmp_path / name)
        written.append((tmp_path / name / "architecture.svg").read_bytes())
    assert written[0] == written[1]


def test_arrows_that_others_imply_are_left_out_and_no_others(script):
    diamond = (("a", "b"), ("a", "c"), ("a", "d"), ("b", "d"), ("c", "d"))
    floor = script.Floor(dict.fromkeys("abcd", 1), diamond)
    assert script.drawn_arrows(floor) == [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]
    assert script.rows_of(floor) == [["a"], ["b", "c"], ["d"]]
    assert script.grouped(floor).rooms == {"a": 1, "b · c": 1, "d": 1}


def test_the_examples_run(script):
    failed, attempted = doctest.testmod(script)
    assert (failed, attempted > 3) == (0, True)


def test_a_circle_is_named(script):
    floor = script.Floor({"a": 1, "b": 1, "c": 1}, (("a", "b"), ("b", "a"), ("c", "a")))
    with pytest.raises(ValueError, match=r"in a circle: \['a', 'b', 'c'\]"):
        script.rows_in_order(floor)


def test_a_file_is_one_idea_and_a_room_can_be_taken_in_at_a_glance():
    folders = {}
    for floor in ("equations", "simulations", "reports", "audit", "learnprop"):
        for path in (ROOT / floor).rglob("*.py"):
            assert len(path.read_text().splitlines()) <= 350, path
            folders.setdefault(path.parent, []).append(path)
    for folder, files in folders.items():
        rooms = [p for p in folder.iterdir() if (p / "__init__.py").exists() and not p.is_symlink()]
        assert len(files) + len(rooms) <= 15, folder
