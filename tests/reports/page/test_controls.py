"""Every control, moved by keyboard and by pointer: what is shown is what learnprop computes."""

import re

import pytest

import learnprop as lp
from tests.reports.page import expected
from tests.reports.page.visitor import (
    SECTIONS,
    at_rest,
    check,
    controls,
    drag,
    new_page,
    numbers,
    press,
    ranges,
    read,
    until,
)

FIRST_AND_SLOW = [
    SECTIONS[0],
    *(pytest.param(section, marks=pytest.mark.slow) for section in SECTIONS[1:]),
]
"""A section takes a second or three in the browser."""


def enabled_by(page, name):
    """Of what breaks the balance each has its own control: choose it."""
    for radio, controlled in (
        ("broken-smoothing", "broken-epsilon"),
        ("broken-batch", "broken-size"),
    ):
        if name == controlled:
            page.check(f"#{radio}")
            at_rest(page)


@pytest.mark.parametrize("section", FIRST_AND_SLOW)
def test_sliders_by_keyboard(calm, section):
    check(calm, section)
    for name in ranges(calm, section):
        enabled_by(calm, name)
        before = controls(calm, section)[name], numbers(calm, section)[0]
        calm.focus(f"#{name}")
        for key in ("ArrowLeft", "ArrowLeft", "PageDown"):
            calm.keyboard.press(key)
        at_rest(calm)
        after = controls(calm, section)[name], numbers(calm, section)[0]
        assert after[0] < before[0], name
        assert after[1] != before[1], name
        check(calm, section)
        calm.keyboard.press("Home")
        calm.keyboard.press("End")
        at_rest(calm)
        check(calm, section)
        calm.keyboard.press("PageDown")
        at_rest(calm)


@pytest.mark.parametrize("section", FIRST_AND_SLOW)
def test_sliders_by_pointer(calm, section):
    for name in ranges(calm, section):
        enabled_by(calm, name)
        before = controls(calm, section)[name], numbers(calm, section)[0]
        drag(calm, name, 0.23)
        after = controls(calm, section)[name], numbers(calm, section)[0]
        assert after[0] != before[0], name
        assert after[1] != before[1], name
        check(calm, section)


BUTTONS = {
    "balance-equal": {"balance-weight": 0},
    "balance-inverse": {"balance-weight": -1.5},
    "balance-paper": {"balance-weight": -1.3, "balance-count": 1},
    "three-equal": {"three-weight-0": 0, "three-weight-1": 0, "three-weight-2": 0},
    "three-inverse": {"three-weight-0": -1, "three-weight-1": -0.5, "three-weight-2": 0},
}
"""Where they put the controls, from the fragment below."""
MOVED = "#balance-weight=0.7&balance-count=1.5&three-weight-0=0.4&three-weight-2=-1"


@pytest.mark.parametrize("key", ["Enter", " ", None])
@pytest.mark.slow
def test_buttons(browser, page_file, key):
    with new_page(browser, page_file, MOVED) as page:
        for name, where in BUTTONS.items():
            section = name.partition("-")[0]
            before = controls(page, section)
            page.focus(f"#{name}") if key else page.click(f"#{name}")
            if key:
                page.keyboard.press(key)
            at_rest(page)
            after = controls(page, section)
            step = {"balance-step": after["balance-step"]} if section == "balance" else {}
            assert after == before | where | step, name  # the last step is of another number
            check(page, section)


@pytest.mark.slow
def test_radios_by_keyboard_and_by_pointer(calm):
    calm.focus("#broken-batch")
    seen = []
    for _ in range(4):
        calm.keyboard.press("ArrowDown")
        at_rest(calm)
        seen.append(controls(calm, "broken")["broken-how"])
        check(calm, "broken")
    assert seen == ["none", "bias", "smoothing", "batch"]
    for how in seen:
        calm.click(f"label:has(#broken-{how})")
        at_rest(calm)
        assert controls(calm, "broken")["broken-how"] == how
        check(calm, "broken")


STANDS = "() => document.querySelector('#balance').dataset.moving === 'false'"


@pytest.mark.slow
def test_training_goes_on_by_itself_and_ends_at_the_minimum(browser, page_file):
    with new_page(browser, page_file, reduced_motion="no-preference") as page:
        until(page, STANDS)
        page.click("#balance-train")
        at_rest(page)
        assert controls(page, "balance")["balance-step"] < 3
        assert abs(numbers(page, "balance")[0]["balance-left"] / 10 - 1) > 0.1
        until(page, STANDS)
        step = page.locator("#balance-step")
        assert step.input_value() == step.get_attribute("max")
        check(page, "balance")


@pytest.mark.slow
def test_in_calm_training_is_at_its_end_at_once(browser, page_file):
    with new_page(browser, page_file, "#balance-step=2&balance-bias=1") as page:
        assert controls(page, "balance")["balance-step"] == 2
        check(page, "balance")
        page.click("#balance-train")
        at_rest(page)
        step = page.locator("#balance-step")
        assert step.input_value() == step.get_attribute("max")
        check(page, "balance")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
