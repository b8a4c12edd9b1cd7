"""Compile tables as a reader would: into an article, with booktabs and siunitx alone."""

import shutil
import subprocess

import pytest

needs_latex = pytest.mark.skipif(
    shutil.which("pdflatex") is None, reason="pdflatex is not installed"
)


def compile_tables(source, folder, names):
    """Compile the tables of a report, each on a page; warnings and overfull lines are failures."""
    for name in names:
        shutil.copy(source / name, folder)
    inputs = r"\newpage".join(rf"\input{{{name}}}" for name in names)
    (folder / "doc.tex").write_text(
        r"\documentclass{article}\usepackage[margin=1cm,landscape]{geometry}"
        r"\usepackage{booktabs}\usepackage{siunitx}\begin{document}\small "
        rf"{inputs}\end{{document}}"
    )
    answer = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "doc.tex"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stdout[-2000:]
    assert "Warning" not in answer.stdout
    assert "Overfull" not in answer.stdout
