"""What is shown while a study or a plan is computed, and what of one that is interrupted."""

import time
import traceback
from itertools import islice

import pytest

import learnprop
from learnprop import progress
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.engine.time_left import TimeLeft

SMALL = {"sizes": (90, 60, 30), "test_size": 50, "weights": "equal"}


@pytest.fixture
def running(tmp_path):
    """A folder into which two blocks told."""
    for n, line in enumerate(("x runs 0-24: 3 of 25 runs measured", "y run 7: epoch 2 of 9 done")):
        (tmp_path / f"{n}").write_text(line)
    return tmp_path


def test_python_shows_progress_where_it_is_asked_to(capsys):
    learnprop.multiclass(runs=2, quick=True, **SMALL)
    assert capsys.readouterr() == ("", "")
    learnprop.multiclass(runs=2, quick=True, progress=True, **SMALL)
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert [line[:22] for line in stderr.splitlines()] == [
        "multiclass: 1/2 blocks", "multiclass: 2/2 blocks",
    ]  # fmt: skip


def test_lines_come_now_and_then_and_say_what_is_computed(running, capsys, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY", 0.05)
    with progress.watched("toy", running, 0, 3) as advance:
        told = "x runs 0-24: 3 of 25 runs measured"
        before, deadline = "", time.monotonic() + 20
        while before == "" and time.monotonic() < deadline:
            before = capsys.readouterr().err
        advance(1, TimeLeft(100.0, unseen=2))
        first, *_ = capsys.readouterr().err.splitlines()
    assert before == f"toy: 0/3 blocks; {told}\n"
    assert first == f"toy: 1/3 blocks; time left: about 1 min 40 s, 2 cells not seen yet; {told}"


def test_a_terminal_has_a_bar_over_what_is_computed(running, capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    with progress.watched("toy", running, 0, 3) as advance:
        advance(2, TimeLeft(300.0))
    shown = capsys.readouterr().err
    assert "2/3 blocks" in shown
    assert "y run 7: epoch 2 of 9 done" in shown


def test_a_plan_shows_its_pilot_unless_it_is_quiet(cli):
    arguments = ("plan", "multiclass", "--mcse", 0.1, "--sizes", "90,60,30", "--test-size", 50,
                 "--weights", "equal", "--jobs", 1)  # fmt: skip
    assert cli(*arguments)[2] == "plan multiclass: 1/1 blocks\n"
    assert cli(*arguments, "--quiet")[2] == ""


@pytest.mark.parametrize("done", [0, 1])
def test_ctrl_c_at_the_command_line_says_what_is_kept(tmp_path, monkeypatch, cli, done):
    def interrupted(study, store, workers, _how):
        for _ in islice(run_study(study, store, workers), done):
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr("learnprop.execute.run_missing", interrupted)
    arguments = ("--sizes", "40,20", "--runs", 3, "--quick", "--jobs", 1, "--out", tmp_path / "out")
    status, _, stderr = cli("multiclass", *arguments)
    kept = (
        f"every finished block is kept in {tmp_path / 'out'}" if done else "no block had finished"
    )
    assert status == 3
    assert stderr.splitlines()[-1] == f"interrupted: {kept}; the same command resumes"


@pytest.mark.parametrize("kept", [True, False])
def test_ctrl_c_in_python_ends_at_the_call_and_says_what_is_kept(tmp_path, monkeypatch, kept):
    def interrupted(study, store, workers, _how):
        for _ in islice(run_study(study, store, workers), 1):
            pass
        raise KeyboardInterrupt

    monkeypatch.setattr("learnprop.execute.run_missing", interrupted)
    out = {"out": tmp_path / "out"} if kept else {}
    with pytest.raises(KeyboardInterrupt) as stop:
        learnprop.multiclass(runs=3, quick=True, **out, **SMALL)
    assert str(stop.value) == (
        f"interrupted: 1 of 3 blocks kept in {out['out']}; the same call resumes"
        if kept
        else "interrupted: nothing is kept without `out`"
    )
    assert len(traceback.extract_tb(stop.value.__traceback__)) == 2  # this test, and the call
    assert (stop.value.__cause__, stop.value.__context__) == (None, None)