@pytest.mark.slow
def test_the_left_side_follows_in_motion_and_jumps_in_calm(browser, page_file, motion):
    with new_page(browser, page_file, reduced_motion=motion) as page:
        until(page, STANDS)
        page.click("#balance-inverse")
        at_rest(page, 2)
        found, _ = numbers(page, "balance")
        assert found["balance-right"] == pytest.approx(1)
        assert (abs(found["balance-left"] - 1) > 0.05) == (motion == "no-preference")
        until(page, STANDS)
        check(page, "balance")


def same_masses():
    at = {"balance-weight": 0.0, "balance-count": 0.0, "balance-step": 9, "balance-bias": 0.0}
    return expected.balance(at, {"last": 9})["balance-p00"]


def batch_ratio():
    acts = lp.minibatch_mean_class_weight([1, 100], [10_000, 100], 64)
    return acts[1] / acts[0]


ANSWERS = [
    lambda: expected.balance(
        {"balance-weight": 0.0, "balance-count": 1.0, "balance-step": 9, "balance-bias": 0.0},
        {"last": 9},
    )["balance-p00"],
    same_masses,
    same_masses,
    lambda: expected.fresh({"fresh-share": 0.1, "fresh-kappa": 0.05, "fresh-separation": 2.0})[
        "fresh-inverse-ratio"
    ],
    batch_ratio,
]


@pytest.mark.parametrize("key", ["Enter", None])
@pytest.mark.slow
def test_guesses_show_nothing_before_and_the_truth_after(calm, key):
    answer = calm.locator("#guess-answer")
    for k, truth in enumerate(ANSWERS):
        assert calm.text_content("#guess-count") == f"{k + 1} of {len(ANSWERS)}"
        assert answer.text_content() == ""
        assert answer.get_attribute("data-value") is None
        start = calm.input_value("#guess-value")
        if key:
            calm.focus("#guess-value")
            calm.keyboard.press("ArrowRight")
        else:
            drag(calm, "guess-value", 0.8)
        at_rest(calm)
        assert calm.input_value("#guess-value") != start
        said = calm.get_attribute("#guess-scale", "aria-label")
        assert "answer" not in said
        press(calm, "guess-reveal", key)
        assert float(answer.get_attribute("data-value")) == pytest.approx(truth(), rel=1e-9)
        assert re.search(r"\d", answer.text_content())
        assert "answer" in calm.get_attribute("#guess-scale", "aria-label")
        press(calm, "guess-next", key)
    assert calm.text_content("#guess-count") == f"1 of {len(ANSWERS)}"


def test_no_control_is_left_out(calm):
    """What the tests of this file and of the two beside it move is all that there is."""
    found = calm.evaluate(
        """() => [...document.querySelectorAll("input, button, textarea, select")]
        .filter(one => !one.closest(".python")).map(one => one.id)"""
    )
    moved = {name for section in SECTIONS for name in ranges(calm, section)} | set(BUTTONS)
    moved |= {"broken-none", "broken-bias", "broken-smoothing", "broken-batch"}
    moved |= {"guess-value", "guess-reveal", "guess-next", "balance-train"}
    moved |= {"yours-file", "yours-text", "yours-read", "yours-example", "yours-count",
              "yours-weight", "copy-link", "start-again", "link"}  # fmt: skip
    assert sorted(found) == sorted(moved)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("name", ["balance-weight", "balance-count", "balance-equal",
                                  "balance-inverse", "balance-paper"])  # fmt: skip
@pytest.mark.slow
def test_other_masses_are_trained_anew(browser, page_file, name):
    """Whatever was moved by hand: the beam is level, and no cause is out of sight."""
    with new_page(browser, page_file, "#balance-weight=1&balance-step=2&balance-bias=-2") as page:
        assert page.text_content("#balance-verdict") != "="
        if name in BUTTONS:
            press(page, name, "Enter")
        else:
            drag(page, name, 0.9)
        step = page.locator("#balance-step")
        assert step.input_value() == step.get_attribute("max")
        assert controls(page, "balance")["balance-bias"] == 0
        assert page.text_content("#balance-verdict") == "="
        assert read(page.text_content("#balance-slope"))[0] == 0
        check(page, "balance")


@pytest.mark.parametrize("at", ["3&balance-count=-3", "-3&balance-count=3", "3&balance-count=3"])
@pytest.mark.slow
def test_a_slope_beside_unequal_sides_is_not_shown_as_nought(browser, page_file, at):
    with new_page(browser, page_file, f"#balance-weight={at}&balance-bias=0.5") as page:
        check(page, "balance")
        sides = {page.text_content(f"#balance-{side}") for side in ("left", "right")}
        assert len(sides) == 2
        for name in ("slope", "residual"):
            assert read(page.text_content(f"#balance-{name}"))[0] != 0
        words = page.get_attribute("#balance-loss", "aria-label")
        assert read(words.partition("slope is ")[2].rstrip("."))[0] != 0
