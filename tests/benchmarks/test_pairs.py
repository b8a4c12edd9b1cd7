"""Pairs, goals and their table; nothing is timed here."""

import csv
import doctest
import importlib
import io
import itertools

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks import pairs, table
from benchmarks.pairs import (
    ALONE,
    MORE,
    TIMES_AS_FAST,
    TIMES_AS_LONG,
    Comparison,
    Goal,
    Setting,
    interleaved,
)
from learnprop.reports.folders.provenance import now, provenance

SECONDS = np.array([[1.0, 12.0], [2.0, 16.0], [1.0, 9.0]])
"""Ratios 12, 8 and 9: their median is not the ratio of the medians, 12."""

PROVENANCE = {
    "machine": {"processor": "Processor, fast", "cores": 2},
    "packages": {"python": "3.11", "numpy": "2.4", "torch": "2.13", "scikit-learn": "1.9"},
    "git": {"revision": "0123456789abcdef", "sources_changed": False},
    "started": "2026-01-01T00:00:00+00:00",
}


def comparison(**more):
    return Comparison(
        **{"what": "fits", "unit": "fit", "seconds": SECONDS, "peer": "a loop"} | more
    )


@pytest.mark.parametrize(
    ("quantity", "spread"),
    [
        (TIMES_AS_FAST, (9, 8, 12)),
        (TIMES_AS_LONG, (1 / 9, 1 / 12, 1 / 8)),
        (MORE, (-11, -14, -8)),
        (ALONE, (1, 1, 2)),
    ],
)
def test_the_median_is_of_the_pairs(quantity, spread):
    assert comparison().spread(quantity) == pytest.approx(spread)


@pytest.mark.parametrize(
    ("quantity", "bound", "met"),
    [
        (TIMES_AS_FAST, 9, True),
        (TIMES_AS_FAST, 9.1, False),
        (TIMES_AS_LONG, 0.12, True),
        (TIMES_AS_LONG, 0.1, False),
        (MORE, -11, True),
        (ALONE, 0.9, False),
    ],
)
def test_a_speed_up_is_met_from_below_and_the_rest_from_above(quantity, bound, met):
    found = comparison(goal=Goal(quantity, bound))
    assert found.met is met
    assert ("NOT met" in str(found)) is not met
    assert table.as_row("toy", found, {})["met"] == ("yes" if met else "no")


def test_works_take_turns():
    calls = itertools.count()
    order = interleaved(3, lambda: next(calls), lambda: next(calls))
    assert order.tolist() == [[0, 1], [2, 3], [4, 5]]


def test_a_line_says_all_a_row_does():
    found = comparison(ratio=TIMES_AS_FAST, goal=Goal(MORE, -12.0), note="short of it")
    assert str(found) == (
        "fits against a loop: 1 s and 12 s each fit; peer / ours 9 (8 to 12); "
        "ours - peer -11 s (-14 s to -8 s); 3 pairs; ours - peer at most -12 s: NOT met; "
        "short of it"
    )


def test_a_row_is_read_back_with_its_machine(tmp_path):
    machine = table.machine_columns(PROVENANCE)
    row = table.as_row("toy", comparison(ratio=TIMES_AS_FAST, peer_n=60, note='a "b", c'), machine)
    table.write_rows(tmp_path / "new" / "benchmarks.csv", [row])
    (back,) = table.read_rows(tmp_path / "new" / "benchmarks.csv")
    assert back == row
    expected = {
        "ours_seconds": "1", "peer_seconds": "12", "peer_n": "60", "ratio": "peer / ours",
        "ratio_median": "9", "ratio_low": "8", "ratio_high": "12", "n_pairs": "3", "goal": "",
        "met": "", "note": 'a "b", c', "machine": "Processor, fast", "cores": "2",
        "scikit_learn": "1.9", "revision": "0123456789ab", "date": "2026-01-01T00:00:00+00:00",
    }  # fmt: skip
    assert {name: back[name] for name in expected} == expected
    assert float(back["memory_gib"]) > 0


def test_what_has_no_peer_has_no_ratio():
    row = table.as_row("toy", comparison(seconds=SECONDS[:, :1], peer="", goal=Goal(ALONE, 5)), {})
    assert [row[n] for n in ("ours_seconds", "peer_seconds", "ratio_median")] == ["1", "", ""]
    assert [row[n] for n in ("goal_median", "goal_high", "met")] == ["1", "2", "yes"]


def test_sources_that_were_changed_are_said():
    git = {"revision": "0" * 40, "sources_changed": True}
    assert table.machine_columns(PROVENANCE | {"git": git})["revision"] == "0" * 12 + " changed"
    assert table.machine_columns(PROVENANCE | {"git": None})["revision"] == ""


