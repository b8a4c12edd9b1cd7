"""A report.tex compiled, with what TeX there is; what is in the way is one line."""

import re
import shutil
from pathlib import Path

import pytest

from learnprop.reports.folders import pdf
from learnprop.reports.folders.pdf import NotCompiled, compile_report
from learnprop.reports.layout.latex import DEBIAN_PACKAGES, PREAMBLE, preamble
from tests.latex import needs_latex

HEAD = r"\documentclass{article}\begin{document}"
ROOT = Path(pdf.__file__).parents[3]


@pytest.fixture
def tools(monkeypatch):
    """Pretend that only these are installed."""

    def only(*there):
        monkeypatch.setattr("shutil.which", lambda name: name if name in there else None)

    return only


@needs_latex
def test_pdflatex_runs_until_the_contents_are_right(tmp_path, tools):
    tools("pdflatex")
    text = preamble() + r"\begin{document}\tableofcontents\section{The only one}\end{document}"
    (tmp_path / "report.tex").write_text(text)
    assert compile_report(tmp_path) == tmp_path / "report.pdf"
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    log = (tmp_path / "report.log").read_text(errors="replace")
    assert "Rerun" not in log
    assert "No file report.toc" not in log  # the control: the first pass says so


@needs_latex
@pytest.mark.parametrize("there", [("pdflatex",), ("pdflatex", "latexmk")])
def test_the_first_error_is_named_with_its_log(tmp_path, tools, there):
    for tool in there:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    tools(*there)
    (tmp_path / "report.tex").write_text(HEAD + "\n\\nosuch\n\\nosuch\\end{document}")
    for _ in range(2):  # latexmk does not take the second for done
        with pytest.raises(NotCompiled) as raised:
            compile_report(tmp_path)
        assert str(raised.value) == (
            rf"{there[-1]}: ! Undefined control sequence. (l.2 \nosuch); see {tmp_path}/report.log"
        )
    assert (tmp_path / "report.tex").is_file()


def test_without_tex_the_packages_are_named(tmp_path, tools):
    tools()
    with pytest.raises(NotCompiled, match=r"there is no pdflatex; .*report\.tex is kept .*texlive"):
        compile_report(tmp_path)


def test_docs_name_what_the_preamble_loads():
    text = (ROOT / "docs" / "how-to" / "latex.md").read_text(encoding="utf-8")
    packages = re.findall(r"\\usepackage(?:\[.*?\])?\{(.*?)\}", PREAMBLE)
    assert len(packages) >= 5
    for name in [*packages, DEBIAN_PACKAGES]:
        assert f"`{name}`" in text or f"`apt install {name}`" in text, name
