"""Look for what is dead in the built site: links, anchors, images, and what asks another host.

LinkChecker 10.6 with its AnchorCheck finds the same dead links, anchors and images, a minute later,
and says nothing of what a page loads from elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
"""What a page loads, by itself."""


@dataclass
class Page(HTMLParser):
    """What one page has and wants.

    Attributes
    ----------
    anchors : set of str
    links : list of str
    loads : list of str
    """

    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note anchors, links and loads of an element."""
        values = {name: value for name, value in attrs if value is not None}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        elif LOADS.get(tag) in values:
            self.loads.append(values[LOADS[tag]])


def problems(site: Path) -> list[str]:
    """Look through every page.

    Parameters
    ----------
    site : Path
        Folder of the built site.

    Returns
    -------
    list of str
        A line for each dead link, anchor or image, and for each load from another host.
    """
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        for address in page.loads:
            if urlsplit(address).netloc:
                found.append(f"{path.relative_to(site)} loads {address}")
        for address in [*page.loads, *page.links]:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                continue
            target = _file(site, path, unquote(parts.path))
            if not target.is_file():
                found.append(f"{path.relative_to(site)} links to {address}, which is not there")
            elif target in pages and unquote(parts.fragment) not in pages[target].anchors | {""}:
                found.append(f"{path.relative_to(site)} links to {address}, which has no such part")
    return found


def _read(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _file(site: Path, page: Path, path: str) -> Path:
    if path.startswith("/"):
        target = site / path.lstrip("/")
    else:
        target = (page.parent / path).resolve() if path else page
    return target / "index.html" if target.is_dir() else target
