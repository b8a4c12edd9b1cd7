"""A visitor's own predictions: dropped, chosen or pasted; computed in the page, shown as text."""

import re

import numpy as np
import pytest

import learnprop as lp
from tests.reports.page.visitor import at_rest

DROP = """async ([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  for (const kind of ["dragover", "drop"]) {
    document.querySelector("#yours-drop").dispatchEvent(
      new DragEvent(kind, { bubbles: true, cancelable: true, dataTransfer: data }));
  }
  await new Promise((done) => setTimeout(done, 150));
}"""


def predictions(names, sizes, seed=0):
    """Labels and probabilities, as arrays and as a file."""
    rng = np.random.default_rng(seed)
    K = len(names)
    y = np.repeat(np.arange(K), sizes)
    z = rng.normal(size=(len(y), K)) + 1.5 * np.eye(K)[y]
    proba = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    proba = proba.round(6)
    quoted = ['"' + name.replace('"', '""') + '"' for name in names]
    header = ["y_true", *(f'"p_{name[1:]}' for name in quoted)]
    lines = [
        ",".join([quoted[k], *map(str, row)]) for k, row in zip(y, proba.tolist(), strict=True)
    ]
    return y, proba, "\n".join([",".join(header), *lines]) + "\n"


def give(page, how, text, tmp_path):
    """Give a text to the page."""
    if how == "dropped":
        page.evaluate(DROP, ["predictions.csv", text])
    elif how == "chosen":
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.csv"  # another each time
        path.write_text(text, encoding="utf-8")
        page.set_input_files("#yours-file", path)
        page.wait_for_timeout(200)
    else:
        page.fill("#yours-text", text)
        page.focus("#yours-read")
        page.keyboard.press("Enter")
    at_rest(page)


def table(page):
    """Numbers of the table, by column and class."""
    found = page.evaluate(
        """() => [...document.querySelectorAll("#yours-table [data-number]")]
        .map(one => [one.dataset.number.replace("yours-", ""), Number(one.dataset.value)])"""
    )
    return dict(found)


@pytest.mark.parametrize("how", ["dropped", "chosen", "pasted"])
@pytest.mark.parametrize(
    ("names", "sizes", "stated", "count"),
    [
        (["no", "yes"], [300, 120], [1, 4], [1000, 100]),
        pytest.param(["a", "b", "c"], [300, 200, 100], [1, 2, 3], None, marks=pytest.mark.slow),
    ],
)
def test_what_is_shown_is_what_check_says(calm, tmp_path, how, names, sizes, stated, count):
    y, proba, text = predictions(names, sizes)
    give(calm, how, text, tmp_path)
    calm.fill("#yours-weight", ", ".join(map(str, stated)))
    calm.fill("#yours-count", " ".join(map(str, count or [])))
    at_rest(calm)
    proba = proba / proba.sum(axis=1, keepdims=True)
    report = lp.check(y, proba, class_weight=stated, train_count=count, labels=range(len(names)))
    frame = report.to_frame()
    found = table(calm)
    assert len(found) == 5 * len(names)
    for k in range(len(names)):
        row = frame.iloc[k]
        assert found[f"stated-{k}"] == stated[k] / min(stated)
        acts = row["relative_weight"] * stated[k] / min(stated)
        if len(names) == 2 and k == 0:
            acts = 1
        assert found[f"weight-{k}"] == pytest.approx(acts, rel=1e-5)
        for side in ("left", "right", "gap"):
            assert found[f"{side}-{k}"] == pytest.approx(row[side], rel=1e-5, abs=1e-6)
        ends = calm.text_content(f"#yours-weight-{k}").partition("[")[2].rstrip("]").split(", ")
        if len(ends) == 2:
            scale = stated[k] / min(stated)
            expected = [row["relative_low"] * scale, row["relative_high"] * scale]
            assert [float(end) for end in ends] == pytest.approx(expected, rel=6e-3)
    assert calm.text_content("#yours-problem") == ""
    assert calm.is_visible("#yours-result")


