"""What the site is built from: links that leave docs/ lead to copies, code is left alone."""

import doctest

import pytest

PAGE = """[figure](../../results/fresh/gap.png), [its folder](../../results/fresh),
[sources](../../audit/check.py), [changes](../../CHANGELOG.md#now), [another](b.md#part),
[home](../../README.md), <img src="../../results/fresh/gap.png">, [us](https://example.org)

`[code](nowhere.md)`

```
[code](nowhere.md)
```
"""


@pytest.fixture
def checkout(tmp_path):
    files = {
        "docs/how-to/a.md": PAGE,
        "docs/how-to/b.md": "# Part\n",
        "docs/gallery.md": "## fresh\n",
        "docs/index.md": "# Home\n",
        "docs/tools/tool.py": "",
        "docs/assets/look.css": "",
        "results/fresh/gap.png": "",
        "audit/check.py": "def check(): ...\n",
        "README.md": "",
        "CHANGELOG.md": "[results](results/fresh)\n",
        "CONTRIBUTING.md": "",
    }
    for name, text in files.items():
        path = tmp_path / "checkout" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "checkout"


def test_examples(tool):
    failed, attempted = doctest.testmod(tool("staging"))
    assert (failed, attempted > 0) == (0, True)


def test_links_lead_to_copies(tool, checkout, tmp_path):
    tool("staging").stage(tmp_path / "staged", checkout)
    staged = {
        path.relative_to(tmp_path / "staged").as_posix(): path.read_text()
        for path in (tmp_path / "staged").rglob("*")
        if path.is_file()
    }
    assert sorted(staged) == [
        "assets/look.css", "development/changelog.md", "development/contributing.md", "gallery.md",
        "how-to/a.md", "how-to/b.md", "index.md", "results/fresh/gap.png",
        "source/audit/check.py.md",
    ]  # fmt: skip
    page = staged["how-to/a.md"]
    for link in (
        "[figure](../results/fresh/gap.png)", "[its folder](../gallery.md#fresh)",
        "[sources](../source/audit/check.py.md)", "[changes](../development/changelog.md#now)",
        "[another](b.md#part)", "[home](../index.md)", '<img src="../results/fresh/gap.png">',
        "[us](https://example.org)", "`[code](nowhere.md)`", "```\n[code](nowhere.md)\n```",
    ):  # fmt: skip
        assert link in page
    assert staged["development/changelog.md"] == "[results](../gallery.md#fresh)\n"
    assert "def check()" in staged["source/audit/check.py.md"]
    assert staged["index.md"] == "# Home\n"


def test_a_link_to_what_is_not_there_is_an_error(tool, checkout, tmp_path):
    (checkout / "docs" / "how-to" / "b.md").write_text("[x](../../results/gone.png)")
    with pytest.raises(FileNotFoundError, match=r"docs/how-to/b.md links to .*gone.png"):
        tool("staging").stage(tmp_path / "staged", checkout)
