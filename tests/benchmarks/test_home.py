"""What a GPU's machine hands back: verified, and brought into results/."""

import csv
import json
import shutil
import sys
import time
from dataclasses import replace

import pytest

from benchmarks.gpu import home, run
from benchmarks.gpu.log import LOG, Machine, Reading, read_entries, write_entry
from benchmarks.gpu.plan import STAGES, Setting, Stage

pytestmark = pytest.mark.slow  # a stage is run, and a study

SMALL = "--runs 2 --sizes 30,20,10 --test-size 20 --weights equal --backend sequential --quiet"


def small_study(stage, at):
    out = str(at.studies / stage.study)
    return [[sys.executable, "-m", "learnprop", "multiclass", *SMALL.split(), "--out", out]]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """A cheap stage, and one with a study."""
    folder = tmp_path_factory.mktemp("rehearsed")
    at = Setting("cpu", True, folder / "out" / LOG, folder / "studies")
    at.log.parent.mkdir()
    ceilings = next(stage for stage in STAGES if stage.name == "ceilings")
    stages = [ceilings, Stage("toy", 0.9, small_study, "multiclass-toy")]
    write_entry(at.log, run._machine(at, 10, stages))
    ended = run.run_stages(stages, at, time.monotonic() + 600, {})
    assert [e.status for e in ended] == ["done", "done"]
    return at.log.parent


@pytest.fixture
def came(rehearsed, tmp_path):
    shutil.copytree(rehearsed, tmp_path / "came")
    return tmp_path / "came"


@pytest.fixture
def bring(tmp_path, capsys):
    def call(*arguments):
        status = home.main([*map(str, arguments), "--into", str(tmp_path / "results")])
        return status, capsys.readouterr()

    return call


def rewrite(folder, change):
    """The log with every entry changed."""
    entries = read_entries(folder / LOG)
    (folder / LOG).unlink()
    for entry in entries:
        write_entry(folder / LOG, change(entry))


def test_reports_and_timings_are_brought_home(came, bring, tmp_path):
    status, said = bring(came)
    assert (status, said.err) == (0, "")
    machine = read_entries(came / LOG)[0]
    slug = home.slug_of(machine)
    assert slug.endswith("-quick")
    results = tmp_path / "results"
    assert sorted(p.name for p in results.iterdir()) == [f"gpu-{slug}", f"multiclass-toy-{slug}"]
    study = results / f"multiclass-toy-{slug}"
    assert not list(study.glob("*.sqlite*"))
    assert (study / "summary.csv").exists()
    named = json.loads((study / "provenance.json").read_text())
    assert named["machine"]["processor"] == machine.device
    with (results / f"gpu-{slug}" / "timings.csv").open() as file:
        rows = list(csv.DictReader(file))
    readings = [e for e in read_entries(came / LOG) if isinstance(e, Reading)]
    assert [(r["what"], float(r["value"])) for r in rows] == [(r.what, r.value) for r in readings]
    page = (results / f"gpu-{slug}" / "timings.md").read_text()
    assert page.startswith(f"# Timings on {machine.device} (a rehearsal)")
    assert "| ceilings | done |" in page
    assert f"| copy |  | {readings[0].value:.4g} | TB/s |" in page


def test_what_is_there_is_kept_unless_it_shall_not_be(came, bring, tmp_path):
    bring(came)
    kept = next((tmp_path / "results").glob("gpu-*")) / "timings.md"
    kept.write_text("mine")
    status, said = bring(came)
    assert status == 2
    assert said.err.count("\n") == 1
    assert "is there: --force replaces it" in said.err
    assert kept.read_text() == "mine"
    assert bring(came, "--force")[0] == 0
    assert kept.read_text() != "mine"


def torn(folder):
    text = (folder / LOG).read_bytes()
    (folder / LOG).write_bytes(text[:-2])


def unknown(folder):
    with (folder / LOG).open("a") as log:
        log.write('{"kind": "rumour"}\n')


def damaged(folder):
    part = folder / "multiclass-toy.tar.gz.0"
    part.write_bytes(part.read_bytes()[:-1] + b"?")


def lost(folder):
    (folder / "multiclass-toy.tar.gz.0").unlink()


def elsewhere(folder):
    rewrite(folder, lambda e: replace(e, device="NVIDIA H200") if isinstance(e, Machine) else e)


def nowhere(folder):
    text = (folder / LOG).read_text().splitlines(keepends=True)
    (folder / LOG).write_text("".join(text[1:]))


def nothing(folder):
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("harm", "what"),
    [
        (torn, "line 9 is no whole entry"),
        (unknown, "line 10 is no whole entry"),
        (damaged, r"multiclass-toy.tar.gz.0 is damaged"),
        (lost, "multiclass-toy.tar.gz.0 is missing"),
        (elsewhere, "not NVIDIA H200"),
        (nowhere, "does not say where it was written"),
        (nothing, "cannot be read: No such file"),
    ],
)
def test_what_is_not_whole_is_one_line_and_nothing_is_written(came, bring, tmp_path, harm, what):
    harm(came)
    status, said = bring(came)
    assert status == 2
    assert said.err.startswith("gpu-import: ")
    assert said.err.count("\n") == 1
    assert what in said.err
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("summary.csv", None, "has no summary.csv"),
        ("summary.csv", "simulation\n", "has no rows"),
        ("records.sqlite", "no database, but as long as one" * 9, "is damaged"),
        ("provenance.json", "{}", "is not whole"),
    ],
)
def test_a_study_that_is_not_whole(came, bring, tmp_path, name, content, what):
    shutil.unpack_archive(came / "multiclass-toy.tar.gz.0", tmp_path / "studies", "gztar")
    file = tmp_path / "studies" / "multiclass-toy" / name
    file.unlink()
    if content is not None:
        file.write_text(content)
    archive = run.archived(file.parent, "multiclass-toy", came)
    rewrite(came, lambda e: replace(e, archive=archive) if getattr(e, "archive", None) else e)
    status, said = bring(came)
    assert status == 2
    assert what in said.err
    # Of a stage that was stopped that is no surprise: the rest is brought.
    rewrite(came, lambda e: replace(e, status="stopped") if getattr(e, "archive", None) else e)
    status, said = bring(came)
    assert status == 0
    assert said.out.startswith("left out: toy, which stopped: ")
    assert what in said.out.splitlines()[0]
    assert [p.name[:4] for p in (tmp_path / "results").iterdir()] == ["gpu-"]


def test_of_two_calls_the_later_one_counts(came, bring, tmp_path):
    again = tmp_path / "again"
    again.mkdir()
    machine, *_ = read_entries(came / LOG)
    write_entry(again / LOG, machine)
    write_entry(again / LOG, Reading("ceilings", "copy", 3.5, "TB/s"))
    write_entry(again / LOG, replace(read_entries(came / LOG)[-2], stage="ceilings"))
    write_entry(again / LOG, replace(read_entries(came / LOG)[-1], status="skipped", archive=None))
    assert bring(came, again)[0] == 0
    (page,) = (tmp_path / "results").glob("gpu-*/timings.csv")
    assert page.read_text().splitlines()[1:] == ["ceilings,copy,,3.5,TB/s"]
    assert list((tmp_path / "results").glob("multiclass-toy-*"))


def test_two_machines_are_not_mixed(came, bring, tmp_path):
    shutil.copytree(came, tmp_path / "other")
    rewrite(tmp_path / "other", lambda e: replace(e, quick=False) if isinstance(e, Machine) else e)
    status, said = bring(came, tmp_path / "other")
    assert status == 2
    assert "of several machines" in said.err
