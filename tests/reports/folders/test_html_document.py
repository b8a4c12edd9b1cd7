"""The report as a page: the tables of the LaTeX, and nothing that runs or leaves."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from learnprop.reports.folders.document import write_document
from learnprop.reports.folders.html_document import markdown_html, write_html
from learnprop.reports.folders.parts import read_parts
from learnprop.reports.protocols.ademp import plain_text
from learnprop.reports.study_report import report_of
from learnprop.simulations.engine.monte_carlo import run_study
from learnprop.simulations.records.store import write_session
from learnprop.simulations.records.store_file import open_store
from learnprop.simulations.studies.explore import study as explore
from learnprop.simulations.studies.table1 import study as table1
from tests.browser import Watched
from tests.conftest import SMALL

LABELS = ["<script>alert(1)</script>", "\"a\" & 'b'", '"><img src=x onerror=alert(1)>']
FOLDER = "<script>alert(1)<!-- \" & '"
COMMAND = ["learnprop", "explore", "--out", '"><script>alert(2)</script>', "&amp;"]


def store(study, folder):
    folder.mkdir()
    with open_store(folder, study.name, study.design) as opened:
        write_session(opened, {"runs": {cell.name: study.n_runs for cell in study.cells}})
        list(run_study(study, opened))
    (folder / "protocol.md").write_text(report_of(study.name).protocol(study, None))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Folder with a Table 1 and with a study of data whose every name would be a script."""
    root = tmp_path_factory.mktemp("studies")
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"x": rng.normal(np.repeat([0.0, 1.0, 2.0], 60))})
    table["label"] = np.repeat(LABELS, 60)
    table.to_csv(root / "data.csv", index=False)
    own = explore.Options(
        runs=3, data=str(root / "data.csv"), ratios=(2,), weights=("equal", "inverse")
    )
    store(table1.make_study(table1.Options(runs=5, **SMALL)), root / "table1")
    store(explore.make_study(own), root / FOLDER)
    about = {"command": COMMAND, "runs": 3, "git": {"revision": "<b>abc</b>"}}
    (root / FOLDER / "provenance.json").write_text(json.dumps(about))
    protocol = root / FOLDER / "protocol.md"
    protocol.write_text(
        protocol.read_text() + f"\n{plain_text(LABELS[0])} <script>alert(3)</script> "
        "![x](https://a.invalid/x.png) [y](javascript:alert(4)) <https://a.invalid>\n"
    )
    return root


@pytest.fixture(scope="module")
def report(stored, tmp_path_factory):
    """Folder of a report of both."""
    out = tmp_path_factory.mktemp("report")
    parts = read_parts([stored / "table1", stored / FOLDER])
    write_document(parts, out)
    assert write_html(parts, out) == out / "report.html"
    return out


@pytest.fixture
def page(browser, report):
    """The page at the width of a telephone, and what it did that it must not do."""
    opened = browser.new_page(viewport={"width": 360, "height": 800})
    opened.on("dialog", lambda dialog: pytest.fail(f"a script ran: {dialog.message}"))
    watched = Watched(opened)
    opened.goto((report / "report.html").as_uri())
    yield opened, watched
    opened.close()


def plain(latex):
    """A cell of LaTeX as the text that the page has, blanks left out."""
    for command, text in {
        r"\,\%": "%", r"\%": "%", r"\pm": "±", r"\infty": "inf", r"\ ": "", r"\&": "&",
        r"\textless{}": "<", r"\textgreater{}": ">", r"\textbar{}": "|", "$": "",
    }.items():  # fmt: skip
        latex = latex.replace(command, text)
    latex = re.sub(r"\\times 10\^\{(-?)(\d+)\}", lambda m: f"e{m[1]}{m[2]:0>2}", latex)
    return re.sub(r"\s", "", latex)


def latex_rows(path):
    """Rows of a table's body, without names of rows and notes."""
    lines = Path(path).read_text().splitlines()
    inside = lines[lines.index(r"\midrule") + 1 : lines.index(r"\bottomrule")]
    rows = [line for line in inside if line.endswith(r" \\") and r"\multicolumn" not in line]
    cells = [re.split(r"(?<!\\)&", row.removesuffix(r" \\"))[1:] for row in rows]
    return [row for row in ([plain(cell) for cell in row] for row in cells) if any(row)]


def test_tables_have_the_cells_of_the_latex_beside_them(page, report):
    opened, _ = page
    tables = opened.evaluate(
        """[...document.querySelectorAll("figure")].filter(f => f.querySelector("table")).map(f =>
            [f.id, [...f.querySelectorAll("tbody tr")].map(r =>
                [...r.cells].slice(1).map(c => c.textContent.replace(/\\s/g, "")))])"""
    )
    written = sorted(p.relative_to(report).as_posix() for p in report.glob("*/*.tex"))
    assert sorted(name for name, _ in tables) == written
    assert len(written) >= 6
    for name, rows in tables:
        assert [row for row in rows if any(row)] == latex_rows(report / name), name


def test_verdicts_are_those_of_the_summary(page, report):
    opened, _ = page
    summary = pd.read_csv(report / "table1" / "summary.csv")
    for split in ("test", "population", "train"):
        shown = opened.evaluate(
            """split => [...document.getElementById("table1/table1.tex").querySelectorAll("tr")]
                .filter(r => r.cells[0].textContent.trim() == "verdict, " + split)
                .flatMap(r => [...r.querySelectorAll(".verdict")].map(v => v.textContent))""",
            split,
        )
        assert shown == summary[summary["split"] == split]["verdict"].tolist()
        assert shown


