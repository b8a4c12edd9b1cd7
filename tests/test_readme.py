"""The README's promises: its Python blocks run and print what they say."""

import re
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXT = README + "".join(
    (ROOT / "docs" / name).read_text(encoding="utf-8")
    for name in ("explanation/small-samples.md", "development/upgrading.md")
)

BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)


@pytest.mark.parametrize(
    "block", BLOCKS, ids=("LGLINRLoss", "in Python", "small samples", "upgrading")
)
def test_python_blocks_run_and_print_what_they_say(block, capsys):
    torch.manual_seed(0)  # of the training loop, as everybody writes it
    exec(compile(block, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed == re.findall(r"print\(.*?\)\)? *# (.*)", block)


def test_files_that_it_names_exist():
    root = Path(__file__).parent.parent
    for name in re.findall(r"\]\((?!#|http)(.*?)\)", README):
        assert (root / name).exists(), name