def test_the_example_acts_upon_45_to_1_where_100_is_stated(calm):
    calm.focus("#yours-example")
    calm.keyboard.press("Enter")
    at_rest(calm)
    found = table(calm)
    expected = lp.minibatch_mean_class_weight([1, 100], [10_000, 100], 64)
    assert found["weight-1"] == pytest.approx(expected[1] / expected[0], rel=1e-3)
    assert found["stated-1"] == 100
    said = calm.text_content("#yours-said")
    assert "class rare to class common; 100\u00a0:\u00a01 was stated." in said
    assert said.endswith("5\u00a0% says learnprop check.")  # which weighs more than an interval


def test_what_was_not_stated_is_said_to_be_assumed(calm, tmp_path):
    give(calm, "pasted", predictions(["a", "b"], [300, 100])[2], tmp_path)
    said = calm.text_content("#yours-said")
    assert "no weights were stated: 1\u00a0:\u00a01 is assumed" in said
    assert "class_weight" not in calm.text_content("#yours-code")
    give(calm, "pasted", predictions(["a", "b", "c"], [300, 100, 90])[2], tmp_path)
    assert "no weights were stated" in calm.text_content("#yours-said")
    calm.fill("#yours-weight", "equal")
    at_rest(calm)
    assert "was stated." in calm.text_content("#yours-said")
    assert "class_weight=[1, 1, 1]" in calm.text_content("#yours-code")


def typed(page):
    return page.input_value("#yours-count"), page.input_value("#yours-weight")


@pytest.mark.parametrize("how", ["dropped", "chosen", "pasted"])
def test_what_the_example_filled_in_goes_with_it(calm, tmp_path, how):
    text = predictions(["common", "rare"], [300, 100])[2]  # even of the same names
    calm.click("#yours-example")
    at_rest(calm)
    assert typed(calm) == ("10000, 100", "1, 100")
    give(calm, how, text, tmp_path)
    assert typed(calm) == ("", "")
    assert table(calm)["stated-1"] == 1
    calm.fill("#yours-weight", "1, 7")
    give(calm, how, predictions(["common", "rare"], [90, 80], 1)[2], tmp_path)
    assert typed(calm) == ("", "1, 7")  # typed, for the same classes
    give(calm, how, predictions(["usual", "rare"], [90, 80], 1)[2], tmp_path)
    assert typed(calm) == ("", "")


def test_start_again_empties_it(calm, tmp_path):
    give(calm, "chosen", predictions(["a", "b"], [300, 100])[2], tmp_path)
    calm.fill("#yours-weight", "1, 7")
    calm.click("#start-again")
    at_rest(calm, 12)
    assert typed(calm) == ("", "")
    assert calm.input_value("#yours-text") == calm.input_value("#yours-file") == ""
    assert not calm.is_visible("#yours-result")
    assert not calm.is_visible("#yours-copy")
    give(calm, "chosen", predictions(["a", "b"], [300, 100])[2], tmp_path)
    assert calm.is_visible("#yours-result")


def test_there_is_no_python_of_what_is_wrong(calm, tmp_path):
    give(calm, "pasted", predictions(["a", "b"], [300, 100])[2], tmp_path)
    assert calm.is_visible("#yours-copy")
    calm.fill("#yours-weight", "1")
    at_rest(calm)
    assert not calm.is_visible("#yours-copy")
    assert calm.text_content("#yours-code") == ""
    give(calm, "chosen", predictions(["a", "b", "c"], [30, 20, 10])[2], tmp_path)
    assert 'labels=["a", "b", "c"]' in calm.text_content("#yours-code")
    assert calm.is_visible("#yours-copy")
    give(calm, "dropped", "no,numbers\n1,2\n", tmp_path)
    assert calm.text_content("#yours-code") == ""


