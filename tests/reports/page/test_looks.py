"""Read by anybody: by keyboard and screen reader, on a telephone, by night, without colours."""

import pytest

from tests.reports.page.visitor import at_rest, new_page

CONTRAST = """() => {
  const parse = (text) => {
    const srgb = text.match(/^color\\(srgb ([^)]*)\\)/);
    const parts = (srgb ? srgb[1].replace("/", " ") : text).match(/[\\d.e-]+/g).map(Number);
    const rgb = srgb ? parts.slice(0, 3) : parts.slice(0, 3).map((v) => v / 255);
    return [...rgb, parts[3] ?? 1];
  };
  const over = (top, under) => top.slice(0, 3).map((v, i) => v * top[3] + under[i] * (1 - top[3]));
  const luminance = (rgb) => rgb
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const backdrop = (element) => {
    const layers = [];
    for (let one = element; one; one = one.parentElement) {
      layers.unshift(parse(getComputedStyle(one).backgroundColor));
    }
    return layers.reduce((under, layer) => over(layer, under), parse(getComputedStyle(
      document.documentElement).backgroundColor).slice(0, 3));
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Map();
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim(), element = walker.currentNode.parentElement;
    if (!text || element.closest("script, style, .unseen, [hidden], noscript")) continue;
    if (!element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const disabled = element.closest(":disabled, .off");
    const isSvg = element.namespaceURI.endsWith("svg");
    const ground = backdrop(element);
    const ink = over(parse(isSvg ? style.fill : style.color), ground);
    const [a, b] = [luminance(ink), luminance(ground)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize), weight = Number(style.fontWeight);
    const large = size >= 24 || (size >= 18.66 && weight >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    const key = `${element.tagName} ${element.getAttribute("class") ?? ""} ${style.color}`;
    if (!seen.has(key)) seen.set(key, { key, text, ratio, large, disabled: Boolean(disabled) });
  }
  return [...seen.values()];
}"""
"""Contrast of every kind of text with what is behind it, by WCAG 2.2."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_the_contrast_of_wcag_aa(browser, page_file, scheme):
    with new_page(browser, page_file, color_scheme=scheme) as page:
        page.click("#yours-example")
        page.click("#guess-reveal")
        page.click("#balance-look")
        at_rest(page, 6)
        found = page.evaluate(CONTRAST)
        assert len(found) > 20
        for one in found:
            least = 3.0 if one["large"] else 4.5
            assert one["disabled"] or one["ratio"] >= least, one
        page.evaluate("() => document.querySelector('h1').style.color = 'rgb(150 150 150)'")
        faint = {one["text"]: one["ratio"] for one in page.evaluate(CONTRAST)}
        assert faint["What a class weight does"] < 6.5  # the control: it is seen to be fainter


def test_light_and_dark_are_different(browser, page_file):
    papers = []
    for scheme in ("light", "dark"):
        with new_page(browser, page_file, color_scheme=scheme) as page:
            papers.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert papers[0] != papers[1]


WIDER = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width > 0 && !one.closest(".unseen, .scroll, pre, svg")
    && box.right > document.documentElement.clientWidth + 1;
}).map((one) => `${one.tagName} ${one.id} ${one.className}`)"""


def test_nothing_is_wider_than_a_telephone(browser, page_file):
    with new_page(browser, page_file, viewport={"width": 360, "height": 700}) as page:
        page.click("#yours-example")
        page.click("#guess-reveal")
        for section in ("balance", "three", "fresh", "broken", "undo", "yours", "guess"):
            page.click(f"#{section}-look")
        at_rest(page, 6)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate(WIDER) == []
        page.evaluate("document.querySelector('h1').style.width = '500px'")
        assert page.evaluate(WIDER) != []  # the control


NARROW = """() => [...document.querySelectorAll("svg.chart")]
  .map((one) => [one.id, one.viewBox.baseVal.width, Math.max(240, one.clientWidth)])
  .filter(([, drawn, wide]) => Math.abs(drawn - wide) > 1)"""


