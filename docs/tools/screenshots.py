"""Draws the page as a visitor sees it: wide, as on a telephone, and at night.

Writes into ``docs/pictures``, or into the folder that is named, the page from its head to its foot,
``page-*.png``, and of it what stands by itself, from the beam to the densities, ``balance-*.png``.
What is drawn differs between machines by their fonts: no test compares it.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402

import learnprop  # noqa: E402
from learnprop.reports.page.page import page_html  # noqa: E402
from tests.browser import chromium  # noqa: E402

COLOURS = 256
"""Of each picture: a third of the bytes of one with all."""

PART = """() => {
  const [first, last] = ["balance-lever", "balance-densities"].map(
    (id) => document.getElementById(id).getBoundingClientRect());
  return [first.left - 16, first.top - 16, first.right + 16, last.bottom + 16];
}"""

PICTURES = {
    "1280": {"width": 1280, "scheme": "light"},
    "360": {"width": 360, "scheme": "light"},
    "1280-dark": {"width": 1280, "scheme": "dark"},
}


def main(folder: Path) -> None:
    """Write every picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch, chromium() as browser:
        path = Path(scratch) / "balance.html"
        path.write_text(page_html(learnprop.__version__), encoding="utf-8")
        for name, how in PICTURES.items():
            page = browser.new_page(
                viewport={"width": how["width"], "height": 800},
                color_scheme=how["scheme"],
                reduced_motion="reduce",
            )
            page.goto(path.as_uri())
            page.click("#yours-example")  # else the last section is empty
            page.evaluate("scrollTo(0, 0); document.activeElement.blur()")
            page.wait_for_timeout(1000)
            picture = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
            part = picture.crop(tuple(map(round, page.evaluate(PART))))
            for kind, drawn in ("page", picture), ("balance", part):
                few = drawn.quantize(COLOURS, kmeans=2)
                few.save(folder / f"{kind}-{name}.png", optimize=True)
            page.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures")