def test_the_machine_is_that_of_provenance():
    entry = provenance(study="toy", design={}, started=now())
    assert table.machine_columns(entry)["machine"] == entry["machine"]["processor"]


@pytest.fixture
def toys(monkeypatch, tmp_path):
    """Two benchmarks in the place of all, and one that breaks off; returns what each was given."""
    given = []

    def toy(name):
        def run(at):
            given.append((name, at))
            yield comparison(what=f"{name} {len(given)}")
            if name == "broken":
                raise RuntimeError("no luck")

        return run

    monkeypatch.setattr(command, "BENCHMARKS", {"one": "one", "two": "two"})
    monkeypatch.setattr(command, "found", toy)
    monkeypatch.chdir(tmp_path)
    return given


def whats(path):
    return [row["what"] for row in csv.DictReader(io.StringIO(path.read_text()))]


def test_all_write_the_file_whole_and_some_replace_their_rows(toys, capsys):
    assert command.main([]) == 0
    assert whats(command.TABLE) == ["one 1", "two 2"]
    assert command.main(["one"]) == 0
    assert whats(command.TABLE) == ["one 3", "two 2"]
    assert command.main([]) == 0
    assert whats(command.TABLE) == ["one 4", "two 5"]
    assert toys[0] == ("one", Setting())
    assert str(command.TABLE) in capsys.readouterr().out


def test_a_rehearsal_writes_where_it_is_told_and_else_nowhere(toys, tmp_path):
    command.main(["--runs", "3", "--pairs", "2"])
    assert toys[0] == ("one", Setting(3, 2))
    assert list(tmp_path.iterdir()) == []
    command.main(["two", "--runs", "3", "--out", "there/a.csv"])
    assert whats(tmp_path / "there" / "a.csv") == ["two 3"]
    assert not command.TABLE.exists()


@pytest.mark.usefixtures("toys")
def test_what_breaks_off_leaves_the_file_as_it_was(monkeypatch):
    command.main([])
    before = command.TABLE.read_bytes()
    monkeypatch.setitem(command.BENCHMARKS, "broken", "broken")
    with pytest.raises(RuntimeError, match="no luck"):
        command.main([])
    assert command.TABLE.read_bytes() == before
    assert [path.name for path in command.TABLE.parent.iterdir()] == [command.TABLE.name]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one", "three", "four"], "no such benchmark: three, four; there are one, two, adding-up"),
        (["--pairs", "0"], "--pairs must be positive, got 0"),
        (["--runs", "-1"], "--runs must be positive, got -1"),
    ],
)
def test_bad_arguments_are_one_line_and_nothing_runs(toys, capsys, arguments, message):
    with pytest.raises(SystemExit) as error:
        command.main(arguments)
    assert error.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]
    assert toys == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"stage,what\nways,eager\n", "a.csv is no table of benchmarks"),
        ("a.csv", ",".join(table.COLUMNS).encode() + b"\none\n", "a.csv is no table"),
        ("a.csv", b"\xff", "a.csv cannot be read"),
        ("a.csv/b.csv", b"", "a.csv is no folder"),
        ("", b"", "is a folder"),
    ],
)
def test_a_bad_file_is_refused_before_anything_runs(toys, tmp_path, capsys, name, content, message):
    (tmp_path / "a.csv").write_bytes(content)
    assert command.main(["one", "--out", str(tmp_path / name)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("benchmarks: ")
    assert message in line
    assert toys == []
    assert (tmp_path / "a.csv").read_bytes() == content


def test_measurements_are_run_by_name_only(monkeypatch, tmp_path):
    ran = []
    monkeypatch.setattr(command, "found", lambda place: lambda *_: ran.append(place) or ())
    monkeypatch.chdir(tmp_path)
    assert command.main([]) == 0
    assert ran == list(command.BENCHMARKS.values())
    ran.clear()
    assert command.main(["coverage"]) == 0
    assert ran == [command.MEASUREMENTS["coverage"]]


@pytest.mark.parametrize("place", (command.BENCHMARKS | command.MEASUREMENTS).values())
def test_every_name_leads_to_a_function(place):
    pytest.importorskip("lightgbm") if place.startswith("boosting") else None
    assert callable(command.found(place))


def test_help_names_all(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    said = capsys.readouterr().out
    assert all(n in said for n in (*command.BENCHMARKS, *command.MEASUREMENTS, *command.COMMANDS))


@pytest.mark.parametrize("module", [pairs, table])
def test_examples(module):
    failed, attempted = doctest.testmod(importlib.import_module(module.__name__))
    assert attempted > 0
    assert failed == 0
