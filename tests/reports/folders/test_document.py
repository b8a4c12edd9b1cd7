import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from learnprop.reports.folders.document import write_document
from learnprop.reports.folders.parts import read_parts
from learnprop.reports.layout.latex import escaped, from_markdown
from learnprop.reports.protocols.ademp import plain_text
from learnprop.reports.study_report import report_of
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.store import write_session
from learnprop.simulations.records.store_file import StoreError, open_store
from learnprop.simulations.studies.claims import study as claims
from learnprop.simulations.studies.controls import study as controls
from learnprop.simulations.studies.explore import study as explore
from learnprop.simulations.studies.multiclass import study as multiclass
from learnprop.simulations.studies.table1 import study as table1
from tests.conftest import SMALL
from tests.latex import needs_latex


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """One small stored study of each kind, one of them of a file whose names LaTeX would read."""
    root = tmp_path_factory.mktemp("studies")
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(np.repeat([0.0, 1.0], 60))})
    table["label"] = np.repeat(["a_b & 50 %", r"C:\d {2}"], 60)
    table.to_csv(root / "data.csv", index=False)
    studies = {
        "table 1 & more": table1.make_study(table1.Options(runs=5, **SMALL)),
        "multi": multiclass.make_study(multiclass.Options(runs=5, sizes=(60, 40, 20))),
        "controls": controls.make_study(controls.Options(runs=2, quick=True)),
        "claims": claims.make_study(claims.Options(runs=2, quick=True)),
        "own": explore.make_study(
            explore.Options(
                runs=5, data=str(root / "data.csv"), ratios=(2,), weights=("equal", "inverse")
            )
        ),
    }
    for name, study in studies.items():
        (root / name).mkdir()
        with open_store(root / name, study.name, study.design) as store:
            write_session(store, {"runs": {cell.name: study.n_runs for cell in study.cells}})
            list(run_study(study, store))
        protocol = report_of(study.name).protocol(study, None)
        (root / name / "protocol.md").write_text(protocol)
    about = {"command": ["learnprop", "table1", "--out", "table 1 & more"], "runs": 5,
             "packages": {"numpy": "2"}, "git": {"revision": "abc", "sources_changed": True},
             "started": "2026-01-01", "finished": "2026-01-02"}  # fmt: skip
    (root / "table 1 & more" / "provenance.json").write_text(json.dumps(about))
    return root, list(studies)


@pytest.fixture(scope="module")
def report(stored, tmp_path_factory, as_pdf):
    root, names = stored
    (root / "data.csv").unlink()  # reports need no data
    out = tmp_path_factory.mktemp("report")
    with as_pdf():
        write_document(read_parts([root / name for name in names]), out)
    return out


@pytest.mark.slow
def test_report_inputs_every_table_and_figure(report):
    tex = (report / "report.tex").read_text()
    inputs = re.findall(r"\\input\{(.*?)\}", tex)
    assert {name.partition("/")[0] for name in inputs} == {
        "table-1-more", "multi", "controls", "claims", "own"
    }  # fmt: skip
    for name in inputs:
        assert (report / f"{name}.tex").is_file()
    written = {p.relative_to(report).with_suffix("").as_posix() for p in report.glob("*/*.tex")}
    assert written == set(inputs)
    drawn = {p.relative_to(report).as_posix() for p in report.glob("*/*.pdf")}
    assert drawn == set(re.findall(r"\\includegraphics\{(.*?)\}", tex))
    assert len(drawn) >= 6


@pytest.mark.slow
def test_report_has_protocol_and_provenance(report):
    tex = (report / "report.tex").read_text()
    assert tex.count("Data-generating mechanisms") == 5
    assert "learnprop table1 -{}-out table 1 \\& more" in tex
    assert "abc with changes that are not committed" in tex
    assert (report / "table-1-more" / "provenance.json").is_file()


@pytest.mark.slow
@needs_latex
def test_report_compiles_without_warnings(report, tmp_path):
    shutil.copytree(report, tmp_path / "report")
    for _ in range(2):  # the second pass knows the table of contents
        answer = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"],
            cwd=tmp_path / "report", capture_output=True, check=False,
        )  # fmt: skip
        printed = answer.stdout.decode(errors="replace")
        assert answer.returncode == 0, printed[-2000:]
    assert "Warning" not in printed
    assert "Overfull" not in printed


@pytest.mark.slow
def test_fragments_need_booktabs_and_siunitx_only(report):
    for path in report.glob("*/*.tex"):
        commands = set(re.findall(r"\\([a-z]+)", path.read_text()))
        assert commands <= {
            "begin", "end", "toprule", "midrule", "bottomrule", "addlinespace", "quad",
            "lambda", "beta", "bar", "to", "pm", "frac", "times", "infty", "mathrm", "geq",
            "textless", "textgreater", "textbackslash", "textbar", "space", "multicolumn",
        }, path  # fmt: skip


