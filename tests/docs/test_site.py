"""The built site in a browser: nothing dead, nothing asked of anybody, search without a network."""

import http.server
import re
import threading
from functools import partial
from pathlib import Path

import pytest

import learnprop
from tests.browser import Watched

pytestmark = pytest.mark.slow  # half a minute, and half a minute in the browser
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site():
    """Build the site as `make docs` does, less what is committed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs" / "tools")
        import build_site

        assert build_site.build() == 0
    return build_site.SITE


@pytest.fixture(scope="module")
def served(site):
    """Address of the site on a server that has nothing else."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_): ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as it:
        threading.Thread(target=it.serve_forever).start()
        yield f"http://127.0.0.1:{it.server_port}"
        it.shutdown()


def addresses(site, served):
    return [
        f"{served}/{path.relative_to(site).as_posix()}"
        for path in sorted(site.rglob("*.html"))
        if path.name not in ("404.html", "balance.html")
    ]


def test_every_public_name_has_its_place(site):
    pages = "".join(path.read_text() for path in (site / "reference" / "api").glob("*.html"))
    anchors = set(re.findall(r'id="learnprop\.(\w+)"', pages))
    assert set(learnprop.__all__) <= anchors


def test_no_page_complains_or_asks_another_host_or_is_too_wide(site, served, browser):
    context = browser.new_context(viewport={"width": 360, "height": 740})
    page = context.new_page()
    watched = Watched(page)
    for address in addresses(site, served):
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
        assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)"), (
            address
        )
    assert watched.complaints == []
    assert [asked for asked in watched.requests if not asked.startswith(served)] == []
    assert len(watched.requests) > 100  # the control: the watch sees what pages load
    context.close()


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("source", ["server", "file"])
def test_search_finds_a_page_without_a_network(site, served, browser, source, width):
    base = served if source == "server" else site.as_uri()
    context = browser.new_context(viewport={"width": width, "height": 740})
    page = context.new_page()
    watched = Watched(page)
    page.goto(f"{base}/index.html")
    page.locator(".md-search__button, label[for=__search]").locator("visible=true").first.click()
    page.get_by_role("combobox", name="Search").fill("separability threshold")
    page.get_by_role("option", name="separability_threshold").first.click()
    page.wait_for_url("**/the-gap-on-fresh-data-before-it-is-drawn.html**")
    assert page.get_by_role("heading", name="separability_threshold").is_visible()
    assert watched.complaints == []
    assert [asked for asked in watched.requests if not asked.startswith(base)] == []
    context.close()