def test_charts_are_drawn_as_wide_as_their_column(browser, page_file):
    with new_page(browser, page_file, viewport={"width": 1280, "height": 800}) as page:
        page.click("#yours-example")
        at_rest(page, 12)
        assert page.evaluate(NARROW) == []
        page.set_viewport_size({"width": 420, "height": 800})
        at_rest(page, 20)
        assert page.evaluate(NARROW) == []


def test_every_control_has_a_name_and_every_picture_says_its_numbers(calm):
    calm.click("#yours-example")
    at_rest(calm, 6)
    unnamed = calm.evaluate(
        """() => [...document.querySelectorAll("input, textarea, button")]
        .filter(one => !one.closest("[hidden]") && !one.hidden)
        .filter(one => !(one.labels?.length || one.textContent.trim()
          || one.getAttribute("aria-label")))
        .map(one => one.id)"""
    )
    assert unnamed == []
    pictures = calm.evaluate(
        """() => [...document.querySelectorAll("[role=img]")]
        .map(one => [one.id, one.getAttribute("aria-label") ?? ""])"""
    )
    assert len(pictures) >= 10
    for name, words in pictures:
        assert any(c.isdigit() for c in words), (name, words)
    spoken = calm.evaluate(
        """() => [...document.querySelectorAll("input[type=range]")]
        .map(one => [one.id, one.getAttribute("aria-valuetext")])"""
    )
    assert all(words for _, words in spoken), spoken
    live = "[aria-live], [role=status], [role=alert]"
    for section in ("balance", "guess", "three", "fresh", "broken", "undo", "yours"):
        assert calm.locator(f"#{section}").locator(live).count() >= 1, section


def test_the_tab_key_goes_through_every_control_and_shows_where_it_is(calm):
    seen = []
    for _ in range(200):
        calm.keyboard.press("Tab")
        where = calm.evaluate(
            """() => {
            const one = document.activeElement;
            if (one === document.body) return null;
            const style = getComputedStyle(one);
            one.dataset.met = "1";
            return { what: one.id || one.textContent, outline: style.outlineStyle,
              width: parseFloat(style.outlineWidth), shadow: style.boxShadow };
            }"""
        )
        if where is None:
            break
        seen.append(where)
    # Counted last: sections are drawn one after the other, and their buttons come with them.
    reachable = calm.evaluate(
        """() => [...document.querySelectorAll("a[href], input, button, textarea, [tabindex='0']")]
        .filter(one => !one.disabled && one.checkVisibility()
          && (one.type !== "radio" || one.checked)).length"""
    )
    assert len(seen) == reachable
    for where in seen:
        visible = (where["outline"] != "none" and where["width"] >= 1) or where["shadow"] != "none"
        assert visible, where
    assert calm.evaluate("document.querySelectorAll('[data-met]').length") == reachable


def test_classes_are_told_apart_without_colour(calm):
    """By mark and by pattern: each class has both of its own."""
    marks = calm.evaluate(
        """() => [0, 1, 2].map(k => [...document.querySelectorAll(`.class-${k}`)]
        .map(one => one.textContent.trim()[0]).filter(c => "●■▲".includes(c)))"""
    )
    assert [set(of_class) for of_class in marks] == [{"●"}, {"■"}, {"▲"}]
    fills = calm.evaluate(
        """() => [...new Set([...document.querySelectorAll("svg.chart [fill^='url']")]
        .map(one => one.getAttribute("fill")))].sort()"""
    )
    assert fills == ["url(#pattern-0)", "url(#pattern-1)", "url(#pattern-2)"]


def test_without_scripts_the_text_is_there_and_says_what_is_missing(browser, page_file):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(page_file.as_uri())
    assert page.is_visible("h1")
    assert page.is_visible("noscript p, p.note")
    assert "switched off" in page.inner_text("body")
    context.close()
