"""Stages within limits: what becomes of one that sleeps, fails, or comes too late."""

import doctest
import importlib
import os
import sys
import tarfile
import time
from dataclasses import replace

import pytest

from benchmarks.gpu import run
from benchmarks.gpu.log import LOG, NOT_CAPTURED, read_entries
from benchmarks.gpu.plan import STAGES, Setting, Stage

SLEEPS = "echo $$; sleep 60"
DEAF = "trap '' TERM; echo $$; sleep 60"
CHILD = "sleep 60 & echo $!; wait"


def stage(name, *codes, share=0.5, **more):
    return Stage(name, share, lambda *_: [[sys.executable, "-c", c] for c in codes], **more)


def shell(code):
    """A stage that is begun at once, however busy the machine is."""
    return Stage("sleeps", 0.01, lambda *_: [["sh", "-c", code]])


@pytest.fixture
def at(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "GRACE", 0.5)
    monkeypatch.setattr(run, "LEAST", 0.1)
    return Setting("cpu", True, tmp_path / LOG, tmp_path / "studies")


def has_ended(pid):
    """Whether a process is gone, or soon."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    "code", [SLEEPS, *(pytest.param(code, marks=pytest.mark.slow) for code in (DEAF, CHILD))]
)
def test_a_stage_that_sleeps_is_ended_and_the_next_one_runs(at, tmp_path, code):
    stages = [shell(code), stage("works", "print('worked')")]
    started = time.monotonic()
    ended = run.run_stages(stages, at, started + 200.5, {})
    assert [(e.stage, e.status) for e in ended] == [("sleeps", "stopped"), ("works", "done")]
    assert ended[0].note == "its limit was 2 s"
    assert 2.0 <= ended[0].seconds < 30
    text = (tmp_path / run.OUTPUT).read_text().splitlines()
    assert [text[0], *text[2:]] == ["== sleeps", "== works", "worked"]
    assert has_ended(int(text[1]))
    assert read_entries(tmp_path / LOG) == ended


def test_a_failure_is_told_by_its_last_line_and_the_next_stage_runs(at):
    stages = [stage("fails", "raise ValueError('no such card')"), stage("works", "")]
    ended = run.run_stages(stages, at, time.monotonic() + 60, {})
    assert [(e.status, e.note) for e in ended] == [
        ("failed", "ValueError: no such card"),
        ("done", ""),
    ]


def test_too_little_time_is_no_failure(at, monkeypatch):
    monkeypatch.setattr(run, "LEAST", 15.0)
    (over,) = run.run_stages([stage("works", "")], at, time.monotonic() + 20, {})
    assert over.status == "skipped"
    assert over.note.endswith("s were left for it")


def test_commands_of_a_stage_come_one_after_the_other(at, tmp_path):
    run.run_stages([stage("two", "print(1)", "print(2)")], at, time.monotonic() + 60, {})
    assert (tmp_path / run.OUTPUT).read_text() == "== two\n1\n2\n"


def test_a_command_that_fails_is_the_last_of_its_stage(at, tmp_path):
    fails = stage("two", "exit('no')", "print(2)")
    (over,) = run.run_stages([fails], at, time.monotonic() + 60, {})
    assert (over.status, over.note) == ("failed", "no")
    assert "2" not in (tmp_path / run.OUTPUT).read_text()


def test_a_limit_is_of_all_commands_of_a_stage(at):
    two = Stage("two", 0.01, lambda *_: [["sleep", "1.5"], ["sleep", "60"]])
    (over,) = run.run_stages([two], at, time.monotonic() + 200.5, {})
    assert over.status == "stopped"
    assert 2.0 <= over.seconds < 30


GRAPHS = "import os; print(os.environ.get('LEARNPROP_CUDA_GRAPHS', 'captured'))"


@pytest.mark.parametrize("fails", [True, False])
def test_where_capturing_fails_the_stages_after_it_do_without(at, tmp_path, fails):
    said = f"RuntimeError: {NOT_CAPTURED if fails else 'eager'}: stacked, 1 networks: no"
    stages = [stage("ways", f"exit({said!r})"), stage("after", GRAPHS)]
    ways, after = run.run_stages(stages, at, time.monotonic() + 60, {})
    assert (ways.status, ways.note) == ("failed", said)
    note = "without captured steps, since ways failed" if fails else ""
    assert (after.status, after.note) == ("done", note)
    last = (tmp_path / run.OUTPUT).read_text().splitlines()[-1]
    assert last == ("0" if fails else "captured")


def test_a_stage_that_would_leave_nothing_is_not_begun(at):
    long, real = stage("long", "", least=100), replace(at, quick=False)
    assert [
        run.run_stages([long], how, time.monotonic() + 60, {})[0].status for how in (at, real)
    ] == ["done", "skipped"]


def test_a_study_is_packed_whatever_became_of_it(at, tmp_path):
    code = (
        "from pathlib import Path; out = Path({!r}); (out / 'unfinished').mkdir(parents=True); "
        "(out / 'unfinished' / 'x.pt').touch(); (out / 'states').mkdir(); "
        "(out / 'states' / 'x.pt').touch(); (out / 'records.sqlite').write_text('x'); "
        "raise SystemExit(3)"
    ).format(str(at.studies / "toy"))
    (over,) = run.run_stages([stage("study", code, study="toy")], at, time.monotonic() + 60, {})
    assert (over.status, over.study) == ("failed", "toy")
    assert [p.name for p in over.archive.parts] == ["toy.tar.gz.0"]
    with tarfile.open(tmp_path / "toy.tar.gz.0") as tar:
        assert tar.getnames() == ["toy/records.sqlite"]


@pytest.mark.parametrize(
    ("code", "status"), [("", 0), ("raise SystemExit(7)", 1)], ids=["done", "failed"]
)
def test_the_exit_status(tmp_path, monkeypatch, capsys, code, status):
    monkeypatch.setattr(run, "STAGES", (stage("works", ""), stage("tried", code)))
    monkeypatch.setattr(run, "supply", lambda *_: {})
    folders = ["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]
    assert run.main(["--device", "cpu", "--minutes", "2", *folders]) == status
    table = capsys.readouterr().out.splitlines()[-3:]
    assert [line.split()[:2] for line in table] == [
        ["stage", "status"],
        ["works", "done"],
        ["tried", "failed" if status else "done"],
    ]
    machine = read_entries(tmp_path / "out" / LOG)[0]
    assert (machine.device, machine.quick) == (machine.provenance["machine"]["processor"], False)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["sleep"], "no such stage: sleep; there are ceilings, tests,"),
        (["--minutes", "0"], "--minutes must be positive, got 0"),
        (["--minutes", "nan"], "--minutes must be positive, got nan"),
        (["--out", __file__], "--out must be a folder, but"),
        (["--device", "cuda"], "torch finds no CUDA device"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, monkeypatch, capsys, arguments, what):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert run.main(["--quick", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("gpu: ")
    assert said.count("\n") == 1
    assert what in said
    assert list(tmp_path.iterdir()) == []


def test_on_a_processor_it_rehearses_only(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(run, "supply", lambda *_: {})
    assert run.main(["--out", str(tmp_path / "out"), "--work", str(tmp_path / "work")]) == 2
    said = capsys.readouterr().err
    assert said == "gpu: there is no CUDA device here: --quick rehearses on a processor\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["home", "parts", "timings", "wheels", "stages.fitters"])
def test_examples(name):
    failed, attempted = doctest.testmod(importlib.import_module(f"benchmarks.gpu.{name}"))
    assert failed == 0
    assert attempted > 0


def test_every_stage_has_a_share_and_a_name_of_its_own():
    names = [s.name for s in STAGES]
    assert len(set(names)) == len(names)
    assert all(0 < s.share < 1 for s in STAGES)
    studies = [s.study for s in STAGES if s.study]
    assert len(set(studies)) == len(studies)
