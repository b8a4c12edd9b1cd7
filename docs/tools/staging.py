"""Lay out what the site is built from: the pages of docs/, and whatever they link to elsewhere.

Pages link to files of the repository, ``../../results/table1``, so that they can be read in it as
they are. Here each such link becomes one to a copy beside the pages.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import formulas

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "development/changelog.md",
    "CONTRIBUTING.md": "development/contributing.md",
}
"""Pages outside of docs/, and where the site has them. Its first one is docs/index.md."""
AS_THEY_ARE = (".md", ".csv", ".json", ".html", ".png", ".svg", ".pdf", ".css", ".js")

_FENCE = re.compile(r"^( *)(```+|~~~+).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"(\]\(|\b(?:src|href)=\")(?!\w+:|#)([^)\s\"#]+)(#[^)\s\"]*)?(?=[)\"])")


def stage(folder: Path, root: Path = ROOT) -> None:
    """Copy every page, with its links rewritten, and what these lead to.

    Parameters
    ----------
    folder : Path
        What was there is removed.
    root : Path
        A checkout.

    Raises
    ------
    FileNotFoundError
        If a page links to what is not there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / "docs", folder, ignore=shutil.ignore_patterns("*.md", "tools"))
    todo = [*sorted((root / "docs").rglob("*.md")), *(root / name for name in PAGES)]
    done = {root / "README.md"}  # docs/index.md is in its place
    while todo:
        source = todo.pop()
        if source in done:
            continue
        done.add(source)
        target = folder / place(source.relative_to(root))
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            text, links = rewritten(source, root)
            target.write_text(text, encoding="utf-8")
            todo += links
        elif source.suffix in AS_THEY_ARE:
            shutil.copyfile(source, target)
        else:
            target.write_text(_shown(source, root), encoding="utf-8")


def place(path: Path) -> Path:
    """Where the site's sources have a file of the repository.

    Parameters
    ----------
    path : Path
        Relative to the checkout.

    Returns
    -------
    Path
        Relative to the folder of the site's sources.

    Examples
    --------
    >>> [place(Path(name)).as_posix() for name in ("docs/how-to/gpu.md", "CHANGELOG.md")]
    ['how-to/gpu.md', 'development/changelog.md']
    >>> [place(Path(name)).as_posix() for name in ("results/fresh/gap.png", "audit/check.py")]
    ['results/fresh/gap.png', 'source/audit/check.py.md']
    """
    if path.as_posix() in PAGES:
        return Path(PAGES[path.as_posix()])
    if path.parts[0] == "docs":
        return path.relative_to("docs")
    if path.suffix in AS_THEY_ARE:
        return path
    return Path("source", *path.parts[:-1], path.name + ".md")


def rewritten(page: Path, root: Path = ROOT) -> tuple[str, list[Path]]:
    """Text of a page whose links are those of the site, and the files that they lead to.

    Formulas are MathML. Code stays as it is. A folder of results is its part of the gallery.
    """
    here = place(page.relative_to(root)).parent
    files: list[Path] = []

    def relink(found: re.Match[str]) -> str:
        before, name, anchor = found[1], found[2], found[3] or ""
        linked = Path(os.path.normpath(page.parent / name))
        if not linked.exists():
            raise FileNotFoundError(f"{page.relative_to(root)} links to {name}, which is not there")
        if linked.is_dir():
            anchor = "" if linked == root / "results" else f"#{linked.name}"
            linked = root / "docs" / "gallery.md"
        files.append(linked)
        target = os.path.relpath(place(linked.relative_to(root)), here)
        if before.startswith(("src", "href")):
            target = re.sub(r"\.md$", ".html", target)
        return f"{before}{Path(target).as_posix()}{anchor}"

    text = formulas.fences(page.read_text(encoding="utf-8"))
    return outside_of_code(text, lambda prose: formulas.dollars(_LINK.sub(relink, prose))), files


def outside_of_code(text: str, change: Callable[[str], str]) -> str:
    """Change what is neither in a block nor in a span of code.

    Examples
    --------
    >>> outside_of_code("a `a` a", str.upper)
    'A `a` A'
    """
    kept: list[str] = []

    def keep(found: re.Match[str]) -> str:
        kept.append(found[0])
        return f"\0{len(kept) - 1}\0"

    text = change(_CODE.sub(keep, _FENCE.sub(keep, text)))
    while "\0" in text:
        text = re.sub("\0(\\d+)\0", lambda found: kept[int(found[1])], text)
    return text


def _shown(source: Path, root: Path) -> str:
    language = {".py": "python", ".tex": "latex"}.get(source.suffix, "text")
    code = source.read_text(encoding="utf-8")
    return f"# {source.relative_to(root).as_posix()}\n\n````{language}\n{code}````\n"