def test_stated_weights_by_name(calm, tmp_path):
    _, _, text = predictions(["a", "b"], [300, 100])
    give(calm, "pasted", text, tmp_path)
    for name, ratio in (("", 1), ("equal", 1), ("inverse", 3), ("Balanced", 3)):
        calm.fill("#yours-weight", name)
        at_rest(calm)
        assert table(calm)["stated-1"] == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("weight", "1, x", "stated weights: 'x' is no positive number."),
        ("weight", "1, -2", "stated weights: '-2' is no positive number."),
        ("weight", "1, 2, 3", "stated weights: 3 given for 2 classes."),
        ("count", "0 5", "training samples: '0' is no positive number."),
    ],
)
def test_what_is_typed_wrong_is_one_line(calm, tmp_path, field, given, said):
    _, _, text = predictions(["a", "b"], [30, 20])
    give(calm, "pasted", text, tmp_path)
    calm.fill(f"#yours-{field}", given)
    at_rest(calm)
    assert calm.text_content("#yours-problem") == said
    assert not calm.is_visible("#yours-result")
    calm.fill(f"#yours-{field}", "1 2")
    at_rest(calm)
    assert calm.text_content("#yours-problem") == ""
    assert calm.is_visible("#yours-result")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is nothing in it."),
        ("y_true,p_a,p_b\na,0.5,0.5\nc,0.5,0.5\n", "row 2 has the label 'c' in 'y_true'"),
        ("y_true,p_a,p_b\na,0.5,0.6\nb,0.5,0.5\n", "the probabilities of row 1 must sum to one"),
        ("y_true,p_a,p_b\na,1,0\na,1,0\nb,0,1\nb,0,1\n", "Some class is never predicted"),
    ],
)
@pytest.mark.parametrize("how", ["dropped", pytest.param("pasted", marks=pytest.mark.slow)])
def test_a_file_that_cannot_be_used_is_one_line(calm, tmp_path, how, text, said):
    give(calm, "pasted", predictions(["a", "b"], [30, 20])[2], tmp_path)
    give(calm, how, text, tmp_path)
    problem = calm.text_content("#yours-problem")
    assert said in problem
    assert "\n" not in problem
    assert not calm.is_visible("#yours-result")


@pytest.mark.parametrize("how", ["dropped", "chosen"])
def test_a_file_that_is_too_large_is_not_read(calm, tmp_path, how):
    size = 33 * 2**20
    if how == "dropped":
        calm.evaluate(DROP.replace("[text]", f"[new Uint8Array({size})]"), ["large.csv", ""])
    else:
        path = tmp_path / "large.csv"
        path.write_bytes(b"0" * size)
        calm.set_input_files("#yours-file", path)
    at_rest(calm)
    said = calm.text_content("#yours-problem")
    assert re.match(r"large\.csv has 33 MiB; up to \d+ MiB are read here\.", said)


def test_a_file_of_bytes_is_no_text(calm, tmp_path):
    path = tmp_path / "picture.csv"
    path.write_bytes(bytes(range(256)) * 20)
    calm.set_input_files("#yours-file", path)
    calm.wait_for_timeout(200)
    said = calm.text_content("#yours-problem")
    assert "picture.csv: this is no text: only CSV text is read here; learnprop check" in said


NAMES = [
    "<img src=x onerror=window.hit=1>",
    '"><script>window.hit=1</script>',
    "${window.hit=1}",
    "x" * 5000,
    "\u202edcba",
]


def test_names_of_classes_and_files_stay_text(calm):
    before = calm.evaluate("document.querySelectorAll('script, img, iframe').length")
    _, _, text = predictions(NAMES, [30] * len(NAMES))
    calm.evaluate(DROP, [f"{NAMES[0]}.csv", text])
    at_rest(calm)
    shown = calm.evaluate(
        "() => [...document.querySelectorAll('#yours-table tbody th')].map(e => e.textContent)"
    )
    assert shown == NAMES
    assert calm.evaluate(
        "[...document.querySelectorAll('#yours-table tbody th')].every(e => !e.children.length)"
    )
    assert f"{NAMES[0]}.csv" in calm.text_content("#yours-note")
    calm.evaluate(DROP, [f"{NAMES[1]}.csv", text.replace("0.1", "x", 1)])
    at_rest(calm)
    assert calm.text_content("#yours-problem").startswith(f"{NAMES[1]}.csv: row ")
    assert calm.evaluate("window.hit") is None
    assert calm.evaluate("document.querySelectorAll('script, img, iframe').length") == before
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert calm.evaluate(width) <= 0