def test_an_unfinished_study_is_refused(tmp_path, small_study, run_to_store):
    folder, _ = run_to_store(small_study, blocks=[(small_study.cells[0], 0)])
    with open_store(folder, small_study.name, small_study.design) as store:
        write_session(store, {"runs": {"sim1": 30, "sim2": 30}})
    with pytest.raises(StoreError, match="is not finished: 25 of 30 replications of sim1"):
        read_parts([folder])
    with pytest.raises(StoreError, match=r"holds no records\.sqlite"):
        read_parts([tmp_path])


@pytest.mark.usefixtures("without_figures")
def test_two_folders_of_one_name_stay_two(stored, tmp_path):
    root, _ = stored
    twin = tmp_path / "multi"
    shutil.copytree(root / "multi", twin)
    parts = read_parts([root / "multi", twin])
    assert [part.name for part in parts] == ["multi", "multi-2"]
    write_document(parts, tmp_path)
    titles = re.findall(r"\\section\{(.*)\}", (tmp_path / "report.tex").read_text())
    assert [title.rpartition(": ")[2] for title in titles] == [
        escaped(str(root / "multi")), escaped(str(twin))
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"DIR must be given once, got .*multi twice"):
        read_parts([twin, root / "own", tmp_path / "." / "multi"])


@needs_latex
def test_any_script_and_any_table_compile(tmp_path, as_pdf):
    """What pdflatex cannot print is a box with its number; a long table is scaled to the page."""
    names = ["中文 ∮", "γ ≥ 2 đ 😀", "`q` ''?`!` -- \"x\"", *"defghi"]
    table = pd.DataFrame({"x": np.random.default_rng(0).normal(size=360)})
    table["label"] = np.tile(names, 40)
    table.to_csv(tmp_path / "data.csv", index=False)
    study = explore.make_study(
        explore.Options(runs=2, data=str(tmp_path / "data.csv"), ratios=(2,), fitter="softmax")
    )
    folder = tmp_path / "study"
    with open_store(folder, study.name, study.design) as store:
        write_session(store, {"runs": {cell.name: study.n_runs for cell in study.cells}})
        list(run_study(study, store))
    out = tmp_path / "report"
    out.mkdir()
    with as_pdf():
        write_document(read_parts([folder]), out)
    assert r"\hexbox{4E}{2D}" in (out / "report.tex").read_text()
    answer = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"],
        cwd=out, capture_output=True, check=False,
    )  # fmt: skip
    printed = answer.stdout.decode(errors="replace")
    assert answer.returncode == 0, printed[-2000:]
    assert "Overfull" not in printed


def test_a_store_of_other_code_is_reported_and_says_so(stored, tmp_path):
    import sqlite3

    root, _ = stored
    twin = tmp_path / "old"
    shutil.copytree(root / "multi", twin)
    with sqlite3.connect(twin / "records.sqlite") as connection:
        (text,) = connection.execute("SELECT value FROM study WHERE key = 'design'").fetchone()
        design = json.loads(text)
        design["code"]["numpy"] = "1.0"
        design["device"] = "cuda"  # no GPU is needed to report what one fitted
        connection.execute("UPDATE study SET value = ? WHERE key = 'design'", [json.dumps(design)])
    connection.close()
    (part,) = read_parts([twin])
    assert part.note.startswith('Measured by other code than reports it: numpy "1.0" -> ')


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("a_b & 50 %", r"a\_b \& 50 \%"),
        ("<=50K|>", r"\textless{}=50K\textbar{}\textgreater{}"),
        ("$5 #1 {x} --", r"\$5 \#1 \{x\} -{}-"),
        ("two\nlines", "two lines"),
        ("größe", "größe"),
        ("?`''", r"?\textasciigrave{}'{}'"),
    ],
)
def test_names_are_escaped(text, latex):
    assert escaped(text) == latex


@pytest.mark.parametrize("name", ["a_b & 50 %", "`q` *x* _y_", "[a](b) <b> &amp;", r"C:\d"])
def test_names_pass_through_a_protocol(name):
    assert from_markdown(f"- label {plain_text(name)} (3)").splitlines()[1] == (
        rf"\item label {escaped(name)} (3)"
    )


def test_markdown_keeps_its_structure():
    latex = from_markdown("# One\n\nText with `a_b`\nand *more*.\n\n- x\n- y\n\n## Two\n", level=1)
    assert latex.splitlines() == [
        r"\subsection*{One}", r"Text with \texttt{a\_b}", "and more.", "", r"\begin{itemize}",
        r"\item x", r"\item y", r"\end{itemize}", r"\subsubsection*{Two}",
    ]  # fmt: skip
