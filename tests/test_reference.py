"""What is generated is what the sources say now: the page of the command line, the stub."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import learnprop
from learnprop.simulations.studies import STUDIES, options_type
from learnprop.simulations.studies.option import declared_options

ROOT = Path(__file__).parents[1]
_SPEC = importlib.util.spec_from_file_location(
    "reference", ROOT / "docs" / "tools" / "reference.py"
)
reference = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(reference)


def test_the_page_is_what_the_command_line_says_now():
    assert reference.PAGE.read_text() == reference.page(), "make docs writes it"


def test_the_stub_is_what_the_names_are_now():
    assert reference.STUB.read_text() == reference.stub(), "make docs writes it"


@pytest.mark.parametrize("command", [*STUDIES, "plan table1", "export", "data fetch"])
def test_help_and_page_name_the_same_options(cli, command):
    status, stdout, _ = cli(*command.split(), "--help")
    assert status == 0
    (section,) = re.findall(
        rf"^###? `learnprop {command}`$(.*?)(?=^##|\Z)",
        reference.PAGE.read_text(),
        re.M | re.S,
    )
    on_page = set(re.findall(r"^\* `(--[a-z0-9-]+)", section, re.M))
    in_help = set(re.findall(r"^│ [* ]*(--[a-z0-9-]+)", stdout, re.M))
    assert in_help == on_page
    assert len(in_help) > 1


def test_every_option_of_a_study_is_on_its_page_and_in_the_stub():
    functions = {
        node.name: {a.arg for a in node.args.kwonlyargs}
        for node in ast.parse(reference.STUB.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
    for study in STUDIES:
        assert set(declared_options(options_type(study))) < functions[study]


@pytest.mark.slow  # mypy reads all that is imported anew
def test_a_type_checker_sees_the_public_names(tmp_path):
    """And the control: what is not there, or has another type, is an error."""
    script = tmp_path / "uses.py"
    script.write_text(
        "import learnprop as lp\n"
        "result = lp.table1(runs=5, train_size=(20, 60))\n"
        "lp.explore(ratios=[1, 10], weights=['equal', 0.3, (0.2, 0.8)])\n"
        "reveal_type(result)\n"
        "reveal_type(lp.gap)\n"
        "lp.table1(training='sgd')\n"
        "lp.no_such_name\n"
    )
    answer = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--follow-imports=silent",
         "--cache-dir", tmp_path / "cache", script],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    lines = [line.partition(": ")[2] for line in answer.stdout.splitlines()]
    assert 'note: Revealed type is "learnprop.api.StudyResult"' in lines
    assert any('Revealed type is "def (' in line for line in lines)
    errors = [line for line in lines if line.startswith("error")]
    assert len(errors) == 2
    assert "incompatible type \"Literal['sgd']\"" in errors[0]
    assert 'Module has no attribute "no_such_name"' in errors[1]


def test_version_is_that_of_the_distribution():
    from importlib.metadata import version

    assert learnprop.__version__ == version("learnprop")
