"""Every code block of README.md and of docs/ runs and shows what it says, or is marked as not."""

import re

import pytest
import torch
import typer

from tests.docs.blocks import NOT_CODE, ROOT, Unmarked, pages, parse, read_page
from tests.docs.parsing import calls, options, parse_call
from tests.docs.running import Differs, command_lines, run

PAGES = {path.relative_to(ROOT).as_posix(): read_page(path) for path in pages()}
RUN_HERE = [
    pytest.param(page, id=name, marks=[pytest.mark.slow] if page.slow else [])
    for name, page in PAGES.items()
    if not page.run_by and any(b.kind not in NOT_CODE and not b.not_run for b in page.blocks)
]
BY_ANOTHER = [page for page in PAGES.values() if page.run_by]
OLD_NAMES = "docs/development/upgrading.md"  # tells of options that there are no more


@pytest.fixture
def somewhere(tmp_path, monkeypatch):
    """An empty working directory, with the seed that everybody's training loop has."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)


@pytest.mark.usefixtures("somewhere")
@pytest.mark.parametrize("page", RUN_HERE)
def test_blocks_run_and_show_what_they_say(page):
    assert run(page) > 0


OF_PAGES = [pytest.param(page, id=name) for name, page in PAGES.items() if not page.run_by]


@pytest.mark.parametrize("page", OF_PAGES)
def test_command_lines_have_the_real_options(page):
    for block in page.blocks:
        if block.kind == "sh":
            for line in command_lines(block.content):
                check_line(line)


@pytest.mark.parametrize("page", [page for page in OF_PAGES if page.id != OLD_NAMES])
def test_commands_in_the_prose_have_the_real_options(page):
    for code in page.inline:
        if code.startswith("learnprop "):
            check_line(code, whole=False)


@pytest.mark.parametrize("page", [page for page in OF_PAGES if page.id != OLD_NAMES])
def test_options_in_the_prose_exist(page):
    named = {code.split()[0] for code in page.inline if code.startswith("--")}
    assert named <= options()


def check_line(line, whole=True):
    """Every call in a line; prose may leave out what a command needs."""
    for words in calls(line):
        try:
            parse_call(words)
        except typer.TyperException as error:
            complaint = error.format_message()
            left_out = complaint.startswith("Missing") or complaint.endswith(
                "requires an argument."
            )
            if whole or not left_out:
                pytest.fail(f"{line}: {complaint}")


@pytest.mark.parametrize("page", BY_ANOTHER, ids=[page.name for page in BY_ANOTHER])
def test_a_page_that_another_test_runs_is_named_there(page):
    name = page.name.rpartition("/")[2]
    assert name in (ROOT / page.run_by).read_text(encoding="utf-8")


UNMARKED = {
    "no kind": ("```\nlearnprop table1\n```\n", "looks like code"),
    "a kind that nobody runs": ("```bash\nlearnprop table1\n```\n", "neither executed nor marked"),
    "indented": ("Do this:\n\n    import learnprop\n", "looks like code"),
    "a mark with words between": (
        "<!-- not run: why -->\n\nNow:\n\n```console\n$ ls\n```\n", "neither executed",
    ),
    "output of nothing": ("Prose.\n\n```output\n1\n```\n", "output of nothing"),
    "output of what is not run": (
        "<!-- not run: slow -->\n\n```sh\nls\n```\n\n```output\n1\n```\n", "output of nothing",
    ),
    "output of text": ("```text\n1\n```\n\n```output\n1\n```\n", "output of nothing"),
    "a session without a prompt": ("```pycon\n1 + 1\n```\n", "without a prompt"),
}  # fmt: skip


@pytest.mark.parametrize("what", UNMARKED)
def test_a_block_that_is_neither_run_nor_marked_is_refused(what):
    text, complaint = UNMARKED[what]
    with pytest.raises(Unmarked, match=complaint):
        parse("page.md", text)


def test_a_marked_block_is_not_run():
    page = parse("page.md", "<!-- not run: it\nwould fail -->\n```python\n1 / 0\n```\n")
    assert (page.blocks[0].not_run, run(page)) == ("it\nwould fail", 0)


WRONG = {
    "session": "```pycon\n>>> 1 + 1\n3\n```\n",
    "comment": "```python\nprint(1 + 1)  # 3\n```\n",
    "unsaid": "```python\nprint(1 + 1)\n```\n",
    "output": "```sh\necho 2\n```\n\n```output\n3\n```\n",
    "status": "```sh\nfalse\n```\n",
    "success": "```sh\ntrue  # exit status 1\n```\n",
    "refused": "```sh\nlearnprop table1 --runs 0\n```\n",
}


@pytest.mark.usefixtures("somewhere")
@pytest.mark.parametrize("what", WRONG)
def test_a_page_that_says_something_else_fails(what):
    with pytest.raises(Differs):
        run(parse("page.md", WRONG[what]))


@pytest.mark.usefixtures("somewhere")
def test_blocks_of_a_page_share_names_and_folder():
    text = """
```python
from pathlib import Path
print("a")
x = 2
Path("file").write_text("b")
```

```output
a
```

```pycon
>>> print(f"{x}\\n\\n{x}")
2

2
>>> x = 3
```

```sh
cat file
cat nothing  # exit status 1
learnprop --version
```

```output
blearnprop ...
```

```python
print(x)  # 3
```
"""
    assert run(parse("page.md", text)) == 6


@pytest.mark.parametrize(
    "line",
    ["learnprop table1 --nix 3", "learnprop tabel1", "nohup .venv/bin/learnprop plan cnn --quik &"],
)
def test_an_unknown_option_or_command_is_refused(line):
    (words,) = calls(line)
    with pytest.raises(typer.TyperException, match="No such"):
        parse_call(words)


def test_where_calls_are_found():
    assert calls("nohup learnprop table1 --out a & learnprop status a | cat") == [
        ["table1", "--out", "a"], ["status", "a"],
    ]  # fmt: skip
    assert calls("(cd a && bin/learnprop data list)") == [["data", "list"]]
    assert calls("make table1  # learnprop") == []


LINKS = {name: ROOT / name for name in [*PAGES, "CONTRIBUTING.md"]}


@pytest.mark.parametrize("name", LINKS)
def test_files_that_it_names_exist(name):
    path = LINKS[name]
    links = r"""(?:\]\(|src=")(?!http)(.*?)[)"]"""
    for link in re.findall(links, path.read_text(encoding="utf-8")):
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), link


def anchors(path):
    """Anchors of the headings, as GitHub and the site make them, and those that are written."""
    text = path.read_text(encoding="utf-8")
    heads = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    made = [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]
    return [*made, *re.findall(r'^<div id="(\S+)"></div>$', text, flags=re.MULTILINE)]
