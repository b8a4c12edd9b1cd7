"""The state of the page is in the fragment of its address, and comes back from there."""

import pytest

from tests.reports.page.visitor import SECTIONS, at_rest, check, controls, new_page, numbers, ranges

pytestmark = pytest.mark.slow  # a page of its own, of a second, for each test

RESTED = 400  # milliseconds: the fragment is written once the controls have come to rest


def everything(page):
    return {section: (controls(page, section), numbers(page, section)) for section in SECTIONS}


def fragment(page):
    page.wait_for_timeout(RESTED)
    return page.evaluate("location.hash")


def move_everything(page):
    for section in SECTIONS:
        for k, name in enumerate(ranges(page, section)):
            if name == "balance-step":
                continue  # its largest value follows from the others: last
            low, high, step = (
                float(page.get_attribute(f"#{name}", which)) for which in ("min", "max", "step")
            )
            steps = round((0.23 + 0.1 * k) * (high - low) / step)
            page.evaluate(
                """([id, value]) => { const one = document.getElementById(id); one.value = value;
                one.dispatchEvent(new Event("input", { bubbles: true })); }""",
                [name, str(round(low + steps * step, 6))],
            )
    page.check("#broken-smoothing")
    at_rest(page, 8)
    page.focus("#balance-step")
    page.keyboard.press("ArrowLeft")
    at_rest(page, 8)


def test_a_link_brings_every_control_and_every_number(browser, page_file):
    with new_page(browser, page_file) as page:
        assert fragment(page) == ""
        start = everything(page)
        move_everything(page)
        moved, link = everything(page), fragment(page)
    for section in SECTIONS:
        assert all(value != start[section][0][name] for name, value in moved[section][0].items()), (
            section
        )
    with new_page(browser, page_file, link) as page:
        assert everything(page) == moved
        for section in SECTIONS:
            check(page, section)
        assert fragment(page) == link
        page.click("#start-again")
        at_rest(page, 12)
        assert everything(page) == start
        assert fragment(page) == ""


def test_an_address_that_is_changed_is_followed(calm):
    calm.evaluate("location.hash = '#three-separation=4&fresh-kappa=0.02&broken-how=none'")
    at_rest(calm, 12)
    assert controls(calm, "three")["three-separation"] == 4
    assert controls(calm, "fresh")["fresh-kappa"] == 0.02
    assert controls(calm, "broken")["broken-how"] == "none"
    for section in ("three", "fresh", "broken"):
        check(calm, section)
    calm.evaluate("location.hash = '#undo'")  # a place in the page is no state
    at_rest(calm, 12)
    assert controls(calm, "three")["three-separation"] == 4


BAD = [
    "#balance-weight=9&three-imbalance=x&broken-how=nonsense&fresh-kappa=",
    "#balance-count=Infinity&three-separation=NaN&undo-weight=-1e9&nonsense=1",
    "#x=%3Cscript%3Ewindow.hit=1%3C/script%3E",
    "#balance-weight=%ZZ&=&&==#",
    "#x=" + "x" * 10_000,
]


def test_bad_values_are_passed_over(browser, page_file):
    with new_page(browser, page_file) as page:
        start = everything(page)
        for bad in BAD:
            page.evaluate("bad => { location.hash = bad; }", bad)
            at_rest(page, 12)
            assert everything(page) == start, bad
    with new_page(browser, page_file, BAD[0]) as page:
        assert everything(page) == start


def test_good_values_beside_bad_ones_are_taken(browser, page_file):
    with new_page(browser, page_file, "#balance-weight=9&balance-count=-2") as page:
        found = controls(page, "balance")
        assert (found["balance-weight"], found["balance-count"]) == (0, -2)
        check(page, "balance")


@pytest.mark.parametrize("clipboard", [True, False])
def test_the_link_can_be_copied_or_is_shown_to_be(browser, page_file, clipboard):
    with new_page(browser, page_file, "#fresh-kappa=0.1") as page:
        page.evaluate(
            """works => Object.defineProperty(navigator, "clipboard", { value: {
            writeText: async (text) => { if (!works) throw new Error(); window.copied = text; },
            } })""",
            clipboard,
        )
        page.focus("#copy-link")
        page.keyboard.press("Enter")
        at_rest(page)
        address = page_file.as_uri() + "#fresh-kappa=0.1"
        if clipboard:
            assert page.evaluate("window.copied") == address
            assert not page.is_visible("#link")
        else:
            assert page.is_visible("#link")
            assert page.input_value("#link") == address
            assert page.evaluate("getSelection().toString()") in (address, "")
        assert page.text_content("#copied")
