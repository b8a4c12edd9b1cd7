"""The code blocks of a Markdown page, with what is said about running them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[2]
NOT_CODE = ("text", "math")  # a formula is the site's to show
KINDS = ("pycon", "python", "sh", "output", *NOT_CODE)
GENERATED = ("docs/reference/cli.md", "docs/gallery.md")  # by docs/tools; nothing in them is run
LOOKS_LIKE_CODE = re.compile(
    r"^\s*(>>> |\$ |import \w|from \S+ import |(learnprop|make|pip|python3?) [a-z-])", re.MULTILINE
)


class Unmarked(ValueError):
    """A block that is neither executed nor marked as not."""


@dataclass(frozen=True)
class Block:
    """A fence: its kind, its lines, and why it is not run, if it is not."""

    kind: str
    content: str
    line: int
    not_run: str = ""


@dataclass(frozen=True)
class Page:
    """A page: its blocks, the command lines in its prose, whether it is slow, who else runs it."""

    name: str
    blocks: tuple[Block, ...]
    inline: tuple[str, ...]
    slow: bool
    run_by: str


def pages() -> list[Path]:
    """Paths of all pages."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def read_page(path: Path) -> Page:
    """Read a page; `Unmarked` says which block is neither run nor marked."""
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
    return parse(name, text)


def parse(name: str, text: str) -> Page:
    """Blocks of a text; the comment directly above a block is about it."""
    blocks: list[Block] = []
    inline: list[str] = []
    always = "generated" if name in GENERATED else ""
    reason = above = ""
    for token in MarkdownIt("commonmark").enable("table").parse(text):
        if token.type in ("fence", "code_block"):
            kind = token.info.split()[0] if token.info else "text"
            block = Block(kind, token.content, (token.map or [0])[0] + 1, reason or always)
            _check(name, block, above, blocks)
            blocks.append(block)
        for child in token.children or ():
            if child.type == "code_inline":
                inline.append(child.content)
        said = re.fullmatch(r"<!-- not run: (.+?) -->\s*", token.content, flags=re.DOTALL)
        reason = said[1] if token.type == "html_block" and said else ""
        above = token.type
    run_by = re.search(r"^<!-- run by: (\S+) -->$", text, flags=re.MULTILINE)
    slow = re.search(r"^<!-- slow -->$", text, flags=re.MULTILINE)
    return Page(name, tuple(blocks), tuple(inline), bool(slow), run_by[1] if run_by else "")


def _check(name: str, block: Block, above: str, blocks: list[Block]) -> None:
    where = f"{name}, line {block.line}"
    if block.not_run:
        return
    if block.kind not in KINDS:
        raise Unmarked(f"{where}: neither executed nor marked as not: {block.kind!r}")
    if block.kind in NOT_CODE and LOOKS_LIKE_CODE.search(block.content):
        raise Unmarked(f"{where}: looks like code, but says that it is text")
    if block.kind == "pycon" and ">>> " not in block.content:
        raise Unmarked(f"{where}: a session without a prompt")
    runs = above == "fence" and blocks[-1].kind in ("python", "sh") and not blocks[-1].not_run
    if block.kind == "output" and not runs:
        raise Unmarked(f"{where}: output of nothing that is executed above it")
