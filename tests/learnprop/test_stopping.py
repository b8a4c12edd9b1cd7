"""Whatever ends a study from outside ends it in one line, with an intact store."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from learnprop.simulations.records.store import canonical_dump, finished_runs
from learnprop.simulations.records.store_file import open_store, read_store
from learnprop.simulations.studies.table1.study import Options, make_study

pytestmark = [
    pytest.mark.skipif(os.name == "nt", reason="POSIX signals and limits"),
    pytest.mark.usefixtures("no_signal_ignored"),
]
RUNS = 100
SMALLEST = {"train_size": (40, 120), "test_size": (50, 50), "max_iter": 3}
FEW = ("--runs", 2, "--jobs", 1, "--quiet")
ARGUMENTS = ("--runs", RUNS, "--train-size", 40, 120, "--test-size", 50, 50, "--max-iter", 3)


def command(out, *more, prefix=()):
    words = [*prefix, sys.executable, "-m", "learnprop", "table1", *ARGUMENTS, "--out", out, *more]
    return [str(word) for word in words]


def start(out, *more, **how):
    return subprocess.Popen(
        command(out, *more), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True, **how,
    )  # fmt: skip


def dump(folder):
    with read_store(folder) as store:
        assert store.connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return list(canonical_dump(store))


def last_line(stderr):
    assert "Traceback" not in stderr
    return stderr.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The canonical dump of the study when nothing happens to it."""
    from learnprop.simulations.engine.monte_carlo import run_study

    folder = tmp_path_factory.mktemp("whole")
    study = make_study(Options(runs=RUNS, **SMALLEST))
    with open_store(folder, study.name, study.design) as store:
        list(run_study(study, store))
    return dump(folder)


@pytest.mark.parametrize(
    ("sent", "jobs", "word"),
    [
        (signal.SIGINT, 1, "interrupted"),
        pytest.param(signal.SIGTERM, 2, "terminated", marks=pytest.mark.slow),
        pytest.param(signal.SIGINT, 2, "interrupted", marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 1, "terminated", marks=pytest.mark.slow),
    ],
)
def test_a_signal_keeps_finished_blocks_and_says_how_to_resume(
    tmp_path, cli, whole, sent, jobs, word
):
    process = start(tmp_path, "--jobs", jobs)
    assert "1/8 blocks" in process.stderr.readline()
    os.killpg(process.pid, sent)  # as a terminal or a batch system does: to the workers too
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (3, "")
    assert last_line(stderr) == (
        f"{word}: every finished block is kept in {tmp_path}; the same command resumes"
    )
    kept = dump(tmp_path)
    assert set(kept[1:]) < set(whole)
    assert not (tmp_path / "records.sqlite.lock").exists()
    status, _, stderr = cli("table1", *ARGUMENTS, "--out", tmp_path, "--jobs", 1)
    assert status == 0
    assert not stderr.startswith("table1: 1/8 blocks")
    assert dump(tmp_path) == whole


EITHER = [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)]


@pytest.mark.parametrize("sent", EITHER)
def test_threads_end_before_the_interpreter_does(tmp_path, whole, sent):
    """A thread that is in native code when the interpreter exits aborts it: status -6."""
    process = start(tmp_path, "--jobs", 2, "--backend", "threading")
    assert "1/8 blocks" in process.stderr.readline()
    process.send_signal(sent)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 3
    assert last_line(stderr).endswith("the same command resumes")
    assert set(dump(tmp_path)[1:]) < set(whole)


@pytest.mark.parametrize("sent", EITHER)
def test_other_commands_stop_with_3_and_leave_nothing_half_done(tmp_path, cli, monkeypatch, sent):
    assert cli("table1", *ARGUMENTS, *FEW, "--out", tmp_path)[0] == 0
    before = files(tmp_path)

    def stop_there(*_):
        os.kill(os.getpid(), sent)
        time.sleep(5)

    monkeypatch.setattr("learnprop.reports.folders.export.block_runs", stop_there)
    assert cli("export", tmp_path, "--out", tmp_path / "x.csv") == (3, "", "interrupted\n")
    assert files(tmp_path) == before


@pytest.mark.slow
def test_a_terminal_without_the_letter_loses_nothing(tmp_path):
    env = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    answer = subprocess.run(
        command(tmp_path, "--runs", 2), env=env, capture_output=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert b"lambda0" in answer.stdout  # λ0
    assert (tmp_path / "provenance.json").exists()


def test_a_full_disk_keeps_finished_blocks(tmp_path, cli, whole):
    """A file may not grow past 170 kB: the store holds some blocks, not all of them."""

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (170_000, 170_000))

    process = start(tmp_path, "--jobs", 1, preexec_fn=small_files)
    stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode, stdout) == (3, "")
    line = last_line(stderr)
    assert line.startswith("stopped: ")
    assert line.endswith(f"every finished block is kept in {tmp_path}; the same command resumes")
    with read_store(tmp_path) as store:
        n_finished = len(finished_runs(store))
    assert 0 < n_finished < 8
    assert f"table1: {n_finished}/8 blocks" in stderr.splitlines()[-2]  # what is reported is there
    assert cli("table1", *ARGUMENTS, "--out", tmp_path, "--quiet", "--jobs", 1)[0] == 0
    assert dump(tmp_path) == whole


def without_privileges():
    """A command prefix under which root obeys file permissions, too."""
    if os.geteuid():
        return ()
    prefix = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("root ignores permissions, and setpriv cannot change that here")
    return prefix


def files(folder):
    return {p.name: p.read_bytes() for p in Path(folder).iterdir()}


def test_a_read_only_folder_is_refused_and_can_be_read(tmp_path, cli):
    assert cli("table1", *ARGUMENTS, *FEW, "--out", tmp_path)[0] == 0
    before = files(tmp_path)
    prefix = without_privileges()
    tmp_path.chmod(0o555)
    try:
        answer = subprocess.run(
            command(tmp_path, prefix=prefix), capture_output=True, text=True, check=False
        )
        assert (answer.returncode, answer.stdout) == (2, "")
        assert answer.stderr == (
            f"learnprop: --out {tmp_path} cannot be written: Permission denied\n"
        )
        answer = subprocess.run(
            [*prefix, sys.executable, "-m", "learnprop", "status", str(tmp_path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (answer.returncode, answer.stderr) == (0, "")
        assert "done" in answer.stdout
    finally:
        tmp_path.chmod(0o755)
    assert files(tmp_path) == before


@pytest.mark.slow
def test_a_second_writer_is_refused_at_once(tmp_path, cli, whole):
    process = start(tmp_path, "--jobs", 1)
    try:
        assert "1/8 blocks" in process.stderr.readline()
        status, stdout, stderr = cli("table1", *ARGUMENTS, "--out", tmp_path)
        assert (status, stdout) == (2, "")
        assert stderr == (
            f"learnprop: --out {tmp_path} is in use: another process writes records.sqlite\n"
        )
        status, stdout, _ = cli("status", tmp_path)
        assert status == 0
        assert f"(process {process.pid} on " in stdout
        assert process.poll() is None
    finally:
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert dump(tmp_path) == whole


@pytest.mark.slow
def test_whoever_reads_may_stop_reading(tmp_path, cli):
    assert cli("table1", *ARGUMENTS, "--runs", 25, "--out", tmp_path, "--quiet")[0] == 0
    line = " ".join(command(tmp_path, "--runs", 25))
    answer = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line} | head -1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (answer.returncode, answer.stderr) == (0, "")
    assert len(answer.stdout.splitlines()) == 1
