import subprocess
import sys

import pytest

import learnprop

HEAVY = {"torch", "sklearn", "matplotlib", "pandas", "scipy", "statsmodels", "joblib", "numpy"}


def loaded_by(code):
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return {name.partition(".")[0] for name in answer.stdout.splitlines()[-1].split()}


def test_import_learnprop_is_light():
    assert not HEAVY & loaded_by("import learnprop")


@pytest.mark.parametrize("arguments", [["--help"], ["table1", "--help"], ["losses", "--help"]])
def test_help_is_light(arguments):
    code = (
        "import sys, learnprop.cli\n"
        f"sys.argv = ['learnprop', *{arguments}]\n"
        "try: learnprop.cli.main()\n"
        "except SystemExit as stop: assert stop.code == 0"
    )
    assert not HEAVY & loaded_by(code)


def test_names_and_parameters_of_losses_are_light():
    code = "from learnprop.equations.losses import LOSSES; LOSSES['lgl-inr'].parameters"
    assert not HEAVY & loaded_by(code)


def test_every_public_name_is_there_and_documented():
    for name in learnprop.__all__:
        assert getattr(learnprop, name).__doc__, name
        assert name in dir(learnprop)


def test_unknown_names_are_refused():
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = learnprop.nonsense


def test_a_list_of_commands_loads_none_of_them():
    code = "import learnprop.cli; learnprop.cli.command_line([])"
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    ours = {name for name in answer.stdout.split() if name.startswith("learnprop.")}
    assert not {name for name in ours if name.endswith(".options")}
    assert {n for n in ours if n.startswith("learnprop.commands.")} == {"learnprop.commands.listed"}


def test_libraries_of_reports_that_cannot_be_loaded_early_are_loaded_late():
    code = (
        "import os; os.environ['MPLBACKEND'] = 'nonsense'\n"
        "from learnprop.reports.layout import style\n"
        "from learnprop.reports.study_report import loading_libraries\n"
        "with loading_libraries(): pass\n"
        "with style.house_style(): style.subplots(figsize=(1, 1))"
    )
    assert {"pandas", "matplotlib"} <= loaded_by(code)
