"""The page in Chromium, and its mathematics called from Python."""

import pytest

import learnprop
from learnprop.reports.page.page import page_html
from tests.browser import Watched
from tests.reports.page.visitor import new_page


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    """The page as a file."""
    path = tmp_path_factory.mktemp("page") / "balance.html"
    path.write_text(page_html(learnprop.__version__), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def opened(browser, page_file):
    """The page, opened from disk, and what it did that it must not do."""
    page = browser.new_page()
    watched = Watched(page)
    page.goto(page_file.as_uri())
    yield page, watched
    page.close()


@pytest.fixture(scope="module")
def javascript(opened):
    """Call a function of the page, with each of some tuples of arguments."""
    page, _ = opened

    def call(name, *arguments):
        script = f"calls => calls.map(given => learnprop.{name}(...given))"
        return page.evaluate(script, [list(given) for given in arguments])

    return call


@pytest.fixture
def calm(browser, page_file):
    """A page of its own, without motion."""
    with new_page(browser, page_file) as page:
        yield page
