"""A visitor of the page: what is done to it, and what is read from it."""

import re
from contextlib import contextmanager

import numpy as np

from tests.browser import Watched
from tests.reports.page import expected

SECTIONS = ("balance", "three", "fresh", "broken", "undo")


@contextmanager
def new_page(browser, page_file, fragment="", **how):
    """A page of its own, calm unless said otherwise, that neither complains nor asks."""
    page = browser.new_page(**{"reduced_motion": "reduce", **how})
    watched = Watched(page)
    page.goto(page_file.as_uri() + fragment)
    at_rest(page, 12)
    yield page
    assert watched.complaints == []
    assert watched.requests == []
    page.close()


def at_rest(page, frames=3):
    """Let the page draw: a section at a time, each at most once in a frame."""
    page.evaluate(
        """async frames => {
        for (let k = 0; k < frames; k++) await new Promise(requestAnimationFrame);
        }""",
        frames,
    )


def controls(page, section):
    """Where the controls of a section stand."""
    found = page.evaluate(
        """section => [...document.querySelectorAll(`#${section} [data-state]`)]
        .filter(one => one.type !== "radio" || one.checked)
        .map(one => one.type === "radio" ? [one.name, one.value] : [one.id, Number(one.value)])""",
        section,
    )
    return dict(found)


def numbers(page, section):
    """What a section shows: the numbers, and the text in which they are read."""
    shown = page.evaluate(
        """section => [...document.querySelectorAll(`#${section} [data-number]`)]
        .map(one => [one.dataset.number, Number(one.dataset.value), one.textContent])""",
        section,
    )
    return {name: value for name, value, _ in shown}, {name: text for name, _, text in shown}


def expected_numbers(page, section):
    at = controls(page, section)
    if section != "balance":
        return getattr(expected, section)(at)
    weight, count, _ = expected.two_classes(at, "balance")
    point = page.evaluate(
        """([weight, count, step]) => {
        const { steps } = learnprop.fitSim1({ weight, count });
        return { ...steps[step], last: steps.length - 1 };
        }""",
        [weight, count, at["balance-step"]],
    )
    return expected.balance(at, point)


def read(text):
    """Number that a visitor reads, and half of its last digit; None of a dash."""
    plain = text.replace("−", "-").replace(",", "").replace("\u00a0", " ")
    if plain == "–":
        return None
    ratio = re.fullmatch(r"([\d.]+) : ([\d.]+)", plain)
    if ratio:
        a, b = (read(part) for part in ratio.groups())
        value = b[0] / a[0]
        return value, value * (a[1] / a[0] * (a[0] != 1) + b[1] / b[0] * (b[0] != 1))
    number = re.search(r"[-+]?\d+(?:\.(\d+))?", plain)
    percent = 0.01 if "%" in plain else 1.0
    half = 0.5 * 10.0 ** -len(number[1] or "") * percent
    return float(number[0]) * percent, half


def check(page, section):
    """What is shown is what learnprop computes, and the text says the number."""
    found, texts = numbers(page, section)
    wanted = expected_numbers(page, section)
    assert set(found) == set(wanted)
    for name, value in wanted.items():
        np.testing.assert_allclose(
            found[name],
            value,
            rtol=1e-9,
            atol=1e-10,
            err_msg=f"{name} at {controls(page, section)}",
        )
        said = read(texts[name])
        if said is None:
            assert np.isnan(value), name
        else:  # numbers of four digits are also rounded where they have no decimals
            assert abs(said[0] - value) <= max(said[1] * (1 + 1e-6), 1e-3 * abs(value)), name


def ranges(page, section):
    return page.evaluate(
        """section => [...document.querySelectorAll(`#${section} input[type=range][data-state]`)]
        .map(one => one.id)""",
        section,
    )


def drag(page, name, part):
    """Take a slider by its thumb and let go at a part of its length."""
    slider = page.locator(f"#{name}")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    place = slider.evaluate("one => (one.value - one.min) / (one.max - one.min)")
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 10 + place * (box["width"] - 20), y)
    page.mouse.down()
    for share in (0.5, 1.0):
        to = place + share * (part - place)
        page.mouse.move(box["x"] + 10 + to * (box["width"] - 20), y)
        at_rest(page, 1)
    page.mouse.up()
    at_rest(page)


def until(page, condition):
    """Wait for a condition; playwright's own way runs text, which the page's policy refuses."""
    for _ in range(2000):
        if page.evaluate(condition):
            return
        at_rest(page, 1)
    raise AssertionError(condition)


def press(page, name, key):
    """Press a button by a key, or by the pointer."""
    if key:
        page.focus(f"#{name}")
        page.keyboard.press(key)
    else:
        page.click(f"#{name}")
    at_rest(page)
