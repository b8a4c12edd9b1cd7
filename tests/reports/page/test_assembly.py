"""One file, which asks nobody for anything and runs what it came with."""

import re
from pathlib import Path

import pytest

import learnprop
from learnprop.reports.page.page import DISPLAY, MATHEMATICS, SOURCES, page_html
from tests.browser import Watched

PUBLISHED = Path(learnprop.__file__).parents[1] / "results" / "page" / "balance.html"
HTML = page_html(learnprop.__version__)


def test_it_opens_from_disk_and_neither_complains_nor_asks_for_anything(opened):
    page, watched = opened
    page.wait_for_load_state("networkidle")
    assert watched.complaints == []
    assert watched.requests == []
    assert page.title() == "What a class weight does"
    assert page.evaluate("Object.isFrozen(learnprop)")


FORBIDDEN = """async () => {
  const violated = [];
  document.addEventListener("securitypolicyviolation", (e) => violated.push(e.effectiveDirective));
  const add = (tag, attributes, text = "") => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.textContent = text;
    document.body.append(element);
    return element;
  };
  add("script", {}, "window.injected = true");
  add("button", { onclick: "window.injected = true" }).click();
  add("p", { style: "color: red" });
  add("img", { src: "https://example.org/a.png" });
  add("iframe", { src: "https://example.org/" });
  const asked = await fetch("https://example.org/").then(() => "sent", () => "refused");
  await new Promise((resolve) => setTimeout(resolve, 100));
  return { asked, injected: window.injected ?? false, violated: violated.sort() };
}"""


def test_what_the_policy_forbids_is_refused_and_seen_to_be(browser, page_file):
    """The control of the test above."""
    page = browser.new_page()
    watched = Watched(page)
    page.goto(page_file.as_uri())
    found = page.evaluate(FORBIDDEN)
    assert found == {
        "asked": "refused",
        "injected": False,
        "violated": [
            "connect-src", "frame-src", "img-src", "script-src-attr", "script-src-elem",
            "style-src-attr",
        ],
    }  # fmt: skip
    assert len(watched.complaints) >= len(found["violated"])
    page.close()


def test_an_altered_script_is_not_run(browser, tmp_path):
    """Hashes are of the very bytes: one more and nothing runs."""
    path = tmp_path / "altered.html"
    path.write_text(HTML.replace('"use strict";', '"use strict"; '), encoding="utf-8")
    page = browser.new_page()
    page.goto(path.as_uri())
    assert page.evaluate("window.learnprop") is None
    page.close()


def test_the_policy_allows_two_hashes_and_pictures_of_its_own():
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', HTML)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", rules.pop("script-src"))
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", rules.pop("style-src"))
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_it_is_small_and_names_no_other_host_but_in_links():
    assert len(HTML.encode()) < 1_000_000
    addresses = re.findall(r"""(?<!href=")https?://[^\s"'<>)]+""", HTML)
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}


def test_the_same_version_has_the_same_bytes_and_says_it():
    assert page_html("7.8.9") == page_html("7.8.9")
    assert "7.8.9" in page_html("7.8.9")


def test_every_source_is_in_it_once():
    scripts = sorted(str(path.relative_to(SOURCES)) for path in SOURCES.rglob("*.js"))
    named = [f"mathematics/{n}.js" for n in MATHEMATICS] + [f"display/{n}.js" for n in DISPLAY]
    assert scripts == sorted([*named, "names.js"])
    for path in SOURCES.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        assert HTML.count(text) == 1, path
        assert "</" not in text, path  # would end the script, or might
    assert len(re.findall("<script", HTML)) == len(re.findall("<style", HTML)) == 1


def test_mathematics_touch_no_document():
    for name in MATHEMATICS:
        text = (SOURCES / "mathematics" / f"{name}.js").read_text(encoding="utf-8")
        assert not re.search(r"\b(document|window|localStorage|fetch|innerHTML)\b", text), name


def test_no_source_writes_html_or_runs_text():
    """What comes from a file is only ever set as text."""
    for path in SOURCES.rglob("*.js"):
        text = path.read_text(encoding="utf-8")
        forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
        assert not re.search(forbidden, text), path


def test_the_published_page_is_what_the_command_writes(cli, tmp_path):
    status, _, _ = cli("page", "--out", tmp_path / "balance.html")
    assert status == 0
    assert (tmp_path / "balance.html").read_bytes() == PUBLISHED.read_bytes()


@pytest.mark.parametrize("path", sorted(SOURCES.rglob("*.*")), ids=lambda path: path.name)
def test_a_source_is_one_idea(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    assert max(map(len, text.splitlines())) <= 110