def test_nothing_runs_and_nothing_leaves(page):
    opened, watched = page
    assert watched.complaints == []
    assert [address for address in watched.requests if not address.startswith("data:")] == []
    there = opened.evaluate(
        "[...new Set([...document.querySelectorAll('*')].map(e => e.localName))]"
    )
    assert not {"script", "link", "iframe", "object", "b", "i"} & set(there)
    outward = """[...document.querySelectorAll("[href], [src]")]
        .map(e => e.getAttribute("href") ?? e.getAttribute("src").slice(0, 22))"""
    for address in opened.evaluate(outward):
        assert address.startswith("#") or address == "data:image/png;base64,", address
    assert not opened.evaluate(
        "[...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames())"
        ".some(name => name.startsWith('on') || name == 'style')"
    )


def test_the_policy_would_stop_what_came_in(page):
    """The control: the page is asked to do what must not work."""
    opened, watched = page
    opened.evaluate(
        """() => {
            const add = (name, more) => document.body.append(
                Object.assign(document.createElement(name), more));
            add("script", {textContent: "document.title = 'script'"});
            add("style", {textContent: "body{opacity:.123}"});
            add("img", {src: "https://a.invalid/x.png"});
        }"""
    )
    assert opened.title() == "learnprop: report"
    assert opened.evaluate("getComputedStyle(document.body).opacity") == "1"
    assert len([said for said in watched.complaints if "Content Security Policy" in said]) == 3


def test_names_from_outside_are_shown_as_they_are(page):
    opened, _ = page
    text = opened.evaluate("document.body.textContent")
    for name in [*LABELS, FOLDER, " ".join(COMMAND), "<b>abc</b>", "<script>alert(3)</script>"]:
        assert name in text
    names = opened.evaluate("[...document.querySelectorAll('td.name')].map(c => c.textContent)")
    assert set(names) == set(LABELS)


def test_a_telephone_scrolls_tables_and_not_the_page(page):
    opened, _ = page
    assert opened.evaluate("document.documentElement.scrollWidth") == 360
    within = "[...document.querySelectorAll('.scroll')].some(e => e.scrollWidth > e.clientWidth)"
    assert opened.evaluate(within)


def test_figures_are_drawn_and_their_captions_stand_for_them(page, report):
    opened, _ = page
    figures = opened.evaluate(
        """[...document.images].map(i => [i.closest("figure").id, i.naturalWidth / i.width,
            i.closest("figure").querySelector("figcaption").textContent.replace(/^[^:]*: /, "")
            == i.alt])"""
    )
    drawn = sorted(p.relative_to(report).as_posix() for p in report.glob("*/*.png"))
    assert sorted(name for name, *_ in figures) == drawn
    assert len(drawn) >= 4
    assert all(dots >= 2 and same for _, dots, same in figures)


def test_contents_lead_to_everything_once(page, report):
    opened, _ = page
    ids = opened.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    listed = opened.evaluate(
        "[...document.querySelectorAll('nav a')].map(a => decodeURIComponent(a.hash.slice(1)))"
    )
    assert sorted(listed) == sorted(ids)
    assert opened.evaluate(
        "[...document.querySelectorAll('nav a')].every(a => { a.click(); "
        "return document.querySelector(':target') != null })"
    )
    tex = (report / "report.tex").read_text()
    assert len(re.findall(r"\\tableblock\{", tex)) == sum(name.endswith(".tex") for name in ids)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_letters_can_be_read_on_their_page(browser, report, scheme):
    # WCAG 2.1: the ratio of relative luminances, each + 0.05, is at least 4.5 for text.
    opened = browser.new_page(color_scheme=scheme)
    opened.goto((report / "report.html").as_uri())
    found = opened.evaluate(
        """["body", "nav a"].map(s => getComputedStyle(document.querySelector(s)).color)
            .concat(getComputedStyle(document.body).backgroundColor)"""
    )
    opened.close()
    luminances = []
    for colour in found:
        channels = [int(c) / 255 for c in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        luminances.append(sum(a * b for a, b in zip((0.2126, 0.7152, 0.0722), linear, strict=True)))
    *letters, paper = luminances
    assert (paper > 0.5) == (scheme == "light")
    for letter in letters:
        dark, light = sorted((letter, paper))
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_markdown_leads_nowhere():
    text = "a <b>c</b> ![d](https://e) [f](https://g) <https://h>\n\n[i]: https://j\n\n[i]\n"
    html = markdown_html(text)
    assert set(re.findall(r"<\w+", html)) == {"<p"}
    assert "&lt;b&gt;" in html


def test_headings_of_a_protocol_are_below_those_of_the_page():
    assert re.findall(r"<h\d", markdown_html("# a\n\n## b\n\n##### c\n", level=2)) == [
        "<h3", "<h4", "<h6"
    ]  # fmt: skip


@pytest.mark.usefixtures("without_figures")
def test_the_command_writes_it_where_it_is_asked_for(cli, stored, tmp_path):
    assert cli("report", stored / "table1", "--out", tmp_path)[0] == 0
    assert not (tmp_path / "report.html").exists()
    status, stdout, _ = cli("report", stored / "table1", "--out", tmp_path, "--html")
    assert status == 0
    assert stdout.splitlines()[-1] == f"Written to {tmp_path}/report.html"
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<table>" in html
    assert "<img" not in html  # there is none where none was drawn


def test_nothing_is_written_of_bad_input(cli, stored, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for folders in ([empty], [stored / "table1", empty]):
        status, stdout, stderr = cli("report", *folders, "--out", tmp_path / "paper", "--html")
        assert (status, stdout) == (2, "")
        assert "holds no records.sqlite" in stderr
    assert list(tmp_path.iterdir()) == [empty]
