"""Figures are ours whatever matplotlib is told by its user, who finds all as it was."""

import ast
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from learnprop import reports
from learnprop.reports.layout.heat_map import Panel, draw_heat_maps
from learnprop.reports.layout.style import draw_to, house_style, save_figure, subplots

ROOT = Path(reports.__file__).parents[2]
SOURCES = sorted((ROOT / "reports").rglob("*.py"))

# Of every family something that would be seen, or fail.
HOSTILE = {
    "text.usetex": True,
    "font.family": "serif",
    "font.size": 31.0,
    "mathtext.fontset": "stix",
    "savefig.bbox": "tight",
    "savefig.pad_inches": 2.0,
    "savefig.transparent": True,
    "savefig.facecolor": "red",
    "savefig.format": "svg",
    "savefig.dpi": 20,
    "figure.figsize": (40.0, 40.0),
    "figure.facecolor": "pink",
    "figure.autolayout": True,
    "axes.formatter.use_locale": True,
    "axes.formatter.limits": (0, 0),
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.prop_cycle": mpl.cycler(color=["yellow"]),
    "axes.xmargin": 0.4,
    "image.cmap": "prism",
    "lines.linewidth": 9.0,
    "legend.loc": "center",
    "xtick.direction": "in",
    "path.sketch": (1.0, 100.0, 2.0),
    "pdf.use14corefonts": True,
    "errorbar.capsize": 11.0,
    "hist.bins": 3,
    "interactive": True,
}


PANELS = [Panel("a_b", np.eye(3), np.zeros(3))]


def draw(folder):
    """A heat map in both formats, and a figure of lines; their bytes by name."""
    heat = partial(draw_heat_maps, PANELS, labels=("a", "b$", "c"))
    draw_to(heat, [folder / "heat.pdf", folder / "heat.png"])
    with house_style():
        figure, ax = subplots(figsize=(3, 3))
        ax.plot([1, 2, 3], [1e-5, 1.0, 1e5], label=r"$\bar p_{0 \to 0}$")
        ax.errorbar([1, 2], [1.0, 2.0], yerr=[0.5, 0.5])
        ax.set_yscale("log")
        ax.set_title("100 % of a_b")
        figure.legend(loc="outside lower center")
        save_figure(figure, [folder / "lines.pdf", folder / "lines.png"])
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folders(tmp_path):
    folders = [tmp_path / name for name in ("plain", "hostile", "theirs")]
    for folder in folders:
        folder.mkdir()
    return folders


def test_settings_of_the_user_change_no_figure_and_are_left_as_they_are(folders, monkeypatch):
    import matplotlib.pyplot as plt

    expected, others = draw(folders[0]), plt.get_fignums()
    assert len(expected) == 4
    with mpl.rc_context(HOSTILE):
        own, before = plt.figure(), {key: mpl.rcParams._get(key) for key in mpl.rcParams}
        assert draw(folders[1]) == expected
        assert {key: mpl.rcParams._get(key) for key in mpl.rcParams} == before
        assert plt.get_fignums() == sorted([*others, own.number])
        plt.close(own)
    monkeypatch.setattr(mpl, "rcParamsDefault", mpl.rcParams)  # the control: it would be seen
    with mpl.rc_context({**HOSTILE, "text.usetex": False, "figure.autolayout": False}):
        found = draw(folders[2])
    assert all(found[name] != expected[name] for name in expected)


def test_what_fails_in_a_figure_leaves_all_as_it_was():
    before = {key: mpl.rcParams._get(key) for key in mpl.rcParams}
    with pytest.raises(AttributeError, match="no_such_thing"), house_style():
        subplots(figsize=(1, 1))[1].no_such_thing()
    assert {key: mpl.rcParams._get(key) for key in mpl.rcParams} == before


SCRIPT = """
import os, sys
from pathlib import Path
from learnprop.reports.layout.style import matplotlib
mpl = matplotlib()
from tests.reports.layout.test_style import draw
Path("drawn").mkdir()
draw(Path("drawn"))
print(mpl.rcParams._get("backend"), os.environ.get("MPLBACKEND"), os.getcwd())
assert "matplotlib.pyplot" not in sys.modules
"""


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("rc", "backend", "kept"),
    [
        (b"text.usetex: True\nbackend: TkAgg\nsavefig.bbox: tight\n", None, "TkAgg"),
        slow(b"\xff\xfe not a text", "nonsense", None),
        slow(b"no colon\nno.such.key: 1\nfont.size: none\nbackend: nonsense\n", None, None),
        slow(b"", "nonsense", None),
        slow(b"", "module://no_such_module", "module://no_such_module"),
    ],
)
def test_settings_that_are_read_before_us(tmp_path, folders, rc, backend, kept):
    """Of a `matplotlibrc` in the folder that a study is run in, which comes before all others."""
    (tmp_path / "matplotlibrc").write_bytes(rc)
    env = {k: v for k, v in os.environ.items() if k not in ("MPLBACKEND", "MATPLOTLIBRC")}
    env |= {"PYTHONPATH": str(ROOT)} | ({"MPLBACKEND": backend} if backend else {})
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT],
        cwd=tmp_path, env=env, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name, expected in draw(folders[0]).items():
        assert (tmp_path / "drawn" / name).read_bytes() == expected, name
    found, variable, folder = done.stdout.split()[-3:]
    if kept:
        assert found == kept
    assert variable == str(backend)
    assert Path(folder).samefile(tmp_path)


def test_every_figure_is_made_and_saved_in_the_house_style():
    """What draws leaves saving to `draw_to`; nobody takes pyplot, whose figures stay."""
    made = saved = 0
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert "pyplot" not in ast.unparse(node), source
            if isinstance(node, ast.FunctionDef) and node.name.startswith("draw_"):
                made += "subplots(" in ast.unparse(node)
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                assert name != "save_figure" or source.name == "style.py", (source, node.lineno)
                assert not name.endswith(".savefig") or source.name == "style.py"
                saved += name == "draw_to"
    assert made >= 10
    assert saved == 1
