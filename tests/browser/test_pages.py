"""What a reader meets in the browser: nothing loaded, nothing cut off, readable, reachable by keyboard, two pages."""

import re

import pytest

pytestmark = pytest.mark.browser

NAMES = ("plan-en", "plan-zh", "many-lines", "many-findings", "review-en", "review-zh")
PLANS = NAMES[:4]

CONTRAST = """() => {
  const linear = (c) => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const parse = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length && (colour.length < 4 || colour[3] > 0.5)) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || ["SCRIPT", "STYLE", "title"].includes(element.tagName) || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const front = parse(element instanceof SVGElement ? style.fill : style.color);
    const [a, b] = [light(front), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${element.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""

NAMELESS = """() => [...document.querySelectorAll("svg[role=img], a, nav, [role=region]")]
  .filter((one) => !(one.getAttribute("aria-label") || one.textContent).trim()).map((one) => one.outerHTML)"""

# Words of a drawing that lie outside it, or on one another.
CLASHES = """() => {
  const bad = [];
  for (const svg of document.querySelectorAll("svg.chart")) {
    const frame = svg.getBoundingClientRect();
    if (!frame.width) continue;
    const boxes = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    for (const [words, box] of boxes)
      if (box.left < frame.left - 3 || box.right > frame.right + 3 || box.bottom > frame.bottom + 3)
        bad.push(`outside: ${words}`);
    for (let i = 0; i < boxes.length; i++)
      for (let j = i + 1; j < boxes.length; j++) {
        const [a, b] = [boxes[i][1], boxes[j][1]];
        const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const tall = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        if (wide > 2 && tall > 4) bad.push(`${boxes[i][0]} on ${boxes[j][0]}`);
      }
  }
  return bad;
}"""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [1440, 390])
def test_nothing_is_complained_of_nor_fetched_nor_cut_off(open_page, pages, name, width):
    page = open_page(pages[name], width)
    assert page.said == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [1440, 390])
def test_words_can_be_read(open_page, pages, name, width):
    page = open_page(pages[name], width)
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate(CLASHES) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_screen_reader_finds_its_way(open_page, pages, name):
    page = open_page(pages[name])
    for landmark in ("banner", "main", "contentinfo"):
        assert page.get_by_role(landmark).count() == 1, landmark
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.evaluate(NAMELESS) == []
    identities = page.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(identities) == len(set(identities))
    assert page.evaluate("document.documentElement.lang") == ("zh-CN" if name.endswith("zh") else "en")


@pytest.mark.parametrize("name", PLANS)
def test_the_keyboard_reaches_links_and_tables_in_reading_order(open_page, pages, name):
    page = open_page(pages[name])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    heights, seen = [], []
    for _ in range(40):
        page.keyboard.press("Tab")
        at = page.evaluate(
            "(() => { const e = document.activeElement; return [e.tagName, e.className,"
            " Math.round(e.getBoundingClientRect().top + scrollY)] })()"
        )
        if at[0] == "BODY":
            break
        seen.append((at[0], at[1]))
        heights.append(at[2])
    assert ("DIV", "scroll") in seen
    assert [tag for tag, _ in seen].count("A") >= 7
    tables = [height for height, (tag, _) in zip(heights, seen, strict=True) if tag == "DIV"]
    assert tables == sorted(tables)


@pytest.mark.parametrize("name", NAMES)
def test_it_prints_on_few_pages(open_page, pages, name):
    printed = open_page(pages[name]).pdf(prefer_css_page_size=True, print_background=True)
    count = len(re.findall(rb"/Type\s*/Page\b", printed))
    assert 1 <= count <= 2


@pytest.mark.parametrize("name", ["plan-en", "plan-zh"])
def test_the_first_screen_says_what_matters(open_page, pages, name):
    page = open_page(pages[name])
    for section in ("#money", "#sure", "#binds", "#test"):
        box = page.locator(f"{section} h2").bounding_box()
        assert box["y"] + box["height"] < 900, section


def test_a_tip_tells_the_number_pointed_at(open_page, pages):
    page = open_page(pages["plan-en"])
    block = page.locator("#flighting .at-desk .block").first
    block.scroll_into_view_if_needed()
    block.hover()
    tip = page.locator("#tip")
    assert tip.is_visible()
    assert re.fullmatch(r".+, week of 2027-10-04: [\d,]+", tip.inner_text())
    box = tip.bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 1440
    page.keyboard.press("Escape")
    assert tip.is_hidden()


def test_every_curve_answers_where_it_is_pointed_at(open_page, pages):
    page = open_page(pages["plan-en"])
    card = page.locator(".card").first
    card.scroll_into_view_if_needed()
    box = card.locator("svg").bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.4 * box["height"])
    assert re.fullmatch(r".+ at [\d.]+[KM]: GMV .+", page.locator("#tip").inner_text())


def test_without_scripts_the_page_can_be_read(open_page, pages):
    page = open_page(pages["plan-en"], script=False)
    assert page.locator("#tables table").count() >= 7
    assert page.locator("#flighting svg.at-desk").is_visible()
    assert page.locator("svg .block title").first.text_content()


@pytest.mark.parametrize("name", ["plan-zh", "review-zh"])
def test_chinese_is_set_in_a_chinese_font(open_page, pages, name):
    page = open_page(pages[name])
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    heading = session.send("DOM.querySelector", {"nodeId": root, "selector": "h2"})["nodeId"]
    fonts = session.send("CSS.getPlatformFontsForNode", {"nodeId": heading})["fonts"]
    assert any("CJK SC" in font["familyName"] or "YaHei" in font["familyName"] for font in fonts)
