"""The Python of each section is executed, and prints the numbers that the section shows."""

import re

import numpy as np
import pandas as pd
import pytest

from tests.reports.page.visitor import at_rest, new_page, numbers, press, until

pytestmark = pytest.mark.slow  # a page of its own, of a second, for each test

NUMBER = re.compile(r"[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?")


def printed(code, capsys):
    """What the code prints."""
    capsys.readouterr()
    exec(compile(code, "snippet", "exec"), {"__name__": "__main__"})
    return capsys.readouterr().out


def code_of(page, section):
    """The code of a section, as it is shown to be copied."""
    if page.get_attribute(f"#{section}-look", "aria-expanded") == "false":
        press(page, f"{section}-look", "Enter")
    assert page.is_visible(f"#{section}-code")
    return page.text_content(f"#{section}-code")


STATES = [
    ("balance", ""),
    ("balance", "#balance-weight=-1.3&balance-count=1"),
    ("balance", "#balance-weight=2.2&balance-count=-0.6"),
    ("three", ""),
    ("three", "#three-weight-0=1.1&three-weight-2=-0.7&three-imbalance=1.6&three-separation=3.3"),
    ("fresh", ""),
    ("fresh", "#fresh-kappa=0.11&fresh-share=0.3&fresh-separation=1.5"),
    ("broken", ""),
    ("broken", "#broken-how=none&broken-weight=0.5"),
    ("broken", "#broken-how=bias"),
    ("broken", "#broken-how=smoothing&broken-epsilon=0.24&broken-count=0.8"),
    ("broken", "#broken-how=batch&broken-size=3&broken-weight=-2.1"),
    ("undo", ""),
    ("undo", "#undo-weight=1.7&undo-count=-0.4"),
]


def how_printed(name, value):
    """The number as the code may print it, and by how much its rounding changes it."""
    if "-p" in name and "predicted" not in name:
        return [(value, 0.51e-3 if "three" in name else 0.51e-4)]
    if name.startswith(("three-left", "three-right")):
        return [(100 * value, 0.51e-2)]  # per cent
    if "accuracy" in name:
        return [(value, 0.51e-3)]
    if "residual" in name or name == "balance-slope":
        return [(value, 0.51e-5)]
    if name.endswith(("own", "inflation", "threshold")):
        return [(value, 0.51e-2)]
    ways = [value, 1 / value] if "weight" in name else [value]  # a ratio, its smaller part 1
    return [(one, 6e-4 * one) for one in ways]


@pytest.mark.parametrize(("section", "state"), STATES)
def test_the_numbers_shown_are_printed(browser, page_file, capsys, section, state):
    with new_page(browser, page_file, state) as page:
        found, _ = numbers(page, section)
        code = code_of(page, section)
    said = [float(number) for number in NUMBER.findall(printed(code, capsys))]
    for name, value in found.items():
        if not np.isnan(value):
            ways = how_printed(name, value)
            assert any(abs(one - way) <= off for one in said for way, off in ways), (name, value)


def test_where_classes_part_python_says_so_too(browser, page_file, capsys):
    with new_page(browser, page_file, "#fresh-kappa=0.2") as page:
        code = code_of(page, "fresh")
    try:
        said = printed(code, capsys)
    except ValueError as error:
        said = str(error)
    assert "0.144" in said


def test_answers_are_printed_and_no_code_is_shown_before(calm, capsys):
    for _ in range(5):
        at_rest(calm)
        assert not calm.is_visible("[data-snippet=guess]")
        press(calm, "guess-reveal", None)
        truth = float(calm.get_attribute("#guess-answer", "data-value"))
        said = NUMBER.findall(printed(code_of(calm, "guess"), capsys))
        assert min(abs(float(one) / truth - 1) for one in said) < 2e-3
        press(calm, "guess-next", None)


TEXTS = {
    "comma": "y_true,proba_a,proba_b|",
    "semicolon": "y_true;proba_a;proba_b|",
    "first of two": "y_true,proba_a|",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_file_is_read_by_the_code_as_by_the_page(calm, capsys, tmp_path, monkeypatch, kind):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [150, 90])
    p = 1 / (1 + np.exp(-(rng.normal(size=240) + 2 * y - 1)))
    text = TEXTS[kind].replace("|", "\n")
    for label, one in zip(y, p, strict=True):
        parts = [f"{1 - one:.6f}"] + ([f"{one:.6f}"] if kind != "first of two" else [])
        text += (
            ",".join(["ab"[label], *parts]).replace(
                *((",", ";") if kind == "semicolon" else ("", ""))
            )
            + "\n"
        )
    if kind == "semicolon":
        text = text.replace(".", ",")
    path = tmp_path / "my 'file'.csv"
    path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    calm.set_input_files("#yours-file", path)
    until(calm, "document.querySelector('#yours-result').checkVisibility()")
    calm.fill("#yours-weight", "1, 3")
    calm.fill("#yours-count", "500, 70")
    at_rest(calm)
    shown = float(calm.get_attribute("#yours-weight-1", "data-value"))
    said = printed(code_of(calm, "yours"), capsys)
    (acts,) = re.findall(r"it acts upon ([\d.]+):1", said)
    assert float(acts) == pytest.approx(shown, rel=0.02)
    assert "where 3:1 was stated" in said
    assert len(pd.read_csv(path, sep=";" if kind == "semicolon" else ",")) == 240


@pytest.mark.parametrize("labels", [("01", "02"), ("False", "True"), ("NA", "b"), ("0.5", "1.5")])
def test_labels_that_pandas_would_read_otherwise(calm, capsys, tmp_path, monkeypatch, labels):
    rng = np.random.default_rng(1)
    y = np.repeat([0, 1], [80, 90])
    p = 1 / (1 + np.exp(-(rng.normal(size=170) + 2 * y - 1)))
    rows = [f"{labels[k]},{1 - one:.6f},{one:.6f}" for k, one in zip(y, p, strict=True)]
    head = f"y_true,proba_{labels[0]},proba_{labels[1]}"
    (tmp_path / "mine.csv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    calm.set_input_files("#yours-file", tmp_path / "mine.csv")
    until(calm, "document.querySelector('#yours-result').checkVisibility()")
    at_rest(calm)
    shown = float(calm.get_attribute("#yours-weight-1", "data-value"))
    weight = float(calm.get_attribute("#yours-weight-0", "data-value"))
    said = printed(code_of(calm, "yours"), capsys)
    (acts,) = re.findall(r"acts upon ([\d.]+):1", said)
    assert float(acts) == pytest.approx(max(shown / weight, weight / shown), rel=0.02)


@pytest.mark.parametrize("clipboard", [True, False])
def test_code_is_copied_or_selected_to_be(calm, clipboard):
    calm.evaluate(
        """works => Object.defineProperty(navigator, "clipboard", { value: {
        writeText: async (text) => { if (!works) throw new Error(); window.copied = text; },
        } })""",
        clipboard,
    )
    press(calm, "undo-copy", "Enter")
    at_rest(calm)
    code = calm.text_content("#undo-code")
    copied = calm.evaluate(
        "window.copied" if clipboard else "getSelection().toString().replaceAll('\\r', '')"
    )
    assert copied == code
    assert calm.text_content("#undo-copied")
