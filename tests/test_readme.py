"""The README's promises: its Python block runs and prints what it says."""

import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_python_block_runs_and_prints_what_it_says(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed == re.findall(r"print\(.*?\)\)? *# (.*)", block)


def test_files_that_it_names_exist():
    root = Path(__file__).parent.parent
    for name in re.findall(r"\]\((?!#|http)(.*?)\)", README):
        assert (root / name).exists(), name
