"""What is said before anything is computed: help, first steps, names of files, a full disk."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import learnprop
from learnprop.cli import FIRST_STEPS, command_line
from learnprop.commands.listed import LISTED
from learnprop.exits import signals_interrupt, unwritten

pytestmark = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and devices")


def test_learnprop_alone_names_six_first_steps_that_are_commands(cli):
    status, stdout, stderr = cli()
    assert (status, stderr) == (0, "")
    steps = [line.split()[1:] for line in stdout.splitlines() if line.startswith("  learnprop ")]
    assert [step[0] for step in steps] == [
        "table1", "explore", "explore", "check", "losses", "report",
    ]  # fmt: skip
    commands = command_line([]).commands
    assert all(step[0] in commands for step in steps)
    assert all(len(line) <= 80 for line in FIRST_STEPS.splitlines())


def test_version(cli):
    assert cli("--version") == (0, f"learnprop {learnprop.__version__}\n", "")


@pytest.mark.parametrize("command", ["", "table1", "plan cnn", "report", "data fetch"])
def test_flags_have_no_type_and_lines_fit_the_terminal(cli, monkeypatch, command):
    monkeypatch.setenv("COLUMNS", "80")
    status, stdout, _ = cli(*command.split(), "--help")
    assert status == 0
    assert "<bool>" not in stdout
    assert max(map(len, stdout.splitlines())) <= 80


def test_a_shell_completes_options_of_a_study(cli, monkeypatch):
    monkeypatch.setenv("_LEARNPROP_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "learnprop table1 --tr")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert cli()[:2] == (0, "--train-size\n--training\n")
    monkeypatch.setenv("COMP_WORDS", "learnprop ex")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert cli()[:2] == (0, "explore\nexport\n")


@pytest.mark.parametrize("name", ["", "  "])
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("table1 --out", "--out must name a file or a folder"),
        ("explore --data", "--data must name a file or a folder"),
        ("cnn --states", "--states must name a file or a folder"),
        ("losses --data-dir", "--data-dir must name a file or a folder"),
        ("report x --out", "'--out': must name a file or a folder"),
        ("export x --out", "'--out': must name a file or a folder"),
        ("status", "'DIR': must name a file or a folder"),
        ("replay --cell x --run 1", "'DIR': must name a file or a folder"),
        ("report --out x", "'DIR': must name a file or a folder"),
        ("data fetch mnist --data-dir", "'--data-dir': must name a file or a folder"),
    ],
)
def test_a_file_or_folder_without_a_name_is_refused(
    cli, tmp_path, monkeypatch, command, said, name
):
    """As an unset variable of a shell gives it."""
    monkeypatch.chdir(tmp_path)
    status, stdout, stderr = cli(*command.split(), name)
    assert (status, stdout) == (2, "")
    assert f"{said}, got {name!r}" in stderr
    assert len(stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_python_refuses_it_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for given in ({"out": ""}, {"out": " "}, {"data": " "}):
        with pytest.raises(ValueError, match=r"must name a file or a folder, got ' ?'"):
            learnprop.explore(runs=2, **given)
    assert list(tmp_path.iterdir()) == []


DISK = Path("/dev/full")
needs_full = pytest.mark.skipif(not DISK.exists(), reason="no /dev/full")
FULL = "stopped: the output cannot be written: No space left on device\n"


@needs_full
@pytest.mark.parametrize("words", [[], ["--version"], ["data", "list"], ["table1", "--help"]])
def test_a_full_disk_behind_stdout_is_one_line_and_3(monkeypatch, capfd, words):
    monkeypatch.setattr(sys, "argv", ["learnprop", *words])
    with DISK.open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as stop:
            learnprop.cli.main()
    assert (stop.value.code, capfd.readouterr().err) == (3, FULL)


@needs_full
def test_a_full_disk_behind_both_streams_leaves_the_status(monkeypatch):
    """What a stream still holds would fail again when the interpreter exits: status 120."""
    with DISK.open("w") as out, DISK.open("w") as err:
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        out.write("held")
        assert unwritten(OSError(28, "No space left on device")).exit_code == 3
        for stream in (out, err):
            stream.flush()


def test_a_mistake_of_ours_is_no_failed_verdict(cli, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("learnprop.reports.folders.status.status_text", broken)
    monkeypatch.setattr("learnprop.reports.folders.status.study_status", broken)
    monkeypatch.setattr("learnprop.simulations.records.store_file.read_store", broken)
    status, _, stderr = cli("status", "x")
    assert status == 3
    assert "ZeroDivisionError: ours" in stderr


@pytest.mark.usefixtures("no_signal_ignored")
@pytest.mark.parametrize("ignored", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_that_is_ignored_stays_so(ignored):
    """A child of ``nohup`` inherits it; of the others an interrupt is made."""
    code = (
        "import os, signal\n"
        "from learnprop.exits import Terminated, signals_interrupt\n"
        f"other = {{signal.SIGHUP, signal.SIGTERM}} - {{signal.Signals({int(ignored)})}}\n"
        "with signals_interrupt():\n"
        f"    os.kill(os.getpid(), {int(ignored)})\n"
        "    print('goes on')\n"
        "    try:\n"
        "        os.kill(os.getpid(), other.pop())\n"
        "        signal.pause()\n"
        "    except Terminated:\n"
        "        print('terminated')\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        preexec_fn=lambda: signal.signal(ignored, signal.SIG_IGN),
    )  # fmt: skip
    assert (answer.returncode, answer.stdout) == (0, "goes on\nterminated\n"), answer.stderr


def test_handlers_are_as_before_afterwards():
    before = [signal.getsignal(s) for s in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)]
    with signals_interrupt():
        assert signal.getsignal(signal.SIGINT) == before[2]
    assert [signal.getsignal(s) for s in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)] == before


def test_help_of_which_the_rest_is_not_read_is_no_failed_verdict():
    command = f"{sys.executable} -m learnprop explore --help | head -1; exit ${{PIPESTATUS[0]}}"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, "")


def test_what_is_listed_is_what_commands_say_of_themselves():
    commands = command_line().commands
    assert set(LISTED) <= set(commands)
    for name, known in LISTED.items():
        assert commands[name].help.partition("\n")[0] == known.about


@pytest.mark.parametrize("loaded", [["table1"], ["plan", "table1"], ["check"], ["data"]])
def test_a_list_is_the_same_whatever_is_loaded(loaded):
    def listed(group):
        return {
            name: (command.short_help or command.help, command.rich_help_panel)
            for name, command in group.commands.items()
        }

    assert listed(command_line(loaded)) == listed(command_line())


def test_a_mistyped_command_is_told_what_was_meant(cli):
    said = "learnprop: No such command 'chek'. Did you mean 'check'?\n"
    assert cli("chek", "file.csv") == (2, "", said)
    assert "Did you mean 'multiclass'?" in cli("plan", "multclass")[2]
